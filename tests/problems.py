"""Networks and data that several test files use."""

import numpy as np

from fastmlp import Network

# Every loss with every output activation it goes with.
HEADS = [
    ("squared_error", "identity"),
    ("sum_squared_error", "identity"),
    ("mean_squared_error", "identity"),
    ("log_loss", "logistic"),
    ("log_loss", "softmax"),
    ("poisson", "exp"),
]


def targets_for(rng, loss, out_activation, shape):
    """Targets of the kind a loss is for."""
    if out_activation == "softmax":
        return np.eye(shape[1])[rng.integers(0, shape[1], shape[0])]
    if out_activation == "logistic":
        return rng.integers(0, 2, shape).astype(float)
    if loss == "poisson":
        return rng.poisson(2.0, shape).astype(float)
    return rng.normal(size=shape)


def make_problem(rng, sizes, activations, head, n_samples, dtype="float64"):
    """A network with small random weights, and X, y for it."""
    loss, out_activation = head
    network = Network(
        sizes, activation=activations, out_activation=out_activation, loss=loss, dtype=dtype, random_state=0
    )
    X = rng.normal(size=(n_samples, sizes[0]))
    return network, X, targets_for(rng, loss, out_activation, (n_samples, sizes[-1]))


def as_float64(network):
    """Weights, biases and activation names, as the reference takes them."""
    return (
        [w.astype(np.float64) for w in network.coefs_],
        [b.astype(np.float64) for b in network.intercepts_],
        [*network.activations_, network.out_activation],
    )
