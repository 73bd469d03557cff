"""A flat array of parameters, or of gradients, as the arrays of each layer."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fastmlp._core._memory import aligned_empty
from fastmlp.layers import Layer


class LayerViews(NamedTuple):
    """Views of a flat array of parameters or gradients, one of each for every dense layer."""

    coefs: list[np.ndarray]
    intercepts: list[np.ndarray]
    scales: list[np.ndarray | None]


class Views(list):
    """Parts of one array: what is assigned to a place is written into the part that is there.

    Copies and pickles are ordinary lists.
    """

    def __setitem__(self, place, values):
        parts, values = (self[place], values) if isinstance(place, slice) else ([self[place]], [values])
        if isinstance(place, slice):
            values = [np.array(value) for value in values]  # lest one be written before it is read
        elif np.may_share_memory(values[0], parts[0].base) and not np.may_share_memory(values[0], parts[0]):
            raise ValueError("The array to assign is another layer's own, which may change before it is read; copy it.")
        values = [np.asarray(value) for value in values]
        shapes = [value.shape for value in values], [part.shape for part in parts]
        if shapes[0] != shapes[1]:
            raise ValueError(f"The arrays to assign have shapes {shapes[0]}; pass arrays of shapes {shapes[1]}.")
        for part, value in zip(parts, values, strict=True):
            part[...] = value

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("The layers of a network are fixed; assign to one of them, or to all of them.")

    append = clear = extend = insert = pop = remove = reverse = sort = _refuse
    __delitem__ = __iadd__ = __imul__ = _refuse

    def __reduce__(self):
        return list, (list(self),)


COMPUTED = (
    "coefs_ and intercepts_ are computed, because batch normalization or an input layer is folded into them; write to "
    "network_.coefs_, network_.intercepts_, network_.scales_ or network_.parameters."
)


class ReadOnly(Views):
    """Arrays that are computed from a network's: what were written to them would be lost, so that nothing can be."""

    def __init__(self, arrays: Sequence[np.ndarray]):
        super().__init__(arrays)
        for array in self:
            array.flags.writeable = False

    def __setitem__(self, place, values):
        raise TypeError(COMPUTED)


def writeable(array: np.ndarray) -> np.ndarray:
    """The array, or a copy if it came out of a file or another process as read-only memory."""
    if array.flags.writeable:
        return array
    copy = aligned_empty(array.shape, array.dtype)
    copy[...] = array
    return copy


def block_views(flat: np.ndarray, n_inputs: int, layers: Sequence[Layer]) -> list[dict[str, np.ndarray]]:
    """The arrays of each layer, by their names, as views of a flat array."""
    views, start = [], 0
    for layer in layers:
        of_layer = {}
        for block in layer.blocks(n_inputs):
            size = int(np.prod(block.shape))
            of_layer[block.name] = flat[start : start + size].reshape(block.shape)
            start += size
        views.append(of_layer)
        n_inputs = layer.n_outputs(n_inputs)
    return views


def dense_views(blocks: Sequence[dict[str, np.ndarray]], layers: Sequence[Layer]) -> LayerViews:
    """Weights, biases and scales of the dense layers; with batch normalization its shifts are the biases."""
    coefs: list[np.ndarray] = []
    intercepts: list[np.ndarray] = []
    scales: list[np.ndarray | None] = []
    for of_layer, layer in zip(blocks, layers, strict=True):
        if layer.kind == "dense":
            coefs.append(of_layer["weights"])
            scales.append(None)
            if "biases" in of_layer:
                intercepts.append(of_layer["biases"])
        elif layer.kind == "batch_norm":
            intercepts.append(of_layer["shifts"])
            scales[-1] = of_layer["scales"]
    return LayerViews(Views(coefs), Views(intercepts), Views(scales))
