"""Elements that are no numbers: refused by column, before any work, with a remedy that works when it is followed."""

import datetime
import enum
import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import coo_array, csr_array
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from fastmlp import MLPClassifier, MLPRegressor, Perceptron
from fastmlp.inspection import diagnose
from fastmlp.network import Network

N_ROWS = 12
NUMBERS = np.linspace(-1, 1, N_ROWS)
LABELS = np.arange(N_ROWS) % 2
DAYS = pd.date_range("2020-01-01", periods=N_ROWS)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Color(enum.Enum):
    RED = 0
    BLUE = 1


def frame(values):
    return pd.DataFrame({"size": NUMBERS, "when": values})


def of_objects(value):
    return np.array([[1.0, value]] * N_ROWS, dtype=object)


def of_arrow(value, kind):
    pyarrow = pytest.importorskip("pyarrow")
    return frame(pd.array([value] * N_ROWS, dtype=pd.ArrowDtype(getattr(pyarrow, kind[0])(*kind[1:]))))


def of_polars(value):
    return pytest.importorskip("polars").DataFrame({"size": NUMBERS, "when": [value] * N_ROWS})


DAY, TIME, DURATION = datetime.date(2020, 1, 1), datetime.time(1), datetime.timedelta(1)
NOT_NUMBERS = {
    "datetime": (lambda: frame(DAYS), "'when'", "dates"),
    "datetime alone": (lambda: pd.DataFrame({"when": DAYS, "size": DAYS - DAYS[0]}), "'when'", "dates"),
    "time zone": (lambda: frame(DAYS.tz_localize("UTC")), "'when'", "dates"),
    "period": (lambda: frame(DAYS.to_period("D")), "'when'", "dates"),
    "category": (lambda: frame(pd.Categorical(DAYS)), "'when'", "dates"),
    "all missing": (lambda: frame(np.full(N_ROWS, np.datetime64("NaT", "s"))), "'when'", "dates"),
    "timedelta": (lambda: frame(DAYS - DAYS[0]), "'when'", "durations"),
    "date objects": (lambda: frame([DAY] * N_ROWS), "'when'", "dates"),
    "one date": (lambda: frame([*NUMBERS[1:], DAY]), "'when'", "dates"),
    "arrow timestamp": (lambda: of_arrow(DAYS[0], ("timestamp", "us")), "'when'", "dates"),
    "arrow date": (lambda: of_arrow(DAY, ("date32",)), "'when'", "dates"),
    "arrow duration": (lambda: of_arrow(DURATION, ("duration", "s")), "'when'", "durations"),
    "arrow time": (lambda: of_arrow(TIME, ("time64", "us")), "'when'", "times"),
    "arrow table": (
        lambda: pytest.importorskip("pyarrow").table({"size": NUMBERS, "when": [DAY] * N_ROWS}),
        "'when'",
        "dates",
    ),
    "polars date": (lambda: of_polars(DAY), "'when'", "dates"),
    "polars datetime": (lambda: of_polars(datetime.datetime(2020, 1, 1)), "'when'", "dates"),
    "polars duration": (lambda: of_polars(DURATION), "'when'", "durations"),
    "polars time": (lambda: of_polars(TIME), "'when'", "times"),
    "datetime array": (lambda: np.stack([DAYS, DAYS], axis=1), "0 and 1", "dates"),
    "timedelta array": (lambda: np.ones((N_ROWS, 2), "m8[s]"), "0 and 1", "durations"),
    "NaT": (lambda: of_objects(pd.NaT), "1", "dates"),
    "datetime64": (lambda: of_objects(np.datetime64("2020")), "1", "dates"),
    "timedelta64": (lambda: of_objects(np.timedelta64(1, "D")), "1", "durations"),
    "list": (lambda: [[1.0, np.timedelta64(1, "D")]] * N_ROWS, "1", "durations"),
    "list of dates": (lambda: [[np.datetime64("2020"), np.datetime64("2021")]] * N_ROWS, "0 and 1", "dates"),
}


@pytest.mark.parametrize("name", NOT_NUMBERS)
def test_dates_in_X(name):
    make, column, what = NOT_NUMBERS[name]
    dates = make()
    X = pd.DataFrame({"size": NUMBERS, "when": NUMBERS}) if column == "'when'" else np.stack([NUMBERS] * 2, axis=1)
    model = MLPRegressor(hidden_layer_sizes=3, max_iter=1)
    classifier = MLPClassifier(3, max_iter=1).fit(X, LABELS)
    perceptron = Perceptron(max_iter=2000).fit(X, NUMBERS > 0)
    fitted = MLPRegressor(hidden_layer_sizes=3, max_iter=1, random_state=0).fit(X, NUMBERS)
    before = fitted.predict(X)
    for call in (
        lambda: model.fit(dates, NUMBERS),
        lambda: model.partial_fit(dates, NUMBERS),
        lambda: model.fit(X, NUMBERS, X_val=dates, y_val=NUMBERS),
        lambda: fitted.fit(dates, NUMBERS),
        lambda: fitted.partial_fit(dates, NUMBERS),
        lambda: fitted.predict(dates),
        lambda: fitted.transform(dates),
        lambda: fitted.score(dates, NUMBERS),
        lambda: fitted.input_gradient(dates),
        lambda: fitted.integrated_gradients(dates),
        lambda: diagnose(fitted, dates),
        lambda: classifier.predict_proba(dates),
        lambda: classifier.predict_log_proba(dates),
        lambda: perceptron.fit(dates, LABELS),
        lambda: perceptron.predict(dates),
    ):
        with pytest.raises(ValueError, match=rf"Columns? {column} of X holds? {what}, which are.*pass numbers instead"):
            call()
    assert not hasattr(model, "n_features_in_")
    assert_array_equal(fitted.predict(X), before)


@pytest.mark.parametrize(
    ("y", "what"),
    [
        (DAYS.to_numpy(), "dates"),
        (pd.Series(DAYS.tz_localize("UTC")), "dates"),
        (pd.Series(DAYS.to_period("D")), "dates"),
        ([DAY] * N_ROWS, "dates"),
        ((DAYS - DAYS[0]).to_numpy(), "durations"),
        (np.array([np.timedelta64(1, "D")] * N_ROWS, dtype=object), "durations"),
    ],
    ids=str,
)
def test_dates_as_numbers_to_predict(y, what):
    X = NUMBERS[:, np.newaxis]
    fitted = MLPRegressor(hidden_layer_sizes=3, max_iter=1).fit(X, NUMBERS)
    for call in (
        lambda: MLPRegressor().fit(X, y),
        lambda: fitted.partial_fit(X, y),
        lambda: fitted.score(X, y),
        lambda: diagnose(fitted, X, y),
        lambda: MLPRegressor().fit(X, NUMBERS, X_val=X, y_val=y),
        lambda: fitted.network_.forward(np.asarray(y)[:, np.newaxis]),
        lambda: MLPRegressor().fit(X, NUMBERS, sample_weight=y),
        lambda: fitted.score(X, NUMBERS, sample_weight=y),
        lambda: MLPClassifier(3, max_iter=1).fit(X, LABELS).score(X, LABELS, sample_weight=y),
    ):
        with pytest.raises(ValueError, match=rf"holds {what}, which are not numbers; pass numbers instead"):
            call()
    with pytest.raises(ValueError, match="Column 'end' of y holds dates"):
        MLPRegressor().fit(X, pd.DataFrame({"start": NUMBERS, "end": DAYS}))


def test_a_network_refuses_dates():
    network = Network([1, 2, 1], random_state=0)
    for X in (np.ones((3, 1), "M8[s]"), [[np.timedelta64(1, "s")]], np.array([[pd.Timedelta(1)]], dtype=object)):
        with pytest.raises(ValueError, match="Column 0 of X holds (dates|durations)"):
            network.forward(X)


def test_dates_as_labels():
    """They are classes like others, but NaT is none."""
    X, days = NUMBERS[:, np.newaxis], DAYS[LABELS]
    assert_array_equal(MLPClassifier(3, max_iter=1).fit(X, days).classes_, DAYS[:2])
    days = pd.Series(days)
    days[3] = pd.NaT
    with pytest.raises(ValueError, match="Input y contains NaN; leave out the rows without a target"):
        MLPClassifier().fit(X, days)


LABELS_AS_OBJECTS = {
    "intervals": pd.cut(pd.Series(NUMBERS), 2),
    "enum": np.array([list(Color)[k] for k in LABELS], dtype=object),
    "list": [list(Color)[k] for k in LABELS],
    "dates": np.array([DAYS[k].date() for k in LABELS], dtype=object),
    "periods": pd.Series(DAYS[LABELS].to_period("D")),
    "words and numbers": np.array([["a", 1][k] for k in LABELS], dtype=object),
    "int": np.array([1, 2], dtype=object)[LABELS],
    "int64": np.array([np.int64(1), np.int64(2)] * (N_ROWS // 2), dtype=object),
    "large": [2**70 + int(k) for k in LABELS],
    "bool": np.array([False, True], dtype=object)[LABELS],
    "float": np.array([1.0, 2.0], dtype=object)[LABELS],
    "tuples": pd.Series([("a", int(k)) for k in LABELS]),
    "columns": np.array([["a", 1], ["b", 2]], dtype=object)[LABELS],
}


@pytest.mark.parametrize("name", LABELS_AS_OBJECTS)
@pytest.mark.parametrize("model", [MLPClassifier(3, max_iter=1), Perceptron()], ids=lambda model: type(model).__name__)
def test_advice_for_labels_helps(name, model):
    X, y = np.stack([LABELS, NUMBERS], axis=1), LABELS_AS_OBJECTS[name]
    if name == "columns" and isinstance(model, Perceptron):
        pytest.skip("a Perceptron takes one column of labels")
    with pytest.raises(ValueError, match="Unknown label type: y holds labels of type") as refusal:
        model.fit(X, y)
    advice = re.search(r"for example (.*)\.$", str(refusal.value))[1]
    labels = eval(advice, {"np": np, "y": y})
    model.fit(X, labels)
    assert all(map(len, model.classes_)) if name == "columns" else len(model.classes_) == 2


@pytest.mark.parametrize("make", [MLPClassifier, Perceptron])
@pytest.mark.parametrize("labels", [list(Color), [DAYS[0].date(), DAYS[1].date()], ["a", 1], [True, 2]], ids=str)
def test_advice_for_classes_helps(labels, make):
    """Those that partial_fit is told of, though y has none of them yet."""
    X, classes = NUMBERS[:, np.newaxis], np.array(labels, dtype=object)
    with pytest.raises(ValueError, match="Unknown label type: classes holds labels of type") as refusal:
        make().partial_fit(X, np.full(N_ROWS, str(labels[0])), classes=classes)
    advice = re.search(r"for example (.*)\.$", str(refusal.value))[1]
    named = eval(advice, {"np": np, "classes": classes})
    assert_array_equal(make().partial_fit(X, named[LABELS], classes=named).classes_, np.unique(named))
    with pytest.raises(ValueError, match="Unknown label type: classes holds None; name labels only"):
        make().partial_fit(X, np.full(N_ROWS, "a"), classes=["a", None])


def test_fractions_are_no_labels_even_as_objects():
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        MLPClassifier().fit(NUMBERS[:, np.newaxis], NUMBERS.astype(object))


@pytest.mark.parametrize("make", [np.asarray, list], ids=["array", "list"])
def test_advice_for_numerals_helps(make):
    X, y = NUMBERS[:, np.newaxis], make([str(number) for number in NUMBERS])
    with pytest.raises(ValueError, match="y holds numbers of dtype <U") as refusal:
        MLPRegressor().fit(X, y)
    numbers = eval(re.search(r"pass (.*)\.$", str(refusal.value))[1], {"np": np, "y": y})
    assert_array_equal(numbers, NUMBERS)


def with_missing(missing, dtype):
    values = pd.Series(NUMBERS.copy(), dtype=dtype)  # pandas 2 would share the memory
    values[3] = missing
    return pd.DataFrame({"size": NUMBERS, "age": values})


MISSING = {
    "nan": (lambda: with_missing(np.nan, float), "'age'"),
    "nullable": (lambda: with_missing(pd.NA, "Float64"), "'age'"),
    "None": (lambda: [[1.0, None]] * N_ROWS, "1"),
    "text": (lambda: np.array([["1.5", "nan"]] * N_ROWS), "1"),
    "csr": (lambda: csr_array([[1.0, np.nan, 0.0]] * N_ROWS), "1"),
    "coo": (lambda: coo_array([[np.nan, 0.0, np.nan]] * N_ROWS), "0 and 2"),
    "polars": (
        lambda: pytest.importorskip("polars").DataFrame({"size": NUMBERS, "age": [None, *NUMBERS[1:]]}),
        "'age'",
    ),
    "many": (lambda: np.full((N_ROWS, 9), np.nan), "0, 1, 2, 3, 4 and 4 more"),
}


@pytest.mark.parametrize("name", MISSING)
@pytest.mark.parametrize("dtype", ["auto", "float32"])
def test_missing_values_name_the_column(name, dtype):
    make, columns = MISSING[name]
    with pytest.raises(ValueError, match=f"Input X contains NaN in columns? {columns}; put.*SimpleImputer") as refusal:
        MLPRegressor(dtype=dtype).fit(make(), NUMBERS)
    assert "HistGradientBoosting" not in str(refusal.value)
    assert refusal.value.__suppress_context__


def test_remedies_for_a_table_work():
    table = pd.DataFrame(
        {"city": ["Bern", "Oslo"] * 6, "kind": [*"abc"] * 4, "age": with_missing(np.nan, float)["age"]}
    )
    with pytest.raises(ValueError, match="Columns 'city' and 'kind' of X hold words, for example 'Bern'") as refusal:
        MLPRegressor().fit(table, NUMBERS)
    advice = re.search(r"by sklearn's (.*)\.$", str(refusal.value))[1]
    names = {"make_column_transformer": make_column_transformer, "OneHotEncoder": OneHotEncoder}
    pipeline = make_pipeline(eval(advice, names), SimpleImputer(add_indicator=True), MLPRegressor(max_iter=1))
    assert np.isfinite(pipeline.fit(table, NUMBERS).predict(table)).all()


@pytest.mark.parametrize("y", [["a", "b"] * 6, pd.Series(["a", "b"] * 6), pd.Series(["a", "b"] * 6, dtype="category")])
def test_words_as_numbers_to_predict(y):
    X = NUMBERS[:, np.newaxis]
    fitted = MLPRegressor(hidden_layer_sizes=3, max_iter=1).fit(X, NUMBERS)
    for call in (lambda: fitted.fit(X, y), lambda: fitted.score(X, y), lambda: diagnose(fitted, X, y)):
        with pytest.raises(ValueError, match="y holds words, for example 'a'; use MLPClassifier to predict labels"):
            call()


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(["a", pd.NA] * 6, dtype="string"),
        pd.Series(["a", None] * 6, dtype="category"),
        pd.Series([1, pd.NA] * 6, dtype="Int64"),
        np.array(["a", np.nan] * 6, dtype=object),
        [1.0, np.nan] * 6,
    ],
)
def test_missing_labels(y):
    with pytest.raises(ValueError, match="Input y contains NaN; leave out the rows without a target"):
        MLPClassifier().fit(NUMBERS[:, np.newaxis], y)


def test_infinity_names_the_column():
    X = np.stack([NUMBERS, np.where(NUMBERS > 0, 1e300, 1)], axis=1)
    with pytest.raises(ValueError, match=r"Input X contains infinity or.*float32'\) in column 1, for example 1e\+300"):
        MLPRegressor(dtype="float32").fit(X, NUMBERS)
    with pytest.raises(ValueError, match="Input y contains infinity.*in column 1, for example inf; leave out"):
        MLPRegressor().fit(X[:, :1], X * [1, np.inf])


def test_errors_of_other_kinds_stay():
    """Shapes are refused in scikit-learn's words."""
    for X, message in ((NUMBERS, "Expected 2D array"), (np.ones((N_ROWS, 1, 1)), "dim 3"), ([[1], [1, 2]], "inhomog")):
        with pytest.raises(ValueError, match=message):
            MLPRegressor().fit(X, NUMBERS[: len(X)])
    with pytest.raises(TypeError, match="Column 0 of X holds objects of type dict.*argument must be"):
        MLPRegressor().fit([[{}]], [1.0])


@pytest.mark.parametrize("dtype", [bool, int, float])
def test_dummies_of_a_sparse_frame(dtype):
    words = pd.DataFrame({"city": ["Bern", "Oslo", "Rome"] * 4})
    sparse, dense = (pd.get_dummies(words, sparse=is_sparse, dtype=dtype) for is_sparse in (True, False))
    settings = dict(hidden_layer_sizes=3, max_iter=3, random_state=0)
    model, expected = MLPClassifier(**settings).fit(sparse, LABELS), MLPClassifier(**settings).fit(dense, LABELS)
    np.testing.assert_allclose(model.predict_proba(sparse), expected.predict_proba(dense), rtol=1e-12)
    assert list(model.feature_names_in_) == list(dense.columns)
    model.partial_fit(sparse, LABELS)
    assert MLPClassifier(**settings, dtype="float32").fit(sparse, LABELS).coefs_[0].dtype == np.float32
    GridSearchCV(MLPClassifier(**settings), {"alpha": [0, 1]}, cv=2, error_score="raise").fit(sparse, LABELS)


def test_a_sparse_frame_that_leaves_out_nan():
    X = pd.DataFrame({"size": NUMBERS}).astype("Sparse[float]")
    with pytest.raises(ValueError, match=r"X is a sparse frame that leaves out nan, not 0; pass X.sparse.to_dense\(\)"):
        MLPRegressor().fit(X, NUMBERS)
    MLPRegressor(max_iter=1).fit(X.sparse.to_dense(), NUMBERS)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_frames_that_have_no_rows_yet(estimator):
    polars = pytest.importorskip("polars")
    frame, y = polars.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 2.0]}), [0, 1, 0]
    model = estimator(max_iter=1)
    for name, call in [
        ("X", lambda: model.fit(frame.lazy(), y)),
        ("y", lambda: model.fit(frame, polars.LazyFrame({"y": y}))),
        ("sample_weight", lambda: model.fit(frame, y, frame.lazy())),
        ("X", lambda: estimator(solver="lbfgs", max_iter=1).fit(frame, y).predict(frame.lazy())),
    ]:
        with pytest.raises(TypeError, match=rf"^{name} is a LazyFrame, which has no rows yet; pass {name}.collect\(\)"):
            call()
    with pytest.raises(ValueError, match=r"cannot be used: X is a LazyFrame, .* pass X.collect\(\)\."):
        model.fit(frame, y, X_val=frame.lazy(), y_val=y)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_complex_numbers_are_named_by_column(estimator):
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [1j, 2.0]})
    begin, y = "^Complex data not supported: ", [0, 1]
    with pytest.raises(
        ValueError, match=begin + "Column 'b' of X holds complex numbers, for example 1j; pass real and"
    ):
        estimator().fit(frame, y)
    with pytest.raises(ValueError, match=begin + "Columns 0 and 1 of X hold complex numbers"):
        estimator().fit(frame.to_numpy(), y)
    with pytest.raises(ValueError, match=begin + "y holds complex numbers, for example 1j; pass real numbers"):
        estimator().fit(frame[["a"]], np.array([1j, 2]))


@pytest.mark.parametrize("weights", ["balanced", ["a", "b"]])
def test_weights_that_are_words(weights):
    with pytest.raises(ValueError, match=r"^sample_weight holds words, .*; pass a number for each row, or set class_w"):
        MLPClassifier().fit([[0.0], [1.0]], [0, 1], sample_weight=weights)
