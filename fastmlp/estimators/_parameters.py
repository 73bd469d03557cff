"""The constructors' parameters: how they are kept, and what the estimators allow of those they share."""

import pickle
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache
from numbers import Integral, Real
from operator import attrgetter, is_
from typing import Any, Self, TypeVar, cast

import joblib
import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils import metaestimators
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    validate_parameter_constraints,
)

from fastmlp._checks import float_dtype
from fastmlp._names import did_you_mean, in_braces, meant, parameter_meant
from fastmlp._typing import Callbacks, FloatType, RandomState, Scoring
from fastmlp.activations import ACTIVATIONS, Activation, PowerProduct
from fastmlp.initializers import INITIALIZERS
from fastmlp.losses import LOSSES
from fastmlp.training._scoring import check_scorer_name
from fastmlp.training._threads import check_n_jobs
from fastmlp.training.schedules import SCHEDULES, WITH_MEMORY, Schedule
from fastmlp.training.solvers import SOLVERS, solvers_with_epochs

Method = TypeVar("Method", bound=Callable[..., Any])


class Names(StrOptions):
    """Strings, which messages list in their own order; those of scikit-learn have that of a set, which is by chance."""

    def __init__(self, *names: str):
        super().__init__(set(names))
        self.names = names

    def __str__(self) -> str:
        return f"a str among {in_braces(self.names)}"


class DtypeNames(Names):
    """Names of dtypes, and what stands for the same dtypes."""

    def is_satisfied_by(self, value: object) -> bool:
        """Whether it is one of the names, or read as float32 or float64."""
        if super().is_satisfied_by(value):
            return True
        try:
            float_dtype(value)
        except ValueError:
            return False
        return True


SHARED_CONSTRAINTS: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [Names(*ACTIVATIONS, PowerProduct.name), Activation, list, tuple],
    "solver": [Names(*SOLVERS)],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [Names("auto"), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [Names(*WITH_MEMORY, *SCHEDULES), Schedule, callable],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "out_activation": [Names("auto", *ACTIVATIONS, PowerProduct.name), Activation],
    "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple],
    "input_dropout": [Interval(Real, 0, 1, closed="left")],
    "batch_norm": ["boolean"],
    "l1": [Interval(Real, 0, None, closed="left")],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "clip_norm": [None, Interval(Real, 0, None, closed="neither")],
    "init": [Names("auto", *INITIALIZERS), list, tuple],
    "trainable": [Names("all", "last"), "array-like"],
    "scoring": [str, callable, None],
    "max_time": [Interval(Real, 0, None, closed="neither"), None],
    "callbacks": [None, callable, list, tuple],
    "dtype": [DtypeNames("auto", "float32", "float64")],
    "n_jobs": "no_validation",  # by check_n_jobs
}


class SetParametersMixin:
    """A ``set_params`` that says which parameter was meant; pipelines and searches call it too."""

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the constructor.

        Parameters
        ----------
        **params : object
            Each by its name.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is no parameter of such a name; none is changed then.

        Examples
        --------
        >>> from fastmlp import MLPClassifier
        >>> MLPClassifier().set_params(max_iter=50)
        MLPClassifier(max_iter=50)
        """
        estimator: Any = super()
        known = estimator.get_params(deep=False)
        for name, value in params.items():
            if name.partition("__")[0] not in known:
                try:
                    estimator.set_params(**{name: value})
                except ValueError as error:
                    hint = parameter_meant(type(self), "__init__", name)
                    raise ValueError(f"{error}{hint}") from None
        return cast(Self, estimator.set_params(**params))


class SharedParameters(SetParametersMixin):
    """The parameters as attributes, for type checkers: `store` sets them, which these do not see."""

    hidden_layer_sizes: int | Sequence[int]
    activation: str | Activation | Sequence[str | Activation]
    solver: str
    alpha: float
    batch_size: int | str
    learning_rate: str | Schedule | Callable[[int], float]
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: RandomState
    tol: float
    verbose: bool
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    out_activation: str | Activation
    dropout: float | Sequence[float]
    input_dropout: float
    batch_norm: bool
    l1: float
    weight_decay: float
    clip_norm: float | None
    init: str | Sequence[str]
    trainable: str | Sequence[int]
    scoring: Scoring
    max_time: float | None
    callbacks: Callbacks
    dtype: FloatType
    n_jobs: int | None


# Parameters whose names are of one kind of things each.
NAMED = ("activation", "solver", "loss", "learning_rate", "init")
# Parameters that stand beside hidden_layer_sizes in calls without names.
POSITIONAL = ("loss", "activation")
# Types of values that stay what they are.
CONSTANTS = (bool, int, float, str, type(None))
# What stands for a value that may change in its place, or be told from others by no identity.
_CHANGEABLE = object()


def available_if(check: Callable[[Any], bool]) -> Callable[[Method], Method]:
    """scikit-learn's decorator of the same name, with types: the method keeps its own."""
    return metaestimators.available_if(check)


def store(estimator: object, arguments: dict[str, Any]) -> None:
    """Keep a constructor's arguments as attributes, under their names.

    The constructor writes them out, because scikit-learn reads its signature.

    Parameters
    ----------
    estimator : estimator
    arguments : dict
        The constructor's ``locals()``.
    """
    vars(estimator).update({name: value for name, value in arguments.items() if name != "self"})


def check_parameters(model: Any, checked: tuple = ()) -> tuple:
    """Refuse parameters of a wrong type or value.

    Parameters
    ----------
    model : estimator
    checked : tuple, default=()
        What an earlier call returned: parameters that are the same objects still are not checked again.

    Returns
    -------
    tuple
        The parameters, in the order of their constraints, without those that may change in their place.

    Raises
    ------
    InvalidParameterError
        If a parameter is not as its constraint says.
    """
    constraints = model._parameter_constraints
    values = parameter_values(model)
    if checked and all(map(is_, values, checked)):
        return checked
    known = checked or (_CHANGEABLE,) * len(values)
    changed = {name: value for name, value, old in zip(constraints, values, known, strict=True) if value is not old}
    _validate({name: constraints[name] for name in changed}, changed, type(model).__name__)
    check_n_jobs(model.n_jobs)
    return tuple([value if _is_constant(value) else _CHANGEABLE for value in values])


def parameter_values(model: Any) -> tuple:
    """The parameters, in the order of their constraints."""
    return _getter(model.__class__)(model)


def _validate(constraints, values, caller_name):
    try:
        validate_parameter_constraints(constraints, values, caller_name=caller_name)
    except InvalidParameterError as error:
        name = str(error).split("'")[1]
        raise InvalidParameterError(f"{error}{_hint(name, values, constraints)}") from None


def _hint(name, values, constraints):
    """What to write, where a refused value suggests it; else ""."""
    value = values[name]
    if name == "learning_rate" and isinstance(value, Real) and not isinstance(value, bool):
        return f" Did you mean learning_rate_init={value!r}?"
    sizes = _sizes_meant(name, value, values.get("hidden_layer_sizes"))
    if sizes is not None:
        return f" Did you mean hidden_layer_sizes={sizes!r}?"
    if name == "batch_size":
        return " Use 'auto', or len(X) to take all rows in one step."
    hint = did_you_mean(name, value, _names_among(constraints[name])) or _of_another(value, constraints)
    return hint if hint or name != "loss" else _of_another_estimator(value)


def _sizes_meant(name, value, sizes):
    """What was meant for hidden_layer_sizes, but is in the place of another argument; or None."""
    if name in POSITIONAL and _is_size(value) and _is_size(sizes):  # a layer an argument
        return (value, sizes) if name == "loss" else (sizes, value)
    return value if name == "loss" and _are_sizes(value) else None


def _is_size(value):
    return isinstance(value, Integral) and not isinstance(value, bool)


def _are_sizes(value):
    try:
        return not isinstance(value, bool) and bool(hidden_sizes(value))
    except ValueError:
        return False


def _names_among(allowed):
    return [name for constraint in allowed if isinstance(constraint, Names) for name in constraint.names]


def _of_another(value, constraints):
    """A name that is one of another parameter, as where the order of positional arguments is another."""
    for name in NAMED if isinstance(value, str) and value != "auto" else ():
        if value in _names_among(constraints.get(name, ())):
            return f" Did you mean {name}={value!r}?"
    return ""


def _of_another_estimator(loss):
    name = meant("loss", loss, LOSSES)
    if name is None:
        return ""
    return f" loss={name!r} is for {'MLPClassifier' if LOSSES[name].for_classifiers else 'MLPRegressor'}."


@cache
def _getter(estimator: Any) -> Callable[[Any], tuple]:
    """What takes the parameters from a model; get_params, which inspects the signature, costs a tenth of an epoch."""
    return attrgetter(*estimator._parameter_constraints)


def _is_constant(value):
    if type(value) is tuple:
        return all(type(part) in CONSTANTS for part in value)
    return type(value) in CONSTANTS or isinstance(value, (type, np.dtype))


def check_solver(settings: Any) -> None:
    """Refuse parameters that the solver cannot take.

    Parameters
    ----------
    settings : estimator

    Raises
    ------
    ValueError
        If one of them is not switched off.
    """
    for name, off in SOLVERS[settings.solver].refuses.items():
        value = getattr(settings, name)
        if np.any(value) if off is not None else value is not None:
            raise ValueError(
                f"{name} is {value!r}, but solver={settings.solver!r} follows one fixed, smooth cost over all rows; "
                f"set {name}={off!r}, or use one of: {', '.join(solvers_with_epochs())}."
            )


def check_callbacks(callbacks: Any) -> list[Callable]:
    """Callbacks as a list.

    Parameters
    ----------
    callbacks : callable, list or tuple of them, or None

    Returns
    -------
    list of callable

    Raises
    ------
    ValueError
        If one cannot be called, or is a class.
    """
    if callbacks is None:
        return []
    callbacks = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
    for callback in callbacks:
        if not callable(callback):
            raise ValueError(f"callbacks holds {callback!r}, which cannot be called; pass functions of one EpochInfo.")
        if isinstance(callback, type):
            raise ValueError(f"callbacks holds the class {callback.__name__}; pass an object of it.")
    return callbacks


def scorer_of(model: Any) -> Callable | str | None:
    """What judges rows that are validated on.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    callable, 'loss' or None
        A function of (model, X, y); the loss; or the model's own score.

    Raises
    ------
    ValueError
        If there is no scorer of that name.
    """
    if model.scoring is None or (isinstance(model.scoring, str) and model.scoring == "loss"):
        return model.scoring
    check_scorer_name(model.scoring, others=["loss"])
    return check_scoring(model, model.scoring)


class KnownScoring:
    """A scoring, to be told from others later: the same object is the same, and so is one that is pickled the same.

    Its pickle holds no function, only what tells it from others.

    Parameters
    ----------
    scoring : str, callable or None
    """

    def __init__(self, scoring: Callable | str | None):
        self._scoring = scoring
        self._digest: str | None = None  # of one that has been pickled; "" where there is none

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KnownScoring):
            return NotImplemented
        if self._scoring is not None and self._scoring is other._scoring:
            return True
        own = self._content()
        return bool(own) and own == other._content()

    __hash__ = None  # type: ignore[assignment]  # its content may change

    def _content(self):
        """A digest of what a pickle of the scoring would hold, "" where there can be none."""
        if self._digest is not None:
            return self._digest
        try:
            return joblib.hash(self._scoring)
        except (pickle.PicklingError, AttributeError, TypeError):  # a function within a function
            return ""

    def __getstate__(self) -> dict[str, Any]:
        return {"_scoring": None, "_digest": self._content()}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copied = type(self)(deepcopy(self._scoring, memo))
        copied._digest = self._digest
        return copied


def hidden_sizes(hidden_layer_sizes: Any) -> list[int]:
    """Units of each hidden layer.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If they are no positive integers.
    """
    sizes: Any = hidden_layer_sizes
    if isinstance(sizes, Integral):
        sizes = [sizes]
    elif isinstance(sizes, (dict, set, str)) or not np.iterable(sizes):
        raise ValueError(f"hidden_layer_sizes is {sizes!r}; pass one positive integer a layer.")
    sizes = list(sizes)
    if not all(isinstance(n, Integral) for n in sizes):
        raise ValueError(f"hidden_layer_sizes is {sizes}; pass one positive integer a layer.")
    if not all(n > 0 for n in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}; pass one positive integer a layer.")
    return sizes
