"""What is wrong with a fitted model, its training or its data, and what to change.

A new detection is a function from `Evidence` to a `Finding` or None, and its name in `DETECTIONS`.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import is_regressor
from sklearn.utils.sparsefuncs import mean_variance_axis, min_max_axis
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, column_or_1d

from fastmlp._blocks import row_blocks
from fastmlp._core._data import Data
from fastmlp._typing import MatrixLike
from fastmlp.activations import Activation
from fastmlp.inspection import _passes
from fastmlp.inspection._model import FittedModel, loss_targets
from fastmlp.network import Network
from fastmlp.training.solvers import SOLVERS

# Initial weights and usual step sizes are for inputs of deviation 1: ten times that saturates units, and makes the
# cost a hundred times as steep along one input as along the others.
LARGEST_SCALE = 10.0
# Weights of such inputs have to grow a hundredfold first. It is the largest distance from the mean that counts:
# columns that are nearly always 0, such as counts and pixels, have small deviations without being small.
SMALLEST_RANGE = 0.01
# Columns that a sentence can name.
MOST_NAMED = 3

# Training makes some units useless in healthy networks too.
SHARE_OF_UNITS = 0.5
# A unit is saturated in a row where its output is this near to an end, as a share of the range: there the derivative of
# logistic and tanh is below a twenty-fifth of its largest.
SATURATION = 0.01
SHARE_OF_ROWS = 0.95

# Epochs that tell a trend from the noise of shuffling.
TREND_EPOCHS = 10
# Share of the loss: a smaller fall over TREND_EPOCHS is not worth another fit.
NOTABLE_CHANGE = 0.01
# A rise from one epoch to the next counts if it is this share of all that training has gained: noise near the minimum
# is far smaller. One in five epochs is more often than shuffling, dropout or a schedule that starts again make it rise.
NOTABLE_RISE = 0.05
SHARE_OF_RISES = 0.2
# A loss that falls by less than half in all, and so evenly that a line explains 99% of it, is at the beginning of its
# way; with a fit step size it falls fast, then levels off.
SLOW_FALL = 0.5
STRAIGHTNESS = 0.99
# Weights that have been thrown far leave a loss that is larger than before training; so many times, lest it be chance.
LARGE_LOSS = 2.0
# Validation losses scatter by a few percent.
OVERFITTING_RISE = 0.1
# A class this many times as frequent as the others are on average is what a model that knows nothing predicts.
IMBALANCE = 2.0


@dataclass(frozen=True)
class Finding:
    """One fault.

    Attributes
    ----------
    name : str
        The kind of fault, such as "inputs-not-scaled".
    what : str
        A sentence with the figures.
    change : str
        One change to try.

    Examples
    --------
    >>> from fastmlp.inspection import Finding
    >>> Finding("too-small", "The network has 1 unit.", "Take more.").name
    'too-small'
    """

    name: str
    what: str
    change: str


class Diagnosis(list[Finding]):
    """A list of `Finding`, which prints as text.

    Examples
    --------
    >>> from fastmlp.inspection import Diagnosis, Finding
    >>> Diagnosis([Finding("too-small", "The network has 1 unit.", "Take more.")])
    1. too-small: The network has 1 unit.
       Take more.
    """

    def __str__(self) -> str:
        items = [
            f"{number}. {finding.name}: {finding.what}\n   {finding.change}" for number, finding in enumerate(self, 1)
        ]
        return "\n".join(items) or "Nothing found."

    __repr__ = __str__


class Evidence:
    """A fitted model and data, and what several detections need to know of them; computed when first asked for.

    Parameters
    ----------
    model : MLPClassifier or MLPRegressor
    X : ndarray or CSR array of shape (n_samples, n_features)
    y : array-like of shape (n_samples,), or None
    targets : ndarray or None
        y as the network learns it.
    weights : ndarray of shape (n_samples,)
        Shares of the rows, which sum to 1.
    """

    def __init__(self, model, X, y, targets, weights):
        self.model, self.X, self.y, self.targets, self.weights = model, X, y, targets, weights

    @property
    def loss_curve(self) -> np.ndarray:
        """Mean costs of all fits that continue each other."""
        return np.asarray(self.model.loss_curve_)

    @cached_property
    def untrained(self) -> Network:
        """A network like the model's, with other random weights to begin with."""
        network = self.model.network_
        return Network(
            network.sizes,
            activation=network.activations_,
            out_activation=network.out_activation,
            loss=network.loss,
            init=self.model.init,
            batch_norm=network.batch_norm,
            dtype=network.parameters.dtype.name,
            random_state=0,
        )

    @cached_property
    def column_moments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean and standard deviation of each column, and its largest distance from the mean."""
        if issparse(self.X):
            mean, variance = mean_variance_axis(self.X.astype(np.float64), axis=0, weights=self.weights)
            least, largest = min_max_axis(self.X, axis=0)
            return mean, np.sqrt(variance), np.maximum(largest - mean, mean - least)
        n_features = self.X.shape[1]
        mean, variance, distance = (np.zeros(n_features) for _ in range(3))
        blocks = list(row_blocks(self.X.shape[0], self.weights.itemsize * n_features, _passes.BLOCK_ROWS))
        for rows in blocks:
            mean += self.weights[rows] @ self.X[rows]
        for rows in blocks:
            difference = np.abs(self.X[rows] - mean)
            distance = np.maximum(distance, difference.max(axis=0))
            variance += self.weights[rows] @ np.square(difference, out=difference)
        return mean, np.sqrt(variance), distance

    @cached_property
    def shares_of_rows(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each hidden layer, the share of rows in which each output is 0, and that in which it is saturated."""
        return self._shares_of_rows(self.model.network_)

    @cached_property
    def shares_before_training(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The same of a network that has not been trained."""
        return self._shares_of_rows(self.untrained)

    def _shares_of_rows(self, network):
        shares = [np.zeros((2, activation.n_outputs(units))) for activation, units in self.hidden_layers]
        for rows, layers in _passes.hidden_outputs(network, self.X):
            for share, outputs, (activation, _) in zip(shares, layers, self.hidden_layers, strict=True):
                low, high = activation.range or (-np.inf, np.inf)
                margin = SATURATION * (high - low) if activation.range else 0
                near_an_end = (outputs <= low + margin) | (outputs >= high - margin)
                share += self.weights[rows] @ np.stack([outputs == 0, near_an_end])
        return [(zero, saturated) for zero, saturated in shares]

    @property
    def hidden_layers(self) -> list[tuple[Activation, int]]:
        """Activation and units of each."""
        network = self.model.network_
        return list(zip(network.activations_, network.sizes[1:-1], strict=True))


def inputs_not_scaled(evidence: Evidence) -> Finding | None:
    """Columns whose mean or deviation is far from 0 and 1; constant columns carry nothing and do no harm."""
    mean, deviation, distance = evidence.column_moments
    varies = deviation > 0
    # How many times too large or too small.
    size = np.maximum(deviation, 0 if issparse(evidence.X) else np.abs(mean)) / LARGEST_SCALE
    smallness = np.where(varies, SMALLEST_RANGE / np.where(varies, distance, 1), 0)
    badness = np.where(varies, np.maximum(size, smallness), 0)
    n_bad = int(np.sum(badness > 1))
    if n_bad == 0:
        return None
    names = getattr(evidence.model, "feature_names_in_", [f"x{column}" for column in range(len(mean))])
    worst = [
        f"{names[column]} (mean {mean[column]:.3g}, deviation {deviation[column]:.3g})"
        for column in np.argsort(-badness, kind="stable")[: min(n_bad, MOST_NAMED)]
    ]
    are = "is" if n_bad == 1 else "are"
    beginning = "" if n_bad <= MOST_NAMED else "the worst "
    return Finding(
        "inputs-not-scaled",
        f"{n_bad} of {len(mean)} columns {are} far from mean 0 and deviation 1: {beginning}{', '.join(worst)}.",
        "Put a MaxAbsScaler before the model, in a pipeline."
        if issparse(evidence.X)
        else "Put a StandardScaler before the model, in a pipeline.",
    )


def targets_not_scaled(evidence: Evidence) -> Finding | None:
    """Targets of a regression whose mean or deviation is far from 0 and 1, to which each step brings outputs nearer."""
    model = evidence.model
    if evidence.y is None or not is_regressor(model) or model.network_.out_activation.name != "identity":
        return None
    if not SOLVERS[model.solver].has_epochs:
        return None
    y = evidence.targets
    mean = evidence.weights @ y
    deviation = np.sqrt(evidence.weights @ (y - mean) ** 2)
    too_small = np.divide(SMALLEST_RANGE, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    badness = np.maximum(np.hypot(mean, deviation) / LARGEST_SCALE, too_small)
    if not np.any(badness > 1):
        return None
    worst = np.argmax(badness)
    name = "y" if y.shape[1] == 1 else f"column {worst} of y"
    return Finding(
        "targets-not-scaled",
        f"{name} has mean {mean[worst]:.3g} and deviation {deviation[worst]:.3g}, far from 0 and 1, where outputs "
        "begin.",
        "Put the model into a TransformedTargetRegressor(model, transformer=StandardScaler()).",
    )


def dead_units(evidence: Evidence) -> Finding | None:
    """Units whose output is 0 in every row, so that they pass on nothing and, with relu, learn nothing."""
    shares = _shares_of_dead_units(evidence, evidence.shares_of_rows)
    if not np.any(shares > SHARE_OF_UNITS):
        return None
    before = _shares_of_dead_units(evidence, evidence.shares_before_training)
    worst = np.nanargmax(shares)
    if before[worst] > shares[worst] / 2:  # not by training, but because all rows lie on one side of them
        change = "Put a StandardScaler before the model, in a pipeline"
        if _are_standardized(evidence):
            change = "Use activation='leaky_relu'"
    elif not SOLVERS[evidence.model.solver].has_epochs:
        change = "Use activation='leaky_relu'"
    else:
        change = f"Lower learning_rate_init={evidence.model.learning_rate_init:g} by a factor of ten"
    return _finding_on_layers("dead-units", shares, "output 0 for every row", f"{change}, so that they go on learning.")


def _shares_of_dead_units(evidence, shares_of_rows):
    return np.array(
        [
            np.nan if activation.range else np.mean(zero >= 1 - 1e-9)  # shares are sums of rounded weights
            for (activation, _), (zero, _) in zip(evidence.hidden_layers, shares_of_rows, strict=True)
        ]
    )


def _are_standardized(evidence):
    """Whether most columns have a mean that is small beside their deviation, and a deviation near 1."""
    mean, deviation, _ = evidence.column_moments
    return issparse(evidence.X) or np.median(np.abs(mean)) < 0.5 < np.median(deviation) < 2


def saturated_units(evidence: Evidence) -> Finding | None:
    """Units of a bounded activation that are near an end of its range nearly always, where hardly a gradient passes."""
    shares = [
        np.mean(saturated > SHARE_OF_ROWS) if activation.range else np.nan
        for (activation, _), (_, saturated) in zip(evidence.hidden_layers, evidence.shares_of_rows, strict=True)
    ]
    return _finding_on_layers(
        "saturated-units",
        shares,
        f"outputs at an end of their range for more than {SHARE_OF_ROWS:.0%} of the rows",
        "Raise alpha, so that net inputs stay small.",
    )


def _finding_on_layers(name, shares, fault, change):
    layers = [f"{share:.0%} of hidden layer {number}" for number, share in enumerate(shares) if share > SHARE_OF_UNITS]
    return Finding(name, f"Units with {fault}: {', '.join(layers)}.", change) if layers else None


def loss_still_falling(evidence: Evidence) -> Finding | None:
    """Training ended at max_iter while a line through the last losses goes down."""
    model, recent = evidence.model, evidence.loss_curve[-TREND_EPOCHS:]
    if model.stop_reason_ != "max_iter" or model.n_iter_ < model.max_iter or len(recent) < 2:
        return None
    slope = np.polynomial.Polynomial.fit(np.arange(len(recent)), recent, 1).convert().coef[-1]
    fall = -slope * (len(recent) - 1) / np.abs(recent).mean()
    if not fall > NOTABLE_CHANGE:
        return None
    return Finding(
        "still-falling",
        f"Training ended at max_iter={model.max_iter} while the loss fell by {fall:.1%} of its mean in "
        f"{len(recent)} epochs.",
        "Raise max_iter.",
    )


def step_size_too_large(evidence: Evidence) -> Finding | None:
    """The loss diverged, ended above where it or an untrained network begins, or went up and down."""
    model, curve = evidence.model, evidence.loss_curve
    if not SOLVERS[model.solver].has_epochs:
        return None
    name, change = "step-size-too-large", f"Lower learning_rate_init={model.learning_rate_init:g} by a factor of ten."
    if model.stop_reason_ == "diverged":
        return Finding(name, f"The loss or a weight became infinite or NaN after {model.n_iter_} epochs.", change)
    if len(curve) >= TREND_EPOCHS and curve[-1] - curve[0] > NOTABLE_CHANGE * abs(curve[0]):
        return Finding(name, f"The loss rose from {curve[0]:.3g} to {curve[-1]:.3g} in {len(curve)} epochs.", change)
    if evidence.targets is not None and len(curve) > 0:
        loss, before = _mean_loss(model.network_, evidence), _mean_loss(evidence.untrained, evidence)
        if min(loss, curve[-1]) > LARGE_LOSS * before > 0:
            what = f"The loss of these rows is {loss:.3g}, and that of such a network before training {before:.3g}."
            return Finding(name, what, change)
    if len(curve) < TREND_EPOCHS:
        return None
    notable = np.maximum(NOTABLE_RISE * np.ptp(curve), NOTABLE_CHANGE * np.abs(curve[:-1]))
    share = np.mean(np.diff(curve) > notable)
    if share < SHARE_OF_RISES:
        return None
    return Finding(name, f"The loss rose from one epoch to the next in {share:.0%} of {len(curve)} epochs.", change)


def _mean_loss(network, evidence):
    """Mean loss of the rows without penalties, for the model and for the untrained network alike."""
    weights = evidence.weights.astype(evidence.X.dtype)
    return network.mean_loss(Data(evidence.X, evidence.targets, weights, None, *evidence.model._targets.target_values))


def step_size_too_small(evidence: Evidence) -> Finding | None:
    """The loss falls evenly and little."""
    model, curve = evidence.model, evidence.loss_curve
    if not SOLVERS[model.solver].has_epochs or len(curve) < TREND_EPOCHS:
        return None
    fall = (curve[0] - curve[-1]) / max(abs(curve[0]), np.finfo(float).tiny)
    straightness = np.corrcoef(np.arange(len(curve)), curve)[0, 1] ** 2 if np.ptp(curve) > 0 else 0
    if not (0 < fall < SLOW_FALL and straightness > STRAIGHTNESS):
        return None
    return Finding(
        "step-size-too-small",
        f"The loss fell by only {fall:.1%} in {len(curve)} epochs, by nearly the same amount in each.",
        f"Raise learning_rate_init={model.learning_rate_init:g} by a factor of ten.",
    )


def over_fitting(evidence: Evidence) -> Finding | None:
    """The validation loss has risen from its lowest while the training loss fell, up to the weights that are kept."""
    model = evidence.model
    validation, training = np.array(model.validation_loss_curve_ or []), evidence.loss_curve
    n_epochs = min(len(validation), len(training) if model.best_iter_ is None else model.best_iter_)
    validation, training = validation[:n_epochs], training[:n_epochs]
    if np.sum(np.isfinite(validation)) < TREND_EPOCHS:  # in the others there was nothing to validate on
        return None
    lowest = int(np.nanargmin(validation))
    rise = validation[-1] / validation[lowest] - 1 if validation[lowest] > 0 else 0
    if rise < OVERFITTING_RISE or training[-1] >= training[lowest]:
        return None
    return Finding(
        "over-fitting",
        f"Since epoch {lowest + 1} the validation loss has risen by {rise:.0%}, from {validation[lowest]:.3g} to "
        f"{validation[-1]:.3g}, while the training loss fell from {training[lowest]:.3g} to {training[-1]:.3g}.",
        "Set early_stopping=True, which keeps the weights that were best on held-out rows."
        if model.best_iter_ is None
        else "Raise alpha or dropout.",
    )


def one_class_only(evidence: Evidence) -> Finding | None:
    """A classifier that always predicts the same class, where y has others."""
    model, codec = evidence.model, evidence.model._targets
    if evidence.y is None or evidence.y.ndim != 1 or codec.has_independent_outputs or len(codec.classes) == 1:
        return None
    raw = model.network_.predict_raw(evidence.X, activate_output=codec.reads_activated)
    predicted = np.unique(codec.decide(raw))
    label = codec.classes[predicted[0]]
    if len(predicted) > 1 or np.all(evidence.y == label):
        return None
    share = evidence.weights[evidence.y == label].sum()
    cause = step_size_too_large(evidence) or dead_units(evidence)
    if cause is not None:
        change = cause.change
    elif share > IMBALANCE * (1 - share) / (len(codec.classes) - 1) and model.class_weight is None:
        change = "Set class_weight='balanced'."
    else:
        change = "Raise max_iter or learning_rate_init: the model has hardly learnt anything yet."
    return Finding(
        "one-class-only", f"The model predicts {label} for every row, but that is only {share:.1%} of y.", change
    )


DETECTIONS = (
    inputs_not_scaled,
    targets_not_scaled,
    dead_units,
    saturated_units,
    step_size_too_large,
    step_size_too_small,
    loss_still_falling,
    over_fitting,
    one_class_only,
)


def diagnose(
    estimator: Any, X: MatrixLike, y: ArrayLike | None = None, *, sample_weight: ArrayLike | None = None
) -> Diagnosis:
    """Look for known faults of a fitted model, its training and its data.

    These are: inputs, and targets of a regression, far from mean 0 and deviation 1; hidden units that are 0 for every
    row, or saturated for nearly all; a step size that is too large or too small; a loss that still fell at max_iter; a
    validation loss that rose while the training loss fell; one class predicted for every row.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Fitted model. From a pipeline pass its last step, with X as the steps before make it.
    X : array-like or sparse array of shape (n_samples, n_features)
        Rows as for ``fit``: the ones it was fitted to, or others like them.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Targets as for ``fit``. Without them neither they nor predictions are judged.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows; a row of weight 0 is left out.

    Returns
    -------
    Diagnosis
        A list of `Finding`; its text is "Nothing found." if there are none.

    Raises
    ------
    TypeError
        If the estimator is not one of this package.
    NotFittedError
        Before the first fit.
    ValueError
        If X, y or sample_weight have wrong shapes or values.

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp import MLPClassifier
    >>> from fastmlp.inspection import diagnose
    >>> X = np.linspace(-1, 1, 40).reshape(20, 2)
    >>> model = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, X[:, 0] > 0)
    >>> diagnose(model, X, X[:, 0] > 0)
    Nothing found.
    """
    if not isinstance(estimator, FittedModel):
        raise TypeError(
            f"estimator is a {type(estimator).__name__}; pass a fitted MLPClassifier or MLPRegressor, of a pipeline "
            "its last step."
        )
    X = estimator._check_X(X)
    weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if y is not None:
        y = cast(Any, y).toarray() if issparse(y) else np.asarray(y)
        check_consistent_length(X, y)
        y = column_or_1d(y) if y.ndim == 2 and y.shape[1] == 1 else y
    if not np.all(weights):
        kept = np.flatnonzero(weights)
        X, weights, y = X[kept], weights[kept], None if y is None else y[kept]
    targets = None if y is None else loss_targets(estimator, X, y)
    evidence = Evidence(estimator, X, y, targets, weights / weights.sum())
    findings = (detect(evidence) for detect in DETECTIONS)
    return Diagnosis(finding for finding in findings if finding is not None)
