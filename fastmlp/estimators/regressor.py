"""Regression."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_array

from fastmlp._typing import Callbacks, MatrixLike, RandomState, Scoring
from fastmlp.activations import Activation
from fastmlp.estimators._base import BaseMLP
from fastmlp.estimators._docs import fill_docstring
from fastmlp.estimators._parameters import store
from fastmlp.estimators._targets import Numbers
from fastmlp.losses import LOSSES, Loss
from fastmlp.training.schedules import Schedule


@fill_docstring
class MLPRegressor(RegressorMixin, BaseMLP):
    """Multilayer-perceptron regressor, in place of ``sklearn.neural_network.MLPRegressor``.

    Parameters
    ----------
    loss : str or Loss, default='squared_error'
        Loss of one sample, summed over its outputs (S10): squared_error is half of |y - a|^2, sum_squared_error is
        |y - a|^2, mean_squared_error is their mean over the outputs; absolute_error, huber, log_cosh and quantile (the
        median) bear outliers; poisson is half the Poisson deviance, for y >= 0. ``Huber(threshold)`` and
        ``Quantile(levels)`` from `fastmlp.losses` set their parameters; ``Quantile([0.1, 0.5, 0.9])`` predicts several
        quantiles at once, which cannot cross. A `Loss` of your own works too.

    <shared parameters>

    Attributes
    ----------
    <shared attributes>

    Notes
    -----
    With several outputs scikit-learn reports the mean of the loss over the outputs but follows the gradient of its sum;
    here both are of the sum. Trained weights agree, ``loss_curve_`` is n_outputs times scikit-learn's.

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp import MLPRegressor
    >>> X = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> y = np.sin(3 * X).ravel()
    >>> model = MLPRegressor(hidden_layer_sizes=(30,), activation="tanh", solver="lbfgs", random_state=0)
    >>> model.fit(X, y).score(X, y) > 0.99
    True
    """

    loss: str | Loss

    _targets: Numbers
    _parameter_constraints = {
        **BaseMLP._parameter_constraints,
        "loss": [StrOptions({name for name, loss in LOSSES.items() if loss.for_regressors}), Loss],
    }

    def __init__(
        self,
        loss: str | Loss = "squared_error",
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
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        batch_norm: bool = False,
        l1: float = 0.0,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        init: str | Sequence[str] = "auto",
        trainable: str | Sequence[int] = "all",
        scoring: Scoring = None,
        max_time: float | None = None,
        callbacks: Callbacks = None,
        dtype: str = "auto",
        n_jobs: int | None = None,
    ):
        store(self, locals())

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs), in the computing dtype
            With several quantile levels (n_samples, n_levels), with several targets (n_samples, n_targets, n_levels).

        Raises
        ------
        NotFittedError
            Before the first fit.
        ValueError
            If X has NaN or infinity, or another number of features than in ``fit``.

        Examples
        --------
        >>> from fastmlp import MLPRegressor
        >>> model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, tol=1e-10, random_state=0)
        >>> model.fit([[0.0], [1.0]], [1.0, 3.0]).predict([[2.0]]).round(3)
        array([5.])
        """
        raw = self._raw_outputs(self._check_X(X))
        return self._targets.labels(raw)

    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """R^2 of the predictions; for quantiles the share of the pinball loss that they explain, D^2, mean over levels.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
            1 is best; 0 is what a constant reaches.

        Raises
        ------
        NotFittedError, ValueError
            As for ``predict``.

        Examples
        --------
        >>> from fastmlp import MLPRegressor
        >>> model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, tol=1e-10, random_state=0)
        >>> round(model.fit([[0.0], [1.0]], [1.0, 3.0]).score([[0.0], [1.0]], [1.0, 3.0]), 6)
        1.0
        """
        raw = self._raw_outputs(self._check_X(X))
        targets: np.ndarray = check_array(y, ensure_2d=False, dtype="numeric", input_name="y")
        return float(self._targets.score(raw, targets.reshape(len(targets), -1), sample_weight))

    def _recognize_targets(self, y, before, incremental, classes, sparse):
        n_targets = 1 if y.ndim == 1 else y.shape[1]
        return Numbers(n_targets, loss=self.loss, out_activation=self.out_activation)
