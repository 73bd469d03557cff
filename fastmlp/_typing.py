"""Types of arguments."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from scipy.sparse import sparray, spmatrix

    MatrixLike = ArrayLike | sparray | spmatrix
else:  # SciPy is not imported for the name of a type
    MatrixLike = ArrayLike
RandomState = int | np.random.RandomState | None
Callbacks = Callable | Sequence[Callable] | None
