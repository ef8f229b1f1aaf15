"""Whether the process runs and can take tickets, as the API answers it."""

from typing import Literal

from pydantic import BaseModel

from service.api.response_models.models import ModelSummary


class LivenessResponse(BaseModel):
    """The process runs."""

    status: Literal["alive"] = "alive"


class ReadinessResponse(BaseModel):
    """Tickets can be taken. Without a model they all go to triage, and `why` says why."""

    status: Literal["ready"] = "ready"
    model: ModelSummary | None
    why: str | None
