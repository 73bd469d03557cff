"""Times of functions in turn, so that what else the machine does meets all of them alike."""

import time

import numpy as np


def medians_in_turn(functions, n_rounds=7, at_least=2e-3):
    """Median over rounds of the seconds one call of each function takes.

    In each round every function has a turn, of as many calls as take `at_least` seconds.
    """
    n_calls, times = {}, {name: [] for name in functions}
    for name, function in functions.items():
        function()
        n_calls[name] = max(1, round(at_least / max(_seconds(function, 1), 1e-9)))
    for _ in range(n_rounds):
        for name, function in functions.items():
            times[name].append(_seconds(function, n_calls[name]))
    return {name: float(np.median(values)) for name, values in times.items()}


def epochs_in_turn(case, models, **settings):
    """Median seconds of an epoch of each of a dict of estimators."""
    X, y = case.data()
    started = {name: case.epoch(model, X, y) for name, model in models.items()}
    return medians_in_turn(
        {name: lambda model=model: case.epoch(model, X, y) for name, model in started.items()}, **settings
    )


def microseconds_a_step(case, library="fastmlp", **settings):
    """Median over epochs by partial_fit, with all checks and shuffling."""
    return epochs_in_turn(case, {library: case.model(library, **settings)})[library] / case.n_steps * 1e6


def _seconds(function, n_calls):
    start = time.perf_counter()
    for _ in range(n_calls):
        function()
    return (time.perf_counter() - start) / n_calls
