"""Predictors beside the estimators they are made of, and beside NumPy alone."""

import copy
import pickle
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastmlp
from fastmlp import MLPClassifier, MLPRegressor
from fastmlp._core._config import chosen_products
from fastmlp.activations import Activation
from fastmlp.deploy._programs import program_of
from fastmlp.runtime import _engine
from fastmlp.runtime.steps import apply

from .models import KINDS, X, fitted

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TOLERANCE = {"float32": 3e-6, "float64": 1e-12}


def side_by_side(outputs):
    """Those of several targets as one array."""
    return np.hstack(outputs) if isinstance(outputs, list) else outputs


def tolerance_of(model):
    return TOLERANCE[model.network_.parameters.dtype.name]


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_are_the_estimator_s(kind):
    model = fitted(kind)
    assert_array_equal(model.compile(out="raw" if isinstance(model, MLPRegressor) else "labels")(X), model.predict(X))
    if not hasattr(model, "predict_proba"):
        return
    assert_allclose(side_by_side(model.compile()(X)), side_by_side(model.predict_proba(X)), atol=tolerance_of(model))


@pytest.mark.parametrize("kind", KINDS)
def test_steps_by_numpy_are_the_network(kind):
    """The definition that exports and compiled kernels are held to."""
    model = fitted(kind)
    program = program_of(model)
    activates = model._targets.reads_activated
    raw = model.network_.predict_raw(X.astype(program.dtype), activate_output=activates)
    assert_allclose(apply(program.steps, X.astype(program.dtype)), raw, rtol=1e-5, atol=tolerance_of(model))
    if program.head is not None:
        probabilities = side_by_side(model.predict_proba(X))
        assert_allclose(apply(program.head, raw), probabilities, atol=tolerance_of(model))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("out", ["auto", "labels", "raw"])
def test_a_row_is_the_row_of_a_table(kind, out):
    model = fitted(kind)
    if out == "labels" and isinstance(model, MLPRegressor):
        out = "raw"
    predictor = model.compile(out=out)
    table = predictor(X[:5])
    for number, row in enumerate(X[:5]):
        one = predictor.predict_one(row)
        expected = [part[number] for part in table] if isinstance(table, list) else table[number]
        given = np.concatenate([part.ravel() for part in one]) if isinstance(one, list) else np.ravel(one)
        expected = np.concatenate(expected) if isinstance(expected, list) else np.ravel(expected)
        if chosen_products() == "own" or given.dtype.kind != "f":
            assert_array_equal(given, expected)
        else:  # a BLAS adds in another order for one row
            assert_allclose(given, expected, rtol=1e-5, atol=tolerance_of(model))


ROWS = {
    "array": lambda row: row,
    "float32": lambda row: row.astype("float32"),
    "float64": lambda row: row.astype("float64"),
    "list": lambda row: row.tolist(),
    "tuple": lambda row: tuple(row.tolist()),
    "memoryview": memoryview,
    "strided": lambda row: np.repeat(row, 2)[::2],
    "read only": lambda row: np.frombuffer(row.tobytes(), row.dtype),
    "reversed bytes": lambda row: row.astype(row.dtype.newbyteorder()),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("how", ROWS)
def test_kinds_of_rows(how, dtype):
    model = fitted("three classes")
    predictor = model.compile(weights=dtype)
    row = X[0].astype("float32").astype(dtype)  # which float32 holds exactly
    expected = predictor(row[np.newaxis])[0]
    assert expected.dtype == dtype
    assert_array_equal(predictor.predict_one(ROWS[how](row)), expected)
    out = np.full(3, np.nan, dtype)
    assert predictor.predict_one(ROWS[how](row), out=out) is out
    assert_array_equal(out, expected)


def test_rows_by_name():
    pandas = pytest.importorskip("pandas")
    names = list("abcdef")
    table = pandas.DataFrame(X, columns=names)
    model = MLPClassifier((4,), max_iter=2, random_state=0).fit(table, X[:, 0] > 0)
    predictor = model.compile()
    assert predictor.feature_names == tuple(names)
    expected = model.predict_proba(table)
    assert_allclose(predictor(table[names[::-1]]), expected, atol=1e-12)
    assert_allclose(predictor(X), expected, atol=1e-12)
    row = dict(zip(names, X[3], strict=True))
    assert_allclose(predictor.predict_one(row), expected[3], atol=1e-12)
    with pytest.raises(ValueError, match="x has no 'c'"):
        predictor.predict_one({name: value for name, value in row.items() if name != "c"})
    with pytest.raises(ValueError, match="x has 'z', which is no feature"):
        predictor.predict_one(row | {"z": 0.0})
    with pytest.raises(ValueError, match="X has no column 'b'"):
        predictor(table.drop(columns="b"))
    with pytest.raises(ValueError, match="without names"):
        fitted("numbers").compile().predict_one(row)


@pytest.mark.parametrize("module", ["polars", "pyarrow"])
def test_other_tables(module):
    library = pytest.importorskip(module)
    pandas = pytest.importorskip("pandas")
    names = list("abcdef")
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0)
    model.fit(pandas.DataFrame(X, columns=names), X[:, 0])
    columns = {name: X[:, number] for number, name in reversed(list(enumerate(names)))}
    table = library.DataFrame(columns) if module == "polars" else library.table(columns)
    assert_allclose(model.compile()(table), model.predict(pandas.DataFrame(X, columns=names)), atol=1e-12)


WRONG = {
    "one row": (lambda p: p(X[0]), "X has shape"),
    "too few columns": (lambda p: p(X[:, :4]), "rows of 6 features"),
    "a table as a row": (lambda p: p.predict_one(X), "one row of 6 features"),
    "too short a row": (lambda p: p.predict_one(X[0, :4]), "one row of 6 features"),
    "words": (lambda p: p([["a"] * 6]), "no number"),
    "words in a row": (lambda p: p.predict_one(["a"] * 6), "no number"),
    "out of another shape": (lambda p: p(X, out=np.empty((200, 2))), "pass one of shape"),
    "out of another dtype": (lambda p: p(X, out=np.empty((200, 3), "float32")), "pass a writeable array of float64"),
    "out of a row": (lambda p: p.predict_one(X[0], out=np.empty(2)), "pass one of shape"),
}


@pytest.mark.parametrize("call", WRONG)
def test_what_is_refused(call):
    function, message = WRONG[call]
    with pytest.raises(ValueError, match=message):
        function(fitted("three classes").compile())


def test_choices_that_are_refused():
    model = fitted("three classes")
    with pytest.raises(ValueError, match="out is 'probs'; it has to be one of"):
        model.compile(out="probs")
    with pytest.raises(ValueError, match="weights is 'float8'"):
        model.compile(weights="float8")
    with pytest.raises(ValueError, match="no probabilities"):
        fitted("hinge").compile(out="proba")
    with pytest.raises(ValueError, match="a regressor"):
        fitted("numbers").compile(out="labels")
    with pytest.raises(ValueError, match="out cannot be written to"):
        model.compile(out="labels")(X, out=np.empty(200))
    with pytest.raises(fastmlp.CannotFoldError, match="'own' is written in Python"):
        MLPClassifier((4,), activation=Own(), max_iter=2).fit(X, X[:, 0] > 0).compile()


class Own(Activation):
    """A user's activation."""

    name = "own"

    def forward(self, z):
        """Half."""
        return z / 2

    def backward(self, gradient, z, a):
        """Half."""
        return gradient / 2


def test_a_place_for_the_predictions_of_a_regressor():
    predictor = fitted("numbers").compile()
    expected, out = predictor(X), np.empty(len(X))
    assert expected.shape == (len(X),)
    assert predictor(X, out=out) is out
    assert_array_equal(out, expected)
    column = np.empty((len(X), 1))
    assert predictor(X, out=column) is column
    assert_array_equal(column.ravel(), expected)


@pytest.mark.parametrize("n_rows", [1, 20, 5000])
def test_a_place_that_overlaps_the_rows(n_rows):
    """What is still to be read is not written over."""
    model = MLPRegressor(hidden_layer_sizes=(5,), max_iter=3, random_state=0).fit(X, X[:, ::-1])
    predictor, memory = model.compile(), np.empty((n_rows + 1, 6))
    memory[:-1] = np.resize(X, (n_rows, 6))
    expected = predictor(memory[:-1].copy())
    assert_array_equal(predictor(memory[:-1], out=memory[1:]), expected)
    row = np.zeros(7)
    row[:6] = X[0]
    expected = predictor.predict_one(X[0])
    assert_array_equal(predictor.predict_one(row[:6], out=row[1:]), expected)


@pytest.mark.parametrize("out", [[0.0] * 3, np.empty(3, int), np.empty(3, "float32"), np.frombuffer(bytes(24))])
def test_places_that_are_refused(out):
    with pytest.raises(ValueError, match="pass a writeable array of float64"):
        fitted("three classes").compile().predict_one(X[0], out=out)


@pytest.mark.parametrize("n_jobs", [0, 1.5, "a"])
def test_numbers_of_threads_that_are_refused(n_jobs):
    with pytest.raises(ValueError, match="n_jobs is"):
        fitted("three classes").compile(n_jobs=n_jobs)


def test_nan_has_no_class():
    model = fitted("three classes")
    rows = X[:2].copy()
    rows[1, 2] = np.nan
    assert np.isnan(model.compile()(rows)[1]).all()
    with pytest.raises(ValueError, match="X has NaN"):
        model.compile(out="labels")(rows)


def test_it_has_copies():
    model = fitted("three classes")
    predictor = model.compile()
    before = predictor(X)
    model.network_.parameters[:] = 0
    assert_array_equal(predictor(X), before)
    for other in (copy.copy(predictor), copy.deepcopy(predictor), pickle.loads(pickle.dumps(predictor))):
        assert_array_equal(other(X), before)
        assert repr(other) == repr(predictor)


def test_threads_share_a_predictor():
    """Each gets the bits that one alone would get."""
    wide = MLPClassifier((64, 64), max_iter=2, random_state=0, dtype="float32").fit(X, KINDS["three classes"][2])
    predictor = wide.compile()
    rows = X.astype("float32")
    alone, one = predictor(rows), [predictor.predict_one(row) for row in rows]
    wrong = []

    def call(number):
        for turn in range(200):
            place = (number * 31 + turn) % len(rows)
            if not np.array_equal(predictor.predict_one(rows[place]), one[place]):
                wrong.append(place)
            if turn % 20 == 0 and not np.array_equal(predictor(rows), alone):
                wrong.append("rows")

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("n_rows", [0, 1, 2, 17, 300, 3000])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_numbers_of_rows(n_rows, n_jobs, monkeypatch):
    monkeypatch.setattr("fastmlp.training._threads.MIN_WORK_A_FIT", 1e4)
    model = fitted("float32")
    predictor = model.compile(n_jobs=n_jobs)
    rows = np.resize(X.astype("float32"), (n_rows, 6))
    expected = model.compile(n_jobs=1)(np.resize(rows, (max(n_rows, 1), 6)))[:n_rows]
    for _ in range(2):  # a prepared pass is used again
        assert_array_equal(predictor(rows), expected)
    out = np.empty((n_rows, 3), "float32")
    assert predictor(rows, out=out) is out
    assert_array_equal(out, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_without_compiled_kernels(kind, monkeypatch):
    model = fitted(kind)
    expected = model.compile(out="raw")(X)
    monkeypatch.setattr(_engine, "FrozenNetwork", None)
    by_numpy = model.compile(out="raw")
    assert_allclose(by_numpy(X), expected, rtol=1e-5, atol=tolerance_of(model))
    assert_allclose(np.ravel(by_numpy.predict_one(X[0])), np.ravel(expected[0]), rtol=1e-5, atol=tolerance_of(model))


@pytest.mark.usefixtures("isa")
def test_kernel_tables(dtype):
    model = fitted("three classes")
    expected = apply(program_of(model).steps, X)
    assert_allclose(model.compile(out="raw", weights=dtype)(X), expected, rtol=1e-4, atol=1e-5)
    one = model.compile(out="raw", weights=dtype).predict_one(X[0])
    assert_allclose(one, expected[0], rtol=1e-4, atol=1e-5)
