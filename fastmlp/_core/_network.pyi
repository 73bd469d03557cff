from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastmlp._core._data import Data
from fastmlp._core._plan import Plan
from fastmlp._core._team import Team
from fastmlp._core._workspace import Workspace
from fastmlp._typing import SparseLike

class NetworkCore:
    plan: Plan
    parameters: np.ndarray
    statistics: np.ndarray
    watcher: Callable[[], object] | None
    def __init__(self, parameters: np.ndarray, statistics: np.ndarray, plan: Plan) -> None: ...
    def all_finite(self) -> bool: ...
    def workspace(self, data: Data, rows: int | None = None, backward: bool = False) -> Workspace: ...
    def predict(
        self,
        X: np.ndarray | SparseLike,
        order: np.ndarray | None = None,
        activate_output: bool = False,
        team: Team | None = None,
    ) -> np.ndarray: ...
    def predict_blocks(
        self,
        X: np.ndarray | SparseLike,
        blocks: Sequence[slice],
        take: Callable[[slice, np.ndarray], object],
        activate_output: bool = False,
        team: Team | None = None,
    ) -> None: ...
    def evaluate(
        self, data: Data, activate_output: bool = False, team: Team | None = None, with_outputs: bool = True
    ) -> tuple[float, Any]: ...
    def forward(self, workspace: Workspace, data: Data, seed: int | None = None) -> None: ...
    def backward(
        self,
        workspace: Workspace,
        data: Data,
        gradient: np.ndarray,
        seed: int | None = None,
        team: Team | None = None,
        of_trained: bool = False,
    ) -> tuple[float, float]: ...
    def cost(self, workspace: Workspace, data: Data, seed: int | None = None) -> float: ...
    def follow_batch_statistics(self, workspace: Workspace, data: Data) -> None: ...
    def pull_back(self, workspace: Workspace, data: Data) -> None: ...
    def input_gradient(self, workspace: Workspace, data: Data, out: np.ndarray, seed: int | None = None) -> None: ...
