"""Rows a block at a time, so that memory does not grow with them."""

from collections.abc import Iterator

# Limits of a block: rows, and bytes of what it makes of them. A change of either changes last bits: sums over blocks
# round by their sizes, and so do products by BLAS.
BLOCK_ROWS = 1 << 16
BLOCK_BYTES = 1 << 24


def row_blocks(n_rows: int, row_bytes: int = 1, most_rows: int = BLOCK_ROWS) -> Iterator[slice]:
    """Slices of as many rows as the limits of a block allow, and of one at least.

    Parameters
    ----------
    n_rows : int
    row_bytes : int, default=1
        What one row adds to a block.
    most_rows : int, default=BLOCK_ROWS

    Yields
    ------
    slice
    """
    block_rows = max(1, min(most_rows, BLOCK_BYTES // row_bytes))
    for start in range(0, n_rows, block_rows):
        yield slice(start, min(start + block_rows, n_rows))
