"""The optimizers, one class each (S11): what they remember and which kernel applies them.

A new optimizer is a class here with its solver's name in `SOLVERS`, and a body in ``src_c/optimizers.inl.h`` whose name
stands in a list of ``src_c/kernels.h``.
"""

from typing import Any, Self

import numpy as np

from fastmlp._core._memory import aligned_empty
from fastmlp.network import writeable


class Optimizer:
    """State of an optimizer on one flat array of parameters.

    Attributes
    ----------
    kernel : str
        Name of the kernel.
    settings : tuple of str
        Parameters of an estimator that it takes, by their names.
    decay_1, decay_2, epsilon, nesterov
        Its scalars, as ``src_c/kernels.h`` explains them.
    moments : list of ndarray
        Running averages, each the shape of the parameters.
    n_steps : int
        Steps taken, as the trainer counts them.
    """

    kernel: str
    settings: tuple[str, ...]
    n_moments: int
    decay_1: float = 0.0
    decay_2: float = 0.0
    epsilon: float = 0.0
    nesterov: bool = False
    n_steps: int = 0
    moments: list[np.ndarray]

    def __init__(self, parameters: np.ndarray):
        self.moments = [aligned_empty(parameters.shape, parameters.dtype, quarter=1 + k) for k in range(self.n_moments)]
        for moment in self.moments:
            moment.fill(0)

    @classmethod
    def from_settings(cls, parameters: np.ndarray, settings: Any) -> Self:
        """A new optimizer of `parameters`, by the attributes of `settings` that it takes."""
        return cls(parameters, **{name: getattr(settings, name) for name in cls.settings})

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.moments = [writeable(moment) for moment in self.moments]

    def step_sizes(self, learning_rates: np.ndarray) -> np.ndarray:
        """Step sizes of the next steps, corrections included, from their learning rates."""
        return learning_rates


class SGD(Optimizer):
    """v <- momentum v - learning_rate g, then w <- w + v, or for Nesterov w <- w + momentum v - learning_rate g."""

    kernel = "sgd"
    settings: tuple[str, ...] = ("momentum", "nesterovs_momentum")
    n_moments = 1

    def __init__(self, parameters: np.ndarray, *, momentum: float, nesterovs_momentum: bool):
        super().__init__(parameters)
        self.decay_1 = momentum
        self.nesterov = nesterovs_momentum


class RMSprop(Optimizer):
    """v <- beta_2 v + (1 - beta_2) g^2, w <- w - learning_rate g / (sqrt(v) + epsilon).

    Tieleman and Hinton (2012), lecture 6.5 of Neural Networks for Machine Learning.
    """

    kernel = "rmsprop"
    settings: tuple[str, ...] = ("beta_2", "epsilon")
    n_moments = 1

    def __init__(self, parameters: np.ndarray, *, beta_2: float, epsilon: float):
        super().__init__(parameters)
        self.decay_2 = beta_2
        self.epsilon: float = _representable(epsilon, parameters.dtype)


class Adagrad(Optimizer):
    """s <- s + g^2, w <- w - learning_rate g / (sqrt(s) + epsilon).

    Duchi, Hazan and Singer (2011), Journal of Machine Learning Research 12.
    """

    kernel = "adagrad"
    settings: tuple[str, ...] = ("epsilon",)
    n_moments = 1

    def __init__(self, parameters: np.ndarray, *, epsilon: float):
        super().__init__(parameters)
        self.epsilon: float = _representable(epsilon, parameters.dtype)


class Adam(Optimizer):
    """m <- beta_1 m + (1 - beta_1) g, v <- beta_2 v + (1 - beta_2) g^2, w <- w - step m / (sqrt(v) + epsilon).

    Kingma and Ba (2014), arXiv:1412.6980, in the order of section 2 that needs no array for the corrected moments:
    step = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t).
    """

    kernel = "adam"
    settings: tuple[str, ...] = ("beta_1", "beta_2", "epsilon")
    n_moments = 2

    def __init__(self, parameters: np.ndarray, *, beta_1: float, beta_2: float, epsilon: float):
        super().__init__(parameters)
        self.decay_1 = beta_1
        self.decay_2 = beta_2
        self.epsilon: float = _representable(epsilon, parameters.dtype)

    def step_sizes(self, learning_rates: np.ndarray) -> np.ndarray:
        """Step sizes with the correction for moments that start at 0."""
        t = np.arange(self.n_steps + 1, self.n_steps + len(learning_rates) + 1, dtype=np.float64)
        return learning_rates * np.sqrt(_one_minus_power(self.decay_2, t)) / _one_minus_power(self.decay_1, t)


class Lion(Optimizer):
    """w <- w - learning_rate sign(beta_1 m + (1 - beta_1) g), then m <- beta_2 m + (1 - beta_2) g.

    Chen et al. (2023), arXiv:2302.06675.
    """

    kernel = "lion"
    settings: tuple[str, ...] = ("beta_1", "beta_2")
    n_moments = 1

    def __init__(self, parameters: np.ndarray, *, beta_1: float, beta_2: float):
        super().__init__(parameters)
        self.decay_1 = beta_1
        self.decay_2 = beta_2


# Weight decay, which makes AdamW of Adam, is done by the training loop for every optimizer.
SOLVERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": Adam,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "lion": Lion,
}


def _representable(epsilon: float, dtype: np.dtype) -> float:
    """Smaller ones are 0 in this dtype, and 0 / 0 where a gradient is exactly 0."""
    return max(epsilon, np.finfo(dtype).tiny)


def _one_minus_power(beta, t):
    """1 - beta^t; a power would be several times slower where beta^t underflows, as it soon does."""
    return -np.expm1(t * np.log(beta)) if beta > 0 else np.ones_like(t)
