"""Classification: binary, multi-class and multilabel."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from scipy.special import expit, log_expit, log_softmax
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
    type_of_target,
)
from sklearn.utils.validation import check_is_fitted

from fastmlp._typing import MatrixLike
from fastmlp.estimators._base import BaseMLP
from fastmlp.estimators._docs import fill_docstring

LABELS_PER_BLOCK = 1 << 16


@fill_docstring
class MLPClassifier(ClassifierMixin, BaseMLP):
    """Multilayer-perceptron classifier, in place of ``sklearn.neural_network.MLPClassifier``.

    Minimizes the log-loss (S10): with softmax outputs for three classes or more, with one logistic output for two, with
    one logistic output a class for multilabel targets.

    Parameters
    ----------
    <shared parameters>

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
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

    @available_if(BaseMLP._is_stochastic)
    def partial_fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on X and y, continuing where the last call ended.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Need not hold every class.
        sample_weight : array-like of shape (n_samples,), default=None
        classes : array-like of shape (n_classes,), default=None
            All classes there will ever be; required in the first call, and may be left out later.

        Returns
        -------
        self

        Raises
        ------
        AttributeError
            If the solver is lbfgs, which has no epochs.
        ValueError
            As for ``fit``, and if ``early_stopping`` is set, or classes are missing or others than before.
        """
        return self._fit(X, y, sample_weight, incremental=True, classes=classes)

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict class labels.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_classes) of 0 and 1 for multilabel targets

        Raises
        ------
        NotFittedError
            Before the first fit.
        ValueError
            If X has NaN or infinity, or another number of features than in ``fit``.
        """
        codes = self._decide(self._predict_raw(X))
        return codes if self._multilabel else self.classes_[codes]

    def predict_proba(self, X: MatrixLike) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; rows sum to 1, except for multilabel targets, whose classes are independent.

        Raises
        ------
        NotFittedError, ValueError
            As for ``predict``.
        """
        check_is_fitted(self)
        if self._one_column:
            return expit(self._binary_logits(X))
        return self._predict_raw(X, activate_output=True)

    def predict_log_proba(self, X: MatrixLike) -> np.ndarray:
        """Predict the logarithms of class probabilities, from the logits.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Finite even where the probability itself underflows to 0.

        Raises
        ------
        NotFittedError, ValueError
            As for ``predict``.
        """
        check_is_fitted(self)
        if self._one_column:
            return log_expit(self._binary_logits(X))
        logits = self._predict_raw(X)
        return log_expit(logits) if self._multilabel else log_softmax(logits, axis=1)

    @property
    def _one_column(self):
        return self.network_.sizes[-1] == 1

    def _binary_logits(self, X):
        """The logits of both classes, which lose no digits as 1 - p would; infinite for an only class."""
        logit = self._predict_raw(X)
        return np.hstack([-logit, logit]) if len(self.classes_) == 2 else np.full_like(logit, np.inf)

    @property
    def _multilabel(self):
        return self.network_.out_activation == "logistic" and self.network_.sizes[-1] > 1

    def _check_targets(self, y, dtype, resume, incremental, classes):
        """Class numbers in the smallest dtype that holds them, or a matrix of 0 and 1 for multilabel targets."""
        y = y.toarray() if issparse(y) else y
        if incremental:
            _check_partial_fit_first_call(self, classes)
        if y.ndim == 2:
            if type_of_target(y, input_name="y") != "multilabel-indicator":
                raise ValueError(
                    f"y of shape {y.shape} is {type_of_target(y)}, which is not supported; pass one column of "
                    "labels, or a matrix of 0 and 1 for multilabel targets."
                )
            if not np.isin(y, (0, 1)).all():
                raise ValueError(f"y has values {np.unique(y)}; multilabel targets need a matrix of 0 and 1.")
            self.classes_ = np.arange(y.shape[1])
            return np.ascontiguousarray(y, dtype=dtype)
        if incremental:
            return self._class_numbers(y)
        check_classification_targets(y)
        classes = np.unique(y)
        if resume and not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {classes}; set warm_start=False to start anew."
            )
        self.classes_ = classes
        return self._class_numbers(y)

    def _class_numbers(self, y):
        """Positions of labels in ``classes_``, a block at a time: the numbers take far less memory than searching."""
        n_classes = len(self.classes_)
        codes = np.empty(len(y), bool if n_classes <= 2 else np.uint8 if n_classes <= 256 else np.int32)
        for start in range(0, len(y), LABELS_PER_BLOCK):
            block = slice(start, start + LABELS_PER_BLOCK)
            try:
                found = np.searchsorted(self.classes_, y[block])
                found[found == n_classes] = 0
                known = np.array_equal(self.classes_[found], y[block])
            except TypeError:  # labels of a type that cannot be compared with the classes
                known = False
            if not known:
                raise ValueError(
                    f"`y` has classes not in `self.classes_`, {self.classes_}; name all classes in the first call to "
                    "partial_fit, or use fit to start anew."
                )
            codes[block] = found
        return codes

    def _n_outputs(self, targets):
        if targets.ndim == 2:
            return targets.shape[1]
        return len(self.classes_) if len(self.classes_) > 2 else 1

    def _output(self, targets):
        return ("softmax" if targets.ndim == 1 and self._n_outputs(targets) > 1 else "logistic"), "log_loss"

    def _decide(self, raw):
        """Class numbers from pre-activations: the largest, or whether it is above 0, where its probability is 1/2."""
        if self._multilabel:
            return (raw > 0).astype(np.int64)
        if raw.shape[1] > 1:
            return raw.argmax(axis=1)
        return np.minimum(raw.ravel() > 0, len(self.classes_) - 1).astype(np.intp)

    def _score_raw(self, raw, targets, sample_weight):
        return accuracy_score(targets, self._decide(raw), sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
