"""What reads coefs_, intercepts_ and activation predicts what the model does, with batch normalization too."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax

from fastmlp import MLPClassifier, MLPRegressor, Network
from fastmlp.activations import Maxout
from fastmlp.layers import Embedding, Scale

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(120, 4))
Y = np.abs(X).argmax(axis=1)
SETTINGS = dict(hidden_layer_sizes=(7, 5), batch_norm=True, max_iter=6, learning_rate_init=0.05, random_state=0)
HIDDEN = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh, "logistic": expit}
OUTPUT = {"softmax": lambda z: softmax(z, axis=1), "identity": lambda z: z, "logistic": expit}


def by_hand(model, data):
    """As a converter goes: weights, biases, and the name of the activation."""
    a = data
    for layer, (w, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True), start=1):
        z = a @ w + b
        a = HIDDEN[model.activation](z) if layer < len(model.coefs_) else z
    return OUTPUT[model.out_activation_](a)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "settings", [dict(), dict(activation="tanh", dropout=0.2), dict(early_stopping=True), dict(activation="logistic")]
)
def test_weights_alone_predict(settings, dtype):
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    model = MLPClassifier(**SETTINGS, **settings, dtype=dtype).fit(X, Y)
    assert model.coefs_[0].dtype == model.intercepts_[0].dtype == dtype
    assert_allclose(by_hand(model, X), model.predict_proba(X), rtol=0, atol=tolerance)
    binary = MLPClassifier(**SETTINGS, **settings, dtype=dtype).fit(X, Y > 1)
    assert_allclose(by_hand(binary, X).ravel(), binary.predict_proba(X)[:, 1], rtol=0, atol=tolerance)
    regressor = MLPRegressor(**SETTINGS, **settings, dtype=dtype).fit(X, X[:, :2] ** 2)
    assert_allclose(by_hand(regressor, X), regressor.predict(X), rtol=0, atol=tolerance)
    for other in (copy.deepcopy(regressor), pickle.loads(pickle.dumps(regressor))):
        assert_array_equal(by_hand(other, X), by_hand(regressor, X))


def test_what_is_computed_cannot_be_written_to():
    model = MLPClassifier(**SETTINGS).fit(X, Y)
    before = model.predict_proba(X)
    for assign in (
        lambda m: setattr(m, "coefs_", m.coefs_),
        lambda m: setattr(m, "intercepts_", m.intercepts_),
    ):
        with pytest.raises(AttributeError, match=r"coefs_ and intercepts_ are computed, .*; write to network_.coefs_"):
            assign(model)
    with pytest.raises(TypeError, match=r"are computed, .*; write to network_.coefs_"):
        model.coefs_[0] = np.zeros((4, 7))
    with pytest.raises(TypeError, match=r"are computed"):
        model.intercepts_[:] = model.intercepts_
    with pytest.raises(ValueError, match="read-only"):
        model.coefs_[0][...] = 0
    with pytest.raises(ValueError, match="read-only"):
        model.intercepts_[-1] += 1
    assert_array_equal(model.predict_proba(X), before)
    # What is trained can.
    network = model.network_
    network.coefs_[0] *= 2
    network.scales_[1][:] = 3
    assert not np.allclose(model.predict_proba(X), before)
    assert_allclose(by_hand(model, X), model.predict_proba(X), rtol=0, atol=1e-12)


def test_going_on_is_not_touched():
    """n fits of one epoch are one fit of n, whoever reads the weights in between."""
    whole = MLPClassifier(**SETTINGS).fit(X, Y)
    parts = MLPClassifier(**SETTINGS | dict(warm_start=True, max_iter=1))
    for _ in range(6):
        assert parts.fit(X, Y).coefs_[0].shape == (4, 7)
    assert_array_equal(parts.network_.parameters, whole.network_.parameters)
    assert_array_equal(parts.coefs_[0], whole.coefs_[0])


def test_views_stay_where_nothing_is_folded():
    """Nor is it with batch normalization, where there is no hidden layer to normalize."""
    for model in (MLPClassifier(**SETTINGS | dict(batch_norm=False)), MLPClassifier((), batch_norm=True, max_iter=2)):
        model.fit(X, Y)
        model.coefs_[0][...] = 0
        model.intercepts_[-1] = np.arange(4.0)
        assert_array_equal(model.network_.coefs_[0], 0)
        assert_array_equal(model.network_.intercepts_[-1], np.arange(4.0))


def test_input_layers():
    model = MLPRegressor(**SETTINGS).fit(X, X[:, 0])
    network = Network(
        [4, 6, 5, 1], activation=["tanh", Maxout(5)], batch_norm=True, input_layers=[Scale(), Scale()], random_state=0
    )
    rng = np.random.default_rng(1)
    for array in (network.parameters, network.statistics):
        array[:] = rng.uniform(0.5, 1.5, array.shape)
    coefs, intercepts = network.folded_weights()
    plain = Network.from_weights(coefs, intercepts, activation=["tanh", Maxout(5)])
    assert_allclose(plain.forward(X), network.forward(X), rtol=1e-12)
    assert not np.shares_memory(coefs[-1], network.parameters)
    model.network_ = network
    assert_array_equal(model.coefs_[0], coefs[0])
    model.network_ = Network([4, 1], input_layers=[Embedding([0], [3], [2])], random_state=0)
    assert not hasattr(model, "coefs_")
    with pytest.raises(AttributeError, match="begins with an Embedding, .*; read layer_parameters_"):
        model.coefs_  # noqa: B018
    with pytest.raises(AttributeError, match="are computed"):
        model.coefs_ = []


def test_several_targets_do_not_look_like_one():
    """Who takes out_activation_ for one softmax over all outputs would be wrong."""
    model = MLPClassifier(**SETTINGS).fit(X, np.column_stack([Y + 5, Y > 0]))
    assert model.out_activation_ == "softmax of each target"
