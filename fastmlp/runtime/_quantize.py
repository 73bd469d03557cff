"""Weights of fewer bytes: bfloat16, and int8 with a scale for each column."""

import numpy as np

# How far the largest weight of a column is cut, among which the scale is chosen.
SHARES = np.linspace(0.5, 1.0, 26)


def to_bfloat16(weights: np.ndarray) -> np.ndarray:
    """The nearest bfloat16 of each weight, as float32; of two that are as near, the even one.

    Parameters
    ----------
    weights : ndarray of float32

    Returns
    -------
    ndarray of float32
    """
    bits = np.ascontiguousarray(weights, np.float32).view(np.uint32)
    upper = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) & np.uint32(0xFFFF0000)
    return upper.view(np.float32)


def to_int8(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers from -127 to 127, and the scale of each column by which they are the weights.

    A scale is the best of some for the squared error: that of the largest weight, and smaller ones that cut it.

    Parameters
    ----------
    weights : ndarray of shape (fan_in, units)

    Returns
    -------
    numbers : ndarray of int8, of the same shape
    scales : ndarray of float32, of shape (units,)
    """
    weights = np.asarray(weights, np.float64)
    largest = np.abs(weights).max(axis=0)
    largest[largest == 0] = 1
    errors = [np.square(_rounded(weights, largest * share) - weights).sum(axis=0) for share in SHARES]
    scales = (largest * SHARES[np.argmin(errors, axis=0)] / 127).astype(np.float32)
    return np.clip(np.rint(weights / scales), -127, 127).astype(np.int8), scales


def _rounded(weights, largest):
    scales = largest / 127
    return np.clip(np.rint(weights / scales), -127, 127) * scales
