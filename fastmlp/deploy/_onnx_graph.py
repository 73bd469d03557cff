"""Nodes and constants of an ONNX graph, in the order in which they are computed."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

TEXT = np.dtype(object)  # as ONNX's helpers call it


class Tensor(NamedTuple):
    """Columns that a graph computes.

    Attributes
    ----------
    name : str
    dtype : dtype
        `TEXT` for words.
    width : int
        Number of columns.
    """

    name: str
    dtype: np.dtype
    width: int


class Graph:
    """What grows by a node at a time.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        What dense layers compute in.
    unique : callable, default=None
        Makes a name of its own of a name; by default by numbers.

    Attributes
    ----------
    nodes : list of NodeProto
    constants : list of TensorProto
    """

    def __init__(self, dtype: str, unique: Callable[[str], str] | None = None):
        self.dtype = np.dtype(dtype)
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._counts: Counter[str] = Counter()
        self._unique = self._numbered if unique is None else unique

    def node(
        self, op: str, x: Tensor, *others: Any, dtype: Any = None, width: int | None = None, **attributes: Any
    ) -> Tensor:
        """What an operator makes of its inputs.

        Parameters
        ----------
        op : str
            Name of an operator; one of ``ai.onnx.ml`` is written with this before it.
        x : Tensor
            The first input.
        *others : Tensor, float or ndarray
            The other inputs; floats become constants of x's dtype.
        dtype, width : default=None
            Of the result; None for those of x.
        **attributes
            Of the operator.

        Returns
        -------
        Tensor
        """
        result = Tensor(
            self._unique(op.split(".")[-1]), np.dtype(dtype or x.dtype), x.width if width is None else width
        )
        self._append(op, [x, *(self._constant_like(x, other) for other in others)], [result.name], attributes)
        return result

    def split(self, x: Tensor, sizes: Sequence[int]) -> list[Tensor]:
        """Groups of so many consecutive columns each; all of them for no sizes."""
        if len(sizes) < 2:
            return [x]
        parts = [Tensor(self._unique("Split"), x.dtype, size) for size in sizes]
        inputs = [x, self.constant(np.array(sizes, dtype=np.int64))]
        self._append("Split", inputs, [part.name for part in parts], {"axis": 1})
        return parts

    def cast(self, x: Tensor, dtype: Any) -> Tensor:
        """The same values in another dtype."""
        if x.dtype == dtype:
            return x
        return self.node("Cast", x, dtype=dtype, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def joined(self, blocks: Sequence[Tensor]) -> Tensor:
        """Blocks of columns side by side, as the widest of their floats."""
        floats = [block.dtype for block in blocks if block.dtype.kind == "f"]
        dtype = max(floats, key=lambda one: one.itemsize, default=self.dtype)
        parts = [self.cast(block, dtype) for block in blocks]
        if len(parts) == 1:
            return parts[0]
        return self.node("Concat", *parts, width=sum(part.width for part in parts), axis=1)

    def take(self, x: Tensor, columns: Sequence[int]) -> Tensor:
        """Some columns, in a given order."""
        if list(columns) == list(range(x.width)):
            return x
        return self.node("Gather", x, np.asarray(columns, dtype=np.int64), width=len(columns), axis=1)

    def rows_of(self, table: np.ndarray, places: Tensor) -> Tensor:
        """The rows of a constant table at the places of a column, which a runtime refuses behind the last one."""
        values = self.constant(table)
        flat = self.node("Reshape", places, np.array([-1]))
        return self.node("Gather", values, flat, dtype=values.dtype, width=values.width, axis=0)

    def constant(self, values: np.ndarray) -> Tensor:
        """An array; words as text."""
        values = np.asarray(values)
        if values.dtype.kind in "OU":
            values = values.astype(str).astype(object)
        name = self._unique("constant")
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return Tensor(name, values.dtype, values.shape[-1] if values.ndim else 1)

    def named(self, x: Tensor, name: str) -> Tensor:
        """The same columns by a name that the user reads."""
        self._append("Identity", [x], [name], {})
        return x._replace(name=name)

    def _constant_like(self, x, value):
        if isinstance(value, Tensor):
            return value
        value = np.asarray(value)
        return self.constant(value.astype(x.dtype) if value.dtype.kind == "f" and x.dtype.kind == "f" else value)

    def _append(self, op, inputs, outputs, attributes):
        domain, _, op_type = op.rpartition(".")
        names = [tensor.name for tensor in inputs]
        self.nodes.append(
            helper.make_node(op_type, names, outputs, name=self._unique(f"node_{op_type}"), domain=domain, **attributes)
        )

    def _numbered(self, name):
        self._counts[name] += 1
        return f"{name}_{self._counts[name]}"
