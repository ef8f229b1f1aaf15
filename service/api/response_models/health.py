"""Whether the process runs and can take tickets, as the API answers it."""

from typing import Literal

from pydantic import BaseModel

from service.api.response_models.models import ModelSeen


class Alive(BaseModel):
    """The process runs."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Tickets can be taken. Without a model they all go to triage, and `why` says why."""

    status: Literal["ready"] = "ready"
    model: ModelSeen | None
    why: str | None
