"""Initial weights of one layer, one row each."""

from collections.abc import Callable

import numpy as np


def _uniform(variance):
    def draw(shape, random_state):
        bound = np.sqrt(3 * variance(*shape))
        return random_state.uniform(-bound, bound, shape)

    return draw


def _normal(variance):
    def draw(shape, random_state):
        return random_state.normal(0, np.sqrt(variance(*shape)), shape)

    return draw


def _glorot(fan_in, fan_out):
    return 2 / (fan_in + fan_out)


def _he(fan_in, fan_out):
    return 2 / fan_in


def _lecun(fan_in, fan_out):
    return 1 / fan_in


def _orthogonal(shape, random_state):
    """Columns, or rows if there are fewer, of length 1 and at right angles, uniformly among all such matrices."""
    q, r = np.linalg.qr(random_state.normal(size=(max(shape), min(shape))))
    q *= np.sign(np.diag(r))  # which makes the factorization unique, and so the distribution uniform
    return q if shape[0] >= shape[1] else q.T


def _zeros(shape, random_state):
    return np.zeros(shape)


# Each is a function of a layer's (fan_in, fan_out) and a RandomState. Variances: glorot 2 / (fan_in + fan_out), Glorot
# and Bengio (2010); he 2 / fan_in, He et al. (2015), arXiv:1502.01852; lecun 1 / fan_in, LeCun et al. (1998).
# orthogonal: Saxe et al. (2013), arXiv:1312.6120.
INITIALIZERS: dict[str, Callable[[tuple[int, int], np.random.RandomState], np.ndarray]] = {
    "glorot_uniform": _uniform(_glorot),
    "glorot_normal": _normal(_glorot),
    "he_uniform": _uniform(_he),
    "he_normal": _normal(_he),
    "lecun_uniform": _uniform(_lecun),
    "lecun_normal": _normal(_lecun),
    "orthogonal": _orthogonal,
    "zeros": _zeros,
}
