"""A program: what a fitted model, or a pipeline with one, predicts, as values without an estimator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastmlp.runtime.steps import Step, apply, n_outputs_of

# What a decision makes of raw outputs.
DECISIONS = ("numbers", "binary", "classes", "labels", "targets")


@dataclass(frozen=True, eq=False)
class Decision:
    """How raw outputs become predictions.

    Attributes
    ----------
    kind : str
        "numbers": the outputs themselves. "binary": the second class above `threshold`. "classes": the class of the
        largest output. "labels": 1 for each output above `threshold`. "targets": "classes" for each of several targets.
    classes : tuple of ndarray
        Labels in the order of the outputs, an array for each target; empty for numbers and labels.
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

    def apply(self, raw: np.ndarray) -> np.ndarray:
        """Predictions of raw outputs (n_samples, n_outputs), in the user's words and shape."""
        if self.kind == "numbers":
            return raw.reshape(len(raw), *self.shape)
        if self.kind == "labels":
            return (raw > self.threshold).astype(np.int64)
        if self.kind == "binary":
            above = raw.ravel() > self.threshold
            return self.classes[0][np.minimum(above, len(self.classes[0]) - 1).astype(np.intp)]
        if self.kind == "classes":
            return self.classes[0][raw.argmax(axis=1)]
        ends = np.cumsum([len(labels) for labels in self.classes])[:-1]
        columns = [
            labels[part.argmax(axis=1)]
            for labels, part in zip(self.classes, np.split(raw, ends, axis=1), strict=True)
        ]
        kinds = {column.dtype.kind for column in columns}
        return np.column_stack(columns if len(kinds) == 1 else [column.astype(object) for column in columns])


@dataclass(frozen=True, eq=False)
class Program:
    """What a fitted model computes from a table.

    Attributes
    ----------
    n_features : int
        Columns of the table.
    dtype : str
        "float32" or "float64": what the network computes in.
    steps : tuple of Step
        From the table to raw outputs: logits where there are probabilities, numbers elsewhere.
    decision : Decision
    head : tuple of Step, or None
        From raw outputs to probabilities; None for a model without.
    feature_names : tuple of str, or None
        Names of the columns.
    summary : mapping
        What is known of the training, for readers: text and numbers.
    """

    n_features: int
    dtype: str
    steps: tuple[Step, ...]
    decision: Decision
    head: tuple[Step, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if self.dtype not in ("float32", "float64"):
            raise ValueError(f"dtype is {self.dtype!r}; it has to be 'float32' or 'float64'.")
        if self.feature_names is not None and len(self.feature_names) != self.n_features:
            raise ValueError(f"There are {len(self.feature_names)} names for {self.n_features} features.")
        n_raw = n_outputs_of(self.steps, self.n_features)
        if self.head is not None:
            n_outputs_of(self.head, n_raw)

    @property
    def n_raw(self) -> int:
        """Raw outputs of a row."""
        return n_outputs_of(self.steps, self.n_features)

    def raw(self, x: np.ndarray) -> np.ndarray:
        """Raw outputs of rows (n_samples, n_features), by NumPy alone."""
        return apply(self.steps, x)
