"""Steps as ONNX operators, a function for each class of steps and each activation.

A table of the user is a tuple of blocks of columns: one of numbers, or one for each column where some hold words.
A function takes the graph, the step and the blocks, and returns blocks. Operators are those of opset 13 and later.
"""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np

from fastmlp.deploy._errors import CannotFoldError
from fastmlp.deploy._onnx_graph import TEXT, Graph, Tensor
from fastmlp.runtime.steps import (
    NAN_KEY,
    Activate,
    Affine,
    Clip,
    Dense,
    Embed,
    Encode,
    Impute,
    Indicate,
    Normalize,
    Parallel,
    Step,
    Take,
    category_key,
)

Blocks = tuple[Tensor, ...]
MISSING = (NAN_KEY, None)
ONLY = np.array([1])  # the axis of columns
END = np.iinfo(np.int64).max


def add_steps(graph: Graph, steps: Sequence[Step], blocks: Blocks) -> Blocks:
    """Blocks through one step after the other.

    Parameters
    ----------
    graph : Graph
        Which grows by their nodes.
    steps : sequence of Step
    blocks : tuple of Tensor

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    CannotFoldError
        If there is no operator for one of their settings.
    """
    for step in steps:
        blocks = STEPS[type(step)](graph, step, blocks)
    return blocks


# Columns of numbers.


def _affine(graph, step, blocks):
    x = graph.joined(blocks)
    for op, values, neutral in (("Sub", step.center, 0), ("Mul", step.scale, 1), ("Add", step.shift, 0)):
        if np.any(values != neutral):
            x = graph.node(op, x, values.astype(np.float64))
    return (x,)


def _clip(graph, step, blocks):
    return (graph.node("Clip", graph.joined(blocks), float(step.low), float(step.high)),)


def _dense(graph, step, blocks):
    x = graph.cast(graph.joined(blocks), graph.dtype)
    weights, bias = step.weights.astype(x.dtype), step.bias.astype(x.dtype)
    if x.dtype == np.float32:
        return (graph.node("Gemm", x, weights, bias, width=len(bias)),)
    # ONNX Runtime before 1.18 joins Gemm, or MatMul and Add, with an activation to what it has in float32 only.
    return (graph.node("Sum", graph.node("MatMul", x, weights, width=len(bias)), bias),)


def _embed(graph, step, blocks):
    x = graph.joined(blocks)
    kept = np.delete(np.arange(x.width), step.columns)
    parts = [graph.take(x, kept)] if kept.size else []
    for column, table in zip(step.columns, step.tables, strict=True):
        codes = graph.take(x, [column])
        whole = graph.node("Equal", codes, graph.node("Floor", codes), dtype=bool)  # NaN is not
        valid = graph.node("And", whole, graph.node("GreaterOrEqual", codes, 0.0, dtype=bool))
        places = graph.node("Where", valid, codes, _scalar(len(table), x.dtype), dtype=x.dtype)
        parts.append(graph.rows_of(table.astype(x.dtype), graph.cast(places, np.int64)))
    return (graph.joined(parts),)


def _normalize(graph, step, blocks):
    shares = []
    for x in graph.split(graph.joined(blocks), step.groups):
        sums = graph.node("ReduceSum", x, ONLY, width=1, keepdims=1)
        positive = graph.node("Greater", sums, 0.0, dtype=bool)
        divided, equal = graph.node("Div", x, sums), _scalar(1 / x.width, x.dtype)
        shares.append(graph.node("Where", positive, divided, equal, dtype=x.dtype, width=x.width))
    return (graph.joined(shares),)


def _activate(graph, step, blocks):
    x = graph.joined(blocks)
    native = NATIVE.get(step.kernel)
    if native is not None and (x.dtype == np.float32 or native[0] in IN_FLOAT64):
        return (graph.node(native[0], x, **native[1](step)),)
    return (COMPOSED[step.kernel](graph, step, x),)


def _scalar(value, dtype):
    return np.array(value, dtype=dtype)


# Tables with words.


def _take(graph, step, blocks):
    if len(blocks) == 1:
        return (graph.take(blocks[0], step.columns),)
    columns = _columns(graph, blocks)
    return tuple(columns[number] for number in step.columns)


def _parallel(graph, step, blocks):
    branches = [add_steps(graph, branch, blocks) for branch in step.branches]
    if not step.weights:
        return tuple(block for branch in branches for block in branch)
    outputs = [graph.joined(branch) for branch in branches]
    widest = max((output.dtype for output in outputs), key=lambda dtype: dtype.itemsize)
    shares = [
        graph.node("Mul", graph.cast(output, widest), weight)
        for output, weight in zip(outputs, step.weights, strict=True)
    ]
    return (graph.node("Sum", *shares),)


def _impute(graph, step, blocks):
    if all(block.dtype != TEXT for block in blocks):
        x = graph.joined(blocks)
        values = step.values.astype(np.float64).astype(x.dtype)
        return (graph.node("Where", _is_missing(graph, x, step.missing), values, x, dtype=x.dtype, width=x.width),)
    imputed = []
    for x, value in zip(_columns(graph, blocks), step.values, strict=True):
        value = np.array([value], dtype=object if x.dtype == TEXT else x.dtype)
        imputed.append(graph.node("Where", _is_missing(graph, x, step.missing), value, x, dtype=x.dtype))
    return tuple(imputed)


def _indicate(graph, step, blocks):
    parts = blocks if any(block.dtype == TEXT for block in blocks) else (graph.joined(blocks),)
    return tuple(
        graph.cast(_is_missing(graph, x, step.missing), graph.dtype if x.dtype == TEXT else x.dtype) for x in parts
    )


def _encode(graph, step, blocks):
    encoded = []
    for number, x in enumerate(_columns(graph, blocks)):
        categories = list(map(category_key, step.categories[number].tolist()))
        places = (_places_of_words if x.dtype == TEXT else _places_of_numbers)(graph, x, categories)
        encoded.append(graph.rows_of(_codes(step, number, categories).astype(graph.dtype), places))
    return tuple(encoded)


def _codes(step, number, categories):
    """What stands for each category of a column, and last for others, where they are not refused."""
    n = len(categories)
    if step.one_hot:
        codes, unknown = np.eye(n), np.zeros(n)
    else:
        codes, unknown = np.arange(n, dtype=np.float64)[:, np.newaxis], np.array([step.unknown], dtype=np.float64)
        if step.missing is not None and NAN_KEY in categories:
            codes[categories.index(NAN_KEY)] = step.missing
    if step.unknown is not None:
        codes = np.vstack([codes, unknown])
    drops = step.one_hot and step.dropped and step.dropped[number] >= 0
    return np.delete(codes, step.dropped[number], axis=1) if drops else codes


def _places_of_words(graph, x, categories):
    """Places of a column's words; the number of categories for others."""
    keys = ["" if category in MISSING else category for category in categories]
    if len(set(keys)) < len(keys) or not all(isinstance(key, str) for key in keys):
        raise CannotFoldError(
            f"An encoder has the categories {keys}, which no column of text can hold: words and numbers, or missing "
            "values and empty words; use one kind of them."
        )
    return _looked_up(graph, x, keys, list(range(len(keys))), len(keys))


def _places_of_numbers(graph, x, categories):
    """The same of numbers."""
    values = np.array([np.nan if category in MISSING else category for category in categories], dtype=x.dtype)
    equal = graph.node("Equal", x, values[np.newaxis], dtype=bool, width=len(values))
    if np.isnan(values).any():
        both = graph.node("And", graph.node("IsNaN", x, dtype=bool), np.isnan(values)[np.newaxis], width=len(values))
        equal = graph.node("Or", equal, both)
    # At most one is equal; none leaves 0, the place behind the last.
    from_last = np.arange(-len(values), 0, dtype=np.float64)[:, np.newaxis]
    places = graph.node("MatMul", graph.cast(equal, graph.dtype), from_last, width=1)
    return graph.cast(graph.node("Add", places, float(len(values))), np.int64)


def _is_missing(graph, x, missing):
    if x.dtype == TEXT:
        found = [missing] if isinstance(missing, str) else [""] if missing is None or missing != missing else []
        return graph.cast(_looked_up(graph, x, found or [""], [int(bool(found))], 0), bool)
    if missing is None or missing != missing:
        return graph.node("IsNaN", x, dtype=bool)
    return graph.node("Equal", x, _scalar(np.nan if isinstance(missing, str) else missing, x.dtype), dtype=bool)


def _looked_up(graph, x, keys, values, default):
    """Whole numbers by words."""
    return graph.node(
        "ai.onnx.ml.LabelEncoder", x, dtype=np.int64, keys_strings=keys, values_int64s=values, default_int64=default
    )


def _columns(graph, blocks):
    return [
        graph.take(block, [number]) if block.width > 1 else block for block in blocks for number in range(block.width)
    ]


STEPS: dict[type[Step], Callable[[Graph, Any, Blocks], Blocks]] = {
    Affine: _affine,
    Clip: _clip,
    Impute: _impute,
    Indicate: _indicate,
    Take: _take,
    Encode: _encode,
    Embed: _embed,
    Dense: _dense,
    Activate: _activate,
    Parallel: _parallel,
    Normalize: _normalize,
}


# Activations.


def _hard_limit(graph, step, z):
    return graph.cast(graph.node("GreaterOrEqual", z, 0.0, dtype=bool), z.dtype)


def _leaky_relu(graph, step, z):
    negative = graph.node("Less", z, 0.0, dtype=bool)
    return graph.node("Where", negative, graph.node("Mul", z, step.constants[0]), z, dtype=z.dtype)


def _elu(graph, step, z):
    alpha, scale = step.constants
    below = graph.node("Sub", graph.node("Exp", graph.node("Min", z, 0.0)), 1.0)
    positive = graph.node("Greater", z, 0.0, dtype=bool)
    values = graph.node("Where", positive, z, graph.node("Mul", below, alpha), dtype=z.dtype)
    return values if scale == 1 else graph.node("Mul", values, scale)


def _softplus(graph, step, z):
    if z.dtype == np.float32:
        return graph.node("Softplus", z)
    power = graph.node("Exp", graph.node("Neg", graph.node("Abs", z)))
    return graph.node("Add", graph.node("Relu", z), graph.node("Log", graph.node("Add", power, 1.0)))


def _gelu(graph, step, z):
    scaled = graph.cast(graph.node("Div", z, 2**0.5), np.float32)
    twice = graph.node("Add", graph.cast(graph.node("Erf", scaled), z.dtype), 1.0)
    return graph.node("Mul", graph.node("Mul", z, twice), 0.5)


def _silu(graph, step, z):
    # Of z * sigmoid(z) ONNX Runtime makes an operator that it has in float32 only.
    return graph.node("Div", z, graph.node("Add", graph.node("Exp", graph.node("Neg", z)), 1.0))


def _mish(graph, step, z):
    return graph.node("Mul", z, graph.node("Tanh", _softplus(graph, step, z)))


def _hard_tanh(graph, step, z):
    return graph.node("Clip", z, -1.0, 1.0)


def _softsign(graph, step, z):
    return graph.node("Div", z, graph.node("Add", graph.node("Abs", z), 1.0))


def _hard_sigmoid(graph, step, z):
    return graph.node("Clip", graph.node("Add", graph.node("Div", z, 6.0), 0.5), 0.0, 1.0)


def _softmax(graph, step, z):
    return graph.joined([graph.node("Softmax", part, axis=1) for part in graph.split(z, step.groups)])


def _maxout(graph, step, z):
    size = int(step.constants[0])
    return graph.node("Max", *(_sliced(graph, z, start, 1, z.width // size, step=size) for start in range(size)))


def _product(graph, step, z):
    return graph.node("Mul", *(_sliced(graph, z, start, 1, z.width // 2, step=2) for start in (0, 1)))


def _power_product(graph, step, z):
    factors = [
        graph.node("Pow", column, exponents[np.newaxis].astype(np.float64), width=len(exponents))
        for column, exponents in zip(graph.split(graph.cast(z, np.float64), [1] * z.width), step.exponents, strict=True)
    ]
    return graph.cast(reduce(partial(graph.node, "Mul"), factors), z.dtype)


def _increasing(graph, step, z):
    size = int(step.constants[0])
    if size == 1:
        return z
    groups = graph.node("Reshape", z, np.array([0, -1, size]))
    rises = _softplus(graph, step, _sliced(graph, groups, 1, 2, z.width))
    levels = graph.node("Concat", _sliced(graph, groups, 0, 2, z.width, end=1), rises, axis=2)
    return graph.node("Reshape", graph.node("CumSum", levels, np.array(2)), np.array([0, z.width]))


def _sliced(graph, x, start, axis, width, *, end=END, step=1):
    place = (np.array([value], dtype=np.int64) for value in (start, end, axis, step))
    return graph.node("Slice", x, *place, width=width)


def _no_attributes(step):
    return {}


# Operators that are an activation, and their attributes.
NATIVE: dict[str, tuple[str, Callable[[Any], dict[str, float]]]] = {
    "identity": ("Identity", _no_attributes),
    "relu": ("Relu", _no_attributes),
    "leaky_relu": ("LeakyRelu", lambda step: {"alpha": step.constants[0]}),
    "softplus": ("Softplus", _no_attributes),
    "logistic": ("Sigmoid", _no_attributes),
    "tanh": ("Tanh", _no_attributes),
    "softsign": ("Softsign", _no_attributes),
    "hard_sigmoid": ("HardSigmoid", lambda step: {"alpha": 1 / 6, "beta": 0.5}),
    "exp": ("Exp", _no_attributes),
}
# Those of them that ONNX Runtime has in float64 too.
IN_FLOAT64 = ("Identity", "Relu", "Sigmoid", "Tanh", "Exp")
# What is made of several operators.
COMPOSED: dict[str, Callable[[Graph, Any, Tensor], Tensor]] = {
    "hard_limit": _hard_limit,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "softplus": _softplus,
    "gelu": _gelu,
    "silu": _silu,
    "mish": _mish,
    "hard_tanh": _hard_tanh,
    "softsign": _softsign,
    "hard_sigmoid": _hard_sigmoid,
    "softmax": _softmax,
    "maxout": _maxout,
    "product": _product,
    "power_product": _power_product,
    "increasing": _increasing,
}
