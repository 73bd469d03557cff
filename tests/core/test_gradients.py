"""Gradients and Jacobians against central differences: every activation, loss, dtype and instruction set.

How errors are measured is said in ``problems.assert_same``.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import MLPRegressor, Network
from fastmlp.activations import (
    ACTIVATIONS,
    ELU,
    Activation,
    Increasing,
    LeakyReLU,
    Maxout,
    PowerProduct,
    Product,
    RandomizedLeakyReLU,
)
from fastmlp.losses import LOSSES, Huber, Loss, Quantile

from .. import reference
from ..problems import (
    HEADS,
    ONE_HEAD_A_LOSS,
    TRAINABLE,
    all_gradients,
    as_reference,
    assert_same,
    fitting_units,
    fractional_powers,
    integer_powers,
    make_problem,
    name_of,
    reference_activation,
    reference_loss,
    square_powers,
)

WITH_PARAMETERS = [LeakyReLU(0.3), RandomizedLeakyReLU(0.2, 0.4), ELU(0.5), Maxout(3), Maxout(1), Increasing(2)]
HIDDEN = [
    *TRAINABLE,
    *WITH_PARAMETERS,
    integer_powers,
    square_powers,
    ["softplus", fractional_powers],
    ["exp", fractional_powers],
]
MORE_HEADS = [
    *(("squared_error", activation) for activation in [*WITH_PARAMETERS, integer_powers, square_powers]),
    ("absolute_error", integer_powers),
    (Huber(0.5), "identity"),
    (Huber(2.0), "tanh"),
    (Quantile((0.9,)), "identity"),
    (Quantile((0.1, 0.5, 0.9)), "identity"),
    (Quantile((0.1, 0.5, 0.9)), Increasing(3)),
    (Quantile((0.2, 0.8)), Maxout(3)),
]
TOLERANCE = {"float64": 1e-8, "float32": 5e-5}

_differences = {}


def check_against_differences(network, X, y, sample_weight=None, *, key):
    """The library's gradient against differences of the reference's cost in float64, whatever the dtype.

    Networks of one key have the same numbers, so that differences are computed once for all dtypes and kernels.
    """
    if key not in _differences:
        _differences[key] = reference.backward_by_differences(*as_reference(network), X, y, sample_weight)
    got = network.backward(X, y, sample_weight)
    assert all(array.dtype == network.parameters.dtype for array in all_gradients(got))
    assert_same(all_gradients(got), all_gradients(_differences[key]), TOLERANCE[network.parameters.dtype.name])


def test_heads_are_complete():
    """Every loss with every output activation is tested, and has its reference."""
    assert reference.ACTIVATIONS.keys() == {*ACTIVATIONS, PowerProduct.name}
    assert reference.LOSSES.keys() == LOSSES.keys()
    pairs = {(name, out) for name, loss in LOSSES.items() for out in loss.out_activations}
    assert set(HEADS) == {(name, out) for name, out in pairs if out != "power_product"}  # which has no default
    assert sorted(name for name, _ in ONE_HEAD_A_LOSS) == sorted(LOSSES)


@pytest.mark.parametrize("head", ONE_HEAD_A_LOSS, ids=name_of)
@pytest.mark.parametrize("hidden", HIDDEN, ids=name_of)
def test_every_hidden_activation(rng, isa, dtype, hidden, head):
    network, X, y = make_problem(rng, [3, 6, 4, 3], hidden, head, 9, dtype, margin=1e-2)
    check_against_differences(network, X, y, key=name_of([hidden, head]))


@pytest.mark.parametrize("head", [*HEADS, *MORE_HEADS], ids=name_of)
def test_every_head(rng, isa, dtype, head):
    network, X, y = make_problem(rng, [3, 5, 6], "tanh", head, 9, dtype, margin=1e-2)
    sample_weight = rng.integers(1, 5, 9) / 2
    check_against_differences(network, X, y, sample_weight, key=name_of(head))


# Training mode: random numbers are drawn, and batch normalization takes the statistics of the batch.


def differences_of_own_cost(network, X, y, *arguments, **settings):
    """Gradient by weights, biases, scales and inputs, from values of the network's own cost."""
    parameters = [*network.coefs_, *network.intercepts_, *scales_of(network.scales_), X]
    return [
        np.reshape(
            [
                reference.central_difference(lambda: network.cost(X, y, *arguments, **settings), array, index)
                for index in np.ndindex(*array.shape)
            ],
            array.shape,
        )
        for array in parameters
    ]


def scales_of(scales):
    return [scale for scale in scales or [] if scale is not None]


def check_against_own_cost(network, X, y, *arguments, tolerance=1e-7, **settings):
    got = network.backward(X, y, *arguments, **settings)
    expected = differences_of_own_cost(network, X, y, *arguments, **settings)
    assert_same([*got.coefs, *got.intercepts, *scales_of(got.scales), got.inputs], expected, tolerance)
    assert_allclose(got.cost, network.cost(X, y, *arguments, **settings), rtol=1e-12)


TRAINING = {
    "dropout": ("tanh", dict(dropout=0.4)),
    "dropout in one layer": ("tanh", dict(dropout=[0.0, 0.5])),
    "input_dropout": ("tanh", dict(input_dropout=0.3)),
    "randomized_leaky_relu": (["randomized_leaky_relu", "tanh"], {}),
    "batch_norm": ("tanh", dict(batch_norm=True)),
    "batch_norm of a vector activation": (["product", "softmax"], dict(batch_norm=True)),
    "all": (["silu", "product"], dict(batch_norm=True, dropout=0.2, input_dropout=0.2)),
}


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("case", TRAINING)
def test_training_mode(rng, isa, case, weighted):
    hidden, settings = TRAINING[case]
    network, X, y = make_problem(rng, [3, 6, 4, 2], hidden, ("squared_error", "identity"), 9, **settings)
    sample_weight = rng.uniform(0.5, 2, 9) if weighted else None
    for seed in (0, 1):
        check_against_own_cost(network, X, y, sample_weight, training=True, random_state=seed)


@pytest.mark.parametrize("case", TRAINING)
def test_draws_are_of_the_seed(rng, isa, dtype, case):
    hidden, settings = TRAINING[case]
    network, X, y = make_problem(rng, [3, 6, 4, 2], hidden, ("squared_error", "identity"), 30, dtype, **settings)
    costs = [network.cost(X, y, training=True, random_state=seed) for seed in (0, 0, 1)]
    assert costs[0] == costs[1]
    assert (costs[0] == costs[2]) == (case.startswith("batch_norm"))  # which draws nothing
    assert network.cost(X, y) == network.cost(X, y)
    assert network.cost(X, y) != costs[0]


def test_training_mode_without_randomness(rng, isa, dtype):
    network, X, y = make_problem(rng, [3, 6, 4, 2], ["leaky_relu", "softmax"], ("squared_error", "identity"), 9, dtype)
    expected, got = network.backward(X, y), network.backward(X, y, training=True, random_state=0)
    assert_same(all_gradients(got), all_gradients(expected), 1e-12 if dtype == "float64" else 1e-5)


def test_batch_norm_in_float32(rng, isa):
    gradients = []
    for dtype in ("float32", "float64"):
        network, X, y = make_problem(
            np.random.default_rng(2), [3, 6, 4, 2], "tanh", ("squared_error", "identity"), 9, dtype, batch_norm=True
        )
        got = network.backward(X, y, training=True)
        gradients.append([*all_gradients(got), *scales_of(got.scales)])
    assert_same(*gradients, 1e-4)


# What users define.


class UserSquares(Loss):
    name = "user_squares"

    def values(self, a, y):
        return np.sum((a - y) ** 2, axis=1) / 2

    def gradient(self, a, y):
        return a - y


class UserSumOfSquares(Loss):
    name = "user_sum_of_squares"

    def values(self, a, y):
        return np.sum((a - y) ** 2, axis=1)

    def gradient(self, a, y):
        return 2 * (a - y)


class UserLogLoss(Loss):
    name = "user_log_loss"

    def values(self, a, y):
        return -np.sum(y * np.log(a), axis=1)

    def gradient(self, a, y):
        return -y / a


class UserBinaryLogLoss(Loss):
    name = "user_binary_log_loss"

    def values(self, a, y):
        return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a), axis=1)

    def gradient(self, a, y):
        return (a - y) / (a * (1 - a))


class UserPoisson(Loss):
    name = "user_poisson"

    def values(self, a, y):
        return np.sum(np.where(y > 0, y * np.log(np.maximum(y, 1) / a), 0) - y + a, axis=1)

    def gradient(self, a, y):
        return 1 - y / a


@pytest.mark.parametrize(
    ("head", "user_loss"),
    [
        (("squared_error", "identity"), UserSquares()),
        (("sum_squared_error", "identity"), UserSumOfSquares()),
        (("squared_error", "softmax"), UserSquares()),
        (("squared_error", "maxout"), UserSquares()),
        (("log_loss", "softmax"), UserLogLoss()),
        (("log_loss", "logistic"), UserBinaryLogLoss()),
        (("poisson", "exp"), UserPoisson()),
    ],
    ids=name_of,
)
def test_matched_is_general(rng, isa, head, user_loss):
    """Where loss and output activation have a closed form, it gives what the loss alone gives (S2)."""
    network, X, y = make_problem(rng, [4, 7, 6], "tanh", head, 40)
    sample_weight = rng.uniform(0.5, 2, 40)
    user_network = Network(network.sizes, activation="tanh", out_activation=network.out_activation, loss=user_loss)
    user_network.parameters[:] = network.parameters
    expected, got = network.backward(X, y, sample_weight), user_network.backward(X, y, sample_weight)
    for g, e in zip(got.deltas, expected.deltas, strict=True):
        assert_allclose(g, e, rtol=1e-10, atol=1e-14)
    assert_allclose(got.cost, expected.cost, rtol=1e-10)


def test_fit_with_user_loss(rng, isa):
    X, y = rng.normal(size=(60, 3)), rng.normal(size=(60, 2))
    settings = dict(hidden_layer_sizes=(5,), solver="sgd", batch_size=16, random_state=0)
    models = [MLPRegressor(loss=loss, **settings) for loss in ("squared_error", UserSquares())]
    for _ in range(5):
        for model in models:
            model.partial_fit(X, y)
    assert_allclose(models[1].network_.parameters, models[0].network_.parameters, rtol=1e-9, atol=1e-12)


class Sigmoidal(Activation):
    name = "sigmoidal"

    def forward(self, z):
        return z / np.sqrt(1 + z**2)

    def backward(self, gradient, z, a):
        return gradient * (1 + z**2) ** -1.5


class Radius(Activation):
    """Length of each pair of units."""

    name = "radius"

    def n_outputs(self, units):
        return units // 2

    def forward(self, z):
        return np.sqrt(z[:, 0::2] ** 2 + z[:, 1::2] ** 2)

    def backward(self, gradient, z, a):
        return np.repeat(gradient / a, 2, axis=1) * z


class Centre(Activation):
    """Differences from the mean of all units."""

    name = "centre"

    def forward(self, z):
        return z - z.mean(axis=1, keepdims=True)

    def backward(self, gradient, z, a):
        return gradient - gradient.mean(axis=1, keepdims=True)


def user_network(rng, hidden, out_activation, loss="squared_error", dtype="float64", **settings):
    network = Network(
        [3, 6, 4, 4],
        activation=hidden,
        out_activation=out_activation,
        loss=loss,
        dtype=dtype,
        random_state=0,
        **settings,
    )
    n_outputs = network.out_activation.n_outputs(4)
    X, y = (np.float32(rng.normal(size=(9, n))).astype(float) for n in (3, n_outputs))
    network.parameters[:] = np.float32(rng.normal(size=network.parameters.shape))
    return network, X, y


@pytest.mark.parametrize("settings", [{}, dict(batch_norm=True, dropout=0.3)], ids=["", "batch_norm and dropout"])
@pytest.mark.parametrize(
    ("hidden", "out_activation"),
    [
        (Sigmoidal(), "identity"),
        ("tanh", Sigmoidal()),
        (Radius(), "identity"),
        (["tanh", Radius()], Centre()),
        ([Centre(), "product"], Radius()),
        ([Radius(), Sigmoidal()], Radius()),
    ],
    ids=name_of,
)
def test_user_activations(rng, isa, hidden, out_activation, settings):
    network, X, y = user_network(rng, hidden, out_activation, **settings)
    check_against_own_cost(network, X, y, training=True, random_state=0)
    check_against_own_cost(network, X, y)
    # The outputs are those of the user's function, layer by layer.
    if not settings:
        a = X
        for w, b, activation in zip(
            network.coefs_, network.intercepts_, [*network.activations_, network.out_activation], strict=True
        ):
            a = activation.forward(a @ w + b)
        assert_allclose(network.forward(X), a, rtol=1e-10)


def test_user_activation_in_float32(rng, isa):
    gradients = []
    for dtype in ("float32", "float64"):
        network, X, y = user_network(np.random.default_rng(2), [Radius(), Sigmoidal()], Centre(), UserSquares(), dtype)
        gradients.append(all_gradients(network.backward(X, y)))
    assert all(g.dtype == np.float32 for g in gradients[0])
    assert_same(*gradients, 1e-4)


def test_fit_with_user_activation(rng, isa):
    """One that computes tanh is tanh, in training too."""

    class UserTanh(Activation):
        name = "user_tanh"

        def forward(self, z):
            return np.tanh(z)

        def backward(self, gradient, z, a):
            return gradient * (1 - a**2)

    X, y = rng.normal(size=(60, 3)), rng.normal(size=60)
    settings = dict(hidden_layer_sizes=(5, 4), solver="sgd", momentum=0.0, batch_size=16, shuffle=False)
    models = [MLPRegressor(activation=activation, **settings) for activation in ("tanh", UserTanh())]
    for model in models:
        model.partial_fit(X, y)
    models[1].network_.parameters[:] = models[0].network_.parameters
    for _ in range(5):
        for model in models:
            model.partial_fit(X, y)
    assert_allclose(models[1].network_.parameters, models[0].network_.parameters, rtol=1e-9, atol=1e-12)


class UserError(Exception):
    """Nothing that the library would raise or catch."""


class FailingActivation(Sigmoidal):
    def __init__(self, fails):
        self.fails = fails

    def forward(self, z):
        if self.fails == "forward":
            raise UserError("in forward")
        return super().forward(z)

    def backward(self, gradient, z, a):
        if self.fails == "backward":
            raise UserError("in backward")
        return super().backward(gradient, z, a)


class FailingLoss(UserSquares):
    def __init__(self, fails):
        self.fails = fails

    def values(self, a, y):
        if self.fails == "values":
            raise UserError("in values")
        return super().values(a, y)

    def gradient(self, a, y):
        if self.fails == "gradient":
            raise UserError("in gradient")
        return super().gradient(a, y)


@pytest.mark.parametrize("place", ["hidden", "out"])
@pytest.mark.parametrize("fails", ["forward", "backward", "values", "gradient"])
def test_user_errors_propagate(rng, isa, place, fails):
    activation, loss = FailingActivation(fails), FailingLoss(fails)
    hidden, out_activation = (activation, "identity") if place == "hidden" else ("tanh", activation)
    network, X, y = user_network(rng, hidden, out_activation, loss)
    before = network.parameters.copy()
    with pytest.raises(UserError, match=f"^in {fails}$"):
        network.backward(X, y)
    with pytest.raises(UserError, match=f"^in {fails}$"):
        network.step(X, y, learning_rate=0.1)
    if fails == "forward":
        with pytest.raises(UserError, match="^in forward$"):
            network.forward(X)
    assert_array_equal(network.parameters, before)
    # Nothing is left behind: once the user's code works, so does the network.
    activation.fails = loss.fails = None
    check_against_own_cost(network, X, y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("fails", ["forward", "backward", "values", "gradient"])
def test_user_errors_propagate_from_fit(rng, isa, fails, solver):
    X, y = rng.normal(size=(30, 3)), rng.normal(size=30)
    model = MLPRegressor(FailingLoss(fails), (4,), FailingActivation(fails), solver=solver, random_state=0)
    with pytest.raises(UserError, match=f"^in {fails}$"):
        model.fit(X, y)


# Activations on their own, and Jacobians.

ALONE = [*TRAINABLE, *WITH_PARAMETERS, Increasing(3), integer_powers]


def activation_and_inputs(rng, choice, shape):
    """The object, the same for the reference, and pre-activations away from kinks."""
    units = fitting_units(choice, shape[1])
    network, X, _ = make_problem(rng, [shape[1], units], [], ("squared_error", choice), shape[0], margin=1e-3)
    coefs, intercepts, (expected,), _ = as_reference(network)
    (z,), _ = reference.forward(coefs, intercepts, [expected], X)
    return network.out_activation, expected, z


@pytest.mark.parametrize("choice", ALONE, ids=name_of)
def test_activation_alone(rng, isa, dtype, choice):
    activation, expected, z = activation_and_inputs(rng, choice, (11, 12))
    z = z.astype(dtype)
    gradient = rng.normal(size=(11, activation.n_outputs(12))).astype(dtype)
    a = activation.forward(z)
    back = activation.backward(gradient, z, a)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    z, gradient = z.astype(float), gradient.astype(float)
    assert_same([a], [expected.forward(z)], tolerance)
    assert_same([back], [reference.pull_back(expected, z, gradient)], tolerance)


@pytest.mark.parametrize("choice", ALONE, ids=name_of)
def test_activation_jacobian(rng, isa, choice):
    activation, expected, zs = activation_and_inputs(rng, choice, (3, 6))
    for z in zs:
        jacobian = activation.jacobian(z)
        assert_same([jacobian], [expected.jacobian(z)], 1e-12)
        columns = [
            reference.central_difference(lambda z=z: activation.forward(z[None])[0], z, index) for index in range(6)
        ]
        assert_same([jacobian], [np.stack(columns, axis=1)], 1e-7)


@pytest.mark.parametrize(
    ("activation", "z", "expected"),
    [
        ("relu", 0, 0),
        ("leaky_relu", 0, 0.01),
        (LeakyReLU(0.25), 0, 0.25),
        ("randomized_leaky_relu", 0, (1 / 8 + 1 / 3) / 2),
        ("elu", 0, 1),
        (ELU(0.5), 0, 0.5),
        ("selu", 0, 1.0507009873554805 * 1.6732632423543772),
        ("hard_tanh", -1, 0),
        ("hard_tanh", 1, 0),
        ("hard_sigmoid", -3, 0),
        ("hard_sigmoid", 3, 0),
    ],
    ids=name_of,
)
def test_subgradients_of_activations(isa, dtype, activation, z, expected):
    """S8."""
    activation = ACTIVATIONS[activation] if isinstance(activation, str) else activation
    z = np.array([z], dtype)
    assert_allclose(activation.jacobian(z), [[expected]], rtol=1e-6)
    assert_allclose(reference_activation(activation).jacobian(z.astype(float)), [[expected]], rtol=1e-6)


@pytest.mark.parametrize(
    ("activation", "z", "expected"),
    [
        # S9: of several largest, the first takes everything.
        (Maxout(3), [2, 2, 1], [[1, 0, 0]]),
        (Maxout(3), [1, 2, 2], [[0, 1, 0]]),
        (Maxout(3), [-1, -1, -1], [[1, 0, 0]]),
        (Maxout(2), [0, 0, 3, 4], [[1, 0, 0, 0], [0, 0, 0, 1]]),
        # Products at 0, where dividing by a factor fails.
        (Product(), [0, 3, 0, 0], [[3, 0, 0, 0], [0, 0, 0, 0]]),
        (PowerProduct([[1.0], [1.0], [0.0]]), [0, 3, 0], [[3, 0, 0]]),
        (PowerProduct([[1.0], [1.0], [2.0]]), [0, 0, 5], [[0, 0, 0]]),
        (PowerProduct([[2.0, 0.0], [1.0, 1.0]]), [0, -3], [[0, 0], [0, 1]]),
        (PowerProduct([[2.0], [3.0]]), [-1, -2], [[16, 12]]),
    ],
    ids=str,
)
def test_jacobians_at_special_points(isa, dtype, activation, z, expected):
    z = np.array(z, dtype)
    assert_allclose(activation.jacobian(z), expected, rtol=1e-6, atol=1e-12)
    assert_allclose(reference_activation(activation).jacobian(z.astype(float)), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "a", "y", "expected"),
    [
        ("absolute_error", 2, 2, 0),
        ("absolute_error", 3, 2, 1),
        ("quantile", 2, 2, 0),
        (Quantile((0.2,)), 2, 2, 0),
        (Quantile((0.2,)), 1, 2, -0.2),
        (Quantile((0.2,)), 3, 2, 0.8),
        ("huber", 3, 2, 1),
        ("huber", 1, 2, -1),
        ("hinge", 1, 1, 0),
        ("hinge", -1, -1, 0),
        ("hinge", 0.5, -1, 1),
    ],
    ids=name_of,
)
def test_subgradients_of_losses(isa, dtype, loss, a, y, expected):
    network = Network.from_weights([[[1.0]]], [[0.0]], activation=[], loss=loss, dtype=dtype)
    assert_allclose(network.backward([[a]], [y]).deltas[0], [[expected]], rtol=1e-6)
    gradient = reference_loss(network.loss, network.out_activation).gradient(np.array([[a]]), np.array([[y]]))
    assert_allclose(gradient, [[expected]], rtol=1e-12)


def check_jacobian(network, X, y):
    """The Jacobian against differences of the outputs, and J^T dC/dA against the gradient by the inputs."""
    jacobian = network.jacobian(X)
    outputs = network.forward(X)
    columns = []
    for feature in range(X.shape[1]):
        moved = [X.copy() for _ in range(4)]
        for k, copy in zip((-2, -1, 1, 2), moved, strict=True):
            copy[:, feature] += k * 1e-5
        columns.append(reference.weighted_difference([network.forward(copy) for copy in moved], 1e-5))
    assert_same([jacobian], [np.stack(columns, axis=2)], 1e-7)
    gradient = reference_loss(network.loss, network.out_activation).gradient(outputs, y) / len(X)
    assert_same([np.einsum("bi,bij->bj", gradient, jacobian)], [network.backward(X, y).inputs], 1e-10)


@pytest.mark.parametrize("activation", [*TRAINABLE, *WITH_PARAMETERS, integer_powers], ids=name_of)
def test_network_jacobian(rng, isa, activation):
    network, X, y = make_problem(rng, [3, 6, 4, 6], [activation, "tanh"], ("sum_squared_error", activation), 7)
    check_jacobian(network, X, y)


@pytest.mark.parametrize("head", [("log_loss", "softmax"), ("poisson", "exp"), ("hinge", "tanh")], ids=name_of)
def test_network_jacobian_of_other_losses(rng, isa, head):
    check_jacobian(*make_problem(rng, [3, 6, 4], "softmax", head, 7))


def test_network_jacobian_with_batch_norm(rng, isa):
    network, X, y = make_problem(
        rng, [3, 6, 4, 2], ["product", "tanh"], ("squared_error", "identity"), 9, batch_norm=True, dropout=0.5
    )
    for _ in range(3):
        network.step(X, y, learning_rate=0.1)
    check_jacobian(network, X, y)


def test_network_jacobian_in_float32(rng, isa):
    jacobians = []
    for dtype in ("float32", "float64"):
        network, X, _ = make_problem(
            np.random.default_rng(2), [3, 6, 4, 3], ["maxout", "gelu"], ("log_loss", "softmax"), 7, dtype
        )
        jacobians.append([network.jacobian(X)])
    assert jacobians[0][0].dtype == np.float32
    assert_same(*jacobians, 1e-4)


@pytest.mark.parametrize(("hidden", "out"), [("hard_limit", "identity"), ("tanh", "hard_limit")])
def test_hard_limit_is_not_trained(isa, dtype, hidden, out):
    """It may be used forward, but its derivative is 0 (S8)."""
    coefs, intercepts = [np.eye(2), np.ones((2, 1))], [np.zeros(2), np.full(1, -1.0)]
    network = Network.from_weights(coefs, intercepts, activation=hidden, out_activation=out, dtype=dtype)
    X = np.array([[0.0, -1.0], [2.0, 3.0], [-1.0, -2.0]])
    expected = [[0.0], [1.0], [-1.0]] if hidden == "hard_limit" else [[0.0], [1.0], [0.0]]
    assert_array_equal(network.forward(X), expected)
    for refused in (network.backward, lambda X, y: network.step(X, y, learning_rate=0.1)):
        with pytest.raises(ValueError, match="hard_limit"):
            refused(X, np.zeros(3))
