"""scikit-learn's estimators with fastmlp's weights, beside the models that they come from."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, issparse
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.utils.validation import check_is_fitted

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.activations import Activation, LeakyReLU, Maxout
from fastmlp.layers import Embedding, Scale
from fastmlp.losses import Huber, Quantile
from fastmlp.network import Network

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Got `batch_size` larger:UserWarning"),
]

SETTINGS = dict(hidden_layer_sizes=(9, 6), max_iter=8, learning_rate_init=0.02, random_state=0)
X = np.random.default_rng(0).normal(size=(150, 5))
LINEAR = X @ np.random.default_rng(1).normal(size=(5, 3))
TARGETS = {
    "binary": LINEAR[:, 0] > 0,
    "classes": LINEAR.argmax(axis=1),
    "words": np.array(["red", "green", "blue"])[LINEAR.argmax(axis=1)],
    "two words": np.array(["no", "yes"], dtype=object)[(LINEAR[:, 0] > 0).astype(int)],
    "labels": (LINEAR > 0).astype(int),
    "one class": np.full(150, "only"),
    "a single label": np.full(150, 7),
    "sparse labels": csr_array((LINEAR > 0).astype(int)),
    "number": LINEAR[:, 0],
    "numbers": LINEAR,
}


def fitted(kind, **settings):
    make = MLPRegressor if kind.startswith("number") else MLPClassifier
    return make(**SETTINGS | settings).fit(X, TARGETS[kind])


def assert_same_predictions(model, theirs, data=X):
    tolerance = 1e-12 if model.coefs_[0].dtype == np.float64 else 1e-5
    ours, predicted = model.predict(data), theirs.predict(data)
    assert issparse(ours) == issparse(predicted)
    if isinstance(model, MLPRegressor):
        assert_allclose(predicted, ours, rtol=tolerance, atol=tolerance)
        return
    assert predicted.dtype.kind == ours.dtype.kind or theirs.classes_.dtype == object
    assert_array_equal(predicted.toarray() if issparse(ours) else predicted, ours.toarray() if issparse(ours) else ours)
    assert_allclose(theirs.predict_proba(data), model.predict_proba(data), rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("kind", TARGETS)
def test_predictions_are_the_same(kind, activation, dtype):
    model = fitted(kind, activation=activation, dtype=dtype)
    theirs = model.to_sklearn()
    assert type(theirs) in (TheirClassifier, TheirRegressor)
    check_is_fitted(theirs)
    assert theirs.coefs_[0].dtype == dtype
    data = X.astype(dtype)
    assert_same_predictions(model, theirs, data)
    assert theirs.score(data, TARGETS[kind]) == pytest.approx(model.score(data, TARGETS[kind]), abs=1e-5)
    assert_same_predictions(model, pickle.loads(pickle.dumps(theirs)), data)


OTHERS = {
    "early stopping": dict(early_stopping=True),
    "dropout": dict(dropout=0.2, input_dropout=0.1),
    "batch normalization": dict(batch_norm=True),
    "lbfgs": dict(solver="lbfgs"),
    "adamw": dict(solver="adamw", weight_decay=0.01, learning_rate="cosine"),
    "no hidden layer": dict(hidden_layer_sizes=()),
    "number of units": dict(hidden_layer_sizes=7),
    "alike": dict(activation=["tanh", "tanh"]),
}


@pytest.mark.parametrize("settings", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("kind", ["classes", "binary", "numbers"])
def test_what_matters_in_training_only(kind, settings):
    model = fitted(kind, **settings)
    theirs = model.to_sklearn()
    assert_same_predictions(model, theirs)
    clone(theirs).set_params(max_iter=2).fit(X, TARGETS[kind])  # all of its parameters are valid


@pytest.mark.parametrize("kind", ["classes", "binary", "labels", "number", "numbers"])
@pytest.mark.parametrize("settings", [dict(), dict(early_stopping=True), dict(solver="lbfgs"), dict(solver="sgd")])
def test_it_has_what_their_fit_leaves(kind, settings):
    model = fitted(kind, **settings)
    theirs = model.to_sklearn()
    expected = clone(theirs).fit(X, TARGETS[kind])
    missing = set(vars(expected)) - set(vars(theirs))
    assert missing <= {"_optimizer", "_coef_indptr", "_intercept_indptr"}
    for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_", "classes_", "n_iter_"):
        if hasattr(expected, name):
            assert_array_equal(getattr(theirs, name), getattr(expected, name))
    if hasattr(expected, "loss_curve_"):
        assert theirs.t_ == expected.t_
    if hasattr(expected, "loss_curve_") and kind != "numbers":  # whose loss is a sum here
        assert_allclose(theirs.loss_curve_[:2], expected.loss_curve_[:2], rtol=0.05)


@pytest.mark.parametrize("kind", ["classes", "two words", "labels", "number"])
def test_it_goes_on(kind):
    model = fitted(kind)
    theirs = model.to_sklearn()
    before = [w.copy() for w in model.coefs_]
    losses = list(model.loss_curve_)
    theirs.partial_fit(X, TARGETS[kind])
    assert len(theirs.loss_curve_) == len(losses) + 1
    assert theirs.loss_curve_[-1] < 1.1 * losses[-1]
    theirs.set_params(warm_start=True, max_iter=3).fit(X, TARGETS[kind])
    assert theirs.loss_curve_[-1] < 1.1 * losses[-1]
    for w, was in zip(model.coefs_, before, strict=True):
        assert_array_equal(w, was)
    assert model.loss_curve_ == losses


def test_it_goes_on_with_early_stopping():
    theirs = fitted("classes", early_stopping=True, warm_start=True).to_sklearn()
    before = theirs.best_validation_score_
    assert theirs.fit(X, TARGETS["classes"]).best_validation_score_ >= before


def test_names_of_columns():
    frame = pytest.importorskip("pandas").DataFrame(X, columns=list("abcde"))
    theirs = MLPClassifier(**SETTINGS).fit(frame, TARGETS["words"]).to_sklearn()
    assert theirs.feature_names_in_.tolist() == list("abcde")
    with pytest.raises(ValueError, match="feature names should match"):
        theirs.predict(frame[list("edcba")])


def test_poisson_counts():
    model = MLPRegressor("poisson", **SETTINGS).fit(X, np.floor(np.exp(LINEAR[:, 0])))
    if "loss" in TheirRegressor().get_params():
        assert_allclose(model.to_sklearn().predict(X), model.predict(X), rtol=1e-10)


def test_other_losses():
    for model in (MLPRegressor(Huber(0.5), **SETTINGS), MLPRegressor("quantile", **SETTINGS)):
        assert_same_predictions(model.fit(X, LINEAR[:, 0]), model.to_sklearn())
    brier = MLPClassifier(loss="squared_error", **SETTINGS).fit(X, TARGETS["binary"])
    assert_same_predictions(brier, brier.to_sklearn())
    soft = MLPClassifier(loss="kl_divergence", **SETTINGS).fit(X, np.exp(LINEAR) / np.exp(LINEAR).sum(axis=1)[:, None])
    assert_same_predictions(soft, soft.to_sklearn())


def test_a_scaled_network():
    model = fitted("numbers")
    network = Network([5, 4, 3], input_layers=[Scale()], activation="tanh", random_state=0)
    network.layer_parameters_[0]["scales"][:] = np.arange(1, 6)
    model.network_ = network
    assert_same_predictions(model, model.to_sklearn())
    model.network_ = Network([5, 4, 3], input_layers=[Embedding([1], [3], [2])], random_state=0)
    with pytest.raises(ValueError, match="its first layer is an Embedding"):
        model.to_sklearn()


class Relu2(Activation):
    name = "relu"

    def forward(self, z):
        return np.maximum(z, 0) ** 2

    def backward(self, gradient, z, a):
        return 2 * gradient * np.maximum(z, 0)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("classes", dict(activation="gelu"), "its hidden activations are gelu, but it has to be one of"),
        ("classes", dict(activation=["relu", "tanh"]), "its hidden activations are relu, tanh, but"),
        ("classes", dict(activation=LeakyReLU(0.2)), "its hidden activations are leaky_relu"),
        ("classes", dict(activation=[Maxout(3), Maxout(2)]), "its hidden activations are maxout"),
        ("classes", dict(activation=Relu2()), "its hidden activations are relu, but"),
        ("classes", dict(loss="hinge"), "its output activation is identity, but for such targets it has to be softmax"),
        ("binary", dict(out_activation="softmax"), "its output activation is softmax, but .* logistic"),
        ("number", dict(loss=Quantile([0.1, 0.9])), "its output activation is increasing, but .* identity"),
        ("number", dict(out_activation="softplus"), "its output activation is softplus, but .* identity"),
    ],
)
def test_refused(kind, settings, message):
    model = fitted(kind, **settings)
    with pytest.raises(ValueError, match=rf"scikit-learn's MLP\w+ cannot be this model: {message}"):
        model.to_sklearn()


def test_refused_targets():
    several = MLPClassifier(**SETTINGS).fit(X, np.column_stack([TARGETS["classes"] + 5, TARGETS["binary"]]))
    with pytest.raises(ValueError, match="it has several targets with classes of their own"):
        several.to_sklearn()
    with pytest.raises(ValueError, match="not fitted yet"):
        MLPClassifier().to_sklearn()


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("kind", ["binary", "classes", "words", "labels", "number"])
def test_onnx(kind, batch_norm):
    skl2onnx = pytest.importorskip("skl2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    model = fitted(kind, batch_norm=batch_norm)
    inputs = X.astype(np.float32)
    options = {} if kind == "number" else {"zipmap": False}
    theirs = model.to_sklearn()
    onnx = skl2onnx.to_onnx(theirs, inputs[:1], options={id(theirs): options})
    session = onnxruntime.InferenceSession(onnx.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = session.run(None, {session.get_inputs()[0].name: inputs})
    if kind == "number":
        assert_allclose(outputs[0].ravel(), model.predict(X), rtol=1e-4, atol=1e-5)
    else:
        assert_array_equal(outputs[0], model.predict(inputs))
        assert_allclose(outputs[1], model.predict_proba(inputs), rtol=0, atol=1e-5)
