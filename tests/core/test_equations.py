"""S1 to S5, S20 and S24 against the NumPy reference."""

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from fastmlp import Network
from fastmlp.activations import ACTIVATIONS

from .. import reference
from ..problems import (
    HEADS,
    TRAINABLE,
    NoSuchDataError,
    all_gradients,
    as_reference,
    integer_powers,
    make_problem,
    name_of,
)


def test_worked_example_s20(isa):
    network = Network.from_weights(
        [np.ones((2, 2)), np.ones((2, 1))], [np.zeros(2), np.zeros(1)], activation="relu", loss="sum_squared_error"
    )
    X, y = [[1.0, 1.0]], [0.0]
    _, hidden, output = network.activations(X)
    assert_allclose(hidden, [[2, 2]], rtol=1e-12)
    assert_allclose(output, [[4]], rtol=1e-12)
    gradients = network.backward(X, y)
    assert_allclose(gradients.deltas[1], [[8]], rtol=1e-12)
    assert_allclose(gradients.deltas[0], [[8, 8]], rtol=1e-12)
    network.step(X, y, learning_rate=0.1)
    assert_allclose(network.coefs_[0], np.full((2, 2), 0.2), rtol=1e-12)
    assert_allclose(network.intercepts_[0], [-0.8, -0.8], rtol=1e-12)
    assert_allclose(network.coefs_[1], [[-0.6], [-0.6]], rtol=1e-12)
    assert_allclose(network.intercepts_[1], [-0.8], rtol=1e-12)


def check_against_reference(network, X, y, sample_weight, atol, *, relative=False):
    def check(got, expected):
        scale = max(1, np.abs(expected).max()) if relative else 1
        assert_allclose(got, expected, rtol=0, atol=atol * scale)

    coefs, intercepts, activations, loss = as_reference(network)
    _, expected_activations = reference.forward(coefs, intercepts, activations, X)
    for got, expected in zip(network.activations(X), expected_activations, strict=True):
        check(got, expected)
    check(network.forward(X), expected_activations[-1])

    gradients = network.backward(X, y, sample_weight)
    expected_gradients = reference.backward(coefs, intercepts, activations, loss, X, y, sample_weight)
    check(gradients.cost, reference.cost(coefs, intercepts, activations, loss, X, y, sample_weight))
    for got, expected in [
        *zip(gradients.deltas, expected_gradients.deltas, strict=True),
        *zip(all_gradients(gradients), all_gradients(expected_gradients), strict=True),
    ]:
        check(got, expected)


@pytest.mark.parametrize("head", HEADS, ids=name_of)
@pytest.mark.parametrize("weighted", [False, True])
def test_every_head(rng, isa, head, weighted):
    network, X, y = make_problem(rng, [5, 7, 6, 3], ["tanh", "logistic"], head, 23)
    sample_weight = rng.uniform(0.5, 2, 23) if weighted else None
    check_against_reference(network, X, y, sample_weight, atol=1e-12, relative=True)


@pytest.mark.parametrize("activation", [*TRAINABLE, integer_powers], ids=name_of)
def test_every_activation(rng, isa, activation):
    network, X, y = make_problem(rng, [4, 9, 5, 2], activation, ("squared_error", "identity"), 31)
    check_against_reference(network, X, y, None, atol=1e-12, relative=True)


@pytest.mark.parametrize("name", [name for name in TRAINABLE if name not in ("exp", "product")])
def test_far_from_zero(isa, dtype, name):
    """Activations and their derivatives neither overflow nor lose their digits where z is large or small (S7)."""
    z = np.concatenate([sign * np.array([1e4, 300, 80, 20, 5, 1, 1e-3, 1e-6]) for sign in (1, -1)]).astype(dtype)
    z = np.stack([z, z[::-1]])
    activation = ACTIVATIONS[name]
    expected = reference.ACTIVATIONS[name]()
    tolerance = dict(rtol=1e-5, atol=1e-6) if dtype == "float32" else dict(rtol=1e-10, atol=1e-13)
    a = activation.forward(z)
    assert_allclose(a, expected.forward(z.astype(float)), **tolerance)
    back = activation.backward(np.ones_like(a), z, a)
    assert_allclose(back, reference.pull_back(expected, z.astype(float), np.ones(a.shape)), **tolerance)


@pytest.mark.parametrize("loss", ["log_loss", "kl_divergence"])
@pytest.mark.parametrize("out_activation", ["softmax", "logistic"])
@pytest.mark.parametrize("size", [40.0, 1e4])
def test_extreme_logits(isa, dtype, loss, out_activation, size):
    """Losses come from the logits: no log(0), no overflow (S10)."""
    logits = size * np.array([[1.0, -1, 0], [0, 0, 0], [-1, 1, 1], [1, 0, -1]])
    y = np.array([[1.0, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]])
    network = Network.from_weights(
        [np.eye(3)], [np.zeros(3)], activation=[], out_activation=out_activation, loss=loss, dtype=dtype
    )
    gradients = network.backward(logits, y)
    assert_allclose(gradients.cost, reference.cost(*as_reference(network), logits, y), rtol=1e-6)
    a = reference.ACTIVATIONS[out_activation]().forward(logits)
    assert_allclose(gradients.deltas[0], (a - y) / 4, rtol=1e-5, atol=1e-7)


def test_log_cosh_of_any_difference(isa, dtype):
    """Small differences keep their digits, and large ones do not overflow: cosh e = 1 + 2 sinh^2(e / 2)."""
    for e in [0.0, 1e-10, 1e-3, 0.1, 1.0, 20.0]:
        network = Network.from_weights([[[1.0]]], [[0.0]], activation=[], loss="log_cosh", dtype=dtype)
        assert_allclose(network.cost([[e]], [0.0]), np.log1p(2 * np.sinh(e / 2) ** 2), rtol=1e-3, atol=1e-20)
        assert_allclose(network.backward([[-e]], [0.0]).deltas[0], [[-np.tanh(e)]], rtol=1e-6)
    assert_allclose(network.cost([[-1e4]], [0.0]), 1e4 - np.log(2), rtol=1e-6)


# Odd widths, more rows than one tile, more inputs than one slab, one unit, one row, no hidden layer.
@pytest.mark.parametrize(
    ("sizes", "n_samples"),
    [
        ([1, 1], 1),
        ([3, 1], 7),
        ([1, 17, 1], 5),
        ([300, 33, 10], 40),
        ([20, 65, 31, 4], 700),
        ([13, 530, 7], 260),
        ([600, 2], 300),
    ],
    ids=str,
)
def test_shapes(rng, isa, sizes, n_samples):
    network, X, y = make_problem(rng, sizes, "tanh", ("squared_error", "identity"), n_samples)
    check_against_reference(network, X, y, None, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 70), min_size=2, max_size=5),
    n_samples=st.integers(1, 90),
    head=st.sampled_from(HEADS),
    weighted=st.booleans(),
    use_float32=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_any_shape(sizes, n_samples, head, weighted, use_float32, seed):
    assume(head[1] != "softmax" or sizes[-1] > 1)  # which is always 1 otherwise, and refused
    rng = np.random.default_rng(seed)
    dtype = "float32" if use_float32 else "float64"
    try:
        network, X, y = make_problem(rng, sizes, "tanh", head, n_samples, dtype, margin=1e-5)
    except NoSuchDataError:
        reject()
    X, y = X.astype(dtype).astype(float), y.astype(dtype).astype(float)
    sample_weight = rng.integers(1, 4, n_samples).astype(float) if weighted else None
    check_against_reference(network, X, y, sample_weight, atol=2e-4 if use_float32 else 1e-11, relative=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_isas_agree(rng, monkeypatch, dtype):
    """Every table computes the same function, up to rounding."""
    from fastmlp._core._config import available_isas

    gradients = []
    for isa in available_isas():
        monkeypatch.setenv("FASTMLP_ISA", isa)
        network, X, y = make_problem(
            np.random.default_rng(1), [40, 50, 3], "logistic", ("log_loss", "softmax"), 64, dtype
        )
        gradients.append(np.concatenate([g.ravel() for g in network.backward(X, y).coefs]))
    for other in gradients[1:]:
        assert_allclose(other, gradients[0], rtol=0, atol=1e-6 if dtype == "float32" else 1e-14)


def test_cost(rng):
    network, X, y = make_problem(rng, [3, 4, 2], "relu", ("squared_error", "identity"), 50)
    weight = rng.uniform(1, 2, 50)
    expected = reference.cost(*as_reference(network), X, y, weight)
    assert_allclose(network.cost(X, y, weight), expected, rtol=1e-12)


def test_parameters_are_views(rng):
    network, X, _ = make_problem(rng, [3, 4, 2], "relu", ("squared_error", "identity"), 5)
    before = network.forward(X)
    network.coefs_[1][...] *= 2
    network.intercepts_[1][...] *= 2
    assert_allclose(network.forward(X), 2 * before, rtol=1e-12)
    network.parameters[:] = 0
    assert not network.forward(X).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(sizes=[3]), "sizes is"),
        (dict(sizes=[3, 0, 1]), "sizes is"),
        (dict(sizes=[3, 2.5, 1]), "sizes is"),
        (dict(sizes=[3, 2, 1], activation="softplux"), "'softplux' is unknown"),
        (dict(sizes=[3, 2, 1], activation=["relu", "tanh"]), "activation is .* for 1 hidden layer;"),
        (dict(sizes=[3, 2, 1], loss="hinge2"), "'hinge2' is unknown"),
        (dict(sizes=[3, 2, 1], out_activation="sigmoid"), "'sigmoid' is unknown"),
        (dict(sizes=[3, 2, 1], out_activation="softmax", loss="hinge"), "softmax"),
        (dict(sizes=[3, 2, 1], out_activation="identity", loss="log_loss"), "identity"),
        (dict(sizes=[3, 2, 1], activation="hard_limits"), "'hard_limits' is unknown"),
        (dict(sizes=[3, 2, 1], dtype="int32"), "dtype is 'int32'; use"),
        (dict(sizes=[3, 2, 1], dtype="foo"), "dtype is 'foo'; use"),
        (dict(sizes=5), "sizes is"),
        (dict(sizes=[3, 2, 1], activation=None), "None"),
    ],
)
def test_bad_networks(arguments, message):
    with pytest.raises(ValueError, match=message):
        Network(**arguments)


@pytest.mark.parametrize(
    ("coefs", "intercepts", "message"),
    [
        ([], [], "coefs has 0"),
        ([np.ones((2, 3))], [], "intercepts 0"),
        ([np.ones((2, 3))], [np.ones(2)], "Layer 1 has coefs of shape"),
        ([np.ones((2, 3)), np.ones((4, 1))], [np.ones(3), np.ones(1)], "make the shapes chain"),
    ],
)
def test_bad_weights(coefs, intercepts, message):
    with pytest.raises(ValueError, match=message):
        Network.from_weights(coefs, intercepts)


def test_bad_batches(rng):
    network, X, y = make_problem(rng, [3, 4, 2], "relu", ("squared_error", "identity"), 5)
    with pytest.raises(ValueError, match="X has 2 features; this network takes 3"):
        network.forward(X[:, :2])
    with pytest.raises(ValueError, match="y has 1 columns"):
        network.backward(X, y[:, 0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        network.backward(X, y[:3])
    with pytest.raises(ValueError, match="X is float32"):
        network.predict_raw(X.astype(np.float32))
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        network.backward(X, y, -np.ones(5))


@pytest.mark.parametrize("z", [-200.0, -80.0, -25.0, -19.0, 0.0, 30.0, 1e4])
def test_poisson_by_softplus_in_its_tails(isa, dtype, z):
    """dC/dz = s - y s / softplus(z), whose limit for z -> -infinity is -y: nothing underflows on the way."""
    network = Network.from_weights(
        [[[1.0]]], [[0.0]], activation=[], out_activation="softplus", loss="poisson", dtype=dtype
    )
    gradients = network.backward([[z]], [[5.0]])
    e = np.exp(-np.abs(np.longdouble(z)))
    s, a = (e / (1 + e), np.log1p(e)) if z < 0 else (1 / (1 + e), z + np.log1p(e))
    assert_allclose(gradients.deltas[0], [[float(s - 5 * s / a)]], rtol=1e-5 if dtype == "float32" else 1e-12)
    assert_allclose(gradients.cost, float(5 * np.log(5 / a) - 5 + a), rtol=1e-5 if dtype == "float32" else 1e-12)
