"""Types of arguments."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike


class SparseLike(Protocol):
    """A sparse array or matrix, by what it can do: SciPy, which has no types of its own, is not asked for one."""

    def tocsr(self, copy: bool = False) -> Any:
        """The same in compressed rows."""


MatrixLike = ArrayLike | SparseLike
RandomState = int | np.random.RandomState | None
# Checked: of finite numbers, an ndarray, or a CSR array of SciPy's.
Matrix = np.ndarray | Any
# A name, a scalar type of NumPy's, or a dtype.
FloatType = str | type[Any] | np.dtype[Any]
Callbacks = Callable[..., Any] | Sequence[Callable[..., Any]] | None
Scoring = str | Callable[..., float] | None
