"""Regression."""

from collections.abc import Sequence

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions

from fastmlp._typing import Callbacks, MatrixLike, RandomState
from fastmlp.estimators._base import BaseMLP
from fastmlp.estimators._docs import fill_docstring


@fill_docstring
class MLPRegressor(RegressorMixin, BaseMLP):
    """Multilayer-perceptron regressor, in place of ``sklearn.neural_network.MLPRegressor``.

    Parameters
    ----------
    loss : str, default='squared_error'
        Loss of one sample, summed over its outputs (S10): squared_error is half of |y - a|^2, sum_squared_error is
        |y - a|^2, mean_squared_error is their mean over the outputs, all with an identity output; poisson is half the
        Poisson deviance with an exponential output, for y >= 0.

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

    _parameter_constraints = {
        **BaseMLP._parameter_constraints,
        "loss": [StrOptions({"squared_error", "sum_squared_error", "mean_squared_error", "poisson"})],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
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
        callbacks: Callbacks = None,
        dtype: str = "auto",
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
            callbacks=callbacks,
            dtype=dtype,
        )
        self.loss = loss

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs), in the computing dtype

        Raises
        ------
        NotFittedError
            Before the first fit.
        ValueError
            If X has NaN or infinity, or another number of features than in ``fit``.
        """
        prediction = self._predict_raw(X, activate_output=True)
        return prediction.ravel() if prediction.shape[1] == 1 else prediction

    def _check_targets(self, y, dtype, resume, incremental, classes):
        if y.dtype.kind not in "biuf":
            raise ValueError(f"y holds {y.dtype.type.__name__} values; pass numbers, for example y.astype(float).")
        if self.loss == "poisson" and np.any(y < 0):
            raise ValueError(f"y has {y.min():g}, but loss='poisson' needs y >= 0; shift y or use squared_error.")
        y = y.reshape(-1, 1) if y.ndim == 1 else y
        with np.errstate(over="ignore"):
            targets = np.ascontiguousarray(y, dtype=dtype)
        if not np.isfinite(targets).all():
            raise ValueError(
                f"y has {np.abs(y).max():g}, which is too large for {dtype}; scale y, or use dtype='float64'."
            )
        return targets

    def _n_outputs(self, targets):
        return targets.shape[1]

    def _output(self, targets):
        return ("exp" if self.loss == "poisson" else "identity"), self.loss

    def _score_raw(self, raw, targets, sample_weight):
        return r2_score(targets, np.exp(raw) if self.loss == "poisson" else raw, sample_weight=sample_weight)
