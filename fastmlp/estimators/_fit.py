"""What a fit leaves: a value, which an estimator's fitted attributes read."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Self, TypeVar, overload

import numpy as np

from fastmlp.estimators._arrays import Columns
from fastmlp.estimators._targets import Targets
from fastmlp.network import Network
from fastmlp.training.run import History
from fastmlp.training.solver import Solver

T = TypeVar("T")


@dataclass(eq=False)
class Fit:
    """A trained network, and all that belongs to it.

    Attributes
    ----------
    columns : Columns
    targets : Targets
    network : Network
    history : History
    solver : Solver or None
        What another fit needs to go on; None in most pickles, and after a divergence, which its moments have seen.
    split_random_state : RandomState or None
        What the rows that are held out are drawn from. A fit that goes on holds out the same rows, or it would be
        judged by rows it has learnt from.
    importances : ndarray of shape (n_features,), or None
    moment_bytes, batch_rows : int
        What training takes: memory of the optimizer's moments, and rows of a batch; 0 where there are none.
    validates_on_given : bool
        Whether the rows to validate on were given, not taken out of X.
    checked : tuple
        Parameters as they were when they were checked last.
    assigned : dict of str to object
        Attributes of the estimator that the user has assigned other values to.
    rehearsed : tuple
        Parameters and callbacks with which callbacks have been tried.
    """

    columns: Columns
    targets: Targets
    network: Network
    history: History
    solver: Solver | None = None
    split_random_state: np.random.RandomState | None = None
    importances: np.ndarray | None = None
    moment_bytes: int = 0
    batch_rows: int = 0
    validates_on_given: bool = False
    checked: tuple[Any, ...] = ()
    assigned: dict[str, Any] = field(default_factory=dict)
    rehearsed: tuple = ()

    @property
    def is_intact(self) -> bool:
        """Whether the solver is there, and the network is the one that it has trained."""
        return self.solver is not None and self.solver.network is self.network

    @property
    def n_epochs_kept(self) -> int:
        """Epochs of the last fit that the weights have seen, or the place of the best epoch in the curves."""
        return (self.history.best_epoch or 0) if self.history.keeps_best else self.history.n_epochs

    def without_training_state(self) -> "Fit":
        """What a pickle holds: all that fitted attributes read, which is never larger than the weights twice."""
        return replace(self, solver=None, split_random_state=None, checked=(), rehearsed=())


class FittedAttribute(Generic[T]):
    """An attribute that an estimator has once it is fitted.

    Parameters
    ----------
    read : callable
        Takes the value out of a `Fit`.
    doc : str
    """

    def __init__(self, read: Callable[[Fit], T], doc: str):
        self._read, self.__doc__ = read, doc

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, model: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(self, model: Any, owner: type | None = None) -> T: ...
    def __get__(self, model: Any, owner: type | None = None) -> Any:
        if model is None:
            return self
        fit = self._fit_of(model)
        return fit.assigned[self._name] if self._name in fit.assigned else self._read(fit)

    def __set__(self, model: Any, value: T) -> None:
        fit = self._fit_of(model)
        model._fit = replace(fit, assigned={**fit.assigned, self._name: value})

    def _fit_of(self, model):
        if model._fit is None:
            raise AttributeError(f"{type(model).__name__!r} object has no attribute {self._name!r} before it is fitted")
        return model._fit


class NetworkAttribute(FittedAttribute[Network]):
    """The network, in whose place another one goes on."""

    def __set__(self, model: Any, value: Network) -> None:
        model._fit = replace(self._fit_of(model), network=value)


def _names(fit):
    if fit.columns.names is None:
        raise AttributeError("X had no column names in fit")
    return fit.columns.names


def _name_of_head(fit):
    head = fit.network.out_activation
    # Who reads "softmax" takes one over all outputs.
    return head.name if head.group_sizes is None else f"{head.name} of each target"


def _best(history):
    """NaN before any epoch that counts: an infinite loss or score is none that was measured."""
    return history.best if np.isfinite(history.best) else np.nan


class FittedAttributesMixin:
    """The attributes that are read from ``_fit``, the last fit's value: they are always those of the moment."""

    # `| Any` where a value may be None: who has set early_stopping need not tell a type checker that there is one.
    _fit: Fit | None = None

    network_: NetworkAttribute = NetworkAttribute(lambda fit: fit.network, "The trained network.")
    n_features_in_: FittedAttribute[int] = FittedAttribute(
        lambda fit: fit.columns.n_features, "Columns of X in ``fit``."
    )
    feature_names_in_: FittedAttribute[np.ndarray] = FittedAttribute(
        _names, "Names of the columns of X in ``fit``, if they are strings."
    )
    n_layers_: FittedAttribute[int] = FittedAttribute(
        lambda fit: len(fit.network.sizes), "Layers of units, input and output included."
    )
    n_outputs_: FittedAttribute[int] = FittedAttribute(lambda fit: fit.network.n_outputs, "Outputs of the network.")
    out_activation_: FittedAttribute[str] = FittedAttribute(_name_of_head, "Output activation.")
    loss_curve_: FittedAttribute[list[float]] = FittedAttribute(
        lambda fit: fit.history.loss_curve, "Loss of each epoch."
    )
    learning_rate_curve_: FittedAttribute[list[float]] = FittedAttribute(
        lambda fit: fit.history.learning_rates, "Learning rate at the start of each epoch; empty for lbfgs."
    )
    n_iter_: FittedAttribute[int] = FittedAttribute(
        lambda fit: fit.history.n_epochs, "Epochs, or iterations of lbfgs, of the last fit."
    )
    t_: FittedAttribute[int] = FittedAttribute(
        lambda fit: fit.history.n_samples_seen, "Samples seen, a sample in each epoch."
    )
    stop_reason_: FittedAttribute[str] = FittedAttribute(lambda fit: fit.history.stop_reason, "Why the last fit ended.")
    loss_: FittedAttribute[float] = FittedAttribute(
        lambda fit: fit.history.loss_curve[-1] if fit.history.loss_curve else np.nan,
        "Loss of the last epoch; NaN before the first has ended.",
    )
    validation_scores_: FittedAttribute[list[float] | Any] = FittedAttribute(
        lambda fit: fit.history.validation_scores or None, "Score of the rows that were validated on, each epoch."
    )
    validation_loss_curve_: FittedAttribute[list[float] | Any] = FittedAttribute(
        lambda fit: fit.history.validation_losses or None, "Mean loss of the rows that were validated on, each epoch."
    )
    best_loss_: FittedAttribute[float | Any] = FittedAttribute(
        lambda fit: None if fit.history.keeps_best else _best(fit.history),
        "Lowest loss, NaN before an epoch has ended; None with ``early_stopping``.",
    )
    best_validation_score_: FittedAttribute[float | Any] = FittedAttribute(
        lambda fit: _best(fit.history) if fit.history.keeps_best else None,
        "Best score, with ``early_stopping``; NaN before an epoch was validated on these rows.",
    )
    best_iter_: FittedAttribute[int | Any] = FittedAttribute(
        lambda fit: fit.history.best_epoch if fit.history.keeps_best else None,
        "Place of the best score in the curves, from 1, with ``early_stopping``.",
    )
    _targets: FittedAttribute[Any] = FittedAttribute(lambda fit: fit.targets, "The codec of y.")

    def _show(self, fit: Fit | None) -> None:
        """Let the attributes be those of a fit; None for those of a model that has not been fitted."""
        if fit is None:
            vars(self).pop("_fit", None)
        else:
            self._fit = fit

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there has been a fit."""
        return self._fit is not None
