"""Hand a trained model over: write the bundle, and make the first one the champion with queues to route into."""

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deskyard import bundle
from deskyard.database import open_database
from deskyard.settings import Settings
from deskyard.stores.desk import Desk
from training.run import Trained


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Where the bundle lies, its digest, and the queues made when it became the champion (None: it did not)."""

    folder: Path
    digest: str
    queues: tuple[str, ...] | None


def hand_over(trained: Trained, settings: Settings, out: Path | None, seconds: float) -> HandedOver:
    """Save to `out`; or, without it, beside the other bundles, where the first one becomes the champion."""
    now = datetime.now(UTC)
    made = {"at": now.isoformat(timespec="seconds"), "seconds": round(seconds, 1), "on": platform.platform()}
    if out is not None:
        digest = bundle.save(out, trained.scorer, trained.evidence, trained.card, made)
        return HandedOver(out, digest, None)
    folder = settings.models / now.strftime("%Y-%m-%d-%H%M%S")
    digest = bundle.save(folder, trained.scorer, trained.evidence, trained.card, made)
    if bundle.champion(settings.models) is not None:
        return HandedOver(folder, digest, None)
    queues = trained.scorer.heads.get("queue") or trained.scorer.heads.get("category")
    names = queues.labels if queues else ()
    database = open_database(settings.database)
    try:
        with database.writing() as session:
            Desk.ensure_queues(session, names)
    finally:
        database.close()
    bundle.crown(settings.models, folder.name)
    return HandedOver(folder, digest, names)
