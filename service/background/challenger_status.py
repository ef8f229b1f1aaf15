"""The challenger and its comparison with the model in use, on past and on new tickets. Nothing is written here.

`deskyard.registry.promotion` sets the challenger, `service.background.shadow_scoring` scores new tickets with it.
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
    """The challenger, the number of new tickets that it scored, and its comparison with the model in use on past
    tickets by `deskyard retrain` or `deskyard compare` (None: there is none)."""

    challenger: Challenger
    scored_tickets: int
    past_comparison: Comparison | None


def get_status(context: AppContext, conn: Connection) -> ChallengerStatus | None:
    """The status of the challenger; None if there is no challenger."""
    challenger = challengers.get_challenger(conn)
    if challenger is None:
        return None
    past = read_comparison(context, conn, challenger.name, challenger.digest)
    return ChallengerStatus(challenger, challengers.count_scored_tickets(conn, challenger), past)


def read_comparison(context: AppContext, conn: Connection, name: str, digest: str) -> Comparison | None:
    """The stored comparison of a bundle with the model in use; None if the two were not compared."""
    active = active_model.get_active(conn)
    return comparison_file.read_comparison(context.models.folder / name, active.digest if active else None, digest)


def compare_live(context: AppContext, conn: Connection) -> Comparison | None:
    """Compare both models on the tickets since the challenge began; None without a challenger or a model in use."""
    challenger, bundle = challengers.get_challenger(conn), context.models.champion.bundle
    if challenger is None or bundle is None:
        return None
    policy, default = Policies.current(conn).policy, bundle.card["asked_precision"]
    precisions = {target: policy.effective_rule(target, None).precision or default for target in bundle.targets}
    return challengers.compare_live(conn, challenger, precisions, active_model.get_active(conn))
