"""Pipelines converted by skl2onnx, run by ONNX Runtime, beside their own predictions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier, VotingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

from fastmlp import CannotFoldError, MLPClassifier, MLPRegressor
from fastmlp.losses import Quantile

from ..runtime.models import KINDS, fitted
from ..runtime.models import X as WIDE

skl2onnx = pytest.importorskip("skl2onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("fastmlp.deploy.skl2onnx")

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:skl2onnx"),
]
X = WIDE.astype(np.float32)
TWO = X[:, 0] > 0
WORDS = np.array(["no", "yes", "perhaps"])[np.digitize(X[:, 0], [-0.5, 0.5])]


def classifier(**parameters):
    return MLPClassifier((8,), max_iter=20, random_state=0, **parameters)


def scaled(model):
    return make_pipeline(StandardScaler(), model)


def run(model, feeds):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, feeds if isinstance(feeds, dict) else {"X": feeds})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "several targets"])
def test_every_kind(kind, dtype):
    model, rows = fitted(kind), WIDE.astype(dtype)
    is_classifier = isinstance(model, MLPClassifier)
    exported = skl2onnx.to_onnx(model, rows[:1], options={"zipmap": False} if is_classifier else None)
    for x in (rows, rows[:1]):
        outputs = run(exported, x)
        assert outputs[-1].dtype == dtype
        if not is_classifier:
            expected = model.predict(x)
            assert_allclose(outputs[0].reshape(expected.shape), expected, rtol=1e-5, atol=1e-5)
            continue
        assert_array_equal(outputs[0], model.predict(x))
        if hasattr(model, "predict_proba"):
            assert_allclose(outputs[1], model.predict_proba(x), atol=1e-5)
        else:
            scores = model.decision_function(x)
            both = scores if scores.ndim > 1 else np.column_stack([-scores, scores])
            assert_allclose(outputs[1], both, atol=1e-5)


PIPELINES = {
    "scaled": (scaled(classifier()), WORDS),
    "two classes": (scaled(classifier()), TWO),
    "of what compile lacks": (make_pipeline(PolynomialFeatures(), StandardScaler(), classifier()), WORDS),
    "columns": (
        make_pipeline(ColumnTransformer([("a", StandardScaler(), [2, 0]), ("b", "passthrough", [1])]), classifier()),
        WORDS,
    ),
    "vote": (
        VotingClassifier([("a", classifier()), ("b", LogisticRegression())], voting="soft", flatten_transform=False),
        WORDS,
    ),
    "calibrated": (CalibratedClassifierCV(classifier(), cv=2), WORDS),
    "calibrated two": (CalibratedClassifierCV(classifier(), cv=2), TWO),
    "calibrated hinge": (CalibratedClassifierCV(classifier(loss="hinge"), cv=2), TWO),
    "calibrated pipeline": (CalibratedClassifierCV(scaled(classifier()), cv=2), WORDS),
    "stacked": (StackingClassifier([("a", classifier())], cv=2), WORDS),
    "bag": (BaggingClassifier(classifier(), 2, random_state=0), WORDS),
    "search": (GridSearchCV(scaled(classifier()), {"mlpclassifier__alpha": [1e-3, 1.0]}, cv=2), WORDS),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_pipelines_and_ensembles(name):
    estimator, y = PIPELINES[name]
    estimator.fit(X, y)
    label, probabilities = run(skl2onnx.to_onnx(estimator, X[:1], options={"zipmap": False}), X)
    assert_array_equal(label, estimator.predict(X))
    assert_allclose(probabilities, estimator.predict_proba(X), atol=1e-5)


def test_tables():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"size": X[:, 0], "kind": pandas.Series(WORDS, dtype=object)})
    columns = ColumnTransformer([("n", StandardScaler(), ["size"]), ("w", OneHotEncoder(), ["kind"])])
    pipeline = make_pipeline(columns, classifier()).fit(frame, TWO)
    kinds = skl2onnx.common.data_types
    types = [("size", kinds.FloatTensorType([None, 1])), ("kind", kinds.StringTensorType([None, 1]))]
    exported = skl2onnx.to_onnx(pipeline, initial_types=types, options={"zipmap": False})
    _, probabilities = run(exported, {name: frame[[name]].to_numpy() for name in frame})
    assert_allclose(probabilities, pipeline.predict_proba(frame), atol=1e-5)


@pytest.mark.parametrize("y", [WORDS, TWO, TWO.astype(float)], ids=["words", "bools", "floats"])
def test_options(y):
    model = scaled(classifier()).fit(X, y)
    expected, classes = model.predict_proba(X), model.classes_
    label, mappings = run(skl2onnx.to_onnx(model, X[:1]), X)
    assert_array_equal(label, model.predict(X))
    assert_allclose([[row[one] for one in classes] for row in mappings], expected, atol=1e-5)
    of_columns = run(skl2onnx.to_onnx(model, X[:1], options={"zipmap": "columns"}), X)
    assert_allclose(np.column_stack(of_columns[1:]), expected, atol=1e-5)
    label, _ = run(skl2onnx.to_onnx(model, X[:1], options={"zipmap": False, "nocl": True}), X)
    assert_array_equal(classes[label], model.predict(X))


def test_whole_numbers_are_cast():
    rows = np.round(4 * X).astype(np.int64)
    model = classifier().fit(rows, WORDS)
    _, probabilities = run(skl2onnx.to_onnx(model, rows[:1], options={"zipmap": False}), rows)
    assert_allclose(probabilities, model.predict_proba(rows), atol=1e-5)


@pytest.mark.parametrize("opset", [13, 15, 17, 18, 20])
def test_every_opset(opset):
    for kind in ("hidden maxout", "hidden increasing", "power product", "hidden softmax", "hidden hard_sigmoid"):
        model = fitted(kind)
        exported = skl2onnx.to_onnx(model, X[:1], options={"zipmap": False}, target_opset=opset)
        assert_allclose(run(exported, X)[1], model.predict_proba(X), atol=1e-5)


def test_regressors():
    for y in (X[:, 0], X[:, :2]):
        model = scaled(MLPRegressor(hidden_layer_sizes=(8,), max_iter=20, random_state=0)).fit(X, y)
        expected = model.predict(X)
        assert_allclose(run(skl2onnx.to_onnx(model, X[:1]), X)[0].reshape(expected.shape), expected, atol=1e-5)
    members = [(name, MLPRegressor(hidden_layer_sizes=(8,), max_iter=20, random_state=0)) for name in "ab"]
    vote = VotingRegressor(members).fit(X, X[:, 0])
    assert_allclose(run(skl2onnx.to_onnx(vote, X[:1]), X)[0].ravel(), vote.predict(X), atol=1e-5)
    model = MLPRegressor(Quantile([0.1, 0.9]), (8,), max_iter=20, random_state=0).fit(X, X[:, 0])
    assert_allclose(run(skl2onnx.to_onnx(model, X[:1]), X)[0], model.predict(X), atol=1e-5)


def test_what_cannot_be_converted():
    with pytest.raises(CannotFoldError, match="use to_onnx"):
        skl2onnx.to_onnx(fitted("several targets"), X[:1], options={"zipmap": False})
    with pytest.raises(CannotFoldError, match="target_opset is 12; pass 13"):
        skl2onnx.to_onnx(fitted("three classes"), X[:1], target_opset=12)
