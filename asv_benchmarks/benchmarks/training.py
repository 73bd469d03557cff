"""Epochs of training: time, ratio to scikit-learn, memory, and what they reach."""

import warnings

from sklearn.datasets import load_digits

from .cases import CASES, LIBRARIES, microseconds_a_step


class Epoch:
    """One epoch by partial_fit: checks, shuffling and all steps."""

    params = [list(CASES), list(LIBRARIES)]
    param_names = ["case", "library"]

    def setup(self, case, library):
        self.X, self.y = CASES[case].data()
        self.model = CASES[case].started_model(library, self.X, self.y)

    def time_partial_fit(self, case, library):
        self.model.partial_fit(self.X, self.y)


class AgainstScikitLearn:
    """How many times faster than scikit-learn, measured in turn in one process."""

    params = [list(CASES)]
    param_names = ["case"]
    timeout = 300

    def track_times_faster(self, case):
        times = microseconds_a_step(CASES[case])
        return times["scikit-learn"] / times["fastmlp"]

    track_times_faster.unit = "times"


class FitDigits:
    """From call to return on real digits, fixed costs included."""

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
