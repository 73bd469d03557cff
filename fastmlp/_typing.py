"""Types of arguments."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import sparray, spmatrix

MatrixLike = ArrayLike | sparray | spmatrix
RandomState = int | np.random.RandomState | None
Callbacks = Callable | Sequence[Callable] | None
