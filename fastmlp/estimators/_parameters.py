"""The constructors' parameters: how they are kept, and what the estimators allow of those they share."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from fastmlp.activations import ACTIVATIONS, Activation, PowerProduct
from fastmlp.initializers import INITIALIZERS
from fastmlp.training.optimizers import SOLVERS
from fastmlp.training.schedules import SCHEDULES, Schedule

# What scikit-learn checks of the parameters that the estimators share.
SHARED_CONSTRAINTS: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions({*ACTIVATIONS, PowerProduct.name}), Activation, list, tuple],
    "solver": [StrOptions({"lbfgs", *SOLVERS})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive", *SCHEDULES}), Schedule, callable],
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
    "out_activation": [StrOptions({"auto", *ACTIVATIONS, PowerProduct.name}), Activation],
    "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple],
    "input_dropout": [Interval(Real, 0, 1, closed="left")],
    "batch_norm": ["boolean"],
    "l1": [Interval(Real, 0, None, closed="left")],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "clip_norm": [None, Interval(Real, 0, None, closed="neither")],
    "init": [StrOptions({"auto", *INITIALIZERS}), list, tuple],
    "scoring": [str, callable, None],
    "max_time": [Interval(Real, 0, None, closed="neither"), None],
    "callbacks": [None, callable, list, tuple],
    "dtype": [StrOptions({"auto", "float32", "float64"})],
    "n_jobs": "no_validation",  # by check_n_jobs
}


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
