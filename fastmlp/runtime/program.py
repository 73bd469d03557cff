"""A program: what a fitted model, or a pipeline with one, predicts, as values without an estimator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastmlp.runtime.steps import Step, holds_scalars, n_outputs_of, split


@dataclass(frozen=True, eq=False)
class Decision:
    """How raw outputs become predictions.

    Attributes
    ----------
    kind : {"numbers", "binary", "classes", "labels", "targets"}
        "numbers": the outputs themselves. "binary": the second class above `threshold`. "classes": the class of the
        largest output. "labels": 1 for each output above `threshold`, else 0. "targets": "classes" for each of several
        targets, whose outputs lie side by side.
    classes : tuple of ndarray
        Labels in the order of the outputs, an array for each target; empty for numbers.
    threshold : float
    shape : tuple of int
        Of one row's numbers; empty for a single one.
    """

    kind: str
    classes: tuple[np.ndarray, ...] = ()
    threshold: float = 0.0
    shape: tuple[int, ...] = ()

    def __post_init__(self):
        if self.kind not in DECISIONS:
            raise ValueError(f"The decision is {self.kind!r}; it has to be one of {', '.join(DECISIONS)}.")
        if self.kind != "numbers" and not (self.classes and all(map(holds_scalars, self.classes))):
            raise ValueError(f"The decision is {self.kind!r}, but there are no columns of classes.")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of classes of several targets; empty for one target."""
        return tuple(map(len, self.classes)) if self.kind == "targets" else ()

    def check(self, n_raw: int) -> None:
        """Refuse raw outputs that cannot be decided; raises ValueError."""
        expected = {
            "numbers": int(np.prod(self.shape, dtype=np.int64)),
            "binary": 1,
            "targets": sum(self.sizes),
        }.get(self.kind, len(self.classes[0]) if self.classes else 0)
        if n_raw != expected:
            raise ValueError(f"There are {n_raw} outputs, of which {expected} are expected.")

    def apply(self, raw: np.ndarray) -> np.ndarray:
        """Predictions of raw outputs (n_samples, n_outputs), in the user's words and shape.

        Raises
        ------
        ValueError
            If a raw output is NaN, which has no class.
        """
        if self.kind != "numbers" and np.isnan(raw).any():
            raise ValueError("X has NaN, or values too large, so that outputs are NaN; replace or scale them.")
        return DECISIONS[self.kind](self, raw)

    def _numbers(self, raw):
        return raw.reshape(len(raw), *self.shape)

    def _labels(self, raw):
        return (raw > self.threshold).astype(np.int64)

    def _binary(self, raw):
        above = raw.ravel() > self.threshold
        return self.classes[0][np.minimum(above, len(self.classes[0]) - 1).astype(np.intp)]

    def _classes(self, raw):
        return self.classes[0][raw.argmax(axis=1)]

    def _targets(self, raw):
        parts = zip(self.classes, split(raw, self.sizes), strict=True)
        columns = [labels[part.argmax(axis=1)] for labels, part in parts]
        kinds = {column.dtype.kind for column in columns}
        return np.column_stack(columns if len(kinds) == 1 else [column.astype(object) for column in columns])


DECISIONS = {
    "numbers": Decision._numbers,
    "binary": Decision._binary,
    "classes": Decision._classes,
    "labels": Decision._labels,
    "targets": Decision._targets,
}


@dataclass(frozen=True, eq=False)
class Program:
    """What a fitted model computes from a table.

    Attributes
    ----------
    n_features : int
        Columns of the table.
    dtype : {"float32", "float64"}
        What the network computes in.
    steps : tuple of Step
        From the table to raw outputs: logits where there are probabilities, numbers elsewhere.
    decision : Decision
    head : tuple of Step, or None
        From raw outputs to probabilities; None for a model without.
    feature_names : ndarray of str, or None
        Names of the columns.
    summary : mapping
        What is known of the training, for readers: text and numbers.
    """

    n_features: int
    dtype: str
    steps: tuple[Step, ...]
    decision: Decision
    head: tuple[Step, ...] | None = None
    feature_names: np.ndarray | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if self.dtype not in ("float32", "float64"):
            raise ValueError(f"dtype is {self.dtype!r}; it has to be 'float32' or 'float64'.")
        if self.feature_names is not None and self.feature_names.shape != (self.n_features,):
            raise ValueError(f"There are {self.feature_names.shape} names for {self.n_features} features.")
        n_raw = n_outputs_of(self.steps, self.n_features)
        self.decision.check(n_raw)
        if self.head is not None:
            n_outputs_of(self.head, n_raw)
