"""Weights as whole numbers of one byte, with a scale for each unit."""

from typing import NamedTuple

import numpy as np

LARGEST = 127
# A few of the largest weights may be cut off, if the others gain more by finer steps.
CUTS = np.linspace(1.0, 0.6, 17)
# How often rounding and the best scale for what was rounded follow each other.
N_REFINEMENTS = 2


class Quantized(NamedTuple):
    """Weights that are `values` times `scales`.

    Attributes
    ----------
    values : ndarray of int8, of shape (n_inputs, n_units)
        From -127 to 127.
    scales : ndarray of float32, of shape (n_units,)
    """

    values: np.ndarray
    scales: np.ndarray

    def weights(self) -> np.ndarray:
        """What they stand for, in float32."""
        return self.values.astype(np.float32) * self.scales


def quantize(weights: np.ndarray) -> Quantized:
    """Round weights to 255 evenly spaced values around 0, for each unit those with about the least squared error.

    Parameters
    ----------
    weights : ndarray of shape (n_inputs, n_units)
        Finite.

    Returns
    -------
    Quantized
    """
    weights = weights.astype(np.float64)
    largest = np.abs(weights).max(axis=0, initial=0.0)
    best_scales = np.where(largest > 0, largest, 1.0) / LARGEST
    least = np.full(weights.shape[1], np.inf)
    for cut in CUTS:
        scales = np.where(largest > 0, cut * largest / LARGEST, 1.0)
        for _ in range(N_REFINEMENTS):
            scales = _best_scales(weights, _rounded(weights, scales), scales)
        errors = np.square(weights - _rounded(weights, scales) * scales).sum(axis=0)
        best_scales = np.where(errors < least, scales, best_scales)
        least = np.minimum(errors, least)
    scales = best_scales.astype(np.float32)
    return Quantized(_rounded(weights, scales.astype(np.float64)).astype(np.int8), scales)


def _rounded(weights, scales):
    return np.clip(np.rint(weights / scales), -LARGEST, LARGEST)


def _best_scales(weights, values, scales):
    """Scales with the least squared error for values that are given."""
    squares = np.square(values).sum(axis=0)
    return np.where(squares > 0, (weights * values).sum(axis=0) / np.maximum(squares, 1), scales)
