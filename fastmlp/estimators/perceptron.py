"""The single-layer perceptron and its learning rule."""

from dataclasses import dataclass, field
from numbers import Integral, Real
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import check_is_fitted, validate_data

from fastmlp._blocks import Parts, row_blocks
from fastmlp._checks import check_random_state
from fastmlp._core._perceptron import net_inputs, train_epoch
from fastmlp._names import explains_unknown_keywords
from fastmlp._typing import RandomState
from fastmlp._unreadable import check_no_dates, elements_named
from fastmlp._warn import warn
from fastmlp.estimators._arrays import Columns, check_X_and_y, for_core
from fastmlp.estimators._docs import DocumentationLinkMixin
from fastmlp.estimators._labels import (
    check_classes,
    check_indicator_matrix,
    check_same_classes,
    distinct_labels,
    unknown_classes,
)
from fastmlp.estimators._parameters import SetParametersMixin, store
from fastmlp.estimators._state import VersionedStateMixin
from fastmlp.estimators._targets import Classes, Labels
from fastmlp.training.run import DivergenceError, warn_interrupted


class Perceptron(ClassifierMixin, SetParametersMixin, VersionedStateMixin, DocumentationLinkMixin, BaseEstimator):
    """Rosenblatt's single-layer perceptron: units with a hard limit that learn from their mistakes.

    Each output unit says ŷ = 1 where its net input W x + b is at least 0, else 0. Training takes one sample at a time
    and changes a unit's weights only where it is wrong (S14)::

        W <- W + eta0 (y - ŷ) x,    b <- b + eta0 (y - ŷ)

    Two labels take one unit. More labels take one unit each, against the rest, and the largest net input predicts. A
    matrix of 0 and 1 takes one unit a column, each on its own.

    Where every unit's samples can be separated by a plane, the rule finds one after at most (R / γ)² mistakes, from
    weights of zero: R is the length of the longest row [x, 1], γ the margin of the best plane [w, b] of length 1
    (Novikoff). Where they cannot, as in XOR, it never settles: ``separated_`` says so, and MLPClassifier is for them.

    Parameters
    ----------
    eta0 : float, default=1.0
        Size of a step. From weights of zero it only scales W and b, and 1 keeps whole numbers whole and exact; it
        matters where there are starting weights.

    max_iter : int, default=1000
        The most epochs. Training ends with the first epoch without a mistake; on data that cannot be separated all of
        them are run.

    shuffle : bool, default=True
        Whether each epoch visits the rows in a new random order, which usually takes fewer epochs.

    random_state : int, RandomState instance or None, default=None
        For that order. The same int gives the same model.

    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the last fit, instead of starting anew.

    Attributes
    ----------
    coef_ : ndarray of shape (n_outputs, n_features)
        W, in float32 if X was float32, else float64.

    intercept_ : ndarray of shape (n_outputs,)
        b.

    classes_ : ndarray of shape (n_classes,)
        Labels; for a matrix of 0 and 1, its columns' numbers.

    separated_ : bool
        Whether the last epoch had no mistake, so that the training data are separated.

    mistakes_curve_ : list of int
        Wrong outputs of each epoch, of all units together; goes on with ``partial_fit`` and ``warm_start``.

    n_iter_ : int
        Epochs of the last fit.

    n_features_in_, feature_names_in_
        As in scikit-learn: the input's columns.

    See Also
    --------
    MLPClassifier : With hidden layers, for classes that no plane separates.

    Notes
    -----
    ``sklearn.linear_model.Perceptron`` takes the same steps but for one case: a sample of the second class with a net
    input of exactly 0, as from weights of zero, is right here and wrong there. It may also
    stop before the data are separated, by its ``tol``.

    References
    ----------
    F. Rosenblatt (1958). The perceptron: a probabilistic model for information storage and organization in the brain.
    Psychological Review 65, 386-408.

    A. B. J. Novikoff (1962). On convergence proofs on perceptrons. Symposium on the Mathematical Theory of Automata 12,
    615-622.

    Examples
    --------
    AND and OR, learnt by two units at once:

    >>> from fastmlp import Perceptron
    >>> X = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> model = Perceptron(random_state=0).fit(X, [[0, 0], [0, 1], [0, 1], [1, 1]])
    >>> model.separated_
    True
    >>> model.predict([[1, 0], [1, 1]])
    array([[0, 1],
           [1, 1]])

    No line separates XOR:

    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     model.fit(X, [0, 1, 1, 0]).separated_
    False
    """

    _parameter_constraints = {
        "eta0": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
    }

    eta0: float
    max_iter: int
    shuffle: bool
    random_state: RandomState
    warm_start: bool

    n_features_in_: int
    feature_names_in_: np.ndarray
    classes_: np.ndarray
    coef_: np.ndarray
    intercept_: np.ndarray
    mistakes_curve_: list[int]
    n_iter_: int
    separated_: bool

    @explains_unknown_keywords
    def __init__(
        self,
        *,
        eta0: float = 1.0,
        max_iter: int = 1000,
        shuffle: bool = True,
        random_state: RandomState = None,
        warm_start: bool = False,
    ):
        store(self, locals())

    @explains_unknown_keywords
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        coef_init: ArrayLike | None = None,
        intercept_init: ArrayLike | None = None,
    ) -> Self:
        """Train until an epoch has no mistake, or for ``max_iter`` epochs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite numbers. If C-contiguous and float32 or float64 it is used where it is, never copied.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels of two classes or more, or a matrix of 0 and 1.
        coef_init : array-like of shape (n_outputs, n_features), or (n_features,) for one output, default=None
            Starting weights; zeros by default, with which the bound on mistakes holds, or with ``warm_start`` those of
            the last fit.
        intercept_init : array-like of shape (n_outputs,), or a number for one output, default=None
            Starting biases, likewise.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter, a shape or a value is wrong; an earlier fit is kept. Also if a weight becomes NaN or
            infinite: the model then has the weights of the epoch before.

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` epochs have not separated the data.
        UserWarning
            If the user interrupts training.

        Examples
        --------
        From given weights, which are right already:

        >>> from fastmlp import Perceptron
        >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1]
        >>> model = Perceptron().fit(X, y, coef_init=[[1, 1]], intercept_init=[-1.5])
        >>> model.mistakes_curve_, model.coef_, model.intercept_
        ([0], array([[1., 1.]]), array([-1.5]))
        """
        return self._fit(X, y, self.max_iter, coef_init=coef_init, intercept_init=intercept_init)

    @explains_unknown_keywords
    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None) -> Self:
        """Train for one epoch on X and y, continuing where the last call ended.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Need not hold every class.
        classes : array-like of shape (n_classes,), default=None
            All labels there will ever be, or the columns' numbers 0 ... n_outputs - 1 for a matrix of 0 and 1; required
            in the first call, and may be left out later.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As for ``fit``, and if classes are missing or others than before.

        Examples
        --------
        >>> from fastmlp import Perceptron
        >>> model = Perceptron(shuffle=False)
        >>> for x, label in [(2.0, "large"), (-1.0, "small"), (3.0, "large")]:
        ...     model.partial_fit([[x]], [label], classes=["small", "large"]).mistakes_curve_
        [1]
        [1, 0]
        [1, 0, 0]
        """
        return self._fit(X, y, 1, incremental=True, classes=classes)

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Compute net inputs W x + b.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) for two labels, else (n_samples, n_outputs)

        Raises
        ------
        NotFittedError
            Before the first fit.
        ValueError
            If X has NaN or infinity, or another number of features than in ``fit``.

        Examples
        --------
        >>> from fastmlp import Perceptron
        >>> Perceptron(random_state=0).fit([[0.0], [1.0]], [0, 1]).decision_function([[0.0], [1.0]]).shape
        (2,)
        """
        return self._net_inputs(self._check_X(X))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_outputs) of 0 and 1 for a matrix of targets

        Raises
        ------
        NotFittedError, ValueError
            As for ``decision_function``.

        Examples
        --------
        >>> from fastmlp import Perceptron
        >>> Perceptron(random_state=0).fit([[0.0], [1.0]], [0, 1]).predict([[0.0], [1.0]])
        array([0, 1])
        """
        checked = self._check_X(X)
        parts = Parts(len(checked))
        for rows in row_blocks(len(checked), checked.itemsize * len(self.coef_)):
            net = self._net_inputs(checked[rows])
            decides_alone = net.ndim == 1 or self._targets.has_independent_outputs
            parts.add(rows, self._targets.labels((net >= 0).astype(np.intp) if decides_alone else net.argmax(axis=1)))
        return parts.joined()

    def _check_X(self, X):
        check_is_fitted(self)
        with elements_named(self.coef_.dtype, X=X):
            return for_core(validate_data(self, X, dtype=self.coef_.dtype, order="C", reset=False))

    def _net_inputs(self, X):
        net = np.empty((X.shape[0], len(self.coef_)), self.coef_.dtype)
        # Not by BLAS: prediction has to round as training did, or a sample on the border changes sides.
        net_inputs(net, self.coef_, self.intercept_, X)
        return net.ravel() if len(self.coef_) == 1 else net

    def _fit(self, X, y, n_epochs, *, incremental=False, classes=None, coef_init=None, intercept_init=None):
        self._validate_params()
        is_fitted = hasattr(self, "coef_")
        resume = is_fitted and (incremental or self.warm_start)
        fit, X, targets = self._begin(X, y, resume, incremental, classes)
        shape = (targets.shape[1], X.shape[1])
        fit.coef = fit.start("coef_init", coef_init, self.coef_ if resume else None, shape, X.dtype)
        fit.intercept = fit.start(
            "intercept_init", intercept_init, self.intercept_ if resume else None, shape[:1], X.dtype
        )
        try:
            fit.train(X, targets, n_epochs, self.shuffle, self.eta0)
        except DivergenceError:
            if fit.n_iter > 0 or not is_fitted:  # it has good weights, or at least there are no better ones than zeros
                self._assign(fit)
            raise
        self._assign(fit)
        if not (self.separated_ or incremental) and self.n_iter_ == n_epochs:
            warn(
                f"The training data were not separated in max_iter={n_epochs} epochs, the last of which had "
                f"{self.mistakes_curve_[-1]} mistakes; increase max_iter, or use MLPClassifier, because no line "
                "separates such data as XOR.",
                ConvergenceWarning,
            )
        return self

    def _assign(self, fit):
        self.n_features_in_ = fit.columns.n_features
        if fit.columns.names is not None:
            self.feature_names_in_ = fit.columns.names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self._targets, self._random_state = fit.targets, fit.random_state
        self.classes_, self.coef_, self.intercept_ = fit.targets.classes, fit.coef, fit.intercept
        self.mistakes_curve_, self.n_iter_, self.separated_ = fit.mistakes_curve, fit.n_iter, fit.separated

    def _begin(self, X, y, resume, incremental, classes):
        """The fit before its first epoch, X, and encoded targets."""
        dtype = self.coef_.dtype if resume else [np.float64, np.float32]
        columns = Columns(self.n_features_in_, getattr(self, "feature_names_in_", None)) if resume else None
        columns, X, y = check_X_and_y(self, X, y, columns, dtype=dtype)
        if y.ndim == 2:
            check_indicator_matrix(y)
        found = np.arange(y.shape[1]) if y.ndim == 2 else distinct_labels(y, y)
        if incremental:
            check_classes(classes)
            known = SimpleNamespace(classes_=getattr(self, "classes_", None))
            _check_partial_fit_first_call(known, classes)
            classes = known.classes_
        else:
            if resume:
                check_same_classes(found, self.classes_)
            classes = found
        targets = (Labels if y.ndim == 2 else Classes)(classes)
        if resume and type(targets) is not type(self._targets):
            kinds: dict[type, str] = {Classes: "a column of labels", Labels: "a matrix of 0 and 1"}
            raise ValueError(
                f"The model to continue was fitted to {kinds[type(self._targets)]}, but y is now "
                f"{kinds[type(targets)]}; keep to the first, or set warm_start=False and use fit."
            )
        random_state = self._random_state if resume else check_random_state(self.random_state)
        curve = list(self.mistakes_curve_) if resume else []
        return PerceptronFit(columns, targets, random_state, curve), X, binary_targets(y, found, classes)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


@dataclass(eq=False)
class PerceptronFit:
    """Weights that are learnt, and what belongs to them; those of the last complete epoch at any time.

    Attributes
    ----------
    columns : Columns
    targets : Classes or Labels
    random_state : RandomState
    mistakes_curve : list of int
    coef : ndarray of shape (n_outputs, n_features)
    intercept : ndarray of shape (n_outputs,)
    n_iter : int
    separated : bool
    """

    columns: Columns
    targets: Classes | Labels
    random_state: np.random.RandomState
    mistakes_curve: list[int]
    coef: np.ndarray = field(init=False)
    intercept: np.ndarray = field(init=False)
    n_iter: int = 0
    separated: bool = False

    def start(
        self, name: str, given: ArrayLike | None, last: np.ndarray | None, shape: tuple[int, ...], dtype: DTypeLike
    ) -> np.ndarray:
        """Starting values: those given, else the last ones, else zeros."""
        if given is None:
            return np.zeros(shape, dtype) if last is None else last
        check_no_dates(given, name)
        with np.errstate(over="ignore"):  # what is too large for float32 is refused as infinite
            start = check_array(given, dtype=dtype, ensure_2d=False, ensure_min_samples=0, copy=True, input_name=name)
        if start.shape != shape and not (shape[0] == 1 and start.shape == shape[1:]):
            raise ValueError(
                f"{name} has shape {start.shape}, but data with {self.columns.n_features} features and "
                f"{len(self.targets.classes)} classes need {shape}; pass one row of weights and one bias for each "
                "output."
            )
        return start.reshape(shape)

    def train(self, X: np.ndarray, targets: np.ndarray, n_epochs: int, shuffle: bool, eta0: float) -> None:
        """Run epochs until one has no mistake."""
        rows = np.arange(X.shape[0])
        try:
            while self.n_iter < n_epochs and not self.separated:
                coef, intercept = self.coef.copy(), self.intercept.copy()
                order = self.random_state.permutation(rows) if shuffle else rows
                mistakes = train_epoch(coef, intercept, X, targets, order, eta0)
                if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
                    raise DivergenceError(
                        f"Training diverged in epoch {self.n_iter + 1}: a weight became NaN or infinite; scale X (for "
                        "example with StandardScaler), or lower eta0. The model keeps the weights it had before that "
                        "epoch."
                    )
                self.coef, self.intercept = coef, intercept
                self.mistakes_curve.append(mistakes)
                self.n_iter += 1
                self.separated = mistakes == 0
        except KeyboardInterrupt:
            warn_interrupted(f"{self.n_iter} epochs")


def binary_targets(y: np.ndarray, found: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Targets of each output, 0 or 1.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_labels)
    found : ndarray of shape (n_found,)
        The classes in y.
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n_samples, n_outputs), of uint8

    Raises
    ------
    ValueError
        If there is only one class, or y has others.
    """
    if len(classes) < 2:
        raise ValueError(
            f"There is only one class, {classes}, and nothing to separate; pass samples of two classes or more."
        )
    # By value, and not by NumPy's comparison, for which 1 and "1" are the same.
    if set(found.tolist()) - set(classes.tolist()):
        raise unknown_classes(classes, found)
    if y.ndim == 2:
        if y.shape[1] != len(classes):
            raise ValueError(
                f"y has {y.shape[1]} columns, but there are {len(classes)} classes; pass a column for each."
            )
        return np.ascontiguousarray(y, dtype=np.uint8)
    codes = np.searchsorted(classes, y)[:, np.newaxis]
    units = np.arange(len(classes)) if len(classes) > 2 else [1]
    return np.ascontiguousarray(codes == units).view(np.uint8)
