"""The activations (S7) in NumPy, by the names of their kernels: what predictions are without compiled code."""

from collections.abc import Callable
from math import erf
from typing import Any, NamedTuple

import numpy as np


class Formula(NamedTuple):
    """An activation.

    Attributes
    ----------
    apply : callable
        Takes the step and rows, returns the activation's values.
    outputs_of : callable
        Takes the step and the number of its inputs, returns that of its outputs.
    n_constants : int
        How many numbers it reads.
    """

    apply: Callable[[Any, np.ndarray], np.ndarray]
    outputs_of: Callable[[Any, int], int] = lambda step, n_inputs: n_inputs
    n_constants: int = 0


def logistic(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)), by the exponential that cannot overflow."""
    power = np.exp(-np.abs(z))
    return np.where(z < 0, power, 1) / (1 + power)


def softplus(z: np.ndarray) -> np.ndarray:
    """log(1 + exp(z))."""
    return np.logaddexp(z, z.dtype.type(0))


def softmax(z: np.ndarray) -> np.ndarray:
    """exp(z_i) / sum_j exp(z_j)."""
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _by_groups(step, z):
    if not step.groups:
        return softmax(z)
    return np.hstack([softmax(part) for part in np.split(z, np.cumsum(step.groups)[:-1], axis=1)])


def _normal_distribution(z):
    values = np.fromiter(map(erf, (z / np.sqrt(2)).ravel().tolist()), z.dtype, z.size)
    return (1 + values.reshape(z.shape)) / 2


def _elu(step, z):
    alpha, scale = step.constants
    return scale * np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def _increasing(step, z):
    groups = z.reshape(len(z), -1, int(step.constants[0]))
    return np.cumsum(np.concatenate([groups[:, :, :1], softplus(groups[:, :, 1:])], axis=2), axis=2).reshape(z.shape)


def _power_product(step, z):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.prod(z[:, :, None].astype(np.float64) ** step.exponents, axis=1).astype(z.dtype)


def _check_softmax(step, n_inputs):
    if step.groups and (sum(step.groups) != n_inputs or min(step.groups) < 1):
        raise ValueError(f"softmax has groups of {step.groups} columns, not {n_inputs} columns.")
    return n_inputs


def _n_groups(step, n_inputs, size):
    if size != size or size < 1 or size % 1 or n_inputs % size:
        raise ValueError(f"{step.kernel} takes groups of {size} columns, not {n_inputs} columns.")
    return n_inputs // int(size)


def _check_groups(step, n_inputs):
    _n_groups(step, n_inputs, step.constants[0])
    return n_inputs


def _n_powers(step, n_inputs):
    if step.exponents is None or step.exponents.ndim != 2 or len(step.exponents) != n_inputs:
        raise ValueError(f"power_product has no exponents for {n_inputs} columns.")
    return step.exponents.shape[1]


FORMULAS: dict[str, Formula] = {
    "identity": Formula(lambda step, z: z),
    "hard_limit": Formula(lambda step, z: (z >= 0).astype(z.dtype)),
    "relu": Formula(lambda step, z: np.maximum(z, 0)),
    "leaky_relu": Formula(lambda step, z: np.where(z < 0, z.dtype.type(step.constants[0]) * z, z), n_constants=1),
    "elu": Formula(_elu, n_constants=2),
    "softplus": Formula(lambda step, z: softplus(z)),
    "gelu": Formula(lambda step, z: z * _normal_distribution(z)),
    "silu": Formula(lambda step, z: z * logistic(z)),
    "mish": Formula(lambda step, z: z * np.tanh(softplus(z))),
    "logistic": Formula(lambda step, z: logistic(z)),
    "tanh": Formula(lambda step, z: np.tanh(z)),
    "hard_tanh": Formula(lambda step, z: np.clip(z, -1, 1)),
    "softsign": Formula(lambda step, z: z / (1 + np.abs(z))),
    "hard_sigmoid": Formula(lambda step, z: np.clip(z / 6 + 0.5, 0, 1)),
    "exp": Formula(lambda step, z: np.exp(z)),
    "softmax": Formula(_by_groups, _check_softmax),
    "maxout": Formula(
        lambda step, z: z.reshape(len(z), -1, int(step.constants[0])).max(axis=2),
        lambda step, n_inputs: _n_groups(step, n_inputs, step.constants[0]),
        n_constants=1,
    ),
    "product": Formula(lambda step, z: z[:, ::2] * z[:, 1::2], lambda step, n_inputs: _n_groups(step, n_inputs, 2)),
    "power_product": Formula(_power_product, _n_powers),
    "increasing": Formula(_increasing, _check_groups, n_constants=1),
}
