"""Regression."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_array

from fastmlp._typing import Callbacks, MatrixLike, RandomState
from fastmlp.activations import Activation, get_activation
from fastmlp.estimators._base import BaseMLP
from fastmlp.estimators._docs import fill_docstring
from fastmlp.losses import LOSSES, CrossEntropy, Loss, Quantile, get_loss
from fastmlp.training.schedules import Schedule


@fill_docstring
class MLPRegressor(RegressorMixin, BaseMLP):
    """Multilayer-perceptron regressor, in place of ``sklearn.neural_network.MLPRegressor``.

    Parameters
    ----------
    loss : str or Loss, default='squared_error'
        Loss of one sample, summed over its outputs (S10): squared_error is half of |y - a|^2, sum_squared_error is
        |y - a|^2, mean_squared_error is their mean over the outputs; absolute_error, huber and quantile (the median)
        bear outliers; poisson is half the Poisson deviance, for y >= 0. ``Huber(threshold)`` and ``Quantile(levels)``
        from `fastmlp.losses` set their parameters; ``Quantile([0.1, 0.5, 0.9])`` predicts several quantiles at once,
        which cannot cross. A `Loss` of your own works too.

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
        outputs = self._outputs(self._check_X(X))
        if outputs.shape[1] == 1:
            return outputs.ravel()
        loss, n_targets = self.network_.loss, self.network_.n_targets
        if isinstance(loss, Quantile) and n_targets > 1 and len(loss.levels) > 1:
            return outputs.reshape(len(outputs), n_targets, len(loss.levels))
        return outputs

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
        outputs = self._outputs(self._check_X(X))
        y = check_array(y, ensure_2d=False, dtype="numeric", input_name="y")
        return float(self._score_outputs(outputs, y.reshape(len(y), -1), sample_weight))

    def _check_targets(self, y, dtype, resume, incremental, classes):
        return self._encode(y, dtype)

    def _encode(self, y, dtype):
        if y.dtype.kind not in "biuf":
            raise ValueError(f"y holds {y.dtype.type.__name__} values; pass numbers, for example y.astype(float).")
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

    def _n_outputs(self, targets, out_activation, loss):
        return loss.n_outputs(targets.shape[1])

    def _output(self, targets):
        loss = get_loss(self.loss)
        if isinstance(self.out_activation, str) and self.out_activation == "auto":
            return get_activation(loss.default_out_activation), loss
        out_activation = get_activation(self.out_activation, "out_activation")
        if out_activation.name == "softmax" and not isinstance(loss, CrossEntropy):
            raise ValueError(
                f"out_activation 'softmax' makes the outputs of a sample sum to 1, which makes no sense with the "
                f"regression loss {loss.name!r}; use 'identity', or MLPClassifier."
            )
        return out_activation, loss

    def _score_outputs(self, outputs, targets, sample_weight):
        loss = self.network_.loss
        if not isinstance(loss, Quantile):
            return r2_score(targets, outputs, sample_weight=sample_weight)
        by_level = outputs.reshape(len(outputs), -1, len(loss.levels))
        return np.mean(
            [
                d2_pinball_score(targets, by_level[:, :, k], alpha=level, sample_weight=sample_weight)
                for k, level in enumerate(loss.levels)
            ]
        )
