"""Rows a block at a time, so that memory does not grow with them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

# Limits of a block: rows, and bytes of what it makes of them. A change of either changes last bits: sums over blocks
# round by their sizes, and so do products by BLAS.
BLOCK_ROWS = 1 << 16
BLOCK_BYTES = 1 << 24
# Rows whose outputs are computed at once, however many there are of each: with fewer, products do not run at full
# speed.
LEAST_PREDICTED_ROWS = 256


def row_blocks(
    n_rows: int,
    row_bytes: int = 1,
    most_rows: int = BLOCK_ROWS,
    *,
    least_rows: int = 1,
    most_bytes: int = BLOCK_BYTES,
) -> Iterator[slice]:
    """Slices of as many rows as the limits of a block allow, and of one at least.

    Parameters
    ----------
    n_rows : int
    row_bytes : int, default=1
        What one row adds to a block.
    most_rows : int, default=BLOCK_ROWS
    least_rows : int, default=1
        Rows that pay, whatever they take.
    most_bytes : int, default=BLOCK_BYTES

    Yields
    ------
    slice
    """
    block_rows = max(least_rows, min(most_rows, most_bytes // row_bytes))
    for start in range(0, n_rows, block_rows):
        yield slice(start, min(start + block_rows, n_rows))


class Parts:
    """What has been made of blocks of rows, joined without a second copy of an ndarray.

    Parameters
    ----------
    n_rows : int
        Of all blocks.
    """

    def __init__(self, n_rows: int):
        self._n_rows = n_rows
        self._out: np.ndarray | None = None
        self._sparse: list[Any] = []

    def add(self, rows: slice, part: Any) -> None:
        """Keep a copy of the next block's ndarray, or its CSR matrix."""
        if not isinstance(part, np.ndarray):
            self._sparse.append(part)
            return
        if self._out is None:
            self._out = np.empty((self._n_rows, *part.shape[1:]), part.dtype)
        self._out[rows] = part

    def joined(self) -> Any:
        """All rows: an ndarray or a CSR matrix."""
        if self._out is not None:
            return self._out
        from scipy.sparse import vstack  # which networks do not need otherwise

        return vstack(self._sparse, format="csr")
