"""Response models of the health checks."""

from typing import Literal

from service.api.api_model import ApiModel
from service.api.response_models.models import ModelSummary


class LivenessResponse(ApiModel):
    """The process is running."""

    status: Literal["alive"] = "alive"
    """Always `alive`."""


class ReadinessResponse(ApiModel):
    """Tickets can be received."""

    status: Literal["ready"] = "ready"
    """Always `ready`."""

    model: ModelSummary | None
    """The model in use; null if there is none and all tickets go to triage."""

    reason: str | None
    """Why there is no model, or why a newer one is not used; null if all is well."""
