import numpy as np
from numpy.typing import DTypeLike

def aligned_empty(shape: tuple[int, ...], dtype: DTypeLike, quarter: int | None = None) -> np.ndarray: ...
