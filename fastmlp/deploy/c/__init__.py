"""Programs as C: one file of C99, which is C++ too, and a header.

``_source.py`` puts the files together, ``_steps.py`` turns steps into calls, ``_kernels.py`` and ``_products.py`` have
the functions that are called.
"""

import os
import re
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from fastmlp._names import unknown
from fastmlp._paths import check_path, written_file
from fastmlp.deploy.c._products import FEW_WEIGHTS
from fastmlp.deploy.c._source import sources_of
from fastmlp.runtime._quantize import quantize
from fastmlp.runtime._simplify import simplified
from fastmlp.runtime.predictor import Predictor
from fastmlp.runtime.program import Program
from fastmlp.runtime.steps import Dense, Parallel, Step

WEIGHTS = ("float32", "int8")
# Headers that a program includes by <name.h>, before which the compiler may find ours.
STANDARD_HEADERS = frozenset(
    """assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdarg stdbool stddef
    stdint stdio stdlib string tgmath time wchar wctype""".split()  # noqa: SIM905
)


class Loss(NamedTuple):
    """What int8 weights lose, on rows.

    Attributes
    ----------
    n_rows : int
    max_difference : float
        The largest difference of a probability, or of another output, from that with float32 weights.
    n_changed : int or None
        Rows of which another class is predicted; None for regressors.
    """

    n_rows: int
    max_difference: float
    n_changed: int | None

    def __str__(self) -> str:
        changed = f"; {self.n_changed} of them have another class" if self.n_changed is not None else ""
        return f"int8 weights change outputs of {self.n_rows} rows by at most {self.max_difference:.2g}{changed}."


def write(program: Program, path: str | os.PathLike[str], weights: str, X: Any) -> Loss | None:
    """Write a program as C; the estimators' ``to_c`` says how."""
    if weights not in WEIGHTS:
        raise ValueError(unknown("weights", weights, WEIGHTS))
    if weights == "int8" and X is None:
        raise ValueError(
            "X is None, but weights='int8' lose accuracy, which is measured on rows; pass rows like those to come."
        )
    if weights != "int8" and X is not None:
        raise ValueError("X is given, on which the loss of weights='int8' is measured; leave it out for float32.")
    stem, header_path = _names_of(path)
    loss = _loss(program, X) if weights == "int8" else None
    source, header = sources_of(program, stem, weights, () if loss is None else (str(loss),))
    with written_file(header_path) as file, written_file(path) as c_file:
        file.write(header.encode())
        c_file.write(source.encode())
    if loss is not None:
        print(loss)
    return loss


def _names_of(path):
    """Name of the files without the ends, and the path of the header."""
    check_path(path)
    folder, name = os.path.split(os.fspath(path))
    stem, end = os.path.splitext(name)
    if end != ".c" or not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", stem):
        raise ValueError(
            f"path is {os.fspath(path)!r}; its name has to be one that C functions can begin with, and .c, such as "
            "'model.c'."
        )
    if stem.lower() in STANDARD_HEADERS:
        raise ValueError(
            f"path is {os.fspath(path)!r}, whose header would hide C's own <{stem}.h>; choose another name."
        )
    header = os.path.join(folder, f"{stem}.h")
    check_path(header)
    return stem, header


def _loss(program, X):
    exact = replace(program, dtype="float32", steps=simplified(program.steps, "float32"))
    both = exact, replace(exact, steps=tuple(map(_rounded, exact.steps)))
    out = "raw" if program.head is None else "proba"
    pairs = zip(*(_as_list(Predictor(each, out=out)(X)) for each in both), strict=True)
    differences = [np.abs(of_exact - of_rounded) for of_exact, of_rounded in pairs]
    difference = float(max(each.max(initial=0.0) for each in differences))
    if program.decision.kind == "numbers":
        return Loss(len(differences[0]), difference, None)
    labels = [Predictor(each, out="labels")(X) for each in both]
    differ = (labels[0] != labels[1]).reshape(len(labels[0]), -1).any(axis=1)
    return Loss(len(differ), difference, int(differ.sum()))


def _as_list(outputs):
    return outputs if isinstance(outputs, list) else [outputs]


def _rounded(step: Step) -> Step:
    """A step with the weights that int8 stands for."""
    if isinstance(step, Parallel):
        return replace(step, branches=tuple(tuple(map(_rounded, branch)) for branch in step.branches))
    if isinstance(step, Dense) and step.weights.size > FEW_WEIGHTS:
        return replace(step, weights=quantize(step.weights).weights())
    return step
