"""The networks that are measured, and how a comparison with scikit-learn is run."""

import time
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.neural_network import MLPRegressor as SklearnRegressor

from fastmlp import MLPClassifier, MLPRegressor

LIBRARIES = {
    "fastmlp": {"classification": MLPClassifier, "regression": MLPRegressor},
    "scikit-learn": {"classification": SklearnClassifier, "regression": SklearnRegressor},
}


@dataclass(frozen=True)
class Case:
    """One network and its batch size, and enough rows for an epoch to be worth timing."""

    sizes: tuple[int, ...]
    batch_size: int
    n_samples: int
    task: str

    def __str__(self):
        return f"{'-'.join(map(str, self.sizes))}, batch {self.batch_size}"

    @property
    def n_steps(self):
        return -(-self.n_samples // self.batch_size)

    def data(self):
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.n_samples, self.sizes[0]), dtype=np.float32)
        if self.task == "regression":
            return X, rng.standard_normal(self.n_samples, dtype=np.float32)
        return X, rng.integers(0, self.sizes[-1], self.n_samples)

    def model(self, library):
        return LIBRARIES[library][self.task](
            hidden_layer_sizes=self.sizes[1:-1], batch_size=self.batch_size, random_state=0
        )

    def started_model(self, library, X, y):
        """A model after its first epoch, so that every later one is alike."""
        model = self.model(library)
        if self.task == "classification":
            return model.partial_fit(X, y, classes=np.arange(self.sizes[-1]))
        return model.partial_fit(X, y)


CASES = {
    str(case): case
    for case in [
        Case((20, 64, 64, 2), 32, 10_000, "classification"),
        Case((8, 128, 128, 1), 256, 25_600, "regression"),
        Case((784, 100, 10), 200, 10_000, "classification"),
        Case((784, 512, 512, 10), 128, 6_400, "classification"),
        Case((16, 32, 1), 1, 5_000, "regression"),
    ]
}


def microseconds_a_step(case, n_rounds=7):
    """Median over rounds of an epoch's time a step, for each library, in turn within every round."""
    X, y = case.data()
    times = {library: [] for library in LIBRARIES}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = {library: case.started_model(library, X, y) for library in LIBRARIES}
        for _ in range(n_rounds):
            for library, model in models.items():
                start = time.perf_counter()
                model.partial_fit(X, y)
                times[library].append((time.perf_counter() - start) / case.n_steps * 1e6)
    return {library: float(np.median(values)) for library, values in times.items()}
