"""What is wrong with a fitted model, its training or its data, and what to change.

A new detection is a function from `Evidence` to a `Finding` or None, and its name in `DETECTIONS`.
"""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import is_regressor
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, column_or_1d

from fastmlp._checks import check_some_weight
from fastmlp._core._data import Data
from fastmlp._fork import computed_once
from fastmlp._typing import MatrixLike
from fastmlp.activations import Activation
from fastmlp.inspection import _passes
from fastmlp.inspection._columns import Moments, column_moments, some_rows
from fastmlp.inspection._model import FittedModel, look_inside, loss_targets
from fastmlp.network import Network
from fastmlp.training.lbfgs import LEAST_CHANGE
from fastmlp.training.problem import Problem
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
# Share and mean of few rows to validate on are not those of all: so many standard deviations may be chance.
CHANCE = 2.0

# Values of X, and at least so many rows, by which a fit that has not converged judges data: microseconds.
QUICK_VALUES = 1 << 15
QUICK_ROWS = 8


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

    def __str__(self) -> str:
        return f"{self.name}: {self.what} {self.change}"


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
    is_quick : bool, default=False
        Whether to look only for what takes no pass through a network.
    """

    def __init__(self, model, X, y, targets, weights, is_quick=False):
        self.model, self.X, self.y, self.targets, self.weights = model, X, y, targets, weights
        self.is_quick = is_quick

    @property
    def loss_curve(self) -> np.ndarray:
        """Mean costs of all fits that continue each other."""
        return np.asarray(self.model.loss_curve_)

    @computed_once
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

    @computed_once
    def column_moments(self) -> Moments:
        """Of the columns of X."""
        return column_moments(self.X, self.weights)

    @computed_once
    def input_badness(self) -> np.ndarray:
        """How many times too large or too small each column of X is; 0 for a constant one, which does no harm."""
        mean, deviation, distance = self.column_moments
        varies = deviation > 0
        size = np.maximum(deviation, 0 if issparse(self.X) else np.abs(mean)) / LARGEST_SCALE
        smallness = np.where(varies, SMALLEST_RANGE / np.where(varies, distance, 1), 0)
        return np.where(varies, np.maximum(size, smallness), 0)

    @computed_once
    def target_moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each column of the targets."""
        mean = self.weights @ self.targets
        return mean, np.sqrt(self.weights @ (self.targets - mean) ** 2)

    @computed_once
    def target_badness(self) -> np.ndarray:
        """How many times too large or too small each column of y is for the steps that are taken."""
        model = self.model
        if self.targets is None or not is_regressor(model) or model.network_.out_activation.name != "identity":
            return np.zeros(1)
        mean, deviation = self.target_moments
        if not SOLVERS[model.solver].has_epochs:  # its first step has length 1, which may be too little to be seen
            return np.hypot(mean, deviation) * max(LEAST_CHANGE, np.finfo(self.X.dtype).eps)
        too_small = np.divide(SMALLEST_RANGE, deviation, out=np.zeros_like(deviation), where=deviation > 0)
        return np.maximum(np.hypot(mean, deviation) / LARGEST_SCALE, too_small)

    @computed_once
    def shares_of_rows(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each hidden layer, the share of rows in which each output is 0, and that in which it is saturated."""
        return self._shares_of_rows(self.model.network_)

    @computed_once
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
    def validates_on_given(self) -> bool:
        """Whether the rows to validate on were given, not taken out of X."""
        return self.model._fit.validates_on_given

    @property
    def hidden_layers(self) -> list[tuple[Activation, int]]:
        """Activation and units of each."""
        network = self.model.network_
        return list(zip(network.activations_, network.sizes[1:-1], strict=True))


def inputs_not_scaled(evidence: Evidence) -> Finding | None:
    """Columns whose mean or deviation is far from 0 and 1; constant columns carry nothing and do no harm."""
    badness = evidence.input_badness
    n_bad = int(np.sum(badness > 1))
    if n_bad == 0:
        return None
    mean, deviation, _ = evidence.column_moments
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
    badness = evidence.target_badness
    if not np.any(badness > 1):
        return None
    worst, (mean, deviation) = np.argmax(badness), evidence.target_moments
    name = "y" if len(mean) == 1 else f"column {worst} of y"
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
    if evidence.targets is not None and len(curve) > 0 and not evidence.is_quick:
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
    decided = model.network_.read_outputs(evidence.X, codec.decide, activate_output=codec.reads_activated)
    predicted = np.unique(decided)
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


def worse_than_constant(evidence: Evidence) -> Finding | None:
    """No epoch's validation score reached what one and the same prediction for all rows does."""
    model = evidence.model
    scores = np.array(model.validation_scores_ or [])
    if model.scoring not in (None, "r2" if is_regressor(model) else "accuracy") or not np.any(np.isfinite(scores)):
        return None
    best = np.nanmax(scores) if model.best_iter_ is None else model.best_validation_score_
    n_rows = max(1, model.validation_fraction * evidence.X.shape[0])  # those of X_val are not known
    if is_regressor(model):
        constant, prediction, margin = 0.0, "one number", CHANCE**2 / n_rows
    elif evidence.targets is None or evidence.targets.ndim != 1:
        return None
    else:
        constant = float(np.bincount(evidence.targets.astype(np.intp), evidence.weights).max())
        prediction, margin = "the most frequent class", CHANCE * np.sqrt(constant * (1 - constant) / n_rows)
    if best >= constant - margin:
        return None
    return Finding(
        "worse-than-constant",
        f"The best validation score is {best:.3g}, and {prediction} for every row would have {constant:.3g}.",
        _change_of_validation(evidence),
    )


def _change_of_validation(evidence):
    if not evidence.validates_on_given:
        return "Mend the other findings of diagnose, change learning_rate_init, or raise n_iter_no_change and max_iter."
    of_y = ", and y_val through those of y: TransformedTargetRegressor passes it on as it is, so pass it transformed"
    return (
        "Pass X_val through the steps that X went through, as Pipeline(..., transform_input=['X_val']) does"
        f"{of_y if is_regressor(evidence.model) else ''}; if it is, mend the other findings, or raise max_iter."
    )


DETECTIONS = (
    inputs_not_scaled,
    targets_not_scaled,
    worse_than_constant,
    dead_units,
    saturated_units,
    step_size_too_large,
    step_size_too_small,
    loss_still_falling,
    over_fitting,
    one_class_only,
)
# Those that take no pass through a network, where the evidence is quick, and say more of a fit that max_iter has ended
# than that; the worst first.
DETECTIONS_BY_CURVES = (step_size_too_large, worse_than_constant, step_size_too_small)


def quick_evidence(model: Any, problem: Problem) -> Evidence:
    """A fit's curves and some of the rows it learns from.

    Parameters
    ----------
    model : MLPClassifier or MLPRegressor
        Which shows the fit.
    problem : Problem
        What it learns from.

    Returns
    -------
    Evidence
    """
    rows = some_rows(problem.X, problem.rows, QUICK_VALUES, least=QUICK_ROWS)
    targets = problem.targets[rows]
    weights = np.ones(len(rows)) if problem.sample_weight is None else problem.sample_weight[rows].astype(np.float64)
    return Evidence(model, problem.X[rows], targets, targets, weights / weights.sum(), is_quick=True)


def fault_of_data(evidence: Evidence) -> Finding | None:
    """Inputs or targets that are not scaled, whichever are worse."""
    with np.errstate(over="ignore", invalid="ignore"):
        targets_are_worse = evidence.target_badness.max() > evidence.input_badness.max()
        return targets_not_scaled(evidence) if targets_are_worse else inputs_not_scaled(evidence)


def likeliest_fault(evidence: Evidence) -> Finding | None:
    """Why a fit has not converged: its data, or what its curves tell."""
    findings = (detect(evidence) for detect in (fault_of_data, *DETECTIONS_BY_CURVES))
    return next((finding for finding in findings if finding is not None), None)


def diagnose(
    estimator: Any, X: MatrixLike, y: ArrayLike | None = None, *, sample_weight: ArrayLike | None = None
) -> Diagnosis:
    """Look for known faults of a fitted model, its training and its data.

    These are: inputs, and targets of a regression, far from mean 0 and deviation 1; hidden units that are 0 for every
    row, or saturated for nearly all; a step size that is too large or too small; a loss that still fell at max_iter; a
    validation loss that rose while the training loss fell; a best validation score below that of the most frequent
    class, or of the mean; one class predicted for every row.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, or a pipeline, search or TransformedTargetRegressor with one inside
        Fitted model.
    X : array-like or sparse array of shape (n_samples, n_features)
        Rows as for ``fit``: the ones it was fitted to, or others like them. The steps of a pipeline transform them.
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
        If the estimator is not one of this package, nor has one inside, as a search with refit=False.
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
    estimator, X, y = look_inside(estimator, X, y)
    if not isinstance(estimator, FittedModel):
        raise TypeError(
            f"estimator is a {type(estimator).__name__}; pass a fitted MLPClassifier or MLPRegressor, or a pipeline, "
            "search or TransformedTargetRegressor with one inside."
        )
    X = estimator._check_X(X)
    weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    check_some_weight(weights)
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
