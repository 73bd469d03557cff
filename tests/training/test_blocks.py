"""Memory of what goes by rows does not grow with rows times outputs, and blocks change nothing but that."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, csr_matrix

from fastmlp import MLPClassifier, Network, Perceptron
from fastmlp._blocks import BLOCK_BYTES
from fastmlp._core._data import Data

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_CLASSES, N_ROWS = 1500, 30_000


def peak_of(call):
    """Largest number of bytes allocated at once during a call, over what there was before; and what it returns."""
    tracemalloc.start()
    result = call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, result


@pytest.fixture(scope="module")
def many():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 6)).astype(np.float32)
    return X, np.arange(N_ROWS) % N_CLASSES


def outputs_of(model, X):
    """All outputs at once, by NumPy."""
    hidden = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
    return hidden @ model.coefs_[1] + model.intercepts_[1]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("sparse", [False, True])
def test_labels_of_many_classes(many, n_jobs, sparse):
    X, y = many
    model = MLPClassifier((5,), max_iter=1, random_state=0, n_jobs=n_jobs).fit(X[:3000], y[:3000])
    rows = csr_array(X) if sparse else X
    peak, labels = peak_of(lambda: model.predict(rows))
    assert peak < 3 * BLOCK_BYTES + X.nbytes < X.itemsize * N_ROWS * N_CLASSES / 2
    raw = outputs_of(model, X)
    # The best by NumPy, but for what rounding decides.
    assert_allclose(raw[np.arange(N_ROWS), labels], raw.max(axis=1), rtol=1e-4, atol=1e-5)
    assert model.score(rows, labels) == 1


def test_probabilities_need_their_own_memory_only(many):
    X, y = many
    model = MLPClassifier((5,), max_iter=1, random_state=0).fit(X[:3000], y[:3000])
    for method in (model.predict_proba, model.predict_log_proba):
        peak, result = peak_of(lambda method=method: method(X[:20_000]))
        assert peak < result.nbytes + 6 * BLOCK_BYTES
    raw = outputs_of(model, X[:20_000])
    assert_allclose(result, raw - np.log(np.exp(raw).sum(axis=1, keepdims=True)), rtol=1e-3, atol=1e-4)


def test_decision_values_are_made_in_blocks(many):
    X, y = many
    model = MLPClassifier((5,), loss="hinge", max_iter=1, random_state=0).fit(X[:3000], y[:3000])
    peak, result = peak_of(lambda: model.decision_function(X[:20_000]))
    assert peak < result.nbytes + 3 * BLOCK_BYTES
    assert_allclose(result, outputs_of(model, X[:20_000]), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_validation_of_many_classes(many, weighted):
    X, y = many
    weight = np.random.default_rng(1).random(N_ROWS) + 0.1 if weighted else None
    model = MLPClassifier((5,), max_iter=1, batch_size=200, random_state=0)
    peak, _ = peak_of(lambda: model.fit(X[:3000], y[:3000], X_val=X, y_val=y, sample_weight_val=weight))
    assert peak < 5 * BLOCK_BYTES < X.itemsize * N_ROWS * N_CLASSES / 2
    raw = outputs_of(model, X).astype(np.float64)
    losses = np.log(np.exp(raw).sum(axis=1)) - raw[np.arange(N_ROWS), y]
    assert_allclose(model.validation_loss_curve_, [np.average(losses, weights=weight)], rtol=1e-4)
    assert_allclose(model.validation_scores_, [np.average(model.predict(X) == y, weights=weight)], rtol=1e-5)


def test_sparse_labels(many):
    X, _ = many
    Y = csr_matrix(np.random.default_rng(0).random((400, N_CLASSES)) < 0.01, dtype=int)
    model = MLPClassifier((5,), max_iter=1, random_state=0).fit(X[:400], Y)
    model.intercepts_[-1][:] -= 5  # labels are rare
    peak, labels = peak_of(lambda: model.predict(X))
    assert peak < 6 * BLOCK_BYTES < 8 * N_ROWS * N_CLASSES / 2
    assert (labels.format, labels.shape) == ("csr", (N_ROWS, N_CLASSES))
    assert_array_equal(labels[-50:].toarray(), model.predict(X[-50:]).toarray())


def test_a_perceptrons_labels(many):
    X, y = many
    model = Perceptron(max_iter=1, random_state=0).fit(X[:3000], y[:3000])
    peak, labels = peak_of(lambda: model.predict(X))
    assert peak < 3 * BLOCK_BYTES
    assert_array_equal(labels, model.decision_function(X).argmax(axis=1))


@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_lbfgs_takes_blocks_of_wide_networks():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6000, 2)), np.arange(6000) % 6000
    peak, model = peak_of(lambda: MLPClassifier((), solver="lbfgs", max_iter=1, random_state=0).fit(X, y))
    assert peak < 6000 * 4096 * 8 * 3
    assert_allclose(model.loss_curve_, [model.network_.mean_loss(Data(X, y.astype(np.int32)))], rtol=1e-3)


def test_a_jacobian_of_many_outputs_is_not_quadratic():
    net = Network((2, 4000), activation=[], random_state=0)
    peak, jacobian = peak_of(lambda: net.jacobian([[1.0, 2.0]]))
    assert peak < jacobian.nbytes + 2e7 < net.n_outputs**2 * 8
    assert_array_equal(jacobian[0], net.coefs_[0].T)
