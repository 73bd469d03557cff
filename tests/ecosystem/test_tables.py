"""Pipelines and tables of scikit-learn's users."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .short_fits import BINARY, NAMES, NUMBERS, TEST, TRAIN, X, Y, assert_same_weights, classifier, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_a_table_with_categories():
    """Scaled and encoded by hand, the columns give the same model."""
    size, city = NUMBERS, np.array(["Bern", "Oslo", "Rome"])[Y]
    table = pd.DataFrame({"size": size, "city": pd.Categorical(city), "kind": city, "age": X[:, 1]})
    columns = ColumnTransformer([("n", StandardScaler(), ["size", "age"]), ("c", OneHotEncoder(), ["city", "kind"])])
    pipeline = make_pipeline(columns, classifier()).fit(table, BINARY)
    scaled = [(values - values.mean()) / values.std() for values in (size, X[:, 1])]
    codes = [city == name for name in ("Bern", "Oslo", "Rome")]
    by_hand = np.column_stack([*scaled, *codes, *codes])
    expected = classifier().fit(by_hand, BINARY)
    assert_allclose(pipeline.predict_proba(table), expected.predict_proba(by_hand), atol=1e-10)
    assert pipeline[-1].n_features_in_ == 8


def test_encoded_categories_stay_sparse():
    city = np.array([f"city {i % 60}" for i in range(120)])[:, np.newaxis]
    sparse, dense = (
        make_pipeline(OneHotEncoder(sparse_output=s), classifier()).fit(city, BINARY) for s in (True, False)
    )
    assert_same_weights(sparse[-1], dense[-1], 1e-12)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_hidden_layer_before_a_linear_model(library):
    """The MLP as a transformer: data frames with names, of what the equations say."""
    pytest.importorskip(library)
    with config_context(transform_output=library):
        pipeline = make_pipeline(StandardScaler(), classifier(), LogisticRegression()).fit(X, Y)
        probability = pipeline.predict_proba(X)
    W, b = pipeline[1].coefs_[0], pipeline[1].intercepts_[0]
    hidden = np.maximum((X - X.mean(axis=0)) / X.std(axis=0) @ W + b, 0)
    assert list(pipeline[-1].feature_names_in_) == [f"mlpclassifier{i}" for i in range(6)]
    assert_allclose(probability, LogisticRegression().fit(hidden, Y).predict_proba(hidden), atol=1e-6)


def test_feature_union():
    union = FeatureUnion([("scaled", StandardScaler()), ("deep", regressor()), ("wide", regressor(random_state=1))])
    features = union.set_output(transform="pandas").fit_transform(X, NUMBERS)
    assert list(features.columns[5:7]) == ["deep__mlpregressor0", "deep__mlpregressor1"]
    assert_allclose(features.iloc[:, 11:], regressor(random_state=1).fit(X, NUMBERS).transform(X))


def test_frozen_estimator_is_not_trained_again():
    model = classifier().fit(X[TRAIN], Y[TRAIN])
    weights = model.network_.parameters.copy()
    pipeline = make_pipeline(FrozenEstimator(model), LogisticRegression()).fit(X[TEST], Y[TEST])
    assert_array_equal(model.network_.parameters, weights)
    assert pipeline[-1].coef_.shape == (3, 6)
    assert clone(FrozenEstimator(model)).predict(X).tolist() == model.predict(X).tolist()


NULLABLE = {
    "float": lambda: pd.DataFrame(X).astype("Float64"),
    "int": lambda: pd.DataFrame(X.round()).astype("Int64"),
    "bool": lambda: pd.DataFrame(X > 0).astype("boolean"),
    "mixed": lambda: pd.DataFrame(X.round()).astype({0: "Int8", 1: "Float32", 2: "float32"}),
}


@pytest.mark.parametrize("make", NULLABLE.values(), ids=NULLABLE.keys())
def test_nullable_dtypes(make):
    table = make()
    model = regressor().fit(table, NUMBERS)
    assert_array_equal(model.predict(table), regressor().fit(table.to_numpy(float), NUMBERS).predict(table))


def test_missing_values_are_refused():
    table = pd.DataFrame(X).astype("Float64")
    table.iloc[3, 1] = pd.NA
    with pytest.raises(ValueError, match="Input X contains NaN"):
        regressor().fit(table, NUMBERS)
    missing = pd.Series(NUMBERS, dtype="Float64").mask(np.arange(120) == 3)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        regressor().fit(X, missing)


LABELS = {
    "str": lambda: NAMES[Y],
    "list": lambda: NAMES[Y].tolist(),
    "object": lambda: NAMES[Y].astype(object),
    "Series of str": lambda: pd.Series(NAMES[Y]),
    "category": lambda: pd.Series(pd.Categorical(NAMES[Y], categories=["top", "low", "never", "mid"])),
    "Categorical": lambda: pd.Categorical(NAMES[Y]),
    "string": lambda: pd.Series(NAMES[Y], dtype="string"),
    "Int64": lambda: pd.Series(Y, dtype="Int64"),
    "UInt8": lambda: pd.Series(Y, dtype="UInt8"),
    "float": lambda: Y.astype(float),
    "shuffled index": lambda: pd.Series(NAMES[Y], index=np.random.default_rng(0).permutation(120)),
    "named index": lambda: pd.Series(Y, index=[f"row {i}" for i in range(120)]),
}


@pytest.mark.parametrize("make", LABELS.values(), ids=LABELS.keys())
@pytest.mark.parametrize("settings", [dict(), dict(early_stopping=True, scoring="balanced_accuracy")])
def test_labels(make, settings):
    """The classes are those of the labels, in their order; the numbers are the same for all."""
    labels = make()
    model = classifier(**settings).fit(X, labels)
    assert_array_equal(model.classes_, np.unique(np.asarray(labels)))
    assert_array_equal(model.predict_proba(X), classifier(**settings).fit(X, Y).predict_proba(X))
    assert model.score(X, labels) == np.mean(model.predict(X) == np.asarray(labels))


@pytest.mark.parametrize(
    "make", [lambda: BINARY.tolist(), lambda: pd.Series(BINARY), lambda: pd.Series(BINARY, dtype="boolean")]
)
def test_boolean_labels(make):
    model = classifier().fit(X, make())
    assert model.classes_.tolist() == [False, True]
    assert_array_equal(model.predict_proba(X), classifier().fit(X, BINARY.astype(int)).predict_proba(X))
    assert set(model.predict(X).tolist()) <= {False, True}


@pytest.mark.parametrize("make", [classifier, regressor])
def test_series_count_by_position(make):
    """Whatever their index says: X, y and weights belong together row by row."""
    index = np.random.default_rng(0).permutation(120)
    weights = np.linspace(0.5, 2, 120)
    y = Y if make is classifier else NUMBERS
    model = make(early_stopping=True)
    model.fit(pd.DataFrame(X, index=index), pd.Series(y, index=index[::-1]), sample_weight=pd.Series(weights))
    assert_same_weights(model, make(early_stopping=True).fit(X, y, sample_weight=weights))
