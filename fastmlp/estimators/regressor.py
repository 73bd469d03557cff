"""Regression."""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions

from fastmlp.estimators._base import BaseMLP


class MLPRegressor(RegressorMixin, BaseMLP):
    _parameter_constraints = {
        **BaseMLP._parameter_constraints,
        "loss": [StrOptions({"squared_error", "sum_squared_error", "mean_squared_error", "poisson"})],
    }

    def __init__(
        self,
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        callbacks=None,
        dtype="auto",
    ):
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.callbacks = callbacks
        self.dtype = dtype

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

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

    def _check_targets(self, y, dtype, resume, classes):
        if self.loss == "poisson" and np.any(y < 0):
            raise ValueError(f"y has {y.min():g}, but loss='poisson' needs y >= 0; shift y or use squared_error.")
        y = y.reshape(-1, 1) if y.ndim == 1 else y
        return np.ascontiguousarray(y, dtype=dtype)

    def _n_outputs(self, targets):
        return targets.shape[1]

    def _output(self, targets):
        return ("exp" if self.loss == "poisson" else "identity"), self.loss

    def _score_raw(self, raw, targets, sample_weight):
        return r2_score(targets, np.exp(raw) if self.loss == "poisson" else raw, sample_weight=sample_weight)
