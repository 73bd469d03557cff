"""The library, and the reference, against PyTorch: its automatic differentiation and its optimizers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastmlp import MLPClassifier, MLPRegressor, Network
from fastmlp.activations import ELU, Increasing, LeakyReLU, Maxout, RandomizedLeakyReLU
from fastmlp.losses import Huber, Quantile
from fastmlp.training.optimizers import SOLVERS as OUR_SOLVERS

from .. import reference
from ..problems import (
    HEADS,
    TRAINABLE,
    all_gradients,
    as_reference,
    assert_same,
    fractional_powers,
    integer_powers,
    make_problem,
    name_of,
)

torch = pytest.importorskip("torch")
F = torch.nn.functional

WITH_PARAMETERS = [LeakyReLU(0.3), RandomizedLeakyReLU(0.2, 0.4), ELU(0.5), Maxout(3), Increasing(2)]
# PyTorch's hard_sigmoid has a sixth in float32's precision.
TOLERANCE = {"float64": 1e-7, "float32": 1e-4}

# Functions of pre-activations z and the library's object h, which has the parameters; the others have PyTorch's names.
ACTIVATIONS = {
    "identity": lambda z, h: z,
    "leaky_relu": lambda z, h: F.leaky_relu(z, h.slope),
    "randomized_leaky_relu": lambda z, h: F.rrelu(z, h.lower, h.upper, training=False),
    "elu": lambda z, h: F.elu(z, h.alpha),
    "logistic": lambda z, h: F.sigmoid(z),
    "tanh": lambda z, h: F.tanh(z),
    "hard_tanh": lambda z, h: F.hardtanh(z),
    "hard_sigmoid": lambda z, h: F.hardsigmoid(z),
    "exp": lambda z, h: z.exp(),
    "softmax": lambda z, h: F.softmax(z, dim=1),
    "maxout": lambda z, h: z.unflatten(1, (-1, h.group_size)).max(dim=2).values,
    "product": lambda z, h: z.unflatten(1, (-1, 2)).prod(dim=2),
    "power_product": lambda z, h: (z[:, :, None] ** torch.as_tensor(h.exponents)).prod(dim=1),
    "increasing": lambda z, h: increasing(z.unflatten(1, (-1, h.group_size or z.shape[1]))).flatten(1),
}


def activated(z, activation):
    function = ACTIVATIONS.get(activation.name)
    return getattr(F, activation.name)(z) if function is None else function(z, activation)


def increasing(groups):
    return torch.cat([groups[:, :, :1], F.softplus(groups[:, :, 1:])], dim=2).cumsum(dim=2)


def log_loss(a, z, y, network):
    if network.out_activation.name == "softmax":
        return F.cross_entropy(z, y, reduction="none")
    if network.out_activation.name == "logistic":
        return F.binary_cross_entropy_with_logits(z, y, reduction="none").sum(1)
    return F.binary_cross_entropy(a, y, reduction="none").sum(1)


def kl_divergence(a, z, y, network):
    if network.out_activation.name == "softmax":
        return F.kl_div(F.log_softmax(z, dim=1), y, reduction="none").sum(1)
    positive, negative = (
        F.kl_div(F.logsigmoid(z), y, reduction="none"),
        F.kl_div(F.logsigmoid(-z), 1 - y, reduction="none"),
    )
    return (positive + negative).sum(1)


def poisson(a, z, y, network):
    from_logits = network.out_activation.name == "exp"
    varying = F.poisson_nll_loss(z if from_logits else a, y, log_input=from_logits, eps=0.0, reduction="none")
    return (varying + torch.xlogy(y, y) - y).sum(1)


def quantile(a, z, y, network):
    levels = torch.tensor(network.loss.levels, dtype=a.dtype)
    error = y[:, :, None] - a.unflatten(1, (-1, len(levels)))
    return torch.maximum(levels * error, (levels - 1) * error).sum((1, 2))


# Functions of outputs a, pre-activations z, targets y and the network: one number a sample.
LOSSES = {
    "squared_error": lambda a, z, y, network: F.mse_loss(a, y, reduction="none").sum(1) / 2,
    "sum_squared_error": lambda a, z, y, network: F.mse_loss(a, y, reduction="none").sum(1),
    "mean_squared_error": lambda a, z, y, network: F.mse_loss(a, y, reduction="none").mean(1),
    "log_loss": log_loss,
    "kl_divergence": kl_divergence,
    "absolute_error": lambda a, z, y, network: F.l1_loss(a, y, reduction="none").sum(1),
    "huber": lambda a, z, y, network: F.huber_loss(a, y, reduction="none", delta=network.loss.threshold).sum(1),
    "log_cosh": lambda a, z, y, network: torch.log(torch.cosh(a - y)).sum(1),
    "quantile": quantile,
    "poisson": poisson,
    "hinge": lambda a, z, y, network: F.relu(1 - y * a).sum(1),
}


class Twin:
    """The same network by PyTorch's operations, in float64, with parameters and running statistics of its own."""

    def __init__(self, network):
        def copies(arrays, *, learned):
            return [
                None if array is None else torch.tensor(array, dtype=torch.float64, requires_grad=learned)
                for array in arrays
            ]

        nothing = [None] * len(network.coefs_)
        self.network = network
        self.coefs = copies(network.coefs_, learned=True)
        self.intercepts = copies(network.intercepts_, learned=True)
        self.scales = copies(network.scales_ or nothing, learned=True)
        self.running_means = copies(network.running_means_ or nothing, learned=False)
        self.running_variances = copies(network.running_variances_ or nothing, learned=False)

    @property
    def parameters(self):
        return [p for p in [*self.coefs, *self.intercepts, *self.scales] if p is not None]

    def forward(self, X, *, training=False):
        """Outputs, and what is multiplied out before them, which keeps its gradient: Z_l, or A_{l-1} W_l if that is
        normalized."""
        a, products = X, []
        activations = [*self.network.activations_, self.network.out_activation]
        for layer, activation in enumerate(activations):
            z = a @ self.coefs[layer]
            if self.scales[layer] is None:
                z = z + self.intercepts[layer]
            products.append(z)
            if self.scales[layer] is not None:
                z = F.batch_norm(
                    z,
                    self.running_means[layer],
                    self.running_variances[layer],
                    self.scales[layer],
                    self.intercepts[layer],
                    training=training,
                    momentum=0.1,
                    eps=1e-5,
                )
            a = activated(z, activation)
        return a, products

    def cost(self, X, y, sample_weight=None, *, training=False):
        outputs, products = self.forward(X, training=training)
        values = LOSSES[self.network.loss.name](outputs, products[-1], y, self.network)
        weight = torch.ones(len(values), dtype=torch.float64) if sample_weight is None else torch.tensor(sample_weight)
        return (weight * values).sum() / weight.sum(), products

    def backward(self, X, y, sample_weight=None, *, training=False):
        """Cost; the library's ``Gradients`` but for the scales; gradients by the scales."""
        for parameter in self.parameters:
            parameter.grad = None
        X = torch.tensor(X, requires_grad=True)
        cost, products = self.cost(X, torch.tensor(y), sample_weight, training=training)
        for product in products:
            product.retain_grad()
        cost.backward()
        gradients = reference.Gradients(
            deltas=[product.grad.numpy() for product in products],
            coefs=[w.grad.numpy() for w in self.coefs],
            intercepts=[b.grad.numpy() for b in self.intercepts],
            inputs=X.grad.numpy(),
        )
        return cost.item(), gradients, [s.grad.numpy() for s in self.scales if s is not None]


def check_against_torch(network, X, y, sample_weight=None):
    dtype = network.parameters.dtype.name
    cost, expected, _ = Twin(network).backward(X, y, sample_weight)
    got = network.backward(X, y, sample_weight)
    assert_allclose(got.cost, cost, rtol=TOLERANCE[dtype])
    assert_same(got.deltas, expected.deltas, TOLERANCE[dtype])
    assert_same(all_gradients(got), all_gradients(expected), TOLERANCE[dtype])
    # The oracle of the other tests is right too.
    oracle = reference.backward(*as_reference(network), X, y, sample_weight)
    assert_allclose(reference.cost(*as_reference(network), X, y, sample_weight), cost, rtol=1e-7)
    assert_same(oracle.deltas, expected.deltas, 1e-7)
    assert_same(all_gradients(oracle), all_gradients(expected), 1e-7)


@pytest.mark.parametrize(
    "hidden",
    [*TRAINABLE, *WITH_PARAMETERS, integer_powers, ["softplus", fractional_powers], ["tanh", "product", "softmax"]],
    ids=name_of,
)
def test_every_hidden_activation(rng, isa, dtype, hidden):
    sizes = [5, 12, 18, 6, 3] if isinstance(hidden, list) and len(hidden) == 3 else [5, 12, 18, 3]
    network, X, y = make_problem(rng, sizes, hidden, ("squared_error", "identity"), 20, dtype)
    check_against_torch(network, X, y)


@pytest.mark.parametrize(
    "head",
    [
        *HEADS,
        *(("squared_error", activation) for activation in [*WITH_PARAMETERS, integer_powers]),
        (Huber(0.5), "identity"),
        (Quantile((0.1, 0.5, 0.9)), "identity"),
        (Quantile((0.1, 0.5, 0.9)), Increasing(3)),
    ],
    ids=name_of,
)
def test_every_head(rng, isa, dtype, head):
    network, X, y = make_problem(rng, [5, 9, 6], "tanh", head, 20, dtype)
    check_against_torch(network, X, y, sample_weight=rng.integers(1, 5, 20) / 2)


def present(arrays):
    return [array for array in arrays if array is not None]


@pytest.mark.parametrize(
    ("hidden", "head"),
    [
        ("tanh", ("squared_error", "identity")),
        (["relu", "gelu"], ("log_loss", "softmax")),
        (["maxout", "product"], ("huber", "softplus")),
    ],
    ids=name_of,
)
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
def test_batch_norm(rng, isa, dtype, hidden, head, weighted):
    """Gradients, steps, running statistics and predictions, over batches of several sizes."""
    network, X, y = make_problem(rng, [4, 8, 6, 3], hidden, head, 60, dtype, batch_norm=True)
    twin = Twin(network)
    tolerance = 1e-7 if dtype == "float64" else 2e-4
    for rows in (slice(0, 20), slice(20, 27), slice(27, 60), slice(0, 60), slice(5, 16)):
        sample_weight = rng.integers(1, 5, len(X[rows])) / 2 if weighted else None
        got = network.backward(X[rows], y[rows], sample_weight, training=True)
        cost, expected, scales = twin.backward(X[rows], y[rows], sample_weight, training=True)
        assert_allclose(got.cost, cost, rtol=tolerance)
        assert_same(got.deltas, expected.deltas, tolerance)
        assert_same([*all_gradients(got), *present(got.scales)], [*all_gradients(expected), *scales], tolerance)
        assert_allclose(
            network.step(X[rows], y[rows], learning_rate=0.05, sample_weight=sample_weight), cost, rtol=tolerance
        )
        with torch.no_grad():
            for parameter in twin.parameters:
                parameter -= 0.05 * parameter.grad
        assert_same(
            [*network.coefs_, *network.intercepts_, *present(network.scales_)],
            [p.detach().numpy() for p in twin.parameters],
            tolerance,
        )
        for ours, theirs in [
            (network.running_means_, twin.running_means),
            (network.running_variances_, twin.running_variances),
        ]:
            assert_same(present(ours), [t.numpy() for t in present(theirs)], tolerance)
    outputs, _ = twin.forward(torch.tensor(X))
    assert_same([network.forward(X)], [outputs.detach().numpy()], tolerance)
    cost, expected, _ = twin.backward(X, y)
    assert_allclose(network.cost(X, y), cost, rtol=tolerance)
    assert_same(all_gradients(network.backward(X, y)), all_gradients(expected), tolerance)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_dropout_masks(rng, isa, dtype, rate):
    """Masks are seen in the deltas, D_l = (D_{l+1} W^T) * mask; the pass forward has used the same ones."""
    network, X, y = make_problem(
        rng, [50, 60, 70, 2], "identity", ("squared_error", "identity"), 80, dtype, dropout=rate, input_dropout=rate
    )
    # All positive, so that no sum in the deltas is nearly 0.
    network.parameters[:] = np.abs(network.parameters)
    X, y = np.abs(X), -np.abs(y) - 1
    tolerance = 1e-10 if dtype == "float64" else 1e-4

    got = network.backward(X, y, training=True, random_state=3)
    (w1, w2, w3), (b1, b2, b3), _, _ = as_reference(network)
    d1, d2, d3 = got.deltas
    masks = [got.inputs / (d1 @ w1.T), d1 / (d2 @ w2.T), d2 / (d3 @ w3.T)]
    for mask in masks:
        kept = mask > 0.5
        assert_allclose(mask, kept / (1 - rate), rtol=0, atol=tolerance)
        assert abs(kept.mean() - (1 - rate)) <= 5 * np.sqrt(rate * (1 - rate) / kept.size)
        assert len(np.unique(kept, axis=0)) == len(X)  # each sample has its own
    assert not np.array_equal(masks[1][:, :50] > 0.5, masks[0] > 0.5)

    a1 = ((X * masks[0]) @ w1 + b1) * masks[1]
    a2 = (a1 @ w2 + b2) * masks[2]
    outputs = a2 @ w3 + b3
    assert_same([d3], [(outputs - y) / len(X)], tolerance)
    assert_same(got.coefs, [(X * masks[0]).T @ d1, a1.T @ d2, a2.T @ d3], tolerance)
    assert_allclose(got.cost, np.sum((outputs - y) ** 2) / 2 / len(X), rtol=tolerance)


def test_dropout_expectation(rng, isa):
    """Of linear layers, the mean over many draws is the prediction."""
    network, X, y = make_problem(
        rng, [4, 10, 8, 2], "identity", ("squared_error", "identity"), 3, dropout=[0.5, 0.2], input_dropout=0.3
    )
    draws = 2000
    outputs = np.stack(
        [network.backward(X, y, training=True, random_state=seed).deltas[-1] * len(X) + y for seed in range(draws)]
    )
    standard_error = outputs.std(axis=0) / np.sqrt(draws)
    assert np.abs((outputs.mean(axis=0) - network.forward(X)) / standard_error).max() <= 5


# Optimizers: 100 steps, in 25 epochs of three batches of 12 rows and one of 4.

N_SAMPLES, BATCH_SIZE, EPOCHS = 40, 12, 25
SHARED = dict(
    hidden_layer_sizes=(8, 5), activation="tanh", shuffle=False, batch_size=BATCH_SIZE, random_state=7, alpha=0.0
)
# Where PyTorch corrects Adam's moments before it adds epsilon, others do afterwards: the same if epsilon is tiny.
SOLVERS = {
    "sgd": (
        dict(solver="sgd", momentum=0.0, learning_rate_init=0.02),
        lambda groups: torch.optim.SGD(groups, lr=0.02),
    ),
    "momentum": (
        dict(solver="sgd", momentum=0.8, nesterovs_momentum=False, learning_rate_init=0.01),
        lambda groups: torch.optim.SGD(groups, lr=0.01, momentum=0.8),
    ),
    "nesterov": (
        dict(solver="sgd", momentum=0.8, nesterovs_momentum=True, learning_rate_init=0.01),
        lambda groups: torch.optim.SGD(groups, lr=0.01, momentum=0.8, nesterov=True),
    ),
    "rmsprop": (
        dict(solver="rmsprop", momentum=0.0, beta_2=0.95, epsilon=1e-4, learning_rate_init=0.01),
        lambda groups: torch.optim.RMSprop(groups, lr=0.01, alpha=0.95, eps=1e-4),
    ),
    "adagrad": (
        dict(solver="adagrad", epsilon=1e-4, learning_rate_init=0.1),
        lambda groups: torch.optim.Adagrad(groups, lr=0.1, eps=1e-4),
    ),
    "adam": (
        dict(solver="adam", beta_1=0.85, beta_2=0.98, epsilon=1e-12, learning_rate_init=0.01),
        lambda groups: torch.optim.Adam(groups, lr=0.01, betas=(0.85, 0.98), eps=1e-12),
    ),
    "adamw": (
        dict(solver="adamw", beta_1=0.85, beta_2=0.98, epsilon=1e-12, learning_rate_init=0.01, weight_decay=0.0),
        lambda groups: torch.optim.AdamW(groups, lr=0.01, betas=(0.85, 0.98), eps=1e-12, weight_decay=0.0),
    ),
}


def test_solvers_are_complete():
    assert {settings["solver"] for settings, _ in SOLVERS.values()} == OUR_SOLVERS.keys() - {
        "lion"
    }  # which PyTorch has not


def regression_data():
    rng = np.random.default_rng(5)
    return rng.normal(size=(N_SAMPLES, 4)), 5 * rng.normal(size=(N_SAMPLES, 2))


def train_both(epoch, make_optimizer, network, X, y, *, l1=0.0, l2=0.0, weight_decay=0.0, clip_norm=None):
    """Run epochs of an estimator, and the same of a twin of the network that it starts from.

    Penalties are for weights alone, and the mean over a batch of n rows has them divided by n: l1 |W|_1 / n and
    l2 |W|^2 / (2 n), the latter being a decay of l2 / n in PyTorch's words. `weight_decay` is AdamW's, decoupled.
    Returns the twin, and the norm of the gradient at each step.
    """
    twin, norms = Twin(network), []
    weights, others = twin.coefs, twin.parameters[len(twin.coefs) :]
    optimizer = make_optimizer([{"params": weights}, {"params": others}])
    for _ in range(EPOCHS):
        for first in range(0, len(X), BATCH_SIZE):
            rows = slice(first, first + BATCH_SIZE)
            n = len(X[rows])
            optimizer.zero_grad()
            cost, _ = twin.cost(torch.tensor(X[rows]), torch.tensor(y[rows]), training=True)
            (cost + l1 / n * sum(w.abs().sum() for w in weights)).backward()
            norms.append(torch.nn.utils.get_total_norm([p.grad for p in twin.parameters]).item())
            if clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(twin.parameters, clip_norm)
            optimizer.param_groups[0]["weight_decay"] = weight_decay or l2 / n
            optimizer.step()
        epoch()
    return twin, np.array(norms)


def assert_same_weights(model, twin, tolerance=1e-6):
    network = model.network_
    assert_same(
        [*network.coefs_, *network.intercepts_, *present(network.scales_ or [])],
        [p.detach().numpy() for p in twin.parameters],
        tolerance,
    )


def regression_twins(solver, settings, **penalties):
    X, y = regression_data()
    ours, make_optimizer = SOLVERS[solver]
    model = MLPRegressor(**SHARED | ours | settings)
    network = Network([4, 8, 5, 2], activation="tanh", random_state=7)
    twin, norms = train_both(lambda: model.partial_fit(X, y), make_optimizer, network, X, y, **penalties)
    assert not np.allclose(model.coefs_[0], network.coefs_[0], rtol=0, atol=1e-2)
    return model, twin, norms


@pytest.mark.parametrize("solver", SOLVERS)
def test_optimizers(isa, solver):
    model, twin, _ = regression_twins(solver, {})
    assert_same_weights(model, twin, 1e-8)


@pytest.mark.parametrize("solver", SOLVERS)
def test_clip_norm(isa, solver):
    clip_norm = 5.0
    model, twin, norms = regression_twins(solver, dict(clip_norm=clip_norm), clip_norm=clip_norm)
    assert 0 < np.sum(norms > clip_norm) < len(norms)
    assert_same_weights(model, twin)


@pytest.mark.parametrize(
    "penalties", [dict(l2=3.0), dict(l1=2.0), dict(l1=1.0, l2=2.0)], ids=lambda penalties: "-".join(penalties)
)
@pytest.mark.parametrize("solver", [solver for solver in SOLVERS if solver != "adamw"])
def test_penalties(isa, solver, penalties):
    settings = {"alpha" if name == "l2" else name: value for name, value in penalties.items()}
    model, twin, _ = regression_twins(solver, settings, **penalties)
    assert_same_weights(model, twin)


def test_decoupled_weight_decay(isa):
    model, twin, _ = regression_twins("adamw", dict(weight_decay=0.3), weight_decay=0.3)
    assert_same_weights(model, twin, 1e-8)


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_optimizers_of_a_classifier(isa, solver, n_classes):
    X, _ = regression_data()
    labels = np.arange(N_SAMPLES) % n_classes
    out_activation, y = (
        ("logistic", labels[:, None].astype(float)) if n_classes == 2 else ("softmax", np.eye(4)[labels])
    )
    ours, make_optimizer = SOLVERS[solver]
    model = MLPClassifier(**SHARED | ours)
    network = Network(
        [4, 8, 5, y.shape[1]], activation="tanh", out_activation=out_activation, loss="log_loss", random_state=7
    )
    twin, _ = train_both(
        lambda: model.partial_fit(X, labels, classes=np.arange(n_classes)), make_optimizer, network, X, y
    )
    assert_same_weights(model, twin)


@pytest.mark.parametrize("solver", ["sgd", "nesterov", "adam"])
def test_optimizers_with_batch_norm(isa, solver):
    """Scales and shifts learn as weights do, and the running statistics follow the batches of training."""
    X, y = regression_data()
    ours, make_optimizer = SOLVERS[solver]
    model = MLPRegressor(**SHARED | ours, batch_norm=True)
    network = Network([4, 8, 5, 2], activation="tanh", batch_norm=True, random_state=7)
    twin, _ = train_both(lambda: model.partial_fit(X, y), make_optimizer, network, X, y)
    assert_same_weights(model, twin)
    for ours, theirs in [
        (model.network_.running_means_, twin.running_means),
        (model.network_.running_variances_, twin.running_variances),
    ]:
        assert_same(present(ours), [t.numpy() for t in present(theirs)], 1e-6)
    outputs, _ = twin.forward(torch.tensor(X))
    assert_same([model.predict(X)], [outputs.detach().numpy()], 1e-6)
