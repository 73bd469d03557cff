"""Peak memory of a fit, over the data itself."""

import tracemalloc

import numpy as np
import pytest

from fastmlp import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

MARGIN = 10e6
BATCH_SIZE = 300


def peak_of(call):
    """Largest number of bytes allocated at once during a call, over what there was before."""
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize(
    ("shape", "hidden"), [((500_000, 60), (16,)), ((900, 200), (2000, 1500))], ids=["many rows", "large network"]
)
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    ("estimator", "settings", "n_moments"),
    [
        (MLPClassifier, dict(solver="adam"), 2),
        (MLPClassifier, dict(solver="sgd"), 1),
        (MLPRegressor, dict(solver="adam"), 2),
        (MLPRegressor, dict(solver="adam", early_stopping=True), 2),
    ],
    ids=["classifier-adam", "classifier-sgd", "regressor", "regressor-early-stopping"],
)
def test_peak_of_fit(rng, shape, hidden, shuffle, estimator, settings, n_moments):
    X = rng.random(shape, dtype=np.float32)
    y = np.arange(len(X)) % 10 if estimator is MLPClassifier else X[:, 0].copy()
    model = estimator(
        hidden_layer_sizes=hidden, batch_size=BATCH_SIZE, max_iter=1, shuffle=shuffle, random_state=0, **settings
    )
    peak = peak_of(lambda: model.fit(X, y))

    sizes = np.array(model.network_.sizes)
    workspace = BATCH_SIZE * (2 * sizes.sum() + sizes[-1])
    n_parameters = len(model.network_.parameters)
    # Wide layers have their weights packed for the products of both directions, and their deltas.
    packed = 2 * n_parameters + BATCH_SIZE * sizes.sum()
    # Numbers of rows: the order to take them in, and where some are held out, which these are, and in that order.
    n_row_numbers = 3 if model.early_stopping else 1
    allowed = X.itemsize * (n_parameters * (2 + n_moments) + packed + workspace) + 8 * n_row_numbers * len(X)
    assert peak <= allowed + MARGIN


def test_peak_of_predict(rng):
    """A tile of activations, however many rows there are."""
    X = rng.random((300_000, 20), dtype=np.float32)
    model = MLPRegressor(hidden_layer_sizes=(500, 500), max_iter=1).fit(X[:1000], X[:1000, 0])
    assert peak_of(lambda: model.predict(X)) < 4 * len(X) + MARGIN
