"""Fewer steps that compute the same: neighbours become one where that loses no digits."""

from collections.abc import Sequence

import numpy as np

from fastmlp.runtime.steps import Activate, Affine, Dense, Parallel, Step

# Two products become one where that adds at most so many multiply-adds.
FEW_MULTIPLY_ADDS = 4096
# A column whose centre is further away than this, in units of 1 / scale, would lose digits if the centre went into a
# bias: the two large terms would take each other away.
FAR_CENTER = 8.0


def simplified(steps: Sequence[Step], dtype: str) -> tuple[Step, ...]:
    """Steps with the same result, to rounding, of which as many as possible are part of another.

    Parameters
    ----------
    steps : sequence of Step
    dtype : {"float32", "float64"}
        Of the weights that are made.

    Returns
    -------
    tuple of Step
    """
    kept: list[Step] = []
    for step in steps:
        if isinstance(step, Activate) and step.kernel == "identity":
            continue
        if isinstance(step, Parallel):
            step = Parallel(tuple(simplified(branch, dtype) for branch in step.branches), step.weights)
        joined = _join(kept[-1], step, dtype) if kept else None
        if joined is None:
            kept.append(step)
        else:
            kept[-1] = joined
    return tuple(kept)


def _join(first, second, dtype):
    """One step for two, or None where they stay two."""
    if isinstance(first, Affine) and isinstance(second, Affine):
        return Affine(
            first.center, first.scale * second.scale, (first.shift - second.center) * second.scale + second.shift
        )
    if isinstance(first, Affine) and isinstance(second, Dense) and np.all(np.abs(_offset(first)) <= FAR_CENTER):
        weights, bias = _wide(second)
        return _dense(first.scale[:, None] * weights, _offset(first) @ weights + bias, dtype)
    if isinstance(first, Dense) and isinstance(second, Affine):
        weights, bias = _wide(first)
        return _dense(weights * second.scale, (bias - second.center) * second.scale + second.shift, dtype)
    if isinstance(first, Dense) and isinstance(second, Dense):
        (n_inputs, between), n_outputs = first.weights.shape, second.weights.shape[1]
        if n_inputs * n_outputs <= between * (n_inputs + n_outputs) + FEW_MULTIPLY_ADDS:
            (weights, bias), (after, after_bias) = _wide(first), _wide(second)
            return _dense(weights @ after, bias @ after + after_bias, dtype)
    return None


def _offset(affine):
    return affine.shift - affine.center * affine.scale


def _wide(dense):
    return dense.weights.astype(np.float64), dense.bias.astype(np.float64)


def _dense(weights, bias, dtype):
    return Dense(np.ascontiguousarray(weights, dtype), bias.astype(dtype))
