"""What people should label, as the API answers it."""

from typing import Literal

from pydantic import BaseModel

from deskyard.domain.ticket import Target


class LabelGoalResponse(BaseModel, from_attributes=True):
    """A label (null: the whole target) that would be routed if `lacking` more tickets of it were labelled; `weekly` of
    it come. `weeks`: when that is reached, the goals before it done first; null: never at this rate."""

    target: Target
    label: str | None
    lacking: int
    weekly: float
    weeks: int | None


class LabelCandidateResponse(BaseModel):
    """A ticket to label, or to look at once more: what stands ("": nothing), what the model thinks and how sure it was
    before anybody had spoken, and whose contract it helps."""

    ticket: int
    target: Target
    stands: str
    thinks: str
    confidence: float
    why: Literal["wanted", "doubtful"]
    helps: str
    subject: str
    body: str


class LabelPlanResponse(BaseModel):
    """What people should label: goals and tickets, the most useful first; labels that look wrong, the surest first."""

    per_week: int
    goals: list[LabelGoalResponse]
    wanted: list[LabelCandidateResponse]
    doubtful: list[LabelCandidateResponse]
