"""Classification: binary, multi-class and multilabel."""

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix
from scipy.special import expit, log_expit, log_softmax
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from fastmlp._typing import Callbacks, MatrixLike, RandomState
from fastmlp.activations import Activation, Softmax, get_activation
from fastmlp.estimators._base import BaseMLP
from fastmlp.estimators._docs import fill_docstring
from fastmlp.estimators._labels import (
    check_indicator_matrix,
    check_same_classes,
    class_numbers,
    distinct_labels,
    has_several_targets,
    is_classes_of_targets,
    one_hot,
    targets_of_other_shape,
)
from fastmlp.losses import LOSSES, Hinge, Loss, get_loss
from fastmlp.training.schedules import Schedule

# Output activations whose values are probabilities, 1/2 where their net input is 0.
PROBABILITIES = ("softmax", "logistic", "hard_sigmoid")


@fill_docstring
class MLPClassifier(ClassifierMixin, BaseMLP):
    """Multilayer-perceptron classifier, in place of ``sklearn.neural_network.MLPClassifier``.

    By default it minimizes the log-loss (S10): with softmax outputs for three classes or more, with one logistic output
    for two, with one logistic output a class for multilabel targets, and with a softmax for each of several targets
    that have classes of their own.

    Parameters
    ----------
    <shared parameters>

    loss : str or Loss, default='auto'
        'auto' is log_loss. kl_divergence differs from it by a constant, the entropy of the targets, and also takes soft
        targets: y of shape (n_samples, n_classes) whose rows are distributions. squared_error compares probabilities
        with 0 and 1 (the Brier score), hinge learns a margin, one class against the rest, and gives no probabilities. A
        `Loss` of your own works too.

    label_smoothing : float, default=0.0
        Share of the target that is spread over all classes: 1 becomes 1 - s + s / n, 0 becomes s / n, with n = 2 for
        binary and multilabel targets. Szegedy et al. (2016), arXiv:1512.00567.

    class_weight : dict, list of dict, 'balanced' or None, default=None
        Factors of the sample weights by class label; 'balanced' is n_samples / (n_classes * samples of the class). For
        multilabel targets a list of one dict for each label.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or a list of them for several targets
        Labels in the order of the outputs.

    <shared attributes>

    Examples
    --------
    >>> from fastmlp import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((32,), learning_rate_init=0.01, max_iter=50, tol=0.01, random_state=0)
    >>> model.fit(scale(X), y).score(scale(X), y) > 0.95
    True
    """

    _parameter_constraints = {
        **BaseMLP._parameter_constraints,
        "loss": [StrOptions({"auto", *(name for name, loss in LOSSES.items() if loss.for_classifiers)}), Loss],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Activation | Sequence[str | Activation] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str | Schedule | Callable[[int], float] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        out_activation: str | Activation = "auto",
        loss: str | Loss = "auto",
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        batch_norm: bool = False,
        l1: float = 0.0,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        label_smoothing: float = 0.0,
        class_weight: dict | Sequence[dict] | str | None = None,
        init: str | Sequence[str] = "auto",
        scoring: str | Callable | None = None,
        max_time: float | None = None,
        callbacks: Callbacks = None,
        dtype: str = "auto",
        n_jobs: int | None = None,
    ):
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
            out_activation=out_activation,
            dropout=dropout,
            input_dropout=input_dropout,
            batch_norm=batch_norm,
            l1=l1,
            weight_decay=weight_decay,
            clip_norm=clip_norm,
            init=init,
            scoring=scoring,
            max_time=max_time,
            callbacks=callbacks,
            dtype=dtype,
            n_jobs=n_jobs,
        )
        self.loss = loss
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight

    @available_if(BaseMLP._is_stochastic)
    def partial_fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on X and y, continuing where the last call ended.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Need not hold every class.
        sample_weight : array-like of shape (n_samples,), default=None
        classes : array-like of shape (n_classes,), or a list of them for several targets, default=None
            All classes there will ever be; required in the first call, and may be left out later.
        X_val, y_val, sample_weight_val : like X, y and sample_weight, default=None
            As for ``fit``. With ``early_stopping``, ``stop_reason_`` is 'no_improvement' once patience has run out.

        Returns
        -------
        self

        Raises
        ------
        AttributeError
            If the solver is lbfgs, which has no epochs.
        ValueError
            As for ``fit``, and if ``early_stopping`` is set without X_val, or classes are missing or others than
            before.

        Examples
        --------
        >>> from fastmlp import MLPClassifier
        >>> model = MLPClassifier((4,), random_state=0).partial_fit([[0.0], [1.0]], ["a", "b"], classes=["a", "b", "c"])
        >>> model.classes_
        array(['a', 'b', 'c'], dtype='<U1')
        """
        validation = X_val, y_val, sample_weight_val
        return self._fit(X, y, sample_weight, validation, incremental=True, classes=classes)

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict class labels.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_classes) of 0 and 1 for multilabel targets, or
            (n_samples, n_targets) of labels for several targets
            Multilabel, a CSR matrix if y was sparse.

        Raises
        ------
        NotFittedError
            Before the first fit.
        ValueError
            If X has NaN or infinity, or another number of features than in ``fit``.

        Examples
        --------
        >>> from fastmlp import MLPClassifier
        >>> MLPClassifier((), solver="lbfgs").fit([[0.0], [1.0]], ["a", "b"]).predict([[-3.0], [3.0]])
        array(['a', 'b'], dtype='<U1')
        """
        labels = self._in_blocks(self._check_X(X), self._labels_of)
        return csr_matrix(labels) if self._multilabel and self._sparse_labels else labels

    def _labels_of(self, X):
        return self._labels(self._decide(self._outputs(X)))

    def _labels(self, codes):
        if self._multioutput:
            labels = [of_target[column] for of_target, column in zip(self.classes_, codes.T, strict=True)]
            kinds = {column.dtype.kind for column in labels}
            return np.column_stack(labels if len(kinds) == 1 else [column.astype(object) for column in labels])
        return codes if self._multilabel else self.classes_[codes]

    @property
    def _is_hinge(self):
        return isinstance(self.loss, Hinge) or (isinstance(self.loss, str) and self.loss == "hinge")

    def _gives_probabilities(self):
        name = getattr(self.out_activation, "name", self.out_activation)
        if name in PROBABILITIES or (name == "auto" and not self._is_hinge):
            return True
        raise AttributeError(
            f"probabilities are not available with loss={self.loss!r} and out_activation={name!r}; use "
            "loss='log_loss', or decision_function."
        )

    def _gives_no_probabilities(self):
        try:
            self._gives_probabilities()
        except AttributeError:
            return True
        raise AttributeError("decision_function is for losses without probabilities; use predict_log_proba.")

    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy of the predictions; for distributions as targets, of their most probable class.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), or (n_samples, n_classes) for multilabel and soft targets
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
            Share of the samples, for multilabel targets with all labels right.

        Raises
        ------
        NotFittedError, ValueError
            As for ``predict``.

        Examples
        --------
        >>> from fastmlp import MLPClassifier
        >>> model = MLPClassifier((), solver="lbfgs").fit([[0.0], [1.0]], [0, 1])
        >>> model.score([[0.0], [1.0], [2.0]], [0, 1, 0], sample_weight=[1, 1, 2])
        0.5
        """
        check_is_fitted(self)
        if self._multioutput:
            check_consistent_length(X, y, sample_weight)
            y = np.asarray(y)
            if y.ndim != 2 or y.shape[1] != len(self.classes_):
                raise targets_of_other_shape(y, self.classes_)
            return float(np.average(np.all(self.predict(X) == y, axis=1), weights=sample_weight))
        if np.ndim(y) == 2 and not self._multilabel and np.shape(y)[1] == len(self.classes_):
            y = self.classes_[np.argmax(y, axis=1)]
        return super().score(X, y, sample_weight)

    @available_if(_gives_no_probabilities)
    def decision_function(self, X: MatrixLike) -> np.ndarray:
        """Outputs less the threshold between the classes, for losses without probabilities such as hinge.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)

        Raises
        ------
        NotFittedError, ValueError
            As for ``predict``.

        Examples
        --------
        >>> from fastmlp import MLPClassifier
        >>> model = MLPClassifier((), solver="lbfgs", loss="hinge").fit([[0.0], [1.0]], [0, 1])
        >>> (model.decision_function([[-1.0], [2.0]]) > 0).tolist()
        [False, True]
        """
        values = self._outputs(self._check_X(X))
        values -= self._threshold
        if self._multioutput:
            return self._by_target(values)
        return values.ravel() if values.shape[1] == 1 else values

    @available_if(_gives_probabilities)
    def predict_proba(self, X: MatrixLike) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; rows sum to 1, except for multilabel targets, whose classes are independent.
            For several targets a list of them.

        Raises
        ------
        NotFittedError, ValueError
            As for ``predict``.

        Examples
        --------
        >>> from fastmlp import MLPClassifier
        >>> model = MLPClassifier((), solver="lbfgs", alpha=1.0).fit([[0.0], [1.0], [2.0]], [0, 1, 2])
        >>> model.predict_proba([[1.0]]).round(1)
        array([[0.3, 0.4, 0.3]])
        """
        probabilities = self._in_blocks(self._check_X(X), self._probabilities_of)
        return self._by_target(probabilities) if self._multioutput else probabilities

    def _probabilities_of(self, X):
        if self._is_one_logistic:
            return expit(self._binary_logits(X))
        outputs = self.network_.predict_raw(X, activate_output=True)
        if outputs.shape[1] == 1:
            outputs = np.hstack([1 - outputs, outputs]) if len(self.classes_) == 2 else np.ones_like(outputs)
        if self._multilabel or self.out_activation_ == "softmax":
            return outputs
        parts = self._by_target(outputs) if self._multioutput else [outputs]
        return np.hstack([_normalized(part) for part in parts])

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: MatrixLike) -> np.ndarray:
        """Predict the logarithms of class probabilities, from the logits.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            With softmax and logistic outputs finite even where the probability itself underflows to 0.

        Raises
        ------
        NotFittedError, ValueError
            As for ``predict``.

        Examples
        --------
        Finite where the probability itself is 0.

        >>> from fastmlp import MLPClassifier
        >>> model = MLPClassifier((), solver="lbfgs").fit([[0.0], [1.0]], [0, 1])
        >>> bool(model.predict_log_proba([[1e4]])[0, 0] < -1000)
        True
        """
        logarithms = self._in_blocks(self._check_X(X), self._log_probabilities_of)
        return self._by_target(logarithms) if self._multioutput else logarithms

    def _log_probabilities_of(self, X):
        if self.out_activation_ == "softmax":
            outputs = self._outputs(X)
            parts = self._by_target(outputs) if self._multioutput else [outputs]
            return np.hstack([log_softmax(part, axis=1) for part in parts])
        if self._is_one_logistic:
            return log_expit(self._binary_logits(X))
        if self._multilabel and self.out_activation_ == "logistic":
            logits = self._outputs(X)
            # As rounded as the probabilities above 1/2, so that both put a sample's labels in one order.
            return np.where(logits > 0, np.log(expit(np.maximum(logits, 0))), log_expit(logits))
        with np.errstate(divide="ignore"):
            return np.log(self._probabilities_of(X))

    @property
    def _is_one_logistic(self):
        return self.n_outputs_ == 1 and self.out_activation_ == "logistic"

    def _binary_logits(self, X):
        """The logits of both classes, which lose no digits as 1 - p would; infinite for an only class."""
        logit = self._outputs(X)
        return np.hstack([-logit, logit]) if len(self.classes_) == 2 else np.full_like(logit, np.inf)

    @property
    def _target_values(self):
        """What a class's own target and that of the others become: smoothed, and -1 and 1 for hinge."""
        if self._is_hinge:
            return -1.0, 1.0
        if self._multioutput:  # smoothed already, each target over its own classes
            return 0.0, 1.0
        n_classes = 2 if self._multilabel else max(2, len(self.classes_))
        off = self.label_smoothing / n_classes
        return off, 1 - self.label_smoothing + off

    @property
    def _threshold(self):
        """Between the classes: logits of 0, or half-way between the targets."""
        return 0.0 if self.network_.out_activation.name in PROBABILITIES else sum(self._target_values) / 2

    def _outputs(self, X, rows=None):
        """Logits, where the outputs are probabilities, because these are rounded."""
        activate = self.network_.out_activation.name not in PROBABILITIES
        return self.network_.predict_raw(X, activate_output=activate, rows=rows)

    def _weigh_classes(self, targets, sample_weight, counted):
        if self.class_weight is None:
            return sample_weight
        if self._multioutput or self._multilabel:
            weights = self._weights_of_columns(targets, *counted)
        elif targets.ndim == 2:  # distributions
            counts = np.average(counted[0], axis=0, weights=counted[1])
            weights = targets @ self._weights_of_classes(counts)
        else:
            counts = np.bincount(counted[0].astype(np.intp), counted[1], minlength=len(self.classes_))
            weights = self._weights_of_classes(counts)[targets.astype(np.intp)]
        if not (np.all(np.isfinite(weights)) and np.all(weights >= 0) and np.any(weights > 0)):
            raise ValueError(
                f"class_weight is {self.class_weight!r}; pass finite weights of at least 0, not 0 for all rows."
            )
        return weights if sample_weight is None else weights * sample_weight

    def _weights_of_columns(self, targets, counted, counted_weight):
        """Of several targets or labels: the product of the weights of their classes."""
        codes = self._decide(targets) if self._multioutput else targets.astype(np.intp)
        if not isinstance(self.class_weight, str):
            try:
                return compute_sample_weight(self.class_weight, self._labels(codes))
            except ValueError as error:
                raise ValueError(
                    f"class_weight is {self.class_weight!r}, but {error}; pass a list of a dict for each column of y, "
                    "from its labels to weights."
                ) from error
        counted = self._decide(counted) if self._multioutput else counted.astype(np.intp)
        return np.prod(
            [
                _balanced(np.bincount(column, counted_weight, minlength=n_classes))[code]
                for code, column, n_classes in zip(codes.T, counted.T, self._n_classes_of_columns(), strict=True)
            ],
            axis=0,
        )

    def _n_classes_of_columns(self):
        if self._multilabel:
            return [2] * len(self.classes_)
        return [len(labels) for labels in self.classes_]

    def _weights_of_classes(self, counts):
        """Weight of each of `classes_`, which have `counts` samples."""
        if isinstance(self.class_weight, str):
            return _balanced(counts)
        if not isinstance(self.class_weight, dict):
            raise ValueError(f"class_weight is {self.class_weight!r}; pass a dict from class labels to weights.")
        unknown = [label for label in self.class_weight if label not in self.classes_]
        if unknown:
            raise ValueError(
                f"class_weight has {unknown}, which are not among the classes {self.classes_}; remove them."
            )
        weights = [self.class_weight.get(label, 1.0) for label in self.classes_.tolist()]
        if not all(isinstance(weight, Real) for weight in weights):
            raise ValueError(f"class_weight is {self.class_weight!r}; pass finite weights of at least 0.")
        return np.array(weights, dtype=np.float64)

    def _check_targets(self, y, dtype, resume, incremental, classes):
        """Class numbers in the smallest dtype that holds them, or a matrix for targets of several columns."""
        if incremental:
            self._check_classes(classes)
        self._multilabel = False
        if self._has_several_targets(y, known=resume or incremental):
            return self._targets_side_by_side(y, dtype, resume, incremental)
        if y.ndim == 2 and self._are_distributions(y, resume):
            return self._soft_targets(y, dtype, resume, incremental)
        if y.ndim == 2 and type_of_target(y, input_name="y") == "continuous-multioutput":
            raise ValueError(
                f"y of shape {y.shape} holds fractions, and loss is {self.loss!r}; set loss='kl_divergence' for "
                "probabilities of the classes, or pass labels."
            )
        if y.ndim == 2:
            check_indicator_matrix(y)
            columns = np.arange(y.shape[1])
            if incremental and not np.array_equal(self.classes_, columns):
                raise ValueError(
                    f"classes are {self.classes_}, but y has {y.shape[1]} columns of 0 and 1, one for each label; pass "
                    f"classes=range({y.shape[1]})."
                )
            self.classes_, self._multilabel = columns, True
            return np.ascontiguousarray(y, dtype=dtype)
        if incremental:
            return class_numbers(y, self.classes_)
        classes = distinct_labels(y)
        if resume:
            check_same_classes(classes, self.classes_)
        self.classes_ = classes
        return class_numbers(y, classes)

    def _check_classes(self, classes):
        """All classes there will ever be, of one target or of several, from the first call of partial_fit."""
        if classes is not None and (not np.iterable(classes) or len(classes) == 0):
            raise ValueError(f"classes is {classes!r}; pass a list of all labels, or one for each of several targets.")
        if is_classes_of_targets(classes):
            classes = [np.unique(labels) for labels in classes]
            if hasattr(self, "classes_"):
                check_same_classes(classes, self.classes_)
            self.classes_ = classes
        elif classes is not None or not (hasattr(self, "classes_") and self._multioutput):
            _check_partial_fit_first_call(self, classes)

    @property
    def _multioutput(self):
        """Whether there are several targets with classes of their own."""
        return isinstance(self.classes_, list)

    def _has_several_targets(self, y, known):
        if known and hasattr(self, "classes_"):
            return self._multioutput
        return has_several_targets(y)

    def _targets_side_by_side(self, y, dtype, resume, incremental):
        if not incremental:
            classes = [distinct_labels(column) for column in y.T]
            if resume:
                check_same_classes(classes, self.classes_)
            self.classes_ = classes
        return one_hot(y, self.classes_, self.label_smoothing, dtype)

    def _encode(self, y, dtype):
        if self._multioutput:
            return one_hot(y, self.classes_, self.label_smoothing, dtype)
        if y.ndim == 1:
            return class_numbers(y, self.classes_)
        if self._multilabel:
            check_indicator_matrix(y)
        return np.ascontiguousarray(y, dtype=dtype)

    def _are_distributions(self, y, resume):
        """Whether rows are soft targets over classes, and not labels of 0 and 1."""
        if getattr(self.loss, "name", self.loss) != "kl_divergence" or y.dtype.kind != "f":
            return False
        if resume:
            return self.network_.out_activation.is_distribution
        return bool(np.any(y % 1) or np.allclose(y.sum(axis=1), 1))

    def _soft_targets(self, y, dtype, resume, incremental):
        """A distribution over the classes for each row."""
        self._multilabel = False
        if not (resume or incremental):
            self.classes_ = np.arange(y.shape[1])
        if len(self.classes_) != y.shape[1]:
            raise ValueError(
                f"y has {y.shape[1]} columns for the {len(self.classes_)} classes {self.classes_}; pass one each."
            )
        return np.ascontiguousarray(y, dtype=dtype)

    def _n_outputs(self, targets, out_activation, loss):
        if targets.ndim == 2:
            return targets.shape[1]
        n_classes = len(self.classes_)
        return n_classes if n_classes > 2 or (n_classes == 2 and out_activation.is_distribution) else 1

    def _output(self, targets):
        loss = get_loss("log_loss" if isinstance(self.loss, str) and self.loss == "auto" else self.loss)
        if self._is_hinge and self.label_smoothing:
            raise ValueError(
                f"label_smoothing is {self.label_smoothing!r}, but loss='hinge' needs targets of exactly -1 and 1; set "
                "label_smoothing=0, or use loss='log_loss'."
            )
        if self._multioutput and not self._is_hinge and self.out_activation in ("auto", "softmax"):
            return Softmax(self._n_classes_of_columns()), loss
        if not (isinstance(self.out_activation, str) and self.out_activation == "auto"):
            out_activation = get_activation(self.out_activation, "out_activation")
            groups = getattr(out_activation, "group_sizes", None)
            if groups and not (self._multioutput and list(groups) == self._n_classes_of_columns()):
                raise ValueError(
                    f"out_activation is {out_activation}, whose groups are not the classes of several targets, of "
                    f"which y has {self._n_classes_of_columns() if self._multioutput else 'none'}; use 'auto'."
                )
            return out_activation, loss
        if self._is_hinge:
            return get_activation("identity"), loss
        several = targets.shape[1] > 1 and not self._multilabel if targets.ndim == 2 else len(self.classes_) > 2
        return get_activation("softmax" if several else "logistic"), loss

    def _by_target(self, values):
        """The columns of each of several targets."""
        return np.split(values, np.cumsum(self._n_classes_of_columns())[:-1], axis=1)

    def _decide(self, values):
        """Class numbers from what `_outputs` returns: the largest, or whether it is above the threshold."""
        if self._multioutput:
            return np.column_stack([part.argmax(axis=1) for part in self._by_target(values)])
        if self._multilabel:
            return (values > self._threshold).astype(np.int64)
        if values.shape[1] > 1:
            return values.argmax(axis=1)
        return np.minimum(values.ravel() > self._threshold, len(self.classes_) - 1).astype(np.intp)

    def _score_outputs(self, outputs, targets, sample_weight):
        decided = self._decide(outputs)
        if self._multioutput:
            return np.average(np.all(decided == self._decide(targets), axis=1), weights=sample_weight)
        if targets.ndim == 2 and not self._multilabel:  # distributions
            targets = targets.argmax(axis=1)
        return accuracy_score(targets, decided, sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _normalized(outputs):
    """Probabilities of one class against the rest, made to sum to 1; alike where all are 0."""
    sums = outputs.sum(axis=1, keepdims=True)
    return np.where(sums > 0, outputs / np.where(sums > 0, sums, 1), 1 / outputs.shape[1])


def _balanced(counts):
    """Weights of classes with so many samples, or so much weight, that all of them weigh the same in sum."""
    present = counts > 0
    return np.where(present, counts.sum() / (present.sum() * np.where(present, counts, 1)), 0.0)
