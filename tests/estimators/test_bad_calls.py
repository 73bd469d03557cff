"""Calls that a model refuses, before it is fitted or after, and that change nothing."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError

from fastmlp import MLPClassifier, MLPRegressor

from ..wrong_calls import LABELS, NUMBERS, X, check_call_refused, fitted, with_value

pytestmark = pytest.mark.usefixtures("count_epochs")


# (call of a fitted model, message)
CALLS_OF_A_CLASSIFIER = [
    (lambda m: m.score(X, LABELS[:3]), r"inconsistent numbers of samples: \[3, 40\]"),
    (lambda m: m.partial_fit(X, np.eye(3, dtype=int)[LABELS]), r"output and loss \('softmax', 'log_loss'\).*; keep"),
]
CALLS_OF_A_REGRESSOR = [
    (lambda m: m.predict(np.ones((2, 4))), "X has 4 features, but MLPRegressor is expecting 3 features"),
    (lambda m: m.predict(X[0]), "Expected 2D array, got 1D array instead.*Reshape your data"),
    (lambda m: m.predict(X[:0]), r"0 sample\(s\) .* a minimum of 1 is required"),
    (lambda m: m.predict(X + 1j), "Complex data not supported"),
    (
        lambda m: m.predict([["a", "b", "c"]]),
        "Columns 0, 1 and 2 of X hold words, for example 'a'; encode them before the model",
    ),
    (lambda m: m.predict([[1.0, 2.0, 3.0], [1.0]]), "inhomogeneous shape"),
    (lambda m: m.predict(csr_array(with_value(np.nan))), "Input X contains NaN"),
    (lambda m: m.score(X, NUMBERS[:3]), r"inconsistent numbers of samples: \[3, 40\]"),
    (lambda m: m.partial_fit(X, NUMBERS, np.ones(3)), r"sample_weight.shape == \(3,\), expected \(40,\)"),
    (lambda m: m.partial_fit(X[:, :2], NUMBERS), "X has 2 features, but MLPRegressor is expecting 3 features"),
    (lambda m: m.partial_fit(X, X), r"layer sizes \(3, 100, 1\), but .* ask for \(3, 100, 3\); keep them, or"),
    (
        lambda m: m.set_params(early_stopping=True).partial_fit(X, NUMBERS),
        "early_stopping=True without rows to validate on; pass X_val and y_val, set early_stopping=False, or use fit",
    ),
    (lambda m: m.fit(X, NUMBERS, X_val=X[0], y_val=[0]), "X_val and y_val, cannot be used: Expected 2D array"),
    (lambda m: m.fit(X, NUMBERS, X_val=X[:0], y_val=[]), r"X_val and y_val, cannot be used: .*0 sample\(s\)"),
    (
        lambda m: m.fit(X, NUMBERS, X_val=X, y_val=LABELS.astype(str)),
        r"X_val and y_val, cannot be used: y holds numbers of dtype <U21; pass np.asarray\(y\).astype\(float\)",
    ),
    (
        lambda m: m.fit(X, NUMBERS, X_val=X, y_val=NUMBERS, sample_weight_val=np.ones(3)),
        r"X_val and y_val, cannot be used: sample_weight.shape == \(3,\), expected \(40,\)",
    ),
    (
        lambda m: m.fit(X, NUMBERS, X_val=X, y_val=NUMBERS, sample_weight_val=np.zeros(40)),
        "X_val and y_val, cannot be used: Sample weights must contain at least one non-zero number",
    ),
    (lambda m: m.set_params(hidden=3), "Invalid parameter 'hidden' for estimator .* Valid parameters are"),
]
BAD_CALLS = [
    *((MLPClassifier, *row) for row in CALLS_OF_A_CLASSIFIER),
    *((MLPRegressor, *row) for row in CALLS_OF_A_REGRESSOR),
]


@pytest.mark.parametrize(("estimator", "call", "message"), BAD_CALLS, ids=[row[-1] for row in BAD_CALLS])
def test_bad_calls(estimator, call, message):
    check_call_refused(estimator, call, message)


def test_labels_of_another_kind_have_no_score():
    pytest.importorskip("sklearn", minversion="1.9")  # whose accuracy is 0 before
    check_call_refused(MLPClassifier, lambda m: m.score(X, ["a"] * 40), "Mix of label input types")


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning:sklearn")
def test_inputs_too_large_for_the_dtype():
    with pytest.raises(ValueError, match=r"Input X contains infinity or a value too large for dtype\('float32'\)"):
        fitted(MLPRegressor, dtype="float32").predict([[1e300, 0, 0]])


UNFITTED_CALLS = [
    lambda m: m.predict(X),
    lambda m: m.predict_proba(X),
    lambda m: m.predict_log_proba(X),
    lambda m: m.score(X, LABELS),
    lambda m: m.transform(X),
    lambda m: m.get_feature_names_out(),
    lambda m: m.input_gradient(X),
    lambda m: m.integrated_gradients(X),
    lambda m: m.compute_feature_importances(X),
    lambda m: m.summary(),
    lambda m: m.diagnose(X),
    lambda m: m.save_checkpoint("model.joblib"),
]


@pytest.mark.parametrize("call", UNFITTED_CALLS)
def test_not_fitted(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = MLPClassifier()
    state = dict(vars(model))
    with pytest.raises(NotFittedError, match="This MLPClassifier instance is not fitted yet. Call 'fit'"):
        call(model)
    assert vars(model) == state
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_in_place_of_no_path():
    with pytest.raises(ValueError, match="path is 3; pass the name of a file"):
        fitted(MLPRegressor).save_checkpoint(3)


def test_a_checkpoint_without_a_folder(tmp_path):
    model, path = fitted(MLPRegressor), tmp_path / "missing" / "model.joblib"
    with pytest.raises(
        FileNotFoundError, match="path is '.*model.joblib', but there is no folder '.*missing'; make it"
    ):
        model.save_checkpoint(path)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_in_place_of_a_folder(tmp_path):
    (tmp_path / "model").mkdir()
    with pytest.raises(IsADirectoryError, match="path is '.*model', which is a folder; pass the name of a file"):
        fitted(MLPRegressor).save_checkpoint(tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
def test_bad_predictions(method):
    with pytest.raises(NotFittedError, match="not fitted yet. Call 'fit'"):
        getattr(MLPClassifier(), method)(X)
    model = MLPClassifier().partial_fit(X, LABELS, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="X has 2 features, but MLPClassifier is expecting 3 features"):
        getattr(model, method)(X[:, :2])
    with pytest.raises(ValueError, match="Input X contains NaN"):
        getattr(model, method)(with_value(np.nan))
