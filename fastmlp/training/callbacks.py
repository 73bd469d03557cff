"""Callbacks, which are told about each epoch and may end training.

A callback is any callable that takes an `EpochInfo`; a true return value ends training. The classes below are such
callables; they also implement scikit-learn's callback protocol (1.9), so that the same object works as the estimators'
``callbacks`` parameter and in ``set_callbacks``.
"""

import math
import os
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any
from weakref import WeakKeyDictionary

from fastmlp._paths import check_path, written_file
from fastmlp._typing import MatrixLike, Scoring
from fastmlp.training._scoring import check_scorer_name, try_scorer
from fastmlp.training.stopping import Patience

__all__ = ["Callback", "Checkpoint", "EarlyStopping", "EpochInfo", "LearningRateLogger", "ScoreMonitor"]


@dataclass(slots=True)
class EpochInfo:
    """What a callback is told after each epoch, or iteration of lbfgs.

    Attributes
    ----------
    epoch : int
        Number of the epoch in this fit, from 1.
    max_iter : int
        The most epochs there can be.
    loss : float
        Mean cost of the epoch's batches, penalties included.
    validation_score, validation_loss : float or None
        What ``scoring`` gives, and the mean loss, where there are rows to validate on.
    learning_rate : float or None
        Learning rate at the epoch's start; None for lbfgs, which has none.
    model : estimator
        The model in training, which predicts with its weights of the moment.
    loss_from, validation_from : int
        Places in the model's curves, from 0, of the first loss, and of the first values of validation, that this
        epoch's are to be compared with: earlier ones were measured on other rows, or with weights that were assigned
        since, or belong to a training that was over.

    Examples
    --------
    >>> from fastmlp import MLPRegressor
    >>> told = []
    >>> model = MLPRegressor(hidden_layer_sizes=2, callbacks=told.append, tol=1.0, n_iter_no_change=1)
    >>> model = model.fit([[0.0], [1.0]], [0.0, 1.0])
    >>> [info.epoch for info in told], told[0].learning_rate
    ([1, 2, 3], 0.001)
    """

    epoch: int
    max_iter: int
    loss: float
    validation_score: float | None = None
    validation_loss: float | None = None
    learning_rate: float | None = None
    model: Any = None
    loss_from: int = 0
    validation_from: int = 0


class Callback:
    """What the callbacks here share: scikit-learn's protocol on top of a call with an `EpochInfo`.

    Subclass it for a callback of your own that ``set_callbacks`` takes as well.

    Examples
    --------
    >>> from fastmlp import MLPRegressor
    >>> from fastmlp.training.callbacks import Callback
    >>> class SmallEnough(Callback):
    ...     def __call__(self, info):
    ...         return info.loss < 0.1
    >>> model = MLPRegressor(hidden_layer_sizes=4, learning_rate_init=0.1, callbacks=SmallEnough(), random_state=0)
    >>> model.fit([[0.0], [1.0]], [0.0, 1.0]).stop_reason_
    'callback'
    """

    def __call__(self, info: EpochInfo, /) -> bool | None:
        """Take note of an epoch; return whether to end training.

        Parameters
        ----------
        info : EpochInfo

        Returns
        -------
        bool or None
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be called; define __call__(self, info).")

    def check(self, model: Any, has_validation: bool) -> None:
        """Refuse, before a fit begins, what would fail in its course.

        Parameters
        ----------
        model : estimator
            The model to be trained, with the weights that it begins with.
        has_validation : bool
            Whether there are rows to validate on.
        """

    def rehearse(self, model: Any) -> None:
        """Do, before a fit begins, what is to be done in its course, and refuse if it fails.

        A fit that goes on does so only where it has other parameters or callbacks than the fit before.

        Parameters
        ----------
        model : estimator
            As for `check`.
        """

    def setup(self, estimator: Any, context: Any) -> None:
        """A fit begins."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """A fit has ended."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """A fit or an epoch begins."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool | None:
        """An epoch has ended, or the fit, of which nothing is told here."""
        info = getattr(context, "epoch_info", None)
        return None if info is None else self(info)


# Where a model keeps the values that `EarlyStopping` can watch.
_CURVES = {
    "loss": "loss_curve_",
    "validation_loss": "validation_loss_curve_",
    "validation_score": "validation_scores_",
}


@dataclass(slots=True)
class _Watched:
    """A curve, whose values from place `first` on patience has been told of, up to place `n_read`."""

    curve: list[float]
    first: int
    patience: Patience
    n_read: int

    def read(self) -> None:
        """Tell patience of the values that are new."""
        for value in self.curve[self.n_read :]:
            if not math.isnan(value):  # which epochs without validation have
                self.patience.update(value)
        self.n_read = len(self.curve)


class EarlyStopping(Callback):
    """Ends training when a value has stopped improving. The weights stay those of the last epoch.

    The estimators' ``early_stopping`` is the choice where the best weights are to be kept. What counts is the model's
    curve, over all fits that continue each other, as far as its values can be compared (see `EpochInfo`). So it works
    with ``partial_fit`` too, whose ``stop_reason_`` is 'callback' from then on. A ``fit`` of more than one epoch has
    patience again if a callback has ended the fit before.

    Parameters
    ----------
    monitor : {'loss', 'validation_loss', 'validation_score'}, default='loss'
        Which of `EpochInfo`'s values; a score should rise, a loss fall.
    n_iter_no_change : int, default=10
        Epochs without improvement that are accepted, as in the estimators.
    tol : float, default=1e-4
        Smallest improvement that counts.

    Raises
    ------
    ValueError
        If a parameter is none of that; before training, if there is nothing to validate on.

    Examples
    --------
    >>> from fastmlp import MLPRegressor
    >>> from fastmlp.training.callbacks import EarlyStopping
    >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]
    >>> MLPRegressor(hidden_layer_sizes=4, callbacks=EarlyStopping(tol=1.0), random_state=0).fit(X, y).n_iter_
    12
    """

    def __init__(self, monitor: str = "loss", n_iter_no_change: float = 10, tol: float = 1e-4):
        if monitor not in tuple(_CURVES):
            raise ValueError(f"monitor is {monitor!r}; pass 'loss', 'validation_loss' or 'validation_score'.")
        if not isinstance(n_iter_no_change, Real) or not n_iter_no_change >= 1:
            raise ValueError(f"n_iter_no_change is {n_iter_no_change!r}; pass a number of epochs, at least 1.")
        if not isinstance(tol, Real) or not tol >= 0:
            raise ValueError(f"tol is {tol!r}; pass a number of at least 0.")
        self.monitor: str = monitor
        self.n_iter_no_change: float = n_iter_no_change
        self.tol: float = tol
        self._watched: WeakKeyDictionary = WeakKeyDictionary()

    def check(self, model: Any, has_validation: bool) -> None:
        """Refuse to watch a value that there will not be."""
        if self.monitor != "loss" and not has_validation:
            raise ValueError(
                f"monitor is {self.monitor!r}, but there are no rows to validate on; pass X_val and y_val to fit, or "
                "set early_stopping=True."
            )

    def __call__(self, info: EpochInfo) -> bool:
        """Whether patience has run out, as of the model's curve: clones, in threads too, may share the callback."""
        curve = getattr(info.model, _CURVES[self.monitor])
        first = info.loss_from if self.monitor == "loss" else info.validation_from
        watched = self._watched.get(info.model)
        if watched is None or watched.curve is not curve or watched.first != first:
            patience = Patience(self.tol, self.n_iter_no_change, higher_is_better=self.monitor == "validation_score")
            watched = self._watched[info.model] = _Watched(curve, first, patience, first)
        watched.read()
        return watched.patience.exhausted

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_watched"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _watched=WeakKeyDictionary())


class Checkpoint(Callback):
    """Writes the model every so often, with all that a fit needs to go on as if it had never stopped.

    The file takes the place of the one before at once, so that a crash leaves a whole one. Read it by ``joblib.load``,
    which runs code from the file: read only your own. To go on to where the fit would have ended, call
    ``model.set_params(warm_start=True, max_iter=model.max_iter - model.n_iter_).fit(X, y)``, or call ``partial_fit``.

    Parameters
    ----------
    path : str or path-like
        Name of the file.
    every : int, default=10
        Epochs from one to the next, over all fits that continue each other.

    Raises
    ------
    ValueError
        If `every` is not a positive integer; before training, if `path` is no path, or a device or pipe, or the model
        cannot be pickled.
    OSError
        Before training, if there is no such folder or nothing can be written to it, or `path` is a folder itself or
        too long.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import joblib
    >>> from fastmlp import MLPRegressor
    >>> from fastmlp.training.callbacks import Checkpoint
    >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.joblib"
    ...     model = MLPRegressor(hidden_layer_sizes=4, tol=1.0, n_iter_no_change=2, callbacks=Checkpoint(path, every=3))
    ...     _ = model.fit(X, y)
    ...     model.n_iter_, joblib.load(path).n_iter_
    (4, 3)
    """

    def __init__(self, path: str | os.PathLike[str], every: int = 10):
        if not isinstance(every, Integral) or every < 1:
            raise ValueError(f"every is {every!r}; pass a positive number of epochs.")
        self.path: str | os.PathLike[str] = path
        self.every: int = every

    def check(self, model: Any, has_validation: bool) -> None:
        """Refuse a path that no file can be written to."""
        check_path(self.path)

    def rehearse(self, model: Any) -> None:
        """Refuse a folder that nothing can be written to, or a model that cannot be: write one beside the file."""
        with written_file(self.path, takes_place=False) as file:
            model._write_checkpoint(file)

    def __call__(self, info: EpochInfo) -> None:
        """Write the model, if it is time."""
        if len(info.model.loss_curve_) % self.every == 0:
            info.model.save_checkpoint(self.path)


class ScoreMonitor(Callback):
    """Scores the model on rows of your choice after each epoch.

    Models in threads may share it; each has scores of its own.

    Parameters
    ----------
    X : array-like or sparse array of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    scoring : str or callable, default=None
        As in scikit-learn; None is the estimator's own score.

    Raises
    ------
    ValueError
        If there is no scorer of that name; before training, if the model cannot be scored.

    Attributes
    ----------
    scores : list of float
        One an epoch of the model that was scored last, over all fits that continue each other.

    Examples
    --------
    >>> from fastmlp import MLPRegressor
    >>> from fastmlp.training.callbacks import ScoreMonitor
    >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]
    >>> monitor = ScoreMonitor(X, y, scoring="neg_mean_absolute_error")
    >>> model = MLPRegressor(hidden_layer_sizes=4, callbacks=monitor, tol=1.0, random_state=0).fit(X, y)
    >>> len(monitor.scores) == model.n_iter_
    True
    """

    def __init__(self, X: MatrixLike, y: Any, scoring: Scoring = None):
        check_scorer_name(scoring)
        self.X: MatrixLike = X
        self.y: Any = y
        self.scoring: Scoring = scoring
        self.scores: list[float] = []
        self._scores_of: WeakKeyDictionary[Any, list[float]] = WeakKeyDictionary()

    def rehearse(self, model: Any) -> None:
        """Refuse rows or a scoring that the model cannot be scored by."""
        try:
            float(try_scorer(self._scorer(model), model, self.X, self.y))
        except Exception as error:
            raise ValueError(f"ScoreMonitor cannot score the model by scoring={self.scoring!r}: {error}") from error

    def __call__(self, info: EpochInfo) -> None:
        """Score the model."""
        model = info.model
        n_before = len(model.loss_curve_) - 1
        if n_before == 0 or model not in self._scores_of:
            # Scores that came out of a file with a model that goes on are its own.
            self._scores_of[model] = list(self.scores) if len(self.scores) == n_before else []
        self.scores = self._scores_of[model]
        self.scores.append(float(self._scorer(model)(model, self.X, self.y)))

    def _scorer(self, model):
        from sklearn.metrics import check_scoring

        return check_scoring(model, self.scoring)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_scores_of"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _scores_of=WeakKeyDictionary())


class LearningRateLogger(Callback):
    """Keeps the learning rate of each epoch.

    Attributes
    ----------
    learning_rates : list of float
        At the start of each epoch of the model that was trained last, over all fits that continue each other.

    Examples
    --------
    >>> from fastmlp import MLPRegressor
    >>> from fastmlp.training.callbacks import LearningRateLogger
    >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]
    >>> logger = LearningRateLogger()
    >>> model = MLPRegressor(learning_rate=lambda epoch: 0.1 / (1 + epoch), callbacks=logger, random_state=0)
    >>> _ = model.set_params(tol=1.0, n_iter_no_change=1).fit(X, y)
    >>> logger.learning_rates
    [0.1, 0.05, 0.03333333333333333]
    """

    def __init__(self) -> None:
        self._curve: list[float] = []
        self._n_epochs = 0

    def __call__(self, info: EpochInfo) -> None:
        """Take note of the model's curve, which is copied when it is asked for."""
        self._curve = info.model.learning_rate_curve_
        self._n_epochs = len(self._curve)

    @property
    def learning_rates(self) -> list[float]:
        """At the start of each epoch of the model that was trained last."""
        return self._curve[: self._n_epochs]
