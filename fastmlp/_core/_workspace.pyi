from collections.abc import Callable

import numpy as np

from fastmlp._core._data import Data
from fastmlp._core._plan import Plan

Kind = tuple[int, bool, bool, bool, bool, int, Plan]

def workspace_kind(
    plan: Plan,
    data: Data | None,
    rows: int,
    backward: bool,
    packs: bool = False,
    n_threads: int = 1,
) -> Kind: ...

class Workspace:
    activations: list[np.ndarray]
    outputs: list[np.ndarray]
    deltas: list[np.ndarray]
    output_gradient: np.ndarray
    rows: int
    kind: Kind
    watcher: Callable[[], object] | None
    def __init__(
        self,
        plan: Plan,
        data: Data | None,
        rows: int,
        backward: bool,
        packs: bool = False,
        n_threads: int = 1,
    ) -> None: ...
    def fail(self, error: BaseException) -> None: ...
