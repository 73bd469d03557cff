"""What a library's process does in the comparison of predictions."""

import time
from itertools import repeat
from typing import NamedTuple

import numpy as np

from .libraries import LIBRARIES, Library
from .problems import Problem

# A turn is as many calls as take this long; those of a single row are timed one by one as well, for at most so long.
SECONDS_A_TURN = 0.1
SECONDS_OF_SINGLE_CALLS = 0.5
# How long each variant is tried: several times, since other programs may disturb one.
N_SERIES = 4
SECONDS_OF_A_SERIES = 0.01


class Prepared(NamedTuple):
    """What a library is about to run: its fastest variant, and how far its outputs are from fastmlp's."""

    variant: dict
    difference: float


class Turn(NamedTuple):
    """Microseconds a call: the mean over a loop, and each of others, by a clock that takes some 0.05 itself."""

    mean: float
    single: np.ndarray


class Predicting:
    """One library, which predicts one problem after the other."""

    def __init__(self, library: str):
        self.make = LIBRARIES[library]
        self.predict = lambda: None
        self.n_calls = self.n_single_calls = 1

    def prepare(self, problem: Problem, n_single_calls: int):
        """Take the fastest variant; later turns time so many single calls."""
        self.predict = lambda: None  # what the last problem took is free before the next
        variants = self.make.variants
        seconds = [_seconds_of_trial(self.make(problem, **variant).predict) for variant in variants]
        variant = variants[int(np.argmin(seconds))]
        library = self.make(problem, **variant)
        difference = _difference(library, problem)
        if not difference <= library.tolerance:
            raise ValueError(f"The outputs are {difference:.1e} from fastmlp's, more than {library.tolerance:.0e}.")
        self.predict = library.predict
        a_call = _seconds_of_trial(self.predict)
        self.n_calls = max(1, round(SECONDS_A_TURN / a_call))
        self.n_single_calls = min(n_single_calls, round(SECONDS_OF_SINGLE_CALLS / a_call))
        return Prepared(variant, difference)

    def turn(self):
        start = time.perf_counter()
        _call(self.predict, self.n_calls)
        mean = (time.perf_counter() - start) / self.n_calls
        return Turn(mean * 1e6, _single_calls(self.predict, self.n_single_calls))


def _call(function, n_calls):
    for _ in repeat(None, n_calls):
        function()


def _single_calls(function, n_calls):
    clock = time.perf_counter_ns
    times = np.empty(n_calls, np.int64)
    for number in range(n_calls):
        start = clock()
        function()
        times[number] = clock() - start
    return times / 1e3


def _seconds_of_trial(function):
    """Of a call: the best of some series, after one call that warms up."""
    function()
    start = time.perf_counter()
    function()
    n_calls = max(1, round(SECONDS_OF_A_SERIES / (time.perf_counter() - start)))
    seconds = []
    for _ in range(N_SERIES):
        start = time.perf_counter()
        _call(function, n_calls)
        seconds.append((time.perf_counter() - start) / n_calls)
    return min(seconds)


def _difference(library: Library, problem: Problem):
    outputs = np.asarray(library.predict(), np.float64).reshape(problem.expected.shape)
    if library.gives_logits and problem.is_classifier:
        exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        outputs = exponentials / exponentials.sum(axis=1, keepdims=True)
    return float(abs(outputs - problem.expected).max())
