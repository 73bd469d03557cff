from collections.abc import Sequence

import numpy as np

from fastmlp.activations import Activation
from fastmlp.layers import Layer
from fastmlp.losses import Loss

LOSS_KERNELS: dict[str, int]

class Plan:
    n_parameters: int
    n_statistics: int
    dtype: np.dtype
    tile_rows: int
    needs_whole_batch: bool
    activations: list[Activation | None]
    loss: Loss
    @property
    def n_targets(self) -> int: ...
    @property
    def uses_blas(self) -> bool: ...
    def __init__(
        self,
        n_inputs: int,
        layers: Sequence[Layer],
        loss: Loss,
        dtype: np.dtype,
        trainable: Sequence[bool],
        before: Plan | None = None,
    ) -> None: ...
    def wakes_blas_threads(self, n_rows: int) -> bool: ...
    def work(self, n_rows: int) -> float: ...
    def forward_work(self, n_rows: int) -> float: ...
    def most_forward_threads(self, n_rows: int) -> int: ...
    def most_threads(self, n_rows: int) -> int: ...
