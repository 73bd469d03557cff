"""The steps of a program: what a fitted model does to a table, as values, each computed here by NumPy alone.

A step is a frozen dataclass of arrays, numbers, text and further steps, so that a file can hold it and an exporter can
read it. ``apply`` takes rows (n_samples, n_inputs) and returns rows; it is the definition that compiled kernels and
exports are held to.

A new step is a class here and its place in `STEPS`, whose names stand in files; each exporter either has a row for it
or refuses it by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastmlp._fork import computed_once
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


@dataclass(frozen=True, eq=False)
class Affine(Step):
    """(x - center) * scale + shift, a column each."""

    center: np.ndarray
    scale: np.ndarray
    shift: np.ndarray

    def n_outputs(self, n_inputs: int) -> int:
        """As many as it takes."""
        _expect_vectors(self, n_inputs, self.center, self.scale, self.shift)
        return n_inputs

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Scaled and shifted columns."""
        x = numbers(x)
        center, scale, shift = (array.astype(x.dtype, copy=False) for array in (self.center, self.scale, self.shift))
        return (x - center) * scale + shift


@dataclass(frozen=True, eq=False)
class Clip(Step):
    """Values below `low` become it, and values above `high`; NaN stays."""

    low: float
    high: float

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Values between both."""
        return np.clip(numbers(x), self.low, self.high)


@dataclass(frozen=True, eq=False)
class Impute(Step):
    """Where a column is `missing`, its value of `values`; in columns of numbers None is NaN."""

    values: np.ndarray
    missing: Any = np.nan

    def n_outputs(self, n_inputs: int) -> int:
        """As many as it takes."""
        if self.values.shape != (n_inputs,) or not holds_scalars(self.values):
            raise ValueError(f"Impute has values of shape {self.values.shape} for {n_inputs} columns.")
        return n_inputs

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Columns without what is missing."""
        if self.values.dtype.kind in "OU":
            x = x.astype(object, copy=False)
            return np.where(is_missing(x, self.missing), self.values.astype(object), x)
        x = numbers(x)
        return np.where(is_missing(x, self.missing), self.values.astype(x.dtype, copy=False), x)


@dataclass(frozen=True, eq=False)
class Indicate(Step):
    """1 where a column is `missing`, else 0."""

    missing: Any = np.nan

    def apply(self, x: np.ndarray) -> np.ndarray:
        """0 and 1."""
        if x.dtype != object:
            x = numbers(x)
            return is_missing(x, self.missing).astype(x.dtype)
        columns = [is_missing(_numbers_or_words(column), self.missing) for column in x.T]
        return np.column_stack(columns).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Take(Step):
    """Some columns, in a given order."""

    columns: np.ndarray

    def n_outputs(self, n_inputs: int) -> int:
        """As many as are taken."""
        if self.columns.ndim != 1 or self.columns.dtype.kind not in "iu":
            raise ValueError("Take has no list of columns.")
        if self.columns.size and not (self.columns.min() >= 0 and self.columns.max() < n_inputs):
            raise ValueError(f"Take reads columns up to {self.columns.max()}, but there are {n_inputs}.")
        return len(self.columns)

    def apply(self, x: np.ndarray) -> np.ndarray:
        """The columns that are taken."""
        return x[:, self.columns]


@dataclass(frozen=True, eq=False)
class Encode(Step):
    """Categories of each column as numbers: their place, or with `one_hot` a column of 0 and 1 for each.

    Attributes
    ----------
    categories : tuple of ndarray of shape (n_categories,)
        Of each column: text, numbers or objects, in the order of their places.
    one_hot : bool
    dropped : tuple of int
        With `one_hot`, of each column the place of the category without a column of its own, -1 for none; empty for
        none at all.
    unknown : float or None
        What an unknown category becomes: a number in place of a place; with `one_hot` any number, for zeros only. None
        refuses it.
    missing : float or None
        Without `one_hot`, what takes the place of NaN's.
    """

    categories: tuple[np.ndarray, ...]
    one_hot: bool = False
    dropped: tuple[int, ...] = ()
    unknown: float | None = None
    missing: float | None = None

    def n_outputs(self, n_inputs: int) -> int:
        """One for each column, or for each category that is not dropped."""
        if n_inputs != len(self.categories):
            raise ValueError(f"Encode takes {len(self.categories)} columns, not {n_inputs}.")
        if not all(map(holds_scalars, self.categories)):
            raise ValueError("Encode has categories that are neither words nor numbers.")
        if self.dropped and len(self.dropped) != n_inputs:
            raise ValueError(f"Encode drops {len(self.dropped)} categories of {n_inputs} columns.")
        if not self.one_hot:
            return n_inputs
        return sum(map(len, self.categories)) - sum(place >= 0 for place in self.dropped)

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Places, or 0 and 1."""
        columns = [self.places(x[:, number], number) for number in range(len(self.categories))]
        if not self.one_hot:
            return np.column_stack(columns)
        hot = []
        for number, places in enumerate(columns):
            of_column = places[:, None] == np.arange(len(self.categories[number]))
            drops = bool(self.dropped) and self.dropped[number] >= 0
            hot.append(np.delete(of_column, self.dropped[number], axis=1) if drops else of_column)
        return np.hstack(hot).astype(np.float64)

    def places(self, column: np.ndarray, number: int) -> np.ndarray:
        """Places of a column's categories, as floats; NaN is equal to NaN."""
        known = self._known[number]
        try:
            found = [known.get(category_key(value)) for value in column.tolist()]
        except TypeError:
            raise ValueError(f"Column {number} of an encoder holds what is neither a word nor a number.") from None
        if None not in found:
            return np.array(found, dtype=np.float64)
        if self.unknown is None:
            raise ValueError(
                f"Column {number} of an encoder has the category {column.tolist()[found.index(None)]!r}, which it did "
                f"not learn; pass one of {self.categories[number].tolist()}."
            )
        unknown = np.nan if self.one_hot else self.unknown
        return np.array([unknown if place is None else place for place in found], dtype=np.float64)

    @computed_once
    def _known(self) -> list[dict[Any, float]]:
        """Places by category, of each column."""
        columns = []
        for categories in self.categories:
            places = {category_key(category): float(place) for place, category in enumerate(categories)}
            if self.missing is not None and NAN_KEY in places:
                places[NAN_KEY] = self.missing
            columns.append(places)
        return columns


@dataclass(frozen=True, eq=False)
class Embed(Step):
    """Columns of codes become rows of tables, behind the other columns; as `fastmlp.layers.Embedding`."""

    columns: tuple[int, ...]
    tables: tuple[np.ndarray, ...]

    def n_outputs(self, n_inputs: int) -> int:
        """The columns that are no codes, and those of the tables."""
        if len(self.columns) != len(self.tables) or not all(0 <= column < n_inputs for column in self.columns):
            raise ValueError(f"Embed reads columns {self.columns} of {n_inputs} with {len(self.tables)} tables.")
        if any(table.ndim != 2 or table.dtype.kind != "f" for table in self.tables):
            raise ValueError("Embed has a table that is no matrix of floats.")
        return n_inputs - len(self.columns) + sum(table.shape[1] for table in self.tables)

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Columns that are no codes, and rows of the tables."""
        x = numbers(x)
        parts = [np.delete(x, self.columns, axis=1)]
        for column, table in zip(self.columns, self.tables, strict=True):
            codes = x[:, column]
            wrong = ~((codes >= 0) & (codes < len(table)) & (codes % 1 == 0))
            if wrong.any():
                raise ValueError(
                    f"Column {column} has the code {codes[wrong][0]:g}, but it has to be one of 0 to {len(table) - 1}."
                )
            parts.append(table[codes.astype(np.intp)].astype(x.dtype, copy=False))
        return np.hstack(parts)


@dataclass(frozen=True, eq=False)
class Dense(Step):
    """x W + b (S1)."""

    weights: np.ndarray
    bias: np.ndarray

    def n_outputs(self, n_inputs: int) -> int:
        """One for each unit."""
        if self.weights.dtype.kind != "f" or self.bias.dtype.kind != "f":
            raise ValueError("Dense has weights or a bias that are no floats.")
        if self.weights.ndim != 2 or len(self.weights) != n_inputs or self.bias.shape != self.weights.shape[1:]:
            raise ValueError(
                f"Dense has weights of shape {self.weights.shape} and a bias of {self.bias.shape} for {n_inputs} "
                "columns."
            )
        return self.weights.shape[1]

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Z = x W + b."""
        x = numbers(x)
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
        Columns of each softmax; empty for one of all columns.
    exponents : ndarray of shape (units, n_outputs), or None
        Of power_product.
    """

    kernel: str
    constants: tuple[float, ...] = ()
    groups: tuple[int, ...] = ()
    exponents: np.ndarray | None = None

    def n_outputs(self, n_inputs: int) -> int:
        """As many as the activation makes of them."""
        formula = FORMULAS.get(self.kernel)
        if formula is None or len(self.constants) != formula.n_constants:
            raise ValueError(f"There is no activation {self.kernel!r} with the constants {self.constants}.")
        if (self.groups and self.kernel != "softmax") or (
            (self.exponents is not None) != (self.kernel == "power_product")
        ):
            raise ValueError(f"The activation {self.kernel!r} has groups or exponents, or none, as it should not.")
        return formula.outputs_of(self, n_inputs)

    def apply(self, x: np.ndarray) -> np.ndarray:
        """A = h(x)."""
        with np.errstate(over="ignore"):
            return FORMULAS[self.kernel].apply(self, x)


@dataclass(frozen=True, eq=False)
class Parallel(Step):
    """Branches of steps, each over all columns; what they make stands side by side, or is added by `weights`."""

    branches: tuple[tuple[Step, ...], ...]
    weights: tuple[float, ...] = ()

    def n_outputs(self, n_inputs: int) -> int:
        """Those of all branches, or of one where they are added."""
        widths = [n_outputs_of(branch, n_inputs) for branch in self.branches]
        if not self.weights:
            return sum(widths)
        if len(set(widths)) != 1 or len(self.weights) != len(widths):
            raise ValueError(f"Parallel adds branches of {widths} columns by {len(self.weights)} weights.")
        return widths[0]

    def apply(self, x: np.ndarray) -> np.ndarray:
        """The branches side by side, or their weighted sum."""
        return joined([apply(branch, x) for branch in self.branches], self.weights)


@dataclass(frozen=True, eq=False)
class Normalize(Step):
    """Each row divided by its sum, or each of its groups of columns; what sums to 0 becomes equal parts."""

    groups: tuple[int, ...] = ()

    def n_outputs(self, n_inputs: int) -> int:
        """As many as it takes."""
        if self.groups and (sum(self.groups) != n_inputs or min(self.groups) < 1):
            raise ValueError(f"Normalize has groups of {self.groups} columns, not {n_inputs}.")
        return n_inputs

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Shares that sum to 1."""
        return np.hstack([_normalized(part) for part in split(x, self.groups)])


# The key of NaN, which equals itself.
NAN_KEY = ("NaN",)

STEPS: dict[str, type[Step]] = {
    step.__name__: step
    for step in (*(Affine, Clip, Impute, Indicate, Take, Encode, Embed, Dense, Activate, Parallel, Normalize),)
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


def joined(outputs: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """What branches make, side by side, or added by weights if there are some."""
    if not weights:
        return np.hstack(outputs)
    return np.sum([weight * output for weight, output in zip(weights, outputs, strict=True)], axis=0)


def split(x: np.ndarray, sizes: Sequence[int]) -> list[np.ndarray]:
    """Groups of so many consecutive columns each; all of them for no sizes."""
    return np.split(x, np.cumsum(sizes)[:-1], axis=1) if len(sizes) else [x]


def numbers(x: np.ndarray) -> np.ndarray:
    """Floats, where rows may have come with words beside the columns that are used."""
    if x.dtype in (np.float32, np.float64):
        return x
    if x.dtype.kind in "cmM":
        raise ValueError(f"X is of {x.dtype}; pass real numbers.")
    try:
        return x.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"A column that has to hold numbers holds something else: {error}.") from None


def _numbers_or_words(column):
    """A column of objects as floats, of which None is NaN, if it holds nothing but numbers."""
    try:
        return numbers(column)
    except ValueError:
        return column


def is_missing(x: np.ndarray, missing: Any) -> np.ndarray:
    """Where x is `missing`, which may be NaN or None."""
    if x.dtype == object:
        key = category_key(missing)
        return np.array([category_key(value) == key for value in x.ravel().tolist()], dtype=bool).reshape(x.shape)
    is_nan = missing is None or missing != missing  # None is NaN among numbers
    return np.isnan(x) if is_nan else np.asarray(x == missing, dtype=bool)


def category_key(value: Any) -> Any:
    """What equals exactly the keys of the same category: numbers by value, and NaN too."""
    if isinstance(value, np.generic):
        value = value.item()
    return NAN_KEY if isinstance(value, float) and value != value else value


def holds_scalars(array: np.ndarray) -> bool:
    """Whether an array of one dimension holds words and numbers only."""
    if array.ndim != 1 or array.dtype.kind not in "biufUO":
        return False
    return array.dtype != object or all(isinstance(value, str | int | float | None) for value in array.tolist())


def _normalized(x):
    sums = x.sum(axis=1, keepdims=True)
    return np.divide(x, sums, out=np.full_like(x, 1 / x.shape[1]), where=sums > 0)


def _expect_vectors(step, n_inputs, *vectors):
    if any(vector.shape != (n_inputs,) or vector.dtype.kind != "f" for vector in vectors):
        raise ValueError(f"{type(step).__name__} has vectors of shape {vectors[0].shape} for {n_inputs} columns.")
