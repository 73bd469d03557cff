"""Steps made ready to run: chains of dense layers and activations by compiled kernels, the others by NumPy.

Where the compiled kernels are not there, NumPy does all of it.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastmlp.runtime._quantize import quantize, to_bfloat16
from fastmlp.runtime.steps import Activate, Dense, Parallel, Step, apply, joined, n_outputs_of

try:
    from fastmlp._blas_threads import one_blas_thread
    from fastmlp._core._predictor import FrozenNetwork
    from fastmlp.training._threads import MIN_WORK_A_FIT, check_n_jobs, forward_threads, team_of
except ImportError:  # NumPy alone
    FrozenNetwork = None  # type: ignore[assignment,misc]

    def check_n_jobs(n_jobs: object) -> None:
        """NumPy has its own threads."""


Stage = Callable[[np.ndarray], np.ndarray]


# Dense layers of fewer weights are not made compact: what a call costs besides is more than reading them.
MIN_COMPACT_WEIGHTS = 1 << 14


class Settings(NamedTuple):
    """How chains are computed.

    Attributes
    ----------
    dtype : {"float32", "float64"}
    weights : {"float32", "float64", "bfloat16", "int8"}
        What they are for a single row.
    n_jobs : int or None
        The most threads of a call.
    """

    dtype: str
    weights: str
    n_jobs: int | None


def stages_of(steps: Sequence[Step], n_inputs: int, settings: Settings) -> list[Any]:
    """Functions of rows, to be called one after the other.

    Parameters
    ----------
    steps : sequence of Step
    n_inputs : int
        Columns of the rows.
    settings : Settings

    Returns
    -------
    list of callable
        A `NetworkStage` for each chain, if it can be compiled.
    """
    stages: list[Any] = []
    chain: list[Step] = []
    width = n_inputs
    for step in [*steps, None]:
        if isinstance(step, Dense) or (isinstance(step, Activate) and chain):
            chain.append(step)
            continue
        if chain:
            stages.append(_chain(chain, settings))
            width, chain = n_outputs_of(chain, width), []
        if isinstance(step, Parallel):
            stages.append(_Branches([stages_of(one, width, settings) for one in step.branches], step.weights))
        elif step is not None:
            stages.append(step.apply)
        if step is not None:
            width = step.n_outputs(width)
    return stages


def run(stages: Sequence[Stage], x: np.ndarray) -> np.ndarray:
    """Rows through one stage after the other."""
    for stage in stages:
        x = stage(x)
    return x


def _chain(chain, settings):
    chain, compact = _with_fewer_bytes(chain, settings.weights)
    if FrozenNetwork is not None:
        try:
            return NetworkStage(chain, settings, compact)
        except ImportError:  # kernels that leave products to SciPy's BLAS, which is not there
            pass
    return _NumPyStage(chain, settings.dtype)


def _with_fewer_bytes(chain, weights):
    """The chain as its compact weights make it, and these: (name, weights, scales) by the number of the dense layer."""
    compact: dict[int, tuple[str, np.ndarray, np.ndarray | None]] = {}
    if weights not in ("bfloat16", "int8"):
        return chain, compact
    chain, number = list(chain), 0
    for place, step in enumerate(chain):
        if not isinstance(step, Dense):
            continue
        number += 1
        if step.weights.size < MIN_COMPACT_WEIGHTS:
            continue
        if weights == "bfloat16":
            rounded = to_bfloat16(step.weights)
            compact[number] = (weights, rounded, None)
        else:
            quantized = quantize(step.weights)
            rounded = quantized.weights()
            compact[number] = (weights, *quantized)
        chain[place] = Dense(rounded, step.bias)
    return chain, compact


class _NumPyStage:
    """A chain by NumPy."""

    def __init__(self, chain, dtype):
        self._chain, self._dtype = tuple(chain), dtype

    def __call__(self, x):
        return apply(self._chain, x.astype(self._dtype, copy=False))


class _Branches:
    """A `Parallel`, whose branches are compiled."""

    def __init__(self, branches, weights):
        self._branches, self._weights = branches, weights

    def __call__(self, x):
        return joined([run(stages, x) for stages in self._branches], self._weights)


class NetworkStage:
    """A chain of dense layers and activations by compiled kernels.

    Parameters
    ----------
    chain : sequence of Dense and Activate
        The first a Dense.
    settings : Settings
    compact : dict of int to tuple
        Of dense layers, from 1: the arguments of ``FrozenNetwork.take_compact``.

    Attributes
    ----------
    parameters : ndarray
        All weights and biases, a view of the file that they come from where that is laid out so.
    """

    def __init__(self, chain: Sequence[Step], settings: Settings, compact: dict[int, Any]):
        from fastmlp._core._network import NetworkCore
        from fastmlp._core._plan import Plan
        from fastmlp.losses import LOSSES

        self._dtype, self._n_jobs = np.dtype(settings.dtype), settings.n_jobs
        dense = [step for step in chain if isinstance(step, Dense)]
        layers, activates = _layers(chain)
        plan = Plan(len(dense[0].weights), layers, LOSSES["squared_error"], self._dtype, [False] * len(layers))
        self.parameters = _flat([array for step in dense for array in (step.weights, step.bias)], self._dtype)
        self._plan = plan
        self._network = FrozenNetwork(
            NetworkCore(self.parameters, np.empty(0, self._dtype), plan), activates, MIN_WORK_A_FIT
        )
        for number, arguments in compact.items():
            self._network.take_compact(number, *arguments)
        self.predict_one, self.predict_few = self._network.predict_one, self._network.predict_few

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Outputs of rows."""
        x = np.ascontiguousarray(x, self._dtype)
        n_rows = len(x)
        n_threads = 1 if self._n_jobs == 1 else forward_threads(self._plan, self._n_jobs, n_rows)
        if n_threads == 1 and not self._plan.uses_blas:
            return self._network.predict(x)
        with one_blas_thread(needed=self._plan.wakes_blas_threads(n_rows)):
            if n_threads == 1:
                return self._network.predict(x)
            with team_of(n_threads) as team:
                return self._network.predict(x, team)


def _layers(chain):
    """The chain as layers that end with a dense one and its activation; and whether this one does anything."""
    from fastmlp import layers

    made: list[Any] = []
    for step in chain:
        if isinstance(step, Activate):
            made.append(layers.Activate(_activation(step)))
        else:
            if made and isinstance(made[-1], layers.Dense):
                made.append(layers.Activate(_activation(Activate("identity"))))
            made.append(layers.Dense(step.weights.shape[1]))
    activates = isinstance(made[-1], layers.Activate)
    if not activates:
        made.append(layers.Activate(_activation(Activate("identity"))))
    return tuple(made), activates


def _activation(step):
    """A built-in activation, as the plan asks it."""
    from fastmlp.activations import ACTIVATIONS, BuiltinActivation

    like = next((each for each in ACTIVATIONS.values() if each.prediction_kernel == step.kernel), None)

    class Kernel(BuiltinActivation):
        name = kernel = step.kernel
        overwrites = like is not None and like.overwrites
        groups = np.array(step.groups, dtype=np.intp) if step.groups else None
        exponent_matrix = None if step.exponents is None else np.ascontiguousarray(step.exponents, np.float64)

        def constants(self, units):
            return step.constants

        def n_outputs(self, units):
            return step.n_outputs(units)

    return Kernel()


def _flat(arrays, dtype):
    """One array of all; a view where they lie side by side in a file already."""
    if not _are_neighbours(arrays, dtype):
        return np.concatenate([array.ravel().astype(dtype, copy=False) for array in arrays])
    first, size = arrays[0].reshape(-1), sum(array.size for array in arrays)
    return np.lib.stride_tricks.as_strided(first[:1], (size,), first.strides, writeable=False)


def _are_neighbours(arrays, dtype):
    """Whether arrays are parts of one piece of memory that follow each other, of which each keeps all alive."""
    owner, place = _owner(arrays[0]), arrays[0].ctypes.data
    for array in arrays:
        flags = array.flags
        if not (array.dtype == dtype and flags.c_contiguous and flags.aligned and array.ctypes.data == place):
            return False
        if _owner(array) is not owner:
            return False
        place += array.nbytes
    return True


def _owner(array):
    """Whose memory it is: an object behind a buffer, or an array."""
    while isinstance(array, np.ndarray) and array.base is not None:
        array = array.base
    return array.obj if isinstance(array, memoryview) else array
