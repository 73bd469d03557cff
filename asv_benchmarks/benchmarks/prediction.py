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


class PredictOne:
    """A row through a predictor."""

    params = [list(CASES), ["float32", "bfloat16", "int8"]]
    param_names = ["case", "weights"]

    def setup(self, name, weights):
        X, predictor = _predictor(name, 1, weights=weights)
        self.x, self.predict_one = X[0], predictor.predict_one
        self.out = self.predict_one(self.x)

    def time_predict_one(self, name, weights):
        self.predict_one(self.x)

    def time_predict_one_into_out(self, name, weights):
        self.predict_one(self.x, self.out)


class PredictRows:
    """Rows through a predictor, with the threads that it chooses."""

    params = [list(CASES), [1, 16, 256, 1_000, 10_000]]
    param_names = ["case", "rows"]

    def setup(self, name, rows):
        self.X, self.predictor = _predictor(name, rows)
        self.out = self.predictor(self.X).reshape(rows, -1)

    def time_predictor(self, name, rows):
        self.predictor(self.X)

    def time_predictor_into_out(self, name, rows):
        self.predictor(self.X, self.out)


def _predictor(name, n_rows, **settings):
    """Rows, and the predictor of a model after its first epoch."""
    case = CASES[name]
    X, y = case.data()
    model = case.started_model("fastmlp", X[:1000], y[:1000])
    rows = np.random.default_rng(0).standard_normal((n_rows, X.shape[1]), dtype=np.float32)
    return rows, model.compile(**settings)
