"""The steps of a program: what a fitted model does to a table, as values, each computed here by NumPy alone.

A step is a frozen dataclass of arrays, numbers, text and further steps, so that a file can hold it and an exporter can
read it. ``apply`` takes rows (n_samples, n_inputs) and returns rows; it is the definition that compiled kernels and
exports are held to.

A new step is a class here; its line in `STEPS` gives it a name in files, and each exporter either has a row for it or
refuses it by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastmlp.runtime._activations import FORMULAS


class Step:
    """What all steps have."""

    def n_outputs(self, n_inputs: int) -> int:
        """Columns made of `n_inputs`; raises ValueError where the step does not take so many."""
        return n_inputs

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Rows through the step.

        Parameters
        ----------
        x : ndarray of shape (n_samples, n_inputs)

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
        """
        raise NotImplementedError


def _expect(step, n_inputs, expected):
    if n_inputs != expected:
        raise ValueError(f"{type(step).__name__} takes {expected} columns, not {n_inputs}.")


@dataclass(frozen=True, eq=False)
class Affine(Step):
    """x * scale + shift, a column each."""

    scale: np.ndarray
    shift: np.ndarray

    def n_outputs(self, n_inputs):
        _expect(self, n_inputs, len(self.scale))
        return n_inputs

    def apply(self, x):
        return x * self.scale.astype(x.dtype, copy=False) + self.shift.astype(x.dtype, copy=False)


@dataclass(frozen=True, eq=False)
class Clip(Step):
    """Values below `low` become it, and values above `high`; NaN stays."""

    low: float
    high: float

    def apply(self, x):
        return np.clip(x, self.low, self.high)


@dataclass(frozen=True, eq=False)
class Impute(Step):
    """Where a column is `missing` (NaN by default), its value of `values`."""

    values: np.ndarray
    missing: float = np.nan

    def n_outputs(self, n_inputs):
        _expect(self, n_inputs, len(self.values))
        return n_inputs

    def apply(self, x):
        return np.where(is_missing(x, self.missing), self.values.astype(x.dtype, copy=False), x)


@dataclass(frozen=True, eq=False)
class Indicate(Step):
    """1 where a column is `missing`, else 0."""

    missing: float = np.nan

    def apply(self, x):
        return is_missing(x, self.missing).astype(x.dtype)


def is_missing(x: np.ndarray, missing: float) -> np.ndarray:
    """Where x is `missing`, which may be NaN."""
    return np.isnan(x) if np.isnan(missing) else x == missing


@dataclass(frozen=True, eq=False)
class Take(Step):
    """Some columns, in a given order."""

    columns: tuple[int, ...]

    def n_outputs(self, n_inputs):
        if self.columns and not (0 <= min(self.columns) and max(self.columns) < n_inputs):
            raise ValueError(f"Take reads columns {self.columns}, but there are {n_inputs}.")
        return len(self.columns)

    def apply(self, x):
        return x[:, list(self.columns)]


@dataclass(frozen=True, eq=False)
class Encode(Step):
    """Categories of each column as numbers: their place, or with `one_hot` a column of 0 and 1 for each.

    Attributes
    ----------
    categories : tuple of tuple
        Of each column: text or numbers, in the order of their places.
    one_hot : bool
    dropped : tuple of (int or None)
        With `one_hot`, the place of the category without a column of its own.
    unknown : float or None
        What an unknown category becomes: a number in place of a place; with `one_hot` any number, for zeros only. None
        refuses it.
    """

    categories: tuple[tuple[Any, ...], ...]
    one_hot: bool = False
    dropped: tuple[int | None, ...] = ()
    unknown: float | None = None

    def n_outputs(self, n_inputs):
        _expect(self, n_inputs, len(self.categories))
        if not self.one_hot:
            return n_inputs
        return sum(map(len, self.categories)) - sum(place is not None for place in self.dropped)

    def apply(self, x):
        columns = [self.places(x[:, number], number) for number in range(len(self.categories))]
        if not self.one_hot:
            return np.column_stack(columns)
        hot = []
        for number, places in enumerate(columns):
            of_column = places[:, None] == np.arange(len(self.categories[number]))
            dropped = self.dropped[number] if self.dropped else None
            hot.append(of_column if dropped is None else np.delete(of_column, dropped, axis=1))
        return np.hstack(hot).astype(np.float64)

    def places(self, column: np.ndarray, number: int) -> np.ndarray:
        """Places of a column's categories, as floats: NaN is equal to NaN, and what is unknown becomes `unknown`."""
        known = {_key(category): place for place, category in enumerate(self.categories[number])}
        places = np.array([known.get(_key(value), -1) for value in column.tolist()], dtype=np.float64)
        if (places < 0).any():
            if self.unknown is None:
                value = column[int(np.argmax(places < 0))]
                raise ValueError(
                    f"Column {number} has the category {value!r}, which the encoder did not learn; pass one of "
                    f"{self.categories[number]}."
                )
            places[places < 0] = np.nan if self.one_hot else self.unknown
        return places


def _key(value):
    """NaN and None as keys that equal themselves."""
    return "missing" if value is None or value != value else (str, value) if isinstance(value, str) else value


@dataclass(frozen=True, eq=False)
class Dense(Step):
    """x W + b (S1)."""

    weights: np.ndarray
    bias: np.ndarray

    def n_outputs(self, n_inputs):
        _expect(self, n_inputs, len(self.weights))
        if self.bias.shape != self.weights.shape[1:]:
            raise ValueError(f"Dense has weights of shape {self.weights.shape} and a bias of {self.bias.shape}.")
        return self.weights.shape[1]

    def apply(self, x):
        return x @ self.weights.astype(x.dtype, copy=False) + self.bias.astype(x.dtype, copy=False)


@dataclass(frozen=True, eq=False)
class Activate(Step):
    """An activation (S7) by the name of its kernel.

    Attributes
    ----------
    kernel : str
        A key of ``FORMULAS``.
    constants : tuple of float
        Slopes, scales or sizes, as the kernel reads them.
    groups : tuple of int
        Sizes of groups of columns: of each softmax, or one for all of maxout's and increasing's.
    exponents : tuple of tuple of float
        Of power_product, (units, outputs).
    """

    kernel: str
    constants: tuple[float, ...] = ()
    groups: tuple[int, ...] = ()
    exponents: tuple[tuple[float, ...], ...] = ()

    def n_outputs(self, n_inputs):
        return FORMULAS[self.kernel].n_outputs(self, n_inputs)

    def apply(self, x):
        with np.errstate(over="ignore"):
            return FORMULAS[self.kernel].apply(self, x)


@dataclass(frozen=True, eq=False)
class Parallel(Step):
    """Branches of steps, each over all columns; what they make stands side by side, or is averaged by `weights`."""

    branches: tuple[tuple[Step, ...], ...]
    weights: tuple[float, ...] = ()

    def n_outputs(self, n_inputs):
        widths = [n_outputs_of(branch, n_inputs) for branch in self.branches]
        if not self.weights:
            return sum(widths)
        if len(set(widths)) != 1 or len(self.weights) != len(widths):
            raise ValueError(f"Parallel averages branches of {widths} columns by {len(self.weights)} weights.")
        return widths[0]

    def apply(self, x):
        outputs = [apply(branch, x) for branch in self.branches]
        if not self.weights:
            return np.hstack(outputs)
        return sum(weight * output for weight, output in zip(self.weights, outputs, strict=True))


@dataclass(frozen=True, eq=False)
class BothClasses(Step):
    """Two columns out of one: the logits -z and z of both classes."""

    def n_outputs(self, n_inputs):
        _expect(self, n_inputs, 1)
        return 2

    def apply(self, x):
        return np.hstack([-x, x])


@dataclass(frozen=True, eq=False)
class Normalize(Step):
    """Each row divided by its sum; rows without one become equal parts."""

    def apply(self, x):
        sums = x.sum(axis=1, keepdims=True)
        return np.divide(x, sums, out=np.full_like(x, 1 / x.shape[1]), where=sums > 0)


STEPS: dict[str, type[Step]] = {
    step.__name__: step
    for step in (
        *(Affine, Clip, Impute, Indicate, Take, Encode, Dense, Activate, Parallel, BothClasses, Normalize),
    )
}


def apply(steps: Sequence[Step], x: np.ndarray) -> np.ndarray:
    """Rows through one step after the other."""
    for step in steps:
        x = step.apply(x)
    return x


def n_outputs_of(steps: Sequence[Step], n_inputs: int) -> int:
    """Columns that the steps make of `n_inputs`; raises ValueError where they do not fit each other."""
    for step in steps:
        n_inputs = step.n_outputs(n_inputs)
    return n_inputs
