"""The contest: which model runs beside the one in use, and what the two are worth: on past tickets that neither had
learnt from, and by what people made of new ones.

In come the yard's database and folder of bundles, out go comparisons; nothing is written.
`deskyard.registry.promotion` names a challenger, `service.background.shadow_scoring` asks it.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from deskyard.policy.versions import Policies
from deskyard.registry import active_model, challengers, comparison_file
from deskyard.registry.challengers import Challenger
from deskyard.registry.comparison import Comparison
from service.runtime.context import AppContext


@dataclass(frozen=True, slots=True)
class ChallengerStatus:
    """The challenger that is asked about each new ticket, how many it was asked about, and the comparison that
    `deskyard retrain` or `deskyard compare` left (None: there is none with the model in use)."""

    challenger: Challenger
    scored_tickets: int
    past_comparison: Comparison | None


def get_status(context: AppContext, conn: Connection) -> ChallengerStatus | None:
    """The contest that is on; None where nothing runs beside the model in use."""
    challenger = challengers.get_challenger(conn)
    if challenger is None:
        return None
    past = read_comparison(context, conn, challenger.name, challenger.digest)
    return ChallengerStatus(challenger, challengers.count_scored_tickets(conn, challenger), past)


def read_comparison(context: AppContext, conn: Connection, name: str, digest: str) -> Comparison | None:
    """What a bundle was found to be worth beside the model in use; None where the two were not compared."""
    now = active_model.get_active(conn)
    return comparison_file.read_comparison(context.models.folder / name, now.digest if now else None, digest)


def compare_live(context: AppContext, conn: Connection) -> Comparison | None:
    """Both by what people made of the tickets since the challenger was named; None where there is none."""
    challenger, bundle = challengers.get_challenger(conn), context.models.champion.bundle
    if challenger is None or bundle is None:
        return None
    policy, usual = Policies.current(conn).policy, bundle.card["asked_precision"]
    asked = {target: policy.effective_rule(target, None).precision or usual for target in bundle.targets}
    return challengers.compare_live(conn, challenger, asked, active_model.get_active(conn))
