"""Pipelines and ensembles as programs, beside scikit-learn's own predictions."""

import pickle
import tracemalloc
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, VotingClassifier, VotingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

import fastmlp
from fastmlp import CannotFoldError, MLPClassifier, MLPRegressor
from fastmlp.deploy._programs import program_of
from fastmlp.losses import Quantile
from fastmlp.runtime._simplify import simplified
from fastmlp.runtime.steps import Activate, Affine, Dense, apply

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 200
RNG = np.random.default_rng(0)
# Columns of unlike sizes, one of which lies far from 0.
X = RNG.normal(size=(N, 6)) * [1, 10, 100, 1, 1, 1] + [0, 5, 1e4, 0, 0, 0]
Y = np.array(["no", "yes", "perhaps"])[np.digitize(X[:, 0], [-0.5, 0.5])]
NUMBERS = 1000 + 50 * X[:, 0]


def classifier(**parameters):
    return MLPClassifier((8,), max_iter=20, random_state=0, **parameters)


def regressor(**parameters):
    return MLPRegressor(hidden_layer_sizes=(8,), max_iter=20, random_state=0, **parameters)


def scaled(model):
    return make_pipeline(StandardScaler(), model)


def target(transformer=None, **functions):
    return TransformedTargetRegressor(scaled(regressor()), transformer=transformer, **functions)


ESTIMATORS = {
    "standard": (scaled(classifier()), Y),
    "without mean": (make_pipeline(StandardScaler(with_mean=False), classifier()), Y),
    "without deviation": (make_pipeline(StandardScaler(with_std=False), classifier()), Y),
    "min max": (make_pipeline(MinMaxScaler((-1, 2)), classifier()), Y),
    "min max clipped": (make_pipeline(MinMaxScaler(clip=True), classifier()), Y),
    "max abs": (make_pipeline(MaxAbsScaler(), classifier()), Y),
    "robust": (make_pipeline(RobustScaler(), classifier()), Y),
    "PCA": (make_pipeline(StandardScaler(), PCA(3), classifier()), Y),
    "whitened": (make_pipeline(PCA(4, whiten=True), classifier()), Y),
    "scaled twice": (make_pipeline(StandardScaler(), "passthrough", MinMaxScaler(), classifier()), Y),
    "two classes": (scaled(classifier()), Y == "no"),
    "hinge": (scaled(classifier(loss="hinge")), Y == "no"),
    "search": (GridSearchCV(scaled(classifier()), {"mlpclassifier__alpha": [1e-3, 1.0]}, cv=2), Y),
    "calibrated": (CalibratedClassifierCV(scaled(classifier()), cv=2), Y),
    "calibrated two": (CalibratedClassifierCV(scaled(classifier()), cv=2), Y == "no"),
    "calibrated hinge": (CalibratedClassifierCV(scaled(classifier(loss="hinge")), cv=2), Y == "no"),
    "calibrated at once": (CalibratedClassifierCV(scaled(classifier()), cv=2, ensemble=False), Y),
    "vote": (VotingClassifier([("a", scaled(classifier())), ("b", classifier())], voting="soft", weights=[1, 2]), Y),
    "vote two": (VotingClassifier([("a", scaled(classifier())), ("b", classifier())], voting="soft"), Y == "no"),
    "bag": (BaggingClassifier(scaled(classifier()), 3, max_features=0.5, random_state=0), Y),
    "numbers": (scaled(regressor()), NUMBERS),
    "two numbers": (scaled(regressor()), X[:, :2]),
    "target standard": (target(StandardScaler()), NUMBERS),
    "target min max": (target(MinMaxScaler()), NUMBERS),
    "target robust": (target(RobustScaler()), NUMBERS),
    "target max abs": (target(MaxAbsScaler()), NUMBERS),
    "target log": (target(func=np.log, inverse_func=np.exp), NUMBERS),
    "target log1p": (target(func=np.log1p, inverse_func=np.expm1), NUMBERS),
    "target as it is": (target(), NUMBERS),
    "two targets": (target(StandardScaler()), X[:, 1:3]),
    "vote of numbers": (VotingRegressor([("a", scaled(regressor())), ("b", regressor())], weights=[3, 1]), X[:, 0]),
    "bag of numbers": (BaggingRegressor(scaled(regressor()), 3, random_state=0), X[:, 0]),
    "float32": (scaled(classifier(dtype="float32")), Y),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_programs_predict_the_same(name, tmp_path):
    estimator, y = ESTIMATORS[name]
    estimator.fit(X, y)
    predictor, has_classes = fastmlp.compile(estimator), hasattr(estimator, "classes_")
    atol = 2e-6 if name == "float32" else 1e-11
    expected = estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else estimator.predict(X)
    if hasattr(estimator, "predict_proba") or not has_classes:
        assert_allclose(predictor(X), expected, rtol=1e-10, atol=atol)
        assert_allclose(np.ravel(predictor.predict_one(X[0])), np.ravel(expected[0]), rtol=1e-10, atol=atol)
    if has_classes:
        assert_array_equal(fastmlp.compile(estimator, out="labels")(X), estimator.predict(X))
        assert fastmlp.compile(estimator, out="labels").predict_one(X[0]) == estimator.predict(X)[0]
    pytest.importorskip("safetensors")
    predictor.save(tmp_path / "model")
    assert_array_equal(fastmlp.load(tmp_path / "model")(X), predictor(X))


def table():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "far": X[:, 2],
            "gaps": X[:, 1],
            "kind": pandas.Series(np.array(["x", "y", "z"])[RNG.integers(0, 3, N)], dtype=object),
            "note": pandas.Series(np.array(["u", "v"])[RNG.integers(0, 2, N)], dtype=object),
            "code": RNG.integers(0, 3, N),
            "empty": np.nan,
        }
    )
    frame.loc[::7, "gaps"] = np.nan
    frame.loc[::5, "note"] = np.nan
    return frame


def imputed(**settings):
    return make_pipeline(SimpleImputer(**settings), StandardScaler())


WORDS = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
TABLES = {
    "imputed": [("n", imputed(), ["far", "gaps"])],
    "with an indicator": [("n", imputed(add_indicator=True), ["far", "gaps"])],
    "with an empty column": [("n", imputed(add_indicator=True), ["far", "empty", "gaps"])],
    "empty columns kept": [("n", imputed(keep_empty_features=True), ["empty", "gaps"])],
    "constant": [("n", imputed(strategy="constant", fill_value=-1), ["gaps", "far"])],
    "one hot": [("n", imputed(), ["far"]), ("w", WORDS, ["kind", "note"])],
    "missing as a category": [("w", OneHotEncoder(handle_unknown="ignore"), ["kind", "note"])],
    "dropped": [("w", OneHotEncoder(drop="first"), ["kind", "note"]), ("p", "passthrough", ["code"])],
    "dropped if binary": [("w", OneHotEncoder(drop="if_binary", handle_unknown="ignore"), ["kind", "code"])],
    "ordinal": [("o", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["kind", "code"])],
    "ordinal with missing": [("o", OrdinalEncoder(encoded_missing_value=-2), ["note"]), ("d", "drop", ["far"])],
    "a function that does nothing": [("f", FunctionTransformer(), ["far", "code"])],
    "codes imputed": [("c", make_pipeline(SimpleImputer(missing_values=1), StandardScaler()), ["code"])],
}


@pytest.mark.filterwarnings("ignore:Found unknown categories", "ignore:Skipping features without any observed")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", TABLES)
def test_tables(name, dtype, tmp_path):
    frame = table()
    columns = ColumnTransformer(TABLES[name], sparse_threshold=0)
    pipeline = make_pipeline(columns, classifier(dtype=dtype)).fit(frame, Y)
    rows = frame.copy()
    if "OneHotEncoder" in repr(columns) and "drop='first'" not in repr(columns):
        rows.loc[3, "kind"] = "never seen"
    expected, predictor = pipeline.predict_proba(rows), fastmlp.compile(pipeline)
    atol = 2e-6 if dtype == "float32" else 1e-12
    assert_allclose(predictor(rows), expected, atol=atol)
    assert_allclose(predictor(rows[rows.columns[::-1]]), expected, atol=atol)
    assert_allclose(predictor(rows.to_numpy(dtype=object)), expected, atol=atol)
    for number in (0, 3, 5):
        assert_allclose(predictor.predict_one(rows.iloc[number].to_dict()), expected[number], atol=atol)
    pytest.importorskip("safetensors")
    predictor.save(tmp_path / "model")
    assert_array_equal(fastmlp.load(tmp_path / "model")(rows), predictor(rows))


def test_unknown_categories_are_refused_where_the_encoder_does():
    frame = table()
    columns = ColumnTransformer([("w", OneHotEncoder(), ["kind"])])
    predictor = fastmlp.compile(make_pipeline(columns, classifier()).fit(frame, Y))
    frame.loc[3, "kind"] = "never seen"
    with pytest.raises(ValueError, match="'never seen', which it did not learn"):
        predictor(frame)


REFUSED = {
    "another transformer": (make_pipeline(PolynomialFeatures(), classifier()), "'polynomialfeatures' is a Polynomial"),
    "a function": (make_pipeline(FunctionTransformer(np.abs), classifier()), "'functiontransformer' calls a function"),
    "another model": (make_pipeline(StandardScaler(), LogisticRegression()), "LogisticRegression has no program"),
    "votes": (VotingClassifier([("a", classifier())]), "use voting='soft'"),
    "isotonic": (CalibratedClassifierCV(classifier(), method="isotonic", cv=2), "use method='sigmoid'"),
    "another target": (
        target(
            func=np.cbrt,
            inverse_func=np.square,
        ),
        "use np.exp, np.expm1 or a scaler",
    ),
    "infrequent": (
        make_pipeline(OneHotEncoder(min_frequency=2, sparse_output=False, handle_unknown="ignore"), classifier()),
        "leave out min_frequency",
    ),
    "weights of columns": (
        make_pipeline(ColumnTransformer([("s", StandardScaler(), [0])], transformer_weights={"s": 2.0}), classifier()),
        "transformer_weights",
    ),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_folded_is_named(name):
    estimator, message = REFUSED[name]
    estimator.fit(X, NUMBERS if isinstance(estimator, TransformedTargetRegressor) else Y)
    with pytest.raises(CannotFoldError, match=message):
        fastmlp.compile(estimator)


def test_a_class_is_no_estimator():
    with pytest.raises(CannotFoldError, match="MLPClassifier is a class; pass a fitted estimator"):
        fastmlp.compile(MLPClassifier)


def test_what_is_not_fitted_says_so():
    with pytest.raises(NotFittedError):
        fastmlp.compile(scaled(classifier()))
    with pytest.raises(NotFittedError):
        classifier().compile()
    with pytest.raises(NotFittedError):
        classifier().save("model")


def test_scalers_go_into_the_weights():
    """A pipeline costs what its network does, unless a column lies so far away that digits would be lost."""
    near = np.delete(X, 2, axis=1)
    program = program_of(scaled(classifier()).fit(near, Y))
    assert [type(step) for step in program.steps] == [Dense, Activate, Dense]
    program = program_of(scaled(classifier()).fit(X, Y))
    assert [type(step) for step in program.steps] == [Affine, Dense, Activate, Dense]
    program = program_of(target(StandardScaler()).fit(near, X[:, 0]))
    assert [type(step) for step in program.steps] == [Dense, Activate, Dense]


def test_far_columns_lose_no_digits():
    """Time stamps: their scaler subtracts in float64 before the network computes in float32."""
    stamps = 1.7e9 + 1e5 * RNG.normal(size=(N, 1))
    model = make_pipeline(StandardScaler(), classifier(dtype="float32", learning_rate_init=0.2))
    model.fit(stamps, np.abs(stamps[:, 0] - 1.7e9) < 5e4)
    expected, predictor = model.predict_proba(stamps), fastmlp.compile(model)
    assert np.ptp(expected[:, 0]) > 0.3
    assert_allclose(predictor(stamps), expected, atol=2e-6)
    assert_allclose(predictor.predict_one(stamps[5].tolist()), expected[5], atol=2e-6)


def test_joined_steps_compute_the_same():
    steps = [
        Affine(RNG.normal(size=4), RNG.normal(size=4), RNG.normal(size=4)),
        Affine(RNG.normal(size=4), RNG.normal(size=4), RNG.normal(size=4)),
        Dense(RNG.normal(size=(4, 3)), RNG.normal(size=3)),
        Activate("identity"),
        Dense(RNG.normal(size=(3, 2)), RNG.normal(size=2)),
        Affine(RNG.normal(size=2), RNG.normal(size=2), RNG.normal(size=2)),
        Activate("tanh"),
        Affine(RNG.normal(size=2), RNG.normal(size=2), RNG.normal(size=2)),
    ]
    rows, fewer = RNG.normal(size=(9, 4)), simplified(steps, "float64")
    assert [type(step) for step in fewer] == [Dense, Activate, Affine]
    assert_allclose(apply(fewer, rows), apply(steps, rows), rtol=1e-12)


def test_a_place_for_the_outputs():
    model = scaled(classifier()).fit(X, Y)  # with a step before the network
    predictor, out = fastmlp.compile(model), np.empty((N, 3))
    assert predictor(X, out=out) is out
    assert_allclose(out, model.predict_proba(X), atol=1e-12)
    with pytest.raises(ValueError, match="pass one of shape"):
        predictor(X, out=np.empty((1, N, 3)))
    row = np.empty(3)
    assert predictor.predict_one(X[0], out=row) is row
    assert_array_equal(row, out[0])


def test_a_frozen_model_calibrated():
    model = scaled(classifier()).fit(X, Y)
    calibrated = CalibratedClassifierCV(FrozenEstimator(model), cv=2).fit(X, Y)
    assert_allclose(fastmlp.compile(calibrated)(X), calibrated.predict_proba(X), atol=1e-12)


def test_nested_pipelines():
    pipeline = Pipeline([("first", make_pipeline(StandardScaler(), PCA(3))), ("model", classifier())]).fit(X, Y)
    assert_allclose(fastmlp.compile(pipeline)(X), pipeline.predict_proba(X), atol=1e-12)


def logistic():
    return MLPClassifier((), solver="lbfgs", random_state=0)


INTEGERS = RNG.integers(-1, 4, (N, 2))
OBJECTS = np.array([["a"], ["b"], [None], [np.nan], ["b"]] * 40, dtype=object)
PASSED = ColumnTransformer([("i", SimpleImputer(missing_values=-1, add_indicator=True), [0])], remainder="passthrough")
UNUSUAL = {
    "integers that are imputed": (make_pipeline(PASSED, regressor()), INTEGERS, INTEGERS[:, 1] + 3.0 * INTEGERS[:, 0]),
    "None and NaN as categories": (make_pipeline(OneHotEncoder(), logistic()), OBJECTS, Y == "no"),
    "None as a category": (
        make_pipeline(OrdinalEncoder(encoded_missing_value=-5), logistic()),
        np.where(OBJECTS != OBJECTS, "b", OBJECTS),
        Y == "no",
    ),
    "None beside NaN that is imputed": (
        make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(), logistic()),
        OBJECTS,
        Y == "no",
    ),
    "a column of targets": (target(StandardScaler()), X, NUMBERS[:, np.newaxis]),
    "several quantiles": (
        TransformedTargetRegressor(scaled(regressor(loss=Quantile([0.1, 0.9]))), transformer=StandardScaler()),
        X,
        NUMBERS,
    ),
    "an empty column and a constant": (
        make_pipeline(SimpleImputer(strategy="constant", fill_value=7), regressor()),
        np.column_stack([X[:, 0], np.full(N, np.nan), X[:, 1]]),
        X[:, 0],
    ),
    "nothing before the model": (Pipeline([("none", "passthrough"), ("model", regressor())]), X, X[:, 0]),
    "nothing first": (make_pipeline("passthrough", StandardScaler(), regressor()), X, X[:, 0]),
}


@pytest.mark.filterwarnings("ignore:Skipping features without any observed", "ignore:A column-vector y was passed")
@pytest.mark.filterwarnings("ignore:Currently, when `keep_empty_feature=False`:FutureWarning")
@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_tables(name):
    estimator, rows, y = UNUSUAL[name]
    estimator.fit(rows, y)
    expected = estimator.predict_proba(rows) if hasattr(estimator, "predict_proba") else estimator.predict(rows)
    predictor = fastmlp.compile(estimator)
    assert predictor(rows).shape == expected.shape
    assert_allclose(predictor(rows), expected, rtol=1e-9, atol=1e-11)
    for number in range(5):
        one = predictor.predict_one(rows[number])
        assert_allclose(np.ravel(one), np.ravel(expected[number]), rtol=1e-9, atol=1e-11)


def test_columns_of_a_frame_keep_what_they_are():
    """Large whole numbers beside fractions would be rounded in one array, and pandas' NA is no number."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"id": RNG.choice([2**53, 2**53 + 1], N), "size": X[:, 0]})
    columns = ColumnTransformer([("c", OneHotEncoder(), ["id"])], remainder="passthrough")
    model = make_pipeline(columns, logistic()).fit(frame, frame["id"] % 2)
    assert_array_equal(fastmlp.compile(model, out="labels")(frame), model.predict(frame))
    frame = pandas.DataFrame({"kind": np.array(["a", "b"])[(X[:, 0] > 0).astype(int)], "age": X[:, 1].round()})
    frame["age"] = frame["age"].astype("Int64")
    frame.loc[::7, "age"] = pandas.NA
    columns = ColumnTransformer([("w", OneHotEncoder(), ["kind"]), ("n", SimpleImputer(), ["age"])])
    model = make_pipeline(columns, logistic()).fit(frame, X[:, 1] > 0)
    predictor, expected = fastmlp.compile(model), model.predict_proba(frame)
    assert_allclose(predictor(frame), expected, atol=1e-12)
    assert_allclose(predictor.predict_one(frame.iloc[7].to_dict()), expected[7], atol=1e-12)
    reordered = frame[["age", "kind"]]
    assert_allclose(predictor.predict_one(reordered.iloc[3]), expected[3], atol=1e-12)


def test_words_in_an_array_of_text():
    words = np.array(["a", "b"])[(X[:, :1] > 0).astype(int)]
    model = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(), logistic())
    model.fit(words.astype(object), X[:, 1] > 0)
    predictor = fastmlp.compile(model)
    assert_allclose(predictor(words), model.predict_proba(words.astype(object)), atol=1e-12)
    assert_allclose(predictor.predict_one(words[0]), predictor(words)[0])


@pytest.mark.parametrize("rows", [X + 1j, X.astype("M8[s]"), X.astype("m8[s]")], ids=["complex", "dates", "durations"])
@pytest.mark.parametrize("make", [lambda: scaled(classifier()), lambda: make_pipeline(PASSED, classifier())])
def test_what_are_no_real_numbers(rows, make):
    predictor = fastmlp.compile(make().fit(X, Y))
    with pytest.raises(ValueError, match="pass real numbers"):
        predictor(rows)
    with pytest.raises(ValueError, match="pass real numbers"):
        predictor.predict_one(rows[0])


def test_predictions_of_a_subclass_are_its_own():
    class Half(MLPClassifier):
        def predict_proba(self, X):
            return super().predict_proba(X) * 0 + 0.5

    with pytest.raises(CannotFoldError, match="Half has its own predict_proba"):
        Half((), solver="lbfgs").fit(X, Y).compile()


def test_many_categories_take_little_memory():
    words = np.array([f"word {number}" for number in RNG.integers(0, 2000, 20_000)], dtype=object)[:, np.newaxis]
    model = make_pipeline(OneHotEncoder(), MLPClassifier((4,), max_iter=1, random_state=0))
    model.fit(words, np.arange(20_000) % 2)
    predictor = fastmlp.compile(model)
    expected = predictor(words)
    tracemalloc.start()
    try:
        predictor(words)
        assert tracemalloc.get_traced_memory()[1] < 100e6  # all at once would be 320
    finally:
        tracemalloc.stop()
    assert_allclose(expected, model.predict_proba(words), atol=1e-12)


def test_the_best_of_a_search_in_other_threads_and_pickled():
    settings = {"early_stopping": True, "class_weight": "balanced", "batch_norm": True, "dtype": "float32"}
    search = GridSearchCV(scaled(classifier(**settings)), {"mlpclassifier__alpha": [1e-4, 1.0]}, cv=2, n_jobs=2)
    search.fit(X, Y, mlpclassifier__sample_weight=RNG.random(N))
    predictor, expected = fastmlp.compile(search), search.predict_proba(X)
    with ThreadPool(4) as pool:
        assert_allclose(pool.map(predictor.predict_one, X), expected, atol=2e-6)
    assert_array_equal(pickle.loads(pickle.dumps(predictor))(X), predictor(X))


def test_a_stream_goes_on_beside_its_predictor():
    model = classifier()
    for start in range(0, N, 50):
        model.partial_fit(X[start : start + 50], Y[start : start + 50], classes=["no", "perhaps", "yes", "never"])
    predictor, expected = model.compile(out="labels"), model.predict(X)
    model.partial_fit(X[:50], Y[:50])
    assert_array_equal(predictor(X), expected)
