import numpy as np

from fastmlp._typing import SparseLike

class Data:
    dtype: np.dtype
    @property
    def n_rows(self) -> int: ...
    @property
    def n_targets(self) -> int: ...
    @property
    def labels(self) -> bool: ...
    def __init__(
        self,
        X: np.ndarray | SparseLike,
        targets: np.ndarray | None = None,
        sample_weight: np.ndarray | None = None,
        order: np.ndarray | None = None,
        off: float = 0.0,
        on: float = 1.0,
        mean_weight: float = 0.0,
    ) -> None: ...
