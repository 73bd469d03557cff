"""Model files: a program as a safetensors file, whose metadata say in JSON how the arrays belong together.

The layout of a safetensors file is 8 bytes of length, a JSON header of so many bytes, and the arrays
(https://huggingface.co/docs/safetensors). This reader needs NumPy alone and trusts nothing: it looks at sizes, types,
offsets and the depth of the JSON before it makes anything of them. Arrays are views of the file, mapped into memory, so
processes that load one file share its pages.
"""

import json
import math
import mmap
import os
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

import numpy as np

from fastmlp.runtime.program import Decision, Program
from fastmlp.runtime.steps import STEPS, Step

FORMAT = 1
# Larger headers are refused: parsed JSON takes some twenty times the memory of its text. Arrays hold what is long.
MAX_HEADER_BYTES = 256 * 1024
MAX_DEPTH = 24

DTYPES = {
    **{"F64": np.dtype("<f8"), "F32": np.dtype("<f4"), "I64": np.dtype("<i8"), "I32": np.dtype("<i4")},
    **{"U8": np.dtype("u1"), "I8": np.dtype("i1"), "BOOL": np.dtype("?")},
}


class ModelFileError(ValueError):
    """A file that is no model file, or is damaged."""


class NewerFormatError(ModelFileError):
    """A model file of a later version of fastmlp."""


# From a program to JSON and arrays.


def to_parts(program: Program) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What a file holds.

    Parameters
    ----------
    program : Program

    Returns
    -------
    document : dict
        For JSON; ``{"array": name}`` stands for an array.
    arrays : dict of str to ndarray
        Their names sort as the program reads them, so that neighbours lie side by side in the file.
    """
    arrays: dict[str, np.ndarray] = {}
    document = {"format": FORMAT, "program": _plain(program, arrays)}
    return document, arrays


def _plain(value, arrays):
    if isinstance(value, np.ndarray):
        return _array(value, arrays)
    if isinstance(value, (Step, Program, Decision)):
        plain = {one.name: _plain(getattr(value, one.name), arrays) for one in fields(value)}
        return {"kind": type(value).__name__, **plain}
    if isinstance(value, (tuple, list)):
        return [_plain(one, arrays) for one in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(one, arrays) for name, one in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


def _array(value, arrays):
    """An array, or text as the UTF-8 bytes of a JSON list."""
    if value.dtype.kind in "US" or value.dtype.kind == "O":
        text = json.dumps([one.item() if isinstance(one, np.generic) else one for one in value.tolist()])
        return {"list": _array(np.frombuffer(text.encode(), np.uint8), arrays)["array"]}
    name = f"{len(arrays):06d}"
    arrays[name] = np.ascontiguousarray(value)
    return {"array": name}


# And back.


def read(path: str | os.PathLike) -> Program:
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
        If the file is no model file or is damaged: nothing in it is executed, whatever it holds.
    NewerFormatError
        If a later version of fastmlp wrote it.
    OSError
        If it cannot be opened.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < 10:
            raise ModelFileError(f"{os.fspath(path)!r} has {size} bytes, which is no model file.")
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        return parse(content)
    except NewerFormatError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, OverflowError, AttributeError) as error:
        raise ModelFileError(f"{os.fspath(path)!r} is no model file, or is damaged: {error}") from None
