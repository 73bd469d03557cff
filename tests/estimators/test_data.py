"""Any table a user has: libraries, dtypes, memory orders, sparse, larger than memory."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csc_array, csr_array, csr_matrix
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier as SklearnClassifier

from fastmlp import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
NAMES = ["sepal length", "sepal width", "petal length", "petal width"]
SETTINGS = dict(hidden_layer_sizes=7, max_iter=5, random_state=0)

every_other = np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)


@pytest.mark.parametrize(
    "table",
    [
        X.tolist(),
        np.asfortranarray(X),
        every_other[::2, ::2],
        X[::-1][::-1],
        csr_array(X),
        csr_matrix(X),
        csc_array(X),
        np.lib.stride_tricks.as_strided(X, X.shape, X.strides, writeable=False),
    ],
    ids=["list", "Fortran", "strided", "negative strides", "CSR array", "CSR matrix", "CSC", "read-only"],
)
def test_memory_orders(table):
    model, expected = MLPClassifier(**SETTINGS).fit(table, Y), MLPClassifier(**SETTINGS).fit(X, Y)
    assert_allclose(model.network_.parameters, expected.network_.parameters, rtol=0, atol=1e-12)
    assert_allclose(model.predict_proba(table), expected.predict_proba(X), rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", [csr_array, csr_matrix, csc_array])
def test_sparse_targets(make):
    """As in scikit-learn: sparse labels come back sparse, sparse numbers are taken."""
    labels = np.eye(3, dtype=int)[Y]
    model, theirs = MLPClassifier(**SETTINGS).fit(X, make(labels)), SklearnClassifier(**SETTINGS).fit(X, make(labels))
    assert type(model.predict(X)) is type(theirs.predict(X))
    assert_array_equal(model.predict(X).toarray(), theirs.predict(X).toarray())
    assert_array_equal(model.predict(X).toarray(), MLPClassifier(**SETTINGS).fit(X, labels).predict(X))
    assert model.score(X, make(labels)) == model.score(X, labels)
    regressor = MLPRegressor(**SETTINGS).fit(X, make(labels))
    assert_array_equal(regressor.predict(X), MLPRegressor(**SETTINGS).fit(X, labels).predict(X))


def table_of(library, names):
    module = pytest.importorskip(library)
    columns = dict(zip(names, X.T, strict=True))
    return module.table(columns) if library == "pyarrow" else module.DataFrame(columns)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_tables_with_names(library):
    table = table_of(library, NAMES)
    model = MLPRegressor(**SETTINGS).fit(table, Y)
    assert model.feature_names_in_.tolist() == NAMES
    assert_array_equal(model.predict(table), MLPRegressor(**SETTINGS).fit(X, Y).predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(table_of(library, NAMES[::-1]))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint16", "int64", "bool"])
def test_dtypes(dtype):
    """What is not float32 is computed in float64, of the same numbers."""
    table = np.greater(X, X.mean(axis=0)) if dtype == "bool" else X.astype(dtype)
    model = MLPRegressor(**SETTINGS).fit(table, Y)
    computed = "float32" if dtype == "float32" else "float64"
    assert model.coefs_[0].dtype == computed
    expected = MLPRegressor(**SETTINGS).fit(table.astype(computed), Y.astype(computed))
    assert_array_equal(model.predict(table), expected.predict(table.astype(computed)))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64", "bool", "str"])
def test_target_dtypes(dtype):
    binary = (Y > 0).astype(dtype)
    model = MLPClassifier(**SETTINGS).fit(X, binary)
    assert_array_equal(model.classes_, np.unique(binary))
    assert_array_equal(model.predict_proba(X), MLPClassifier(**SETTINGS).fit(X, Y > 0).predict_proba(X))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_mapped_from_a_file(tmp_path, rng, method):
    """Batches are gathered from the file: training allocates a small part of its size."""
    shape = 120_000, 100
    mapped = np.memmap(tmp_path / "X", np.float32, "w+", shape=shape)
    mapped[...] = rng.random(shape, dtype=np.float32)
    mapped.flush()
    mapped = np.memmap(tmp_path / "X", np.float32, "r", shape=shape)
    y = np.asarray(mapped[:, 0])
    model = MLPRegressor(hidden_layer_sizes=16, max_iter=1, random_state=0)
    tracemalloc.start()
    getattr(model, method)(mapped, y)
    model.predict(mapped)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < mapped.nbytes / 10
    in_memory = MLPRegressor(hidden_layer_sizes=16, max_iter=1, random_state=0)
    assert_array_equal(model.coefs_[0], getattr(in_memory, method)(np.array(mapped), y).coefs_[0])


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba", "decision_function"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_predictions_take_no_memory_of_their_own(rng, method, n_classes):
    """Many rows go through in blocks, which changes nothing but memory."""
    few = rng.random((1000, 5), dtype=np.float32)
    loss = "hinge" if method == "decision_function" else "log_loss"
    model = MLPClassifier(16, max_iter=2, loss=loss, random_state=0).fit(few, np.arange(1000) % n_classes)
    many = rng.random((400_000, 5), dtype=np.float32)
    tracemalloc.start()
    result = getattr(model, method)(many)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < result.nbytes + 8e6
    some = slice(65_000, 66_000)  # across the end of a block
    assert_allclose(result[some], getattr(model, method)(many[some]), rtol=1e-5, atol=1e-6)
