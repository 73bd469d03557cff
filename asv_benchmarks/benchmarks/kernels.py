"""Kernels alone: the two orders of multiplication, and activations there and back."""

import numpy as np
from fastmlp._core._blas import product

from fastmlp.activations import ACTIVATIONS


class MultiplicationOrder:
    """A row vector times two matrices: from the vector's side, as back-propagation goes, and from the other (S18).

    For 1x100 . 100x100 . 100x100 that is 2e4 multiplications against 1.01e6.
    """

    params = [["from the vector", "from the matrices"], [100, 400]]
    param_names = ["order", "size"]

    def setup(self, order, size):
        rng = np.random.default_rng(0)
        self.row = rng.standard_normal((1, size), dtype=np.float32)
        self.first, self.second = rng.standard_normal((2, size, size), dtype=np.float32)

    def time_product(self, order, size):
        if order == "from the vector":
            product(product(self.row, self.first), self.second)
        else:
            product(self.row, product(self.first, self.second))


class Activations:
    """128 rows of 512 units, float32."""

    params = [[name for name, activation in ACTIVATIONS.items() if activation.trainable]]
    param_names = ["activation"]

    def setup(self, name):
        rng = np.random.default_rng(0)
        self.activation = ACTIVATIONS[name]
        self.z = rng.standard_normal((128, 512), dtype=np.float32)
        self.a = self.activation.forward(self.z)
        self.gradient = rng.standard_normal(self.a.shape, dtype=np.float32)

    def time_forward(self, name):
        self.activation.forward(self.z)

    def time_backward(self, name):
        self.activation.backward(self.gradient, self.z, self.a)
