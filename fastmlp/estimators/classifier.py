"""Classification: binary, multi-class, multilabel, and of several targets."""

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import Interval, StrOptions

from fastmlp._typing import Callbacks, MatrixLike, RandomState, Scoring
from fastmlp.activations import Activation
from fastmlp.estimators._base import BaseMLP
from fastmlp.estimators._docs import fill_docstring
from fastmlp.estimators._fit import FittedAttribute
from fastmlp.estimators._parameters import available_if, store
from fastmlp.estimators._targets import ClassTargets, classes_to_come, gives_probabilities, recognize
from fastmlp.losses import LOSSES, Loss
from fastmlp.training.schedules import Schedule


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

    loss: str | Loss
    label_smoothing: float
    class_weight: dict[Any, float] | Sequence[dict[Any, float]] | str | None

    _targets: ClassTargets
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
        class_weight: dict[Any, float] | Sequence[dict[Any, float]] | str | None = None,
        init: str | Sequence[str] = "auto",
        trainable: str | Sequence[int] = "all",
        scoring: Scoring = None,
        max_time: float | None = None,
        callbacks: Callbacks = None,
        dtype: str = "auto",
        n_jobs: int | None = None,
    ):
        store(self, locals())

    classes_: FittedAttribute[np.ndarray | Any] = FittedAttribute(
        lambda fit: fit.targets.classes, "Labels in the order of the outputs."
    )

    @available_if(BaseMLP._has_epochs)
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
        return self._learn(X, y, sample_weight, validation, incremental=True, classes=classes)

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
        X = self._check_X(X)
        return self._targets.labels(self._in_blocks(X, self._targets.decide))

    def _gives_probabilities(self):
        if gives_probabilities(self.loss, self.out_activation):
            return True
        name = getattr(self.out_activation, "name", self.out_activation)
        raise AttributeError(
            f"probabilities are not available with loss={self.loss!r} and out_activation={name!r}; use "
            "loss='log_loss', or decision_function."
        )

    def _gives_no_probabilities(self):
        if not gives_probabilities(self.loss, self.out_activation):
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
        predicted = self.predict(X)
        return self._targets.accuracy(y, predicted, sample_weight)

    @available_if(_gives_no_probabilities)
    def decision_function(self, X: MatrixLike) -> np.ndarray | Any:
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
        raw = self._raw_outputs(self._check_X(X))
        return self._targets.by_target(self._targets.decision_values(raw))

    @available_if(_gives_probabilities)
    def predict_proba(self, X: MatrixLike) -> np.ndarray | Any:
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
        X = self._check_X(X)
        return self._targets.by_target(self._in_blocks(X, self._targets.probabilities))

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: MatrixLike) -> np.ndarray | Any:
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
        X = self._check_X(X)
        return self._targets.by_target(self._in_blocks(X, self._targets.log_probabilities))

    def _recognize_targets(self, y, before, incremental, classes, sparse):
        targets = recognize(
            y,
            before=before,
            classes=classes_to_come(classes, before) if incremental else None,
            sparse=sparse,
            loss=self.loss,
            out_activation=self.out_activation,
            label_smoothing=self.label_smoothing,
            class_weight=self.class_weight,
        )
        if incremental and isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' needs all rows at once, which partial_fit does not have; pass the weights as "
                "a dict, from sklearn.utils.class_weight.compute_class_weight."
            )
        return targets

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
