"""The optimizers, one class each (S11): what they remember and which kernel applies them.

A new optimizer is a class here and a body in ``src_c/optimizers.inl.h``, under the same name.
"""

import numpy as np

from fastmlp._core._network import aligned_empty
from fastmlp.network import writeable


class Optimizer:
    """State of an optimizer on one flat array of parameters.

    Attributes
    ----------
    kernel : str
        Name of the kernel.
    decay_1, decay_2, epsilon, nesterov
        Its scalars, as ``src_c/kernels.h`` explains them.
    moments : list of ndarray
        Running averages, each the shape of the parameters.
    """

    kernel: str
    n_moments: int
    decay_2 = 0.0
    epsilon = 0.0
    nesterov = False

    def __init__(self, parameters: np.ndarray, decay_1: float):
        self.decay_1 = decay_1
        self.moments = [aligned_empty(parameters.shape, parameters.dtype) for _ in range(self.n_moments)]
        for moment in self.moments:
            moment.fill(0)

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.moments = [writeable(moment) for moment in self.moments]

    def step_sizes(self, learning_rate: float, n_steps: int) -> np.ndarray:
        """Step sizes of the next `n_steps` steps, corrections included."""
        return np.full(n_steps, learning_rate, dtype=np.float64)


class SGD(Optimizer):
    """v <- momentum v - learning_rate g, then w <- w + v, or for Nesterov w <- w + momentum v - learning_rate g."""

    kernel = "sgd"
    n_moments = 1

    def __init__(self, parameters, *, momentum: float, nesterov: bool):
        super().__init__(parameters, momentum)
        self.nesterov = nesterov


class Adam(Optimizer):
    """m <- beta_1 m + (1 - beta_1) g, v <- beta_2 v + (1 - beta_2) g^2, w <- w - step m / (sqrt(v) + epsilon).

    Kingma and Ba (2014), arXiv:1412.6980, in the order of section 2 that needs no array for the corrected moments:
    step = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t).
    """

    kernel = "adam"
    n_moments = 2

    def __init__(self, parameters, *, beta_1: float, beta_2: float, epsilon: float):
        super().__init__(parameters, beta_1)
        self.decay_2 = beta_2
        # Smaller ones are 0 in this dtype, and 0 / 0 where a gradient is exactly 0.
        self.epsilon = max(epsilon, np.finfo(parameters.dtype).tiny)
        self.n_steps = 0

    def step_sizes(self, learning_rate, n_steps):
        """Step sizes with the correction for moments that start at 0."""
        t = np.arange(self.n_steps + 1, self.n_steps + n_steps + 1, dtype=np.float64)
        self.n_steps += n_steps
        return learning_rate * np.sqrt(_one_minus_power(self.decay_2, t)) / _one_minus_power(self.decay_1, t)


def _one_minus_power(beta, t):
    """1 - beta^t; a power would be several times slower where beta^t underflows, as it soon does."""
    return -np.expm1(t * np.log(beta)) if beta > 0 else np.ones_like(t)
