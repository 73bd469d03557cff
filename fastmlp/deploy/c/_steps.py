"""Steps as calls of C functions, one for each row of a table `EMITTERS`.

Each step makes rows of others, in `scratch`, or changes rows where they are. `Body` keeps which parts of the scratch
memory are in use, so that a chain takes two buffers and not one for each step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastmlp.deploy.c import _kernels
from fastmlp.deploy.c._kernels import Kernel
from fastmlp.deploy.c._products import FEW_WEIGHTS, PANEL, dense_kernels, packed
from fastmlp.deploy.c._text import number, table
from fastmlp.runtime._quantize import quantize
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

KERNELS: dict[str, Kernel] = {
    **_kernels.MATHEMATICS,
    **_kernels.ACTIVATIONS,
    **_kernels.TABLES,
    **_kernels.DECISIONS,
    **dense_kernels("float"),
    **dense_kernels("int8"),
}


@dataclass(frozen=True)
class Rows:
    """Rows in C.

    Attributes
    ----------
    name : str
        A pointer to them.
    width : int
    writable : bool
        Whether they may be changed, and their memory be used again.
    columns : tuple of int, or None
        Which columns of the table they are, where they are some.
    """

    name: str
    width: int
    writable: bool = True
    columns: tuple[int, ...] | None = None


class Constants:
    """The tables and functions that a file needs, in the order of their first use.

    Parameters
    ----------
    weights : {"float32", "int8"}
        Of dense layers, but for those that are few numbers.
    """

    def __init__(self, weights: str):
        self.kind = "int8" if weights == "int8" else "float"
        self.texts: list[str] = []
        self.used: list[str] = []
        self._n = 0

    def add(self, what: str, **values: Any) -> list[str]:
        """Tables of a step, by the kinds of their values; returns their names."""
        self._n += 1
        names = []
        for name, array in values.items():
            kind = "int" if name == "columns" else "signed char" if np.asarray(array).dtype == np.int8 else "float"
            aligned = " @@_ALIGNED" if name == "weights" else ""
            names.append(f"@_{name}_{self._n}")
            self.texts.append(table(kind, names[-1], np.asarray(array), aligned))
        self.texts[-len(names)] = f"/* {what} */\n{self.texts[-len(names)]}"
        return names

    def use(self, name: str) -> None:
        """A function, and before it what it calls."""
        if name not in self.used:
            for need in KERNELS[name].needs:
                self.use(need)
            self.used.append(name)


class Body:
    """The calls of a function for n rows of `x`.

    Parameters
    ----------
    constants : Constants
    describe : callable
        Takes the number of a column of the table, returns its name for messages.
    """

    def __init__(self, constants: Constants, describe: Callable[[int], str] = str):
        self.constants, self.describe = constants, describe
        self.lines: list[str] = []
        self.offsets: dict[str, tuple[int, int]] = {}
        self.n_scratch = 0
        self._buffers: dict[str, tuple[int, int]] = {}

    def call(self, kernel: str, *arguments: object) -> None:
        """A call of a kernel of that name."""
        self.constants.use(kernel)
        self.lines.append(f"@_{kernel}({', '.join(map(str, arguments))});")

    def chain(self, steps: Sequence[Step], source: Rows, target: Rows | None = None) -> Rows:
        """Rows through the steps, in the end in `target` if there is one."""
        last = max((place for place, step in enumerate(steps) if not _in_place(step)), default=-1)
        if last < 0 and target is not None:
            source = self.copy(source, target)
        for place, step in enumerate(steps):
            emit = EMITTERS.get(type(step))
            if emit is None:
                raise ValueError(f"{type(step).__name__} has no form in C; take it out of the pipeline.")
            if _in_place(step):
                if not source.writable:
                    source = self.copy(source, self.new(source.width))
                emit(self, step, source)
                continue
            width = step.n_outputs(source.width)
            result = target if place == last and target is not None else self.new(width)
            made = emit(self, step, source, result) or result
            self.free(source)
            source = made
        return source

    def copy(self, source: Rows, target: Rows) -> Rows:
        """The same rows elsewhere."""
        self.call("put", source.name, "n", source.width, target.name, source.width)
        return replace(target, columns=source.columns)

    def new(self, width: int) -> Rows:
        """Scratch memory for rows, the first that is free."""
        offset = 0
        for start, size in sorted(self._buffers.values()):
            if offset + width <= start:
                break
            offset = max(offset, start + size)
        name = f"t{offset}"
        self.offsets[name] = self._buffers[name] = (offset, width)
        self.n_scratch = max(self.n_scratch, offset + width)
        return Rows(name, width)

    def free(self, rows: Rows) -> None:
        """Memory that is not needed any more."""
        if rows.writable:
            self._buffers.pop(rows.name, None)

    def text(self) -> list[str]:
        """Lines of a function's body, with `x`, `n`, `scratch` and `out`."""
        pointers = [
            f"float *const {name} = scratch" + (f" + {offset} * n;" if offset else ";")
            for name, (offset, _) in sorted(self.offsets.items(), key=lambda item: item[1])
        ]
        counter = ["int i;"] if any(line.startswith("for (i") for line in self.lines) else []
        return [*counter, *(pointers or ["(void)scratch;"]), *self.lines]


def _in_place(step):
    return isinstance(step, Clip | Impute | Indicate | Normalize) or (
        isinstance(step, Activate) and step.kernel not in ("maxout", "product", "power_product")
    )


def _affine(body, step, source, result):
    center = step.center.astype(np.float32)
    # What float32 cannot hold of the centre goes into the shift.
    shift = step.shift - (step.center - center.astype(np.float64)) * step.scale
    names = body.constants.add("(x - center) * scale + shift", center=center, scale=step.scale, shift=shift)
    body.call("affine", source.name, "n", source.width, *names, result.name)


def _clip(body, step, rows):
    body.call("clip", rows.name, f"n * {rows.width}", number(step.low), number(step.high))


def _impute(body, step, rows):
    missing = _missing(body, step, rows)
    try:
        values = step.values.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(_words(body, rows, range(rows.width), step.values.tolist())) from None
    (name,) = body.constants.add("In place of what is missing.", values=values)
    body.call("impute", rows.name, "n", rows.width, missing, name)


def _indicate(body, step, rows):
    body.call("indicate", rows.name, f"n * {rows.width}", _missing(body, step, rows))


def _missing(body, step, rows):
    if step.missing is None or step.missing != step.missing:
        return "NAN"
    if isinstance(step.missing, str):
        raise ValueError(_words(body, rows, range(rows.width), [step.missing]))
    return number(step.missing)


def _take(body, step, source, result):
    (name,) = body.constants.add("Columns.", columns=step.columns)
    body.call("take", source.name, "n", source.width, name, result.width, result.name)
    if source.columns is None:
        return result
    return replace(result, columns=tuple(source.columns[column] for column in step.columns))


def _encode(body, step, source, result):
    place = 0
    for column, categories in enumerate(step.categories):
        known = _numbers(body, source, column, categories)
        (name,) = body.constants.add("Categories.", categories=known)
        at, length = f"{source.name} + {column}", len(known)
        unknown = np.nan if step.unknown is None else step.unknown
        if step.one_hot:
            dropped = step.dropped[column] if step.dropped else -1
            of_unknown = number(np.nan if step.unknown is None else 0.0)
            values, width = (dropped, of_unknown), length - (dropped >= 0)
        else:
            place_of_nan = np.flatnonzero(np.isnan(known))
            of_nan = step.missing if step.missing is not None else place_of_nan[0] if len(place_of_nan) else np.nan
            values, width = (number(of_nan), number(unknown)), 1
        kernel = "one_hot" if step.one_hot else "place"
        body.call(kernel, at, "n", source.width, name, length, *values, f"{result.name} + {place}", result.width)
        place += width


def _numbers(body, source, column, categories):
    """Categories as float32, NaN for what is missing."""
    keys = [category_key(value) for value in categories.tolist()]
    if any(isinstance(key, str | bytes) for key in keys):
        raise ValueError(_words(body, source, [column], categories.tolist()))
    values = np.array([np.nan if key is None or key == NAN_KEY else key for key in keys], dtype=np.float32)
    if len(np.unique(values)) < len(values):
        raise ValueError(
            f"Two categories of {_column(body, source, column)} are one number in float32, which C reads; encode the "
            "column as small numbers before."
        )
    return values


def _words(body, rows, columns, values):
    of = ", ".join(_column(body, rows, column) for column in columns)
    return f"{of} holds words, such as {values[0]!r}, and C takes numbers; encode it with OrdinalEncoder before."


def _column(body, rows, column):
    return "A column" if rows.columns is None else f"Column {body.describe(rows.columns[column])}"


def _embed(body, step, source, result):
    kept = np.delete(np.arange(source.width), step.columns)
    place = len(kept)
    if place:
        (name,) = body.constants.add("Columns that are no codes.", columns=kept)
        rows = body.new(place)
        body.call("take", source.name, "n", source.width, name, place, rows.name)
        body.call("put", rows.name, "n", place, result.name, result.width)
        body.free(rows)
    for column, codes in zip(step.columns, step.tables, strict=True):
        (name,) = body.constants.add("A row for each code.", rows=codes)
        at, to = f"{source.name} + {column}", f"{result.name} + {place}"
        body.call("embed", at, "n", source.width, name, len(codes), codes.shape[1], to, result.width)
        place += codes.shape[1]


def _dense(body, step, source, result):
    if step.weights.size <= FEW_WEIGHTS:
        _formulas(body, step, source, result)
        return
    n_inputs, n_units = step.weights.shape
    weights: dict[str, np.ndarray] = {"weights": packed(step.weights)}
    if body.constants.kind == "int8":
        quantized = quantize(step.weights)
        weights = {"weights": packed(quantized.values), "scales": quantized.scales}
    names = body.constants.add(f"A layer of {n_inputs} inputs and {n_units} units.", **weights, bias=step.bias)
    few = n_units < PANEL
    kernel = f"{'few' if few else 'dense'}_{body.constants.kind}"
    body.call(kernel, source.name, "n", n_inputs, n_units, *names, result.name, *([n_units] if few else []))


def _formulas(body, step, source, result):
    """A layer of few weights, written out."""
    n_inputs, n_units = step.weights.shape
    values = []
    for unit in range(n_units):
        products = [f"{number(step.weights[i, unit])} * v[{i}]" for i in range(n_inputs)]
        values.append(f"u[{unit}] = {' + '.join([*products, number(step.bias[unit])])};")
    body.lines += [
        "for (i = 0; i < n; i++) {",
        f"  const float *const v = {source.name} + {n_inputs} * i;",
        f"  float *const u = {result.name} + {n_units} * i;",
        *(f"  {value}" for value in values),
        "}",
    ]


def _activate(body, step, rows, result=None):
    count, constants = f"n * {rows.width}", [number(value) for value in step.constants]
    if step.kernel == "identity":
        return
    if step.kernel == "softmax":
        _by_groups(body, "softmax", step.groups, rows)
    elif step.kernel == "increasing":
        body.call("increasing", rows.name, count, int(step.constants[0]))
    elif step.kernel in ("maxout", "product"):
        size = [int(value) for value in step.constants]
        body.call(step.kernel, rows.name, f"n * {result.width}", *size, result.name)
    elif step.kernel == "power_product":
        (name,) = body.constants.add("Powers.", powers=step.exponents)
        body.call("power_product", rows.name, "n", rows.width, result.width, name, result.name)
    elif step.kernel in _kernels.ACTIVATIONS:
        body.call(step.kernel, rows.name, count, *constants)
    else:
        raise ValueError(f"The activation {step.kernel!r} has no form in C; use another one.")


def _normalize(body, step, rows):
    _by_groups(body, "normalize", step.groups, rows)


def _by_groups(body, kernel, groups, rows):
    place = 0
    for size in groups or (rows.width,):
        body.call(kernel, f"{rows.name} + {place}" if place else rows.name, "n", rows.width, size)
        place += size


def _parallel(body, step, source, result):
    place, frozen = 0, replace(source, writable=False)
    for number_, branch in enumerate(step.branches):
        rows = body.chain(branch, frozen)
        if step.weights:
            kernel = "add" if number_ else "weigh"
            body.call(kernel, rows.name, f"n * {rows.width}", number(step.weights[number_]), result.name)
        else:
            body.call("put", rows.name, "n", rows.width, f"{result.name} + {place}", result.width)
            place += rows.width
        body.free(rows)


EMITTERS: dict[type[Step], Callable[..., Rows | None]] = {
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
