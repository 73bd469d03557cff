"""Prediction, of one row and of many: time, and memory."""

import numpy as np

from .cases import CASES, LIBRARIES, Case


class Predict:
    params = [list(CASES), list(LIBRARIES), [1, 1000]]
    param_names = ["case", "library", "rows"]

    def setup(self, name, library, rows):
        X, y = CASES[name].data()
        self.model = CASES[name].started_model(library, X[:1000], y[:1000])
        self.X = X[:rows]

    def time_predict(self, name, library, rows):
        self.model.predict(self.X)


class PredictMany:
    """A million rows: memory beyond them and their predictions is that of one tile."""

    params = [list(LIBRARIES)]
    param_names = ["library"]

    def setup(self, library):
        case = Case((20, 100, 100, 2), 200, 2000)
        self.model = case.started_model(library, *case.data())
        self.X = np.random.default_rng(0).random((1_000_000, 20), dtype=np.float32)

    def peakmem_predict(self, library):
        self.model.predict(self.X)
