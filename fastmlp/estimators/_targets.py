"""What a model learns and predicts, one class for each kind of target.

A codec of a kind encodes y for the core, chooses output activation and loss, weighs classes, and reads predictions from
raw outputs. It knows neither estimator nor network, so that it serves wherever raw outputs come from. Raw outputs are
logits where the output activation gives probabilities, because these are rounded, and activated outputs elsewhere:
``network.predict_raw(X, activate_output=codec.reads_activated)``.

A new kind of label is a class here, and its name in `KINDS`.

>>> import numpy as np
>>> from fastmlp.estimators._targets import recognize
>>> codec = recognize(np.array(["no", "yes", "yes"]))
>>> codec.encode(np.array(["yes", "no"]), np.float64), codec.out_activation, codec.loss
(array([ True, False]), 'logistic', 'log_loss')
>>> raw = np.array([[-1.0], [0.0], [2.0]])
>>> codec.labels(codec.decide(raw)), codec.probabilities(raw)[1]
(array(['no', 'no', 'yes'], dtype='<U3'), array([0.5, 0.5]))
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix
from scipy.special import expit, log_expit, log_softmax
from sklearn.metrics import accuracy_score, d2_pinball_score, r2_score
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target
from sklearn.utils.validation import check_consistent_length

from fastmlp._unreadable import check_numbers
from fastmlp.activations import ACTIVATIONS, Activation, Softmax, get_activation
from fastmlp.estimators._labels import (
    check_classes,
    check_indicator_matrix,
    check_same_classes,
    class_numbers,
    distinct_labels,
)
from fastmlp.losses import LOSSES, CrossEntropy, Loss, Quantile, get_loss

SUITABLE_WEIGHTS = "pass finite weights of at least 0, not 0 for all rows."


class Targets(ABC):
    """A codec: what all kinds have.

    Attributes
    ----------
    classes : ndarray, list of ndarray, or None
        Labels in the order of the outputs, a list of them for several targets, None for numbers.
    out_activation : Activation
    loss : Loss
    has_independent_outputs : bool
        Whether every output has its own meaning, as targets, quantiles and labels have, but not exclusive classes.
    """

    classes: np.ndarray | list[np.ndarray] | None = None
    out_activation: Activation
    loss: Loss
    has_independent_outputs: bool = True

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """Outputs of the network."""

    @property
    def target_values(self) -> tuple[float, float]:
        """What encoded 0 and 1 become in the loss."""
        return self.loss.target_values

    @property
    def reads_activated(self) -> bool:
        """Whether raw outputs are activated, and not logits."""
        return not self.out_activation.gives_probabilities

    @abstractmethod
    def encode(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Targets as the core reads them.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_columns)
        dtype : numpy.dtype

        Returns
        -------
        ndarray of shape (n_samples, n_targets) and of `dtype`, or (n_samples,) of small integers for class numbers

        Raises
        ------
        ValueError
            If y holds what this kind cannot encode.
        """

    def goes_on_with(self, y: np.ndarray, classes: ArrayLike | None) -> bool:
        """Whether a fit that goes on in small steps certainly keeps this codec.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_columns)
        classes : array-like, list of array-like, or None
            As given to ``partial_fit``.

        Returns
        -------
        bool
            False where that takes a closer look.
        """
        return False

    def in_loss(self, targets: np.ndarray) -> np.ndarray:
        """Encoded targets as the loss sees them."""
        off, on = self.target_values
        return targets if (off, on) == (0, 1) else off + (on - off) * targets

    def check(self, targets: np.ndarray) -> None:
        """Refuse encoded targets that the loss is not for."""
        if targets.ndim == 2:
            self.loss.check_targets(self.in_loss(targets), self.out_activation)

    def weigh(
        self,
        targets: np.ndarray,
        sample_weight: np.ndarray | None,
        counted: tuple[np.ndarray, np.ndarray | None],
    ) -> np.ndarray | None:
        """Sample weights times the weights of the classes.

        Parameters
        ----------
        targets : ndarray
            Encoded.
        sample_weight : ndarray of shape (n_samples,), or None
        counted : tuple of ndarray
            Encoded targets and their sample weights, by whose frequencies 'balanced' goes.

        Returns
        -------
        ndarray of shape (n_samples,), or None for all ones

        Raises
        ------
        ValueError
            If class weights do not suit the classes.
        """
        return sample_weight

    @abstractmethod
    def decide(self, raw: np.ndarray) -> np.ndarray:
        """What raw outputs decide: class numbers, 0 or 1 for each label, or the numbers themselves."""

    @abstractmethod
    def labels(self, decided: np.ndarray) -> Any:
        """Predictions in the user's words and shape, from what `decide` returns."""

    @abstractmethod
    def score(self, decided: np.ndarray, targets: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        """Score of what `decide` returns against encoded targets."""


class Numbers(Targets):
    """Numbers, one or several: regression.

    Parameters
    ----------
    n_targets : int
        Columns of y.
    loss : str or Loss, default="squared_error"
    out_activation : str or Activation, default="auto"

    Raises
    ------
    ValueError
        If the output activation makes no sense with the loss.
    """

    def __init__(
        self,
        n_targets: int,
        *,
        loss: str | Loss = "squared_error",
        out_activation: str | Activation = "auto",
    ):
        self.n_targets, self.loss = n_targets, get_loss(loss)
        self.out_activation = self._choose_head(out_activation)

    def _choose_head(self, out_activation):
        if out_activation == "auto":
            return get_activation(self.loss.default_out_activation)
        out_activation = get_activation(out_activation, "out_activation")
        if out_activation.name == "softmax" and not isinstance(self.loss, CrossEntropy):
            raise ValueError(
                f"out_activation 'softmax' makes the outputs of a sample sum to 1, which makes no sense with the "
                f"regression loss {self.loss.name!r}; use 'identity', or MLPClassifier."
            )
        return out_activation

    @property
    def n_outputs(self):
        return self.loss.n_outputs(self.n_targets)

    @property
    def reads_activated(self):
        """True: predictions are the outputs themselves."""
        return True

    def encode(self, y, dtype):
        check_numbers(y, "y")
        y = y.reshape(-1, 1) if y.ndim == 1 else y
        with np.errstate(over="ignore"):
            targets = np.ascontiguousarray(y, dtype=dtype)
        if not np.isfinite(targets).all():
            if np.isnan(targets).any():
                raise ValueError("y has NaN or None; leave out these rows, or fill them in.")
            raise ValueError(
                f"y has {np.abs(y).max():g}, which is too large for {dtype}; scale y, or use dtype='float64'."
            )
        return targets

    def goes_on_with(self, y, classes):
        return self.n_targets == (1 if y.ndim == 1 else y.shape[1])

    def decide(self, raw):
        return raw

    def labels(self, decided):
        """Numbers, (n_samples,) for one output, (n_samples, n_targets, n_levels) for quantiles of several targets."""
        if decided.shape[1] == 1:
            return decided.ravel()
        if isinstance(self.loss, Quantile) and self.n_targets > 1 and len(self.loss.levels) > 1:
            return decided.reshape(len(decided), self.n_targets, len(self.loss.levels))
        return decided

    def score(self, decided, targets, sample_weight=None):
        """R^2, or for quantiles the mean over levels of D^2."""
        if not isinstance(self.loss, Quantile):
            return r2_score(targets, decided, sample_weight=sample_weight)
        by_level = decided.reshape(len(decided), -1, len(self.loss.levels))
        return np.mean(
            [
                d2_pinball_score(targets, by_level[:, :, k], alpha=level, sample_weight=sample_weight)
                for k, level in enumerate(self.loss.levels)
            ]
        )


class ClassTargets(Targets):
    """What all kinds of labels have.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,), sorted, or for several targets a list of them
    loss : str or Loss, default="auto"
    out_activation : str or Activation, default="auto"
    label_smoothing : float, default=0.0
        Share of a target's probability that is spread over all classes.
    class_weight : dict, list of dict, "balanced" or None, default=None

    Raises
    ------
    ValueError
        If the output activation is not one of such classes, or label smoothing is not for the loss.
    """

    classes: Any  # an array, or a list of them; each kind knows which
    # Classes over which smoothing spreads the probability of one target.
    _n_alternatives: int = 2
    # Classes of each of several targets.
    _sizes: list[int] | None = None

    def __init__(
        self,
        classes: np.ndarray | list[np.ndarray],
        *,
        loss: str | Loss = "auto",
        out_activation: str | Activation = "auto",
        label_smoothing: float = 0.0,
        class_weight: dict | Sequence[dict] | str | None = None,
    ):
        self.classes, self.label_smoothing, self.class_weight = classes, label_smoothing, class_weight
        self.loss = get_loss("log_loss" if loss == "auto" else loss)
        if self._is_margin and label_smoothing:
            raise ValueError(
                f"label_smoothing is {label_smoothing!r}, but loss='hinge' needs targets of exactly -1 and 1; set "
                "label_smoothing=0, or use loss='log_loss'."
            )
        self.out_activation = self._choose_head(out_activation)

    @classmethod
    @abstractmethod
    def of(cls, y: np.ndarray, known: "Known", **settings: Any) -> Self | None:
        """The codec of y, or None if y is of another kind."""

    @property
    @abstractmethod
    def _head(self) -> Activation:
        """Output activation of losses of probabilities."""

    @property
    def _is_margin(self):
        """Whether the loss is of targets -1 and 1, not of probabilities."""
        return self.loss.target_values != (0, 1)

    @property
    def _is_softmax(self):
        return isinstance(self.out_activation, Softmax)

    def _choose_head(self, out_activation):
        if out_activation == "auto":
            return get_activation(self.loss.default_out_activation) if self._is_margin else self._head
        out_activation = get_activation(out_activation, "out_activation")
        groups = out_activation.group_sizes
        if groups and list(groups) != self._sizes:
            raise ValueError(
                f"out_activation is {out_activation}, whose groups are not the classes of several targets, of "
                f"which y has {self._sizes or 'none'}; use 'auto'."
            )
        return out_activation

    @property
    def n_outputs(self):
        return len(self.classes)

    @property
    def target_values(self):
        """What a class's own target and the others become: smoothed, or -1 and 1 for hinge."""
        if self._is_margin:
            return self.loss.target_values
        off = self.label_smoothing / self._n_alternatives
        return off, 1 - self.label_smoothing + off

    @property
    def threshold(self) -> float:
        """Raw output between two classes: a logit of 0, or half-way between the targets."""
        return sum(self.target_values) / 2 if self.reads_activated else 0.0

    def encode(self, y, dtype):
        return class_numbers(y, self.classes) if y.ndim == 1 else np.ascontiguousarray(y, dtype=dtype)

    def decision_values(self, raw: np.ndarray) -> np.ndarray:
        """Raw outputs less the threshold, of shape (n_samples, n_outputs), or (n_samples,) for two classes."""
        return raw - self.threshold

    @abstractmethod
    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        """Probabilities of shape (n_samples, n_classes), of several targets side by side."""

    def log_probabilities(self, raw: np.ndarray) -> np.ndarray:
        """Logarithms of `probabilities`, finite where a probability itself underflows to 0, if raw are logits."""
        with np.errstate(divide="ignore"):
            return np.log(self.probabilities(raw))

    def _activated(self, raw):
        return raw if self.reads_activated else np.asarray(self.out_activation.forward(raw), raw.dtype)

    def by_target(self, values: np.ndarray) -> np.ndarray | list[np.ndarray]:
        """Columns of each of several targets; for one target the values themselves."""
        return values

    def accuracy(self, y: ArrayLike, predicted: np.ndarray, sample_weight: ArrayLike | None = None) -> float:
        """Share of the samples whose predicted labels are all right."""
        return float(accuracy_score(y, predicted, sample_weight=sample_weight))

    def score(self, decided, targets, sample_weight=None):
        """Accuracy."""
        return accuracy_score(targets, decided, sample_weight=sample_weight)

    def weigh(self, targets, sample_weight, counted):
        if self.class_weight is None:
            return sample_weight
        weights = self._weights_of(targets, *counted)
        if not (np.all(np.isfinite(weights)) and np.all(weights >= 0)):
            raise ValueError(f"class_weight is {self.class_weight!r}; {SUITABLE_WEIGHTS}")
        return weights if sample_weight is None else weights * sample_weight

    @abstractmethod
    def _weights_of(self, targets, counted, counted_weight):
        """Class weights of encoded targets."""


class Classes(ClassTargets):
    """One of several classes for each sample, with an output for each class.

    Parameters are those of `ClassTargets`.
    """

    has_independent_outputs = False

    @classmethod
    def of(cls, y, known, **settings):
        """Take a column of labels, as `Binary` if one output suffices."""
        if known.classes is not None:
            classes = known.classes
        else:
            classes = distinct_labels(y, y)
            if known.before is not None:
                check_same_classes(classes, known.before.classes)
        wanted = settings.get("out_activation", "auto")
        needs_all = wanted != "auto" and get_activation(wanted, "out_activation").is_distribution
        return (Classes if len(classes) > 2 or (len(classes) == 2 and needs_all) else Binary)(classes, **settings)

    @property
    def _head(self):
        return ACTIVATIONS["softmax"]

    @property
    def _n_alternatives(self):  # type: ignore[override]  # read only
        return max(2, len(self.classes))

    def goes_on_with(self, y, classes):
        if y.ndim != 1 or isinstance(self.class_weight, str):
            return False
        if isinstance(classes, np.ndarray):
            classes = classes.tolist()
        return classes is None or (isinstance(classes, list) and classes == self.classes.tolist())

    def decide(self, raw):
        return raw.argmax(axis=1)

    def labels(self, decided):
        return self.classes[decided]

    def probabilities(self, raw):
        outputs = self._activated(raw)
        return outputs if self._is_softmax else normalized(outputs)

    def log_probabilities(self, raw):
        return log_softmax(raw, axis=1) if self._is_softmax else super().log_probabilities(raw)

    def accuracy(self, y, predicted, sample_weight=None):
        """Share of the samples with the right class; y may be distributions, which stand for their largest class."""
        if np.ndim(y) == 2 and np.shape(y)[1] == len(self.classes):
            y = self.classes[np.argmax(y, axis=1)]
        return super().accuracy(y, predicted, sample_weight)

    def _weights_of(self, targets, counted, counted_weight):
        counts = np.bincount(counted.astype(np.intp), counted_weight, minlength=len(self.classes))
        return self._weights_of_classes(counts)[targets.astype(np.intp)]

    def _weights_of_classes(self, counts):
        """Weight of each class; the classes have `counts` samples."""
        if isinstance(self.class_weight, str):
            return balanced(counts)
        return given_weights(self.class_weight, self.classes)


class Binary(Classes):
    """One of two classes for each sample, or always the same one, with one output for the second class.

    Parameters are those of `ClassTargets`.
    """

    @property
    def n_outputs(self):
        return 1

    @property
    def _head(self):
        return ACTIVATIONS["logistic"]

    def decide(self, raw):
        return np.minimum(raw.ravel() > self.threshold, len(self.classes) - 1).astype(np.intp)

    def decision_values(self, raw):
        return super().decision_values(raw).ravel()

    def probabilities(self, raw):
        """Of two classes; beside an only one, as in scikit-learn's MLPClassifier, of one that nobody has seen."""
        if self._is_logistic:
            return expit(self._logits(raw))
        outputs = self._activated(raw)
        if self.out_activation.is_distribution:  # over an only class
            return np.hstack([outputs, 1 - outputs])
        return normalized(np.hstack([1 - outputs, outputs]))

    def log_probabilities(self, raw):
        return log_expit(self._logits(raw)) if self._is_logistic else super().log_probabilities(raw)

    @property
    def _is_logistic(self):
        return self.out_activation == ACTIVATIONS["logistic"]

    def _logits(self, raw):
        """The logits of both classes, which lose no digits as 1 - p would."""
        return np.hstack([-raw, raw])


class Distributions(Classes):
    """A distribution over the classes for each sample, for losses that take them: soft targets.

    Parameters are those of `ClassTargets`.
    """

    @classmethod
    def of(cls, y, known, **settings):
        """Take rows of fractions, or rows that sum to 1, if the loss takes distributions."""
        loss = settings.get("loss", "auto")
        if y.ndim != 2 or y.dtype.kind != "f" or loss == "auto" or not get_loss(loss).takes_distributions:
            return None
        if known.before is not None:
            if not known.before.out_activation.is_distribution:
                return None
        elif not (np.any(y % 1) or np.allclose(y.sum(axis=1), 1)):
            return None
        classes = known.all_classes(default=np.arange(y.shape[1]))
        if len(classes) != y.shape[1]:
            raise ValueError(f"y has {y.shape[1]} columns for the {len(classes)} classes {classes}; pass one each.")
        return cls(classes, **settings)

    def goes_on_with(self, y, classes):
        return False

    def score(self, decided, targets, sample_weight=None):
        """Accuracy of the most probable class."""
        return super().score(decided, targets.argmax(axis=1), sample_weight)

    def _weights_of(self, targets, counted, counted_weight):
        return targets @ self._weights_of_classes(np.average(counted, axis=0, weights=counted_weight))


class Labels(ClassTargets):
    """Labels that apply to a sample or do not, each with an output: multilabel.

    Parameters
    ----------
    classes : ndarray of shape (n_labels,)
        Columns of y, 0 to n_labels - 1.
    sparse : bool, default=False
        Whether predictions are CSR matrices, as y was.
    **settings
        As for `ClassTargets`.
    """

    def __init__(self, classes: np.ndarray, *, sparse: bool = False, **settings: Any):
        super().__init__(classes, **settings)
        self.sparse = sparse

    @classmethod
    def of(cls, y, known, **settings):
        """Take a matrix of 0 and 1."""
        if y.ndim != 2:
            return None
        if type_of_target(y, input_name="y") == "continuous-multioutput":
            raise ValueError(
                f"y of shape {y.shape} holds fractions, and loss is {settings.get('loss', 'auto')!r}; set "
                "loss='kl_divergence' for probabilities of the classes, or pass labels."
            )
        columns = np.arange(y.shape[1])
        if known.classes is not None and not np.array_equal(known.classes, columns):
            check_indicator_matrix(y)
            raise ValueError(
                f"classes are {known.classes}, but y has {y.shape[1]} columns of 0 and 1, one for each label; pass "
                f"classes=range({y.shape[1]})."
            )
        sparse = known.before.sparse if isinstance(known.before, Labels) else known.sparse
        return cls(columns, sparse=sparse, **settings)

    @property
    def _head(self):
        return ACTIVATIONS["logistic"]

    def encode(self, y, dtype):
        if y.ndim == 2:
            check_indicator_matrix(y)
        return super().encode(y, dtype)

    def decide(self, raw):
        return (raw > self.threshold).astype(np.int64)

    def labels(self, decided):
        """0 and 1, of shape (n_samples, n_labels)."""
        return csr_matrix(decided) if self.sparse else decided

    def probabilities(self, raw):
        return self._activated(raw)

    def log_probabilities(self, raw):
        if self._is_softmax:
            return log_softmax(raw, axis=1)
        if self.out_activation == ACTIVATIONS["logistic"]:
            # Above 1/2 the probabilities' own rounding, so that both put a sample's labels in one order.
            return np.where(raw > 0, np.log(expit(np.maximum(raw, 0))), log_expit(raw))
        return super().log_probabilities(raw)

    def _weights_of(self, targets, counted, counted_weight):
        codes, counted = targets.astype(np.intp), counted.astype(np.intp)
        classes = [np.arange(2)] * self.n_outputs
        return weights_of_columns(codes, counted, counted_weight, classes, self.class_weight)


class SeveralTargets(ClassTargets):
    """Several targets with classes of their own, the outputs of one after the other's.

    Parameters are those of `ClassTargets`.
    """

    @classmethod
    def of(cls, y, known, **settings):
        """Take columns of labels that are not all 0 and 1, or any y if several targets' classes are known."""
        classes = known.all_classes()
        if not (cls._suits(y) if classes is None else isinstance(classes, list)):
            return None
        if known.classes is None:
            if classes is not None:
                check_columns(y, classes)
            found = [distinct_labels(column, y) for column in y.T]
            if classes is not None:
                check_same_classes(found, classes)
            classes = found
        return cls(classes, **settings)

    @staticmethod
    def _suits(y):
        if y.ndim != 2:
            return False
        if y.dtype == object:
            return True
        kind = type_of_target(y, input_name="y")
        return kind == "multiclass-multioutput" or (kind == "multilabel-indicator" and not np.isin(y, (0, 1)).all())

    @property
    def _sizes(self):  # type: ignore[override]  # read only
        return [len(labels) for labels in self.classes]

    @property
    def n_outputs(self):
        return sum(self._sizes)

    @property
    def _head(self):
        return Softmax(self._sizes)

    def _choose_head(self, out_activation):
        if out_activation == "softmax" and not self._is_margin:
            return self._head
        return super()._choose_head(out_activation)

    @property
    def target_values(self):
        """0 and 1, or -1 and 1 for hinge: `encode` smooths each target over its own classes."""
        return self.loss.target_values

    def encode(self, y, dtype):
        """A row of probabilities for each sample, of shape (n_samples, n_outputs)."""
        check_columns(y, self.classes)
        rows, targets, first = np.arange(len(y)), np.empty((len(y), self.n_outputs), dtype), 0
        for column, labels in zip(y.T, self.classes, strict=True):
            targets[:, first : first + len(labels)] = self.label_smoothing / len(labels)
            targets[rows, first + class_numbers(column, labels)] += 1 - self.label_smoothing
            first += len(labels)
        return targets

    def by_target(self, values):
        return np.split(values, np.cumsum(self._sizes)[:-1], axis=1)

    def decide(self, raw):
        return np.column_stack([part.argmax(axis=1) for part in self.by_target(raw)])

    def labels(self, decided):
        """Labels of shape (n_samples, n_targets), as objects if the dtypes of the targets are of different kinds."""
        labels = [of_target[column] for of_target, column in zip(self.classes, decided.T, strict=True)]
        kinds = {column.dtype.kind for column in labels}
        return np.column_stack(labels if len(kinds) == 1 else [column.astype(object) for column in labels])

    def probabilities(self, raw):
        outputs = self._activated(raw)
        if self._is_softmax:
            return outputs
        return np.hstack([normalized(part) for part in self.by_target(outputs)])

    def log_probabilities(self, raw):
        if self._is_softmax:
            return np.hstack([log_softmax(part, axis=1) for part in self.by_target(raw)])
        return super().log_probabilities(raw)

    def accuracy(self, y, predicted, sample_weight=None):
        """Share of the samples with all targets right."""
        check_consistent_length(predicted, y, sample_weight)
        y = np.asarray(y)
        check_columns(y, self.classes)
        return float(np.average(np.all(predicted == y, axis=1), weights=sample_weight))

    def score(self, decided, targets, sample_weight=None):
        """Share of the samples with all targets right."""
        return np.average(np.all(decided == self.decide(targets), axis=1), weights=sample_weight)

    def _weights_of(self, targets, counted, counted_weight):
        codes, counted = self.decide(targets), self.decide(counted)
        return weights_of_columns(codes, counted, counted_weight, self.classes, self.class_weight)


# The first that takes y is its kind.
KINDS: tuple[type[ClassTargets], ...] = (SeveralTargets, Distributions, Labels, Classes)


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of labels beside y.

    Parameters
    ----------
    before : ClassTargets or None
        Codec of the fit that goes on.
    classes : ndarray, list of ndarray, or None
        All classes there will ever be.
    sparse : bool
        Whether y came as a sparse matrix.
    """

    before: ClassTargets | None
    classes: np.ndarray | list[np.ndarray] | None
    sparse: bool

    def all_classes(self, default: Any = None) -> Any:
        """Classes given, or classes of the fit before, or a default."""
        if self.classes is not None:
            return self.classes
        return default if self.before is None else self.before.classes


def recognize(
    y: np.ndarray,
    *,
    before: ClassTargets | None = None,
    classes: np.ndarray | list[np.ndarray] | None = None,
    sparse: bool = False,
    **settings: Any,
) -> ClassTargets:
    """The codec of labels.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_columns)
    before : ClassTargets, default=None
        Codec of the fit that goes on, whose classes stay.
    classes : ndarray, or list of ndarray, default=None
        All classes there will ever be, as `classes_to_come` returns them; y need not hold every one.
    sparse : bool, default=False
        Whether y came as a sparse matrix.
    **settings
        ``loss``, ``out_activation``, ``label_smoothing`` and ``class_weight``, as for `ClassTargets`.

    Returns
    -------
    ClassTargets

    Raises
    ------
    ValueError
        If y is of no kind, its classes are others than before, or the settings do not suit it.
    """
    known = Known(before, classes, sparse)
    codecs = (kind.of(y, known, **settings) for kind in KINDS)
    return next(codec for codec in codecs if codec is not None)


def classes_to_come(classes: ArrayLike | None, before: ClassTargets | None) -> np.ndarray | list[np.ndarray]:
    """All classes there will ever be, of one target or of several.

    Parameters
    ----------
    classes : array-like, list of array-like, or None
        As given to ``partial_fit``.
    before : ClassTargets or None
        Codec of the fit that goes on.

    Returns
    -------
    ndarray of shape (n_classes,), or a list of them, sorted

    Raises
    ------
    ValueError
        If there are none, or others than before.
    """
    if classes is not None and (not np.iterable(classes) or len(classes) == 0):
        raise ValueError(f"classes is {classes!r}; pass a list of all labels, or one for each of several targets.")
    if classes is not None and all(np.ndim(labels) == 1 for labels in classes):
        classes = [np.unique(labels) for labels in classes]
        if before is not None:
            check_same_classes(classes, before.classes)
        return classes
    if classes is None and before is not None:
        return before.classes
    check_classes(classes)
    known = SimpleNamespace(classes_=None if before is None else before.classes)
    _check_partial_fit_first_call(known, classes)
    return known.classes_


def gives_probabilities(loss: str | Loss, out_activation: str | Activation) -> bool:
    """Whether a classifier with these parameters, checked or not, predicts probabilities."""
    if out_activation == "auto":
        loss = LOSSES.get(loss, loss) if isinstance(loss, str) else loss
        return getattr(loss, "target_values", (0, 1)) == (0, 1)
    head = ACTIVATIONS.get(out_activation) if isinstance(out_activation, str) else out_activation
    return getattr(head, "gives_probabilities", False)


def check_columns(y: np.ndarray, classes: list[np.ndarray]) -> None:
    """Refuse a y that has not one column for each of several targets."""
    if y.ndim != 2 or y.shape[1] != len(classes):
        raise ValueError(f"y has shape {y.shape}, but the model has {len(classes)} targets; pass one column for each.")


def given_weights(class_weight: Any, classes: np.ndarray) -> np.ndarray:
    """The weight of each class of one target by a user's dict, 1 where it says none.

    Parameters
    ----------
    class_weight : dict
        It may name classes that these rows do not have.
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        If it is no dict of numbers, or names none of the classes.
    """
    if not isinstance(class_weight, dict):
        raise ValueError(f"class_weight is {class_weight!r}; pass a dict from class labels to weights.")
    labels = classes.tolist()
    if class_weight and not any(label in class_weight for label in labels):
        raise ValueError(
            f"class_weight has {list(class_weight)}, which are not among the classes {classes}; name classes as y does."
        )
    weights = [class_weight.get(label, 1.0) for label in labels]
    if not all(isinstance(weight, Real) for weight in weights) or all(weight == 0 for weight in weights):
        raise ValueError(f"class_weight is {class_weight!r}; {SUITABLE_WEIGHTS}")
    return np.array(weights, dtype=np.float64)


def weights_of_columns(
    codes: np.ndarray,
    counted: np.ndarray,
    counted_weight: np.ndarray | None,
    classes: Sequence[np.ndarray],
    class_weight: dict | Sequence[dict] | str | None,
) -> np.ndarray:
    """The product over columns of the weights of their classes.

    Parameters
    ----------
    codes : ndarray of shape (n_samples, n_columns)
        Class numbers of each column.
    counted, counted_weight : ndarray of shape (n_counted, n_columns), and (n_counted,) or None
        Class numbers and sample weights by whose frequencies 'balanced' goes.
    classes : sequence of ndarray
        Classes of each column.
    class_weight : sequence of dict, or "balanced"

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If the dicts do not suit the columns.
    """
    if isinstance(class_weight, str):
        of_classes = [
            balanced(np.bincount(column, counted_weight, minlength=len(labels)))
            for column, labels in zip(counted.T, classes, strict=True)
        ]
    elif isinstance(class_weight, list) and len(class_weight) == len(classes):
        of_classes = [given_weights(*of_column) for of_column in zip(class_weight, classes, strict=True)]
    else:
        raise ValueError(
            f"class_weight is {class_weight!r}, but y has {len(classes)} columns; pass a list of a dict for each "
            "column of y, from its labels to weights."
        )
    return np.prod([weights[column] for weights, column in zip(of_classes, codes.T, strict=True)], axis=0)


def normalized(outputs: np.ndarray) -> np.ndarray:
    """Probabilities of one class against the rest, made to sum to 1; alike where all are 0."""
    sums = outputs.sum(axis=1, keepdims=True)
    return np.where(sums > 0, outputs / np.where(sums > 0, sums, 1), 1 / outputs.shape[1])


def balanced(counts: np.ndarray) -> np.ndarray:
    """Weights by which classes of so many samples, or so much weight, weigh the same in sum."""
    present = counts > 0
    return np.where(present, counts.sum() / (present.sum() * np.where(present, counts, 1)), 0.0)
