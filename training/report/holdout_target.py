"""The predictions and true labels of one target on the holdout, as used by the report."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import Target
from deskyard.guarantees.contract import Contract
from deskyard.guarantees.contract_fitting import routed_mask
from training.pipeline.trained import TrainingResult


@dataclass(frozen=True)
class HoldoutTarget:
    """The labelled holdout tickets at `positions`: probabilities (tickets x labels) and true label positions (negative:
    not learnt).

    `training_counts`: the evaluation model's training tickets of each label; `routed`: the tickets that `contract`
    routes.
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
        """The holdout of a finished run."""
        evaluation, case = trained.evaluations[target], trained.case
        predictions, labels = case.holdout_predictions[target], evaluation.labels.labels
        y = case.data.y[target][case.plan.holdout.learn]
        return cls(
            target=target,
            labels=labels,
            contract=evaluation.contract,
            positions=predictions.positions,
            probabilities=predictions.probabilities,
            truth=predictions.truth,
            routed=routed_mask(evaluation.contract, evaluation.holdout_evidence, labels),
            training_counts=np.bincount(y[y >= 0], minlength=len(labels)),
        )

    def __len__(self) -> int:
        """The number of tickets."""
        return len(self.positions)

    @property
    def predicted(self) -> npt.NDArray[np.intp]:
        """The position of the predicted label of each ticket."""
        predicted: npt.NDArray[np.intp] = self.probabilities.argmax(axis=1)
        return predicted

    @property
    def confidence(self) -> npt.NDArray[np.float64]:
        """The probability of the predicted label of each ticket."""
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether the predicted label is the true one."""
        return np.asarray(self.predicted == self.truth)
