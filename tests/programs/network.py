"""A network by hand; checked by mypy and pyright."""

import numpy as np

from fastmlp import Network
from fastmlp.activations import get_activation
from fastmlp.losses import get_loss


def main() -> None:
    xor = Network.from_weights(
        [[[1, -1], [-1, 1]], [[1], [1]]], [[-0.5, -0.5], [-0.5]], activation="hard_limit", out_activation="hard_limit"
    )
    print(xor.forward([[0, 0], [0, 1], [1, 0], [1, 1]]).ravel().tolist())

    network = Network([2, 4, 1], activation="tanh", dtype="float32", random_state=0)
    X, y = np.array([[0.0, 1.0], [1.0, 0.0]]), [1.0, 0.0]
    costs: list[float] = [network.step(X, y, learning_rate=0.1) for _ in range(3)]
    print(costs)
    gradients = network.backward(X, y)
    print(gradients.deltas[0].shape, network.jacobian(X).shape, network.cost(X, y, sample_weight=[1, 2]))
    network.parameters[:] -= 0.1
    network.coefs_ = [np.zeros((2, 4)), np.ones((4, 1))]
    network.intercepts_[0][...] = 0.5
    network.trainable = "last"
    print(
        [a.shape for a in network.activations(X)], network.sizes[0], network.out_activation.name, network.loss.formula
    )
    print(get_activation("softmax").jacobian([0.0, 0.0]), get_loss("huber").target_values[0])
