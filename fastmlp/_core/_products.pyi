import numpy as np
from numpy.typing import ArrayLike

def product(a: ArrayLike, b: ArrayLike) -> np.ndarray: ...
