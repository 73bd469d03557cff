"""The networks that are measured, here and beside other libraries."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, random_array
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
    task: str = "classification"
    activation: str = "relu"
    solver: str = "adam"
    density: float = 1.0  # of X; below 1 it is a CSR array

    def __str__(self):
        sizes = "-".join(map(str, self.sizes))
        details = [self.activation] * (self.activation != "relu") + [self.solver] * (self.solver != "adam")
        if self.is_sparse:
            details.append(f"{self.density:.1%} of X")
        batch = "full batch" if self.batch_size == self.n_samples else f"batch {self.batch_size}"
        return ", ".join([sizes, batch, *details])

    @property
    def is_sparse(self):
        return self.density < 1

    @property
    def n_steps(self):
        return -(-self.n_samples // self.batch_size)

    @property
    def n_outputs(self):
        """Two classes need one logistic output."""
        return 1 if self.task == "classification" and self.sizes[-1] == 2 else self.sizes[-1]

    def data(self):
        """Rows, and targets that a linear teacher gives them."""
        rng = np.random.default_rng(0)
        if self.is_sparse:
            shape = (self.n_samples, self.sizes[0])
            X = csr_array(random_array(shape, density=self.density, format="csr", dtype=np.float32, rng=rng))
            X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
        else:
            X = rng.standard_normal((self.n_samples, self.sizes[0]), dtype=np.float32)
        teacher = rng.standard_normal((self.sizes[0], self.sizes[-1]), dtype=np.float32) / np.sqrt(self.sizes[0])
        y = np.asarray(X @ teacher)
        return X, (y.ravel() if self.task == "regression" else y.argmax(axis=1))

    def model(self, library, **settings):
        """An estimator; settings may override those of the case."""
        parameters = {
            "hidden_layer_sizes": self.sizes[1:-1],
            "activation": self.activation,
            "solver": self.solver,
            "alpha": 0.0,
            "batch_size": self.batch_size,
            "random_state": 0,
        }
        return LIBRARIES[library][self.task](**parameters | settings)

    def epoch(self, model, X, y):
        """Train a model for one epoch, its first one included."""
        if self.task == "classification":
            return model.partial_fit(X, y, classes=np.arange(self.sizes[-1]))
        return model.partial_fit(X, y)

    def started_model(self, library, X, y, **settings):
        """A model after its first epoch, so that every later one is alike."""
        return self.epoch(self.model(library, **settings), X, y)


def by_name(*cases):
    return {str(case): case for case in cases}


CASES = by_name(
    Case((20, 64, 64, 2), 32, 16_000),
    Case((8, 128, 128, 1), 256, 25_600, "regression"),
    Case((784, 100, 10), 200, 10_000),
    Case((784, 512, 512, 10), 128, 6_400),
    Case((50, 256, 256, 256, 1), 256, 12_800, "regression"),
    Case((784, 2048, 2048, 10), 1024, 4_096),
    Case((16, 32, 1), 1, 5_000, "regression"),
)

# Shapes that nothing was tuned for.
OTHER_CASES = by_name(
    Case((37, 123, 77, 3), 50, 10_000),
    Case((64, 128, 128, 1), 64, 12_800, "regression", activation="tanh"),
    Case((20, 64, 64, 2), 32, 16_000, solver="sgd"),
    Case((784, 300, 10), 100, 10_000, solver="sgd"),
    Case((16, *[16] * 8, 1), 64, 12_800, "regression"),
    Case((20, 100, 2), 1_000, 1_000),
    Case((100, 1_000, 10), 4_096, 16_384),
    Case((784, 512, 512, 10), 8, 800),
    Case((10_000, 64, 2), 128, 5_120, density=0.01),
)

ALL_CASES = CASES | OTHER_CASES
