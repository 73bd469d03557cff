"""Model files: a program as a safetensors file, whose metadata say in JSON how the arrays belong together.

The layout of a safetensors file is 8 bytes of length, a JSON header of so many bytes, and the arrays
(https://huggingface.co/docs/safetensors). The reader needs NumPy alone and trusts nothing: it looks at sizes, types,
offsets and the depth of the JSON before it makes anything of them. Arrays are views of the file, mapped into memory, so
processes that load one file share its pages.
"""

import json
import math
import mmap
import os
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, NoReturn

import numpy as np

from fastmlp.runtime.program import Decision, Program
from fastmlp.runtime.steps import STEPS, Step

FORMAT = 1
# Parsed JSON takes up to fifty times the memory of its text. What may be long is in arrays.
MAX_HEADER_BYTES = 192 * 1024
MAX_DEPTH = 32
# Strings and brackets of JSON.
SYMBOLS = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{\]}]', re.DOTALL)

DTYPES = {
    "BOOL": np.dtype("?"),
    **{f"{kind}{8 * size}": np.dtype(f"<{kind.lower()}{size}") for kind in "IU" for size in (1, 2, 4, 8)},
    **{f"F{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
}
TYPES: dict[str, type] = {"Program": Program, "Decision": Decision, **STEPS}


class ModelFileError(ValueError):
    """A file that is no model file, or is damaged, or of a later version of fastmlp.

    Examples
    --------
    >>> from fastmlp.runtime.files import parse
    >>> parse(b"")
    Traceback (most recent call last):
    ...
    fastmlp.runtime.files.ModelFileError: it has 0 bytes
    """


# From a program to JSON and arrays.


def to_parts(program: Program) -> tuple[str, dict[str, np.ndarray]]:
    """What a file holds.

    Parameters
    ----------
    program : Program

    Returns
    -------
    document : str
        JSON; ``{"array": name}`` stands for an array.
    arrays : dict of str to ndarray
        Their names sort as the program reads them, so that neighbours lie side by side in the file.

    Raises
    ------
    ValueError
        If there is something that no file can hold.
    """
    arrays: dict[str, np.ndarray] = {}
    plain = _plain(program, arrays)
    document = json.dumps({"format": FORMAT, "program": plain}, allow_nan=False)
    if len(document) > MAX_HEADER_BYTES // 2:
        raise ValueError(
            f"The description of the model takes {len(document)} bytes, and a model file has room for "
            f"{MAX_HEADER_BYTES // 2}; use fewer or shorter names of columns and categories."
        )
    return document, arrays


def _plain(value, arrays):
    if isinstance(value, np.ndarray):
        return _plain_array(value, arrays)
    if isinstance(value, (Step, Program, Decision)):
        names = [one.name for one in fields(value)]  # type: ignore[arg-type]  # every step is a dataclass
        return {"type": type(value).__name__, **{name: _plain(getattr(value, name), arrays) for name in names}}
    if isinstance(value, (tuple, list)):
        return [_plain(one, arrays) for one in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(one, arrays) for name, one in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise ValueError(f"A model file cannot hold {value!r}, which is a {type(value).__name__}.")


def _plain_array(array, arrays):
    """The name of an array of numbers; text as code points, so that it can be a view; other objects one by one."""
    if array.dtype.kind == "O":
        values = array.tolist()
        if array.ndim != 1 or not values or not all(type(value) is str and "\0" not in value for value in values):
            return {"objects": _plain(values, arrays)}
        array = array.astype(str)
    if array.dtype.kind == "U":
        points = np.frombuffer(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes(), "<u4")
        return {"text": _plain_array(points.reshape(len(array), -1), arrays)["array"]}
    if array.dtype.newbyteorder("<") not in DTYPES.values():
        raise ValueError(f"A model file cannot hold an array of {array.dtype}.")
    name = f"{len(arrays):06d}"
    arrays[name] = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return {"array": name}


# And back.


def read(path: str | os.PathLike[str]) -> Program:
    """The program in a model file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Program
        Its arrays are read-only views of the file.

    Raises
    ------
    ModelFileError
        If the file is no model file, is damaged, or a later version of fastmlp wrote it. Nothing in it is executed,
        whatever it holds.
    OSError
        If it cannot be opened.
    """
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise ModelFileError(f"{os.fspath(path)!r} is empty, and no model file.")
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        return parse(content)
    except ModelFileError as error:
        raise ModelFileError(f"{os.fspath(path)!r} is no model file that can be read: {error}") from None


def parse(content: memoryview | bytes) -> Program:
    """The program in the bytes of a model file.

    Parameters
    ----------
    content : memoryview or bytes

    Returns
    -------
    Program
        Its arrays are views of the bytes.

    Raises
    ------
    ModelFileError
        As for `read`.
    """
    try:
        header, data = _header(memoryview(content))
        metadata = header.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not isinstance(metadata.get("fastmlp"), str):
            _refuse("it has no description of a program")
        document = _json(metadata["fastmlp"].encode())
        if not isinstance(document, dict) or type(document.get("format")) is not int:
            _refuse("its description has no format")
        if document["format"] > FORMAT:
            _refuse(f"its format is {document['format']}, and this fastmlp reads up to {FORMAT}; install a later one")
        program = _built(document.get("program"), _arrays(header, data))
    except ModelFileError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, OverflowError, ArithmeticError) as error:
        raise ModelFileError(f"it is damaged: {type(error).__name__}: {error}") from None
    if not isinstance(program, Program):
        _refuse("it describes no program")
    return program


def _refuse(why) -> NoReturn:
    raise ModelFileError(why)


def _header(content):
    """The parsed header, and the bytes behind it."""
    if len(content) < 8:
        _refuse(f"it has {len(content)} bytes")
    n_bytes = int.from_bytes(content[:8], "little")
    if n_bytes > MAX_HEADER_BYTES or n_bytes > len(content) - 8:
        _refuse(f"its header would be {n_bytes} bytes long")
    header = _json(bytes(content[8 : 8 + n_bytes]))
    if not isinstance(header, dict):
        _refuse("its header is no JSON object")
    return header, content[8 + n_bytes :]


def _json(text):
    """Parsed JSON of no great depth, without names that stand there twice."""
    depth = 0
    for symbol in SYMBOLS.finditer(text):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(symbol[0], 0)
        if depth > MAX_DEPTH:
            _refuse(f"its JSON is more than {MAX_DEPTH} levels deep")
    return json.loads(text, object_pairs_hook=_distinct, parse_constant=lambda name: _refuse(f"its JSON holds {name}"))


def _distinct(pairs):
    names = dict(pairs)
    if len(names) != len(pairs):
        _refuse("its JSON has one name twice")
    return names


def _arrays(header, data):
    """Views of the data, which they cover one after the other."""
    arrays, expected = {}, 0
    entries = [(_checked_entry(name, entry), name) for name, entry in header.items()]
    for (begin, end, dtype, shape), name in sorted(entries, key=lambda each: each[0][:2]):
        if begin != expected or end > len(data):
            _refuse(f"array {name!r} lies at bytes {begin} to {end}, of {len(data)}")
        if begin % dtype.itemsize:
            _refuse(f"array {name!r} begins within an element")
        arrays[name] = np.frombuffer(data[begin:end], dtype).reshape(shape)
        expected = end
    if expected != len(data):
        _refuse(f"it has {len(data) - expected} bytes that belong to no array")
    return arrays


def _checked_entry(name, entry):
    dtype = DTYPES.get(entry["dtype"])
    shape, offsets = entry["shape"], entry["data_offsets"]
    if dtype is None or len(entry) != 3 or len(offsets) != 2 or len(shape) > 8:
        _refuse(f"array {name!r} is described by {str(entry)[:200]}")
    begin, end = offsets
    if any(type(number) is not int or number < 0 for number in (*shape, begin, end)):
        _refuse(f"array {name!r} has a shape or offsets that are no whole numbers")
    if end - begin != math.prod(shape) * dtype.itemsize:
        _refuse(f"array {name!r} of shape {tuple(shape)} does not take the bytes {begin} to {end}")
    return begin, end, dtype, tuple(shape)


def _built(value, arrays):
    """A value of JSON as what `to_parts` made it of."""
    if isinstance(value, list):
        return tuple(_built(one, arrays) for one in value)
    if not isinstance(value, dict):
        return value
    if "type" in value:
        return _built_object(value, arrays)
    if len(value) == 1:
        ((how, what),) = value.items()
        if how in READERS:
            return READERS[how](what, arrays)
    return {name: _built(one, arrays) for name, one in value.items()}


def _built_object(value, arrays):
    kind = TYPES.get(value["type"])
    if kind is None:
        _refuse(f"it holds a {str(value['type'])[:80]!r}, which is none of {', '.join(TYPES)}")
    known = {one.name: one for one in fields(kind)}
    unknown = value.keys() - known.keys() - {"type"}
    if unknown:
        _refuse(f"its {value['type']} has the unknown fields {sorted(unknown)[:3]}")
    built = {name: _built(one, arrays) for name, one in value.items() if name != "type"}
    hints = HINTS[kind]
    for name, one in known.items():
        if name not in built and one.default is MISSING and one.default_factory is MISSING:
            _refuse(f"its {value['type']} has no {name}")
        if name in built and not _suits(built[name], hints[name]):
            _refuse(f"the {name} of its {value['type']} is no {hints[name]}")
    return kind(**built)


def _suits(value, hint):
    """Whether a value is of an annotated type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(_suits(value, one) for one in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(_suits(one, arguments[0]) for one in value)
    if origin is not None:
        return isinstance(value, origin if origin is not Mapping else dict)
    if hint is float:
        return type(value) in (int, float)
    return type(value) is hint if hint in (int, bool, str) else isinstance(value, hint)


def _text(name, arrays):
    """Text of an array of code points, as a view."""
    points = arrays[name]
    if points.dtype != np.uint32 or points.ndim != 2 or points.size == 0:
        _refuse(f"array {name!r} is no text")
    if points.max() > 0x10FFFF:
        _refuse(f"array {name!r} has numbers that are no characters")
    return points.view(f"<U{points.shape[1]}")[:, 0]


def _objects(values, arrays):
    built = _built(values, arrays)
    array = np.empty(len(built), dtype=object)
    array[:] = built
    return array


READERS = {
    "array": lambda name, arrays: arrays[name],
    "text": _text,
    "objects": _objects,
    "float": lambda text, arrays: {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[text],
}
HINTS = {kind: typing.get_type_hints(kind) for kind in TYPES.values()}
