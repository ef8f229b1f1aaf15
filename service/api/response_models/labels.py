"""Response models of the label plan."""

from typing import TYPE_CHECKING, Literal

from deskyard.domain.ticket import Target
from service.api.api_model import ApiModel

if TYPE_CHECKING:
    from deskyard.active_learning.label_goals import LabelGoal


class LabelGoalResponse(ApiModel):
    """A label that would be routed if more of its tickets were labelled."""

    target: Target
    """Target of the label."""

    label: str | None
    """The label; null: the whole target."""

    tickets_needed: int
    """Number of labelled tickets that are missing."""

    tickets_per_week: float
    """Number of its tickets that arrive in a week."""

    weeks_to_goal: int | None
    """Weeks until the goal is reached if the goals before it are completed first; null: never at this rate."""

    @classmethod
    def from_goal(cls, goal: "LabelGoal") -> "LabelGoalResponse":
        """The response for a goal of the label plan."""
        return cls(
            target=goal.target,
            label=goal.label,
            tickets_needed=goal.tickets_needed,
            tickets_per_week=goal.tickets_per_week,
            weeks_to_goal=goal.weeks_to_goal,
        )


class LabelCandidateResponse(ApiModel):
    """A ticket to label, or to check again."""

    ticket: int
    """Number of the ticket."""

    target: Target
    """Target to label."""

    current_label: str
    """Label that it has; empty if it has none."""

    predicted_label: str
    """Label that the model predicts."""

    confidence: float
    """Probability (0 to 1) of the predicted label, before any person gave a label."""

    reason: Literal["unlabelled", "doubtful"]
    """Whether it has no label or a doubtful one."""

    goal: str
    """Label or target whose contract it helps; empty for a doubtful label."""

    subject: str
    """Subject of the ticket."""

    body: str
    """Beginning of its text."""


class LabelPlanResponse(ApiModel):
    """What people should label."""

    per_week: int
    """Number of tickets that people label in a week."""

    goals: list[LabelGoalResponse]
    """Goals, the most useful first."""

    unlabelled: list[LabelCandidateResponse]
    """Tickets without a label, the most useful first."""

    doubtful: list[LabelCandidateResponse]
    """Tickets whose label is probably wrong, the most probable first."""
