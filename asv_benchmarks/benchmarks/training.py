"""Training: one step by shape, whole fits, memory, and what they reach."""

import warnings

import numpy as np
from sklearn.datasets import load_digits

from fastmlp.training.callbacks import Callback

from .cases import ALL_CASES, LIBRARIES
from .timing import epochs_in_turn, medians_in_turn, microseconds_a_step


class Nothing(Callback):
    """A callback that does nothing."""

    def __call__(self, info):
        return None


class Step:
    """Microseconds a step, by one epoch of partial_fit with all checks and shuffling."""

    params = [list(ALL_CASES), list(LIBRARIES)]
    param_names = ["case", "library"]
    timeout = 300

    def track_step(self, name, library):
        return microseconds_a_step(ALL_CASES[name], library)

    track_step.unit = "us"


class AgainstScikitLearn:
    """How many times faster than scikit-learn, measured in turn in one process."""

    params = [list(ALL_CASES)]
    param_names = ["case"]
    timeout = 300

    def track_times_faster(self, name):
        case = ALL_CASES[name]
        seconds = epochs_in_turn(case, {library: case.model(library) for library in LIBRARIES})
        return seconds["scikit-learn"] / seconds["fastmlp"]

    track_times_faster.unit = "times"


class FitSmall:
    """1,000 rows of 20 features, 200 epochs, 100 hidden units, from call to return: fixed costs count."""

    timeout = 300

    def functions(self):
        rng = np.random.default_rng(0)
        X, y = rng.random((1000, 20), dtype=np.float32), rng.integers(0, 2, 1000)
        settings = {"hidden_layer_sizes": (100,), "max_iter": 200, "tol": 0.0, "n_iter_no_change": 1000}
        return {
            library: lambda kinds=kinds: kinds["classification"](**settings).fit(X, y)
            for library, kinds in LIBRARIES.items()
        }

    def track_times_faster(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            seconds = medians_in_turn(self.functions())
        return seconds["scikit-learn"] / seconds["fastmlp"]

    track_times_faster.unit = "times"


class Callbacks:
    """What a callback that does nothing costs an epoch: a function, and one by scikit-learn's protocol."""

    N_EPOCHS = 2000

    def cost(self, **callbacks):
        """Microseconds an epoch more than without."""
        X, y = np.eye(2, dtype=np.float32), np.zeros(2, np.float32)
        settings = {"hidden_layer_sizes": 2, "max_iter": self.N_EPOCHS, "tol": 0.0, "n_iter_no_change": np.inf}
        without = LIBRARIES["fastmlp"]["regression"](**settings)
        told = LIBRARIES["fastmlp"]["regression"](**settings, callbacks=callbacks.get("function"))
        if "protocol" in callbacks:
            told.set_callbacks(callbacks["protocol"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            seconds = medians_in_turn({"told": lambda: told.fit(X, y), "without": lambda: without.fit(X, y)})
        return (seconds["told"] - seconds["without"]) / self.N_EPOCHS * 1e6

    def track_function(self):
        return self.cost(function=lambda info: None)

    def track_protocol(self):
        return self.cost(protocol=Nothing())

    track_function.unit = track_protocol.unit = "us"


class FitDigits:
    """From call to return on real digits."""

    params = [list(LIBRARIES)]
    param_names = ["library"]

    def setup(self, library):
        self.X, self.y = load_digits(return_X_y=True)
        self.X = (self.X / 16).astype("float32")
        self.model = LIBRARIES[library]["classification"]((64,), max_iter=20, random_state=0)

    def fit(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.model.fit(self.X, self.y)

    def time_fit(self, library):
        self.fit()

    def peakmem_fit(self, library):
        self.fit()

    def track_accuracy(self, library):
        return self.fit().score(self.X, self.y)
