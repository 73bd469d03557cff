"""Kernels alone, by instruction set: GFLOP/s of products, GB/s of activations, and the two orders of multiplication."""

import os

import numpy as np
from scipy.linalg.blas import sgemm
from threadpoolctl import threadpool_limits

from fastmlp._core import _config
from fastmlp._core._products import product
from fastmlp.activations import ACTIVATIONS

from .timing import medians_in_turn

ISAS = _config.available_isas()


class ByIsa:
    """Benchmarks whose first parameter is an instruction set."""

    def setup(self, isa, *_):
        os.environ["FASTMLP_ISA"] = isa

    def teardown(self, *_):
        os.environ.pop("FASTMLP_ISA", None)


class Products(ByIsa):
    """C = A B in float32: m rows, n columns, k to sum over."""

    params = [ISAS, [(32, 64, 64), (256, 128, 128), (200, 100, 784), (128, 512, 784), (1024, 2048, 2048)]]
    param_names = ["isa", "m, n, k"]

    def setup(self, isa, shape):
        super().setup(isa)
        m, n, k = shape
        rng = np.random.default_rng(0)
        self.a, self.b = rng.random((m, k), dtype=np.float32), rng.random((k, n), dtype=np.float32)

    def track_gflops(self, isa, shape):
        seconds = medians_in_turn({"product": lambda: product(self.a, self.b)})["product"]
        return 2 * np.prod(shape) / seconds / 1e9

    def track_share_of_sgemm(self, isa, shape):
        """Beside the best that OpenBLAS reaches on one thread, with matrices of 1024 rows, in the same run."""
        a = np.asfortranarray(np.random.default_rng(0).random((1024, 1024), dtype=np.float32))
        with threadpool_limits(1, user_api="blas"):
            seconds = medians_in_turn({"ours": lambda: product(self.a, self.b), "sgemm": lambda: sgemm(1.0, a, a)})
        return (np.prod(shape) / seconds["ours"]) / (1024**3 / seconds["sgemm"])

    track_gflops.unit = "GFLOP/s"
    track_share_of_sgemm.unit = "share"


class Activations(ByIsa):
    """128 rows of 512 units, which the level-2 cache holds: bytes read and written a second."""

    params = [ISAS, [name for name, activation in ACTIVATIONS.items() if activation.trainable], ["float32", "float64"]]
    param_names = ["isa", "activation", "dtype"]

    def setup(self, isa, name, dtype):
        super().setup(isa)
        rng = np.random.default_rng(0)
        self.activation = ACTIVATIONS[name]
        self.z = rng.standard_normal((128, 512)).astype(dtype)
        self.a = self.activation.forward(self.z)
        self.gradient = rng.standard_normal(self.a.shape).astype(dtype)

    def track_forward(self, isa, name, dtype):
        seconds = medians_in_turn({"": lambda: self.activation.forward(self.z)})[""]
        return (self.z.nbytes + self.a.nbytes) / seconds / 1e9

    def track_backward(self, isa, name, dtype):
        seconds = medians_in_turn({"": lambda: self.activation.backward(self.gradient, self.z, self.a)})[""]
        return (self.gradient.nbytes + self.a.nbytes + self.z.nbytes) / seconds / 1e9

    track_forward.unit = track_backward.unit = "GB/s"


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
