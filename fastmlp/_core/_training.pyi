from typing import Any

import numpy as np

from fastmlp._core._data import Data
from fastmlp._core._network import NetworkCore
from fastmlp._core._team import Job, Team
from fastmlp._core._workspace import Workspace

OPTIMIZER_KERNELS: dict[str, int]

class Training(Job):
    workspace: Workspace
    n_taken: int
    total: float
    def __init__(
        self,
        core: NetworkCore,
        workspace: Workspace,
        data: Data,
        team: Team,
        rule: Any,
    ) -> None: ...
    def is_finite(self, n_rows: int) -> bool: ...
    def run_steps(self, first: int, sizes: np.ndarray, seed: int) -> float: ...
