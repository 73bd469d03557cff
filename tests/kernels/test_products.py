"""Products of a matrix with a single row."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp._core import _config
from fastmlp._core._products import product


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [2, 3, 7, 9, 16, 24, 25, 31, 32, 33, 47, 64, 100, 128, 250, 512, 777])
@pytest.mark.parametrize("k", [1, 5, 64, 300, 1100])
def test_a_row_alone(isa, dtype, n, k):
    """It has the bits that it has among others, where products are the table's own; BLAS promises the rounding only."""
    rng = np.random.default_rng(n + k)
    a, b = rng.normal(size=(9, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
    together = product(a, b)
    alone = np.vstack([product(a[i : i + 1], b) for i in range(len(a))])
    if _config.chosen_products() == "own":
        assert_array_equal(alone, together)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    bound = (
        np.finfo(dtype).eps * k * (np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64)) + np.finfo(dtype).tiny
    )
    assert (np.abs(alone - exact) <= bound).all()
    assert_allclose(alone, together, rtol=0, atol=float(bound.max()))
