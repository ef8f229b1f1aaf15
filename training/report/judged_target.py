"""One target of the judged model as the report looks at it: what was said of each judged ticket, and what was true."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import Target
from deskyard.guarantees.contract import Contract
from deskyard.guarantees.contract_fitting import routed_mask
from training.pipeline.trained import TrainingResult


@dataclass(frozen=True)
class HoldoutTarget:
    """The labelled judging tickets at `positions`: label positions `said` and `truth` (negative: not learnt).

    `learnt` counts the tickets of each label that the judged model learnt from, `routed` are those that `contract`,
    at the asked precision, lets go.
    """

    target: Target
    labels: tuple[str, ...]
    contract: Contract
    positions: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]
    truth: npt.NDArray[np.int32]
    routed: npt.NDArray[np.bool_]
    training_counts: npt.NDArray[np.int64]

    @classmethod
    def from_run(cls, trained: TrainingResult, target: Target) -> "HoldoutTarget":
        """That of a finished run."""
        found, case = trained.evaluations[target], trained.case
        said, labels = case.holdout_predictions[target], found.labels.labels
        y = case.data.y[target][case.plan.holdout.learn]
        return cls(
            target=target,
            labels=labels,
            contract=found.contract,
            positions=said.positions,
            probabilities=said.probabilities,
            truth=said.truth,
            routed=routed_mask(found.contract, found.holdout_evidence, labels),
            training_counts=np.bincount(y[y >= 0], minlength=len(labels)),
        )

    def __len__(self) -> int:
        """How many tickets."""
        return len(self.positions)

    @property
    def predicted(self) -> npt.NDArray[np.intp]:
        """The most probable label of each."""
        said: npt.NDArray[np.intp] = self.probabilities.argmax(axis=1)
        return said

    @property
    def confidence(self) -> npt.NDArray[np.float64]:
        """Its probability."""
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether it is the true one."""
        return np.asarray(self.predicted == self.truth)
