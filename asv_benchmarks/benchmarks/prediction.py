"""Prediction, of one row and of many."""

from .cases import CASES, LIBRARIES


class Predict:
    params = [list(CASES), list(LIBRARIES), [1, 1000]]
    param_names = ["case", "library", "rows"]

    def setup(self, case, library, rows):
        X, y = CASES[case].data()
        self.model = CASES[case].started_model(library, X[:1000], y[:1000])
        self.X = X[:rows]

    def time_predict(self, case, library, rows):
        self.model.predict(self.X)
