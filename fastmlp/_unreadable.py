"""What is no number: dates are refused before NumPy counts them, and refusals name the column and a remedy."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

# What dates become, each with what to pass instead.
REMEDIES = {
    "dates": "days since a fixed date, or year, month and weekday",
    "durations": "seconds",
    "times": "seconds since midnight",
}
# Kinds of dtypes that hold no dates.
NO_DATES = "biufcSU"
SHOWN_COLUMNS = 5


def check_no_dates(array: Any, name: str) -> None:
    """Refuse dates, times and durations, which NumPy converts to numbers that depend on their unit.

    Parameters
    ----------
    array : array-like, data frame or sparse array
        Where dtypes say what it holds, only these are looked at.
    name : str
        What the message calls it.

    Raises
    ------
    ValueError
        If a column holds one.
    TypeError
        If it is a LazyFrame.
    """
    if getattr(getattr(array, "dtype", None), "kind", "O") in NO_DATES:
        return
    check_collected(array, name)
    found: dict[str, list] = {}
    for column, values in _columns(array, left_out=NO_DATES):
        what = _dates_in(values)
        if what is not None:
            found.setdefault(what, []).append(column)
    for what, columns in found.items():
        raise ValueError(
            f"{_place(columns, name)} {what}, which are not numbers; pass numbers instead, for example "
            f"{REMEDIES[what]}."
        )


def check_collected(array: Any, name: str) -> None:
    """Refuse polars' LazyFrame, which is a plan to make rows, and has none.

    Parameters
    ----------
    array : object
    name : str
        What the message calls it.

    Raises
    ------
    TypeError
        If it is one.
    """
    if type(array).__name__ == "LazyFrame":
        raise TypeError(f"{name} is a LazyFrame, which has no rows yet; pass {name}.collect().")


def check_numbers(array: np.ndarray, name: str) -> None:
    """Refuse an array of a dtype that holds no numbers.

    Parameters
    ----------
    array : ndarray
    name : str
        What the message calls it.

    Raises
    ------
    ValueError
        If it holds words, also where these are numerals.
    TypeError
        If it holds objects that are no numbers.
    """
    if array.dtype.kind in "biuf":
        return
    raise _refusal(array, name, np.dtype(np.float64), False) or ValueError(
        f"{name} holds numbers of dtype {array.dtype}; pass np.asarray({name}).astype(float)."
    )


@contextmanager
def elements_named(dtype: DTypeLike, *, labels: bool = False, **arrays: Any) -> Iterator[None]:
    """Check arrays in a with statement; what it refuses for their elements is refused by column, with a remedy.

    Dates are refused before.

    Parameters
    ----------
    dtype : dtype
        What the elements have to fit into.
    labels : bool, default=False
        Whether ``y`` holds labels, which may be words, dates or other objects.
    **arrays : array-like, data frame, sparse array or None
        Each by the name that the message calls it.

    Raises
    ------
    ValueError
        If a column holds dates, words, NaN or infinity.
    TypeError
        If it holds other objects.
    """
    for name, array in arrays.items():
        check_collected(array, name)
        if not (labels and name == "y"):
            check_no_dates(array, name)
    try:
        with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused
            yield
    except (TypeError, ValueError):
        for name, array in arrays.items():
            refusal = None if array is None else _refusal(array, name, np.dtype(dtype), labels and name == "y")
            if refusal is not None:
                raise refusal from None
        raise


def _refusal(array, name, dtype, labels):
    """What to raise for the elements of an array; None if they are finite numbers, or labels."""
    found: dict[str, list] = {}
    for column, values in _columns(array):
        fault, value = _fault_in(values, dtype, labels)
        if fault is not None:
            found.setdefault(fault, []).append((column, value))
    for fault, refusal in REFUSALS.items():
        if fault in found:
            columns, values = zip(*found[fault], strict=True)
            value = values[0].item() if isinstance(values[0], np.generic) else values[0]
            return refusal(list(columns), value, name, dtype)
    fills = [] if getattr(array, "sparse", None) is None else [column.fill_value for column in array.dtypes]
    if any(fill != 0 for fill in fills):
        return ValueError(
            f"{name} is a sparse frame that leaves out {fills[0]!r}, not 0; pass {name}.sparse.to_dense()."
        )
    return None


def _refusal_of_words(columns, value, name, dtype):
    if name == "y":
        remedy = "use MLPClassifier to predict labels, or pass numbers"
    elif name == "sample_weight":
        remedy = "pass a number for each row, or set class_weight='balanced' of MLPClassifier"
    elif columns == [None]:
        remedy = f"pass {name} as columns of numbers, of texts for example by sklearn's TfidfVectorizer"
    else:
        chosen = columns if len(columns) <= SHOWN_COLUMNS else "[...]"
        remedy = (
            "encode them before the model, for example by sklearn's make_column_transformer((OneHotEncoder("
            f"handle_unknown='ignore'), {chosen}), remainder='passthrough')"
        )
    return ValueError(f"{_place(columns, name)} words, for example {value!r}; {remedy}.")


def _refusal_of_complex(columns, value, name, dtype):
    # The words that scikit-learn's checks of estimators look for.
    remedy = "pass real and imaginary parts as columns of their own" if name == "X" else "pass real numbers"
    return ValueError(
        f"Complex data not supported: {_place(columns, name)} complex numbers, for example {value!r}; {remedy}."
    )


def _refusal_of_objects(columns, value, name, dtype):
    # The words that scikit-learn's checks of estimators look for.
    return TypeError(
        f"{_place(columns, name)} objects of type {type(value).__name__}, for example {value!r}, but each argument "
        "must be a number, or a string of a number; convert or encode them."
    )


def _refusal_of_missing(columns, value, name, dtype):
    remedy = {
        "X": "put sklearn's SimpleImputer(add_indicator=True) before the model in a pipeline, or leave out these rows",
        "y": "leave out the rows without a target",
    }
    return ValueError(f"Input {name} contains NaN{_in_columns(columns)}; {remedy.get(name, 'pass numbers instead')}.")


def _refusal_of_infinite(columns, value, name, dtype):
    return ValueError(
        f"Input {name} contains infinity or a value too large for {dtype!r}{_in_columns(columns)}, for example "
        f"{value:g}; leave out infinite values, and scale large ones."
    )


# In the order in which they are to be mended.
REFUSALS = {
    "complex": _refusal_of_complex,
    "words": _refusal_of_words,
    "objects": _refusal_of_objects,
    "missing": _refusal_of_missing,
    "infinite": _refusal_of_infinite,
}


def _fault_in(values, dtype, labels):
    """Name of the first fault of a column's elements in `REFUSALS`, with one of them; (None, None) if there is none."""
    if values.dtype.kind == "c":
        return "complex", values[0]
    if values.dtype.kind in "OSUmM":
        missing = [_is_missing(value) for value in values]
        if labels:
            return ("missing", None) if any(missing) else (None, None)
        for value, is_missing in zip(values, missing, strict=True):
            if not (is_missing or _is_number(value)):
                return "words" if isinstance(value, str | bytes) else "objects", value
        values = np.array([np.nan if gone else float(value) for value, gone in zip(values, missing, strict=True)])
    if values.dtype.kind != "f":
        return None, None
    with np.errstate(over="ignore"):
        converted = values.astype(dtype, copy=False)
    if np.isnan(converted).any():
        return "missing", None
    large = values[np.isinf(converted)]
    return ("infinite", large[0]) if large.size else (None, None)


def _is_missing(value):
    """Whether it is None, NaN, or one of pandas' words for these."""
    if isinstance(value, float | np.floating):
        return np.isnan(value)
    return (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, np.datetime64 | np.timedelta64) and np.isnat(value))
    )


def _is_number(value):
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _dates_in(values):
    """A key of `REMEDIES` if a column holds such, else None."""
    if values.dtype.kind != "O":
        return {"M": "dates", "m": "durations"}.get(values.dtype.kind)
    for kind in set(map(type, values.ravel())):
        if issubclass(kind, datetime.timedelta | np.timedelta64):
            return "durations"
        # Periods of pandas, which may not be installed, have to_timestamp; its NaT is a datetime.
        if issubclass(kind, datetime.date | np.datetime64) or hasattr(kind, "to_timestamp"):
            return "dates"
        if issubclass(kind, datetime.time):
            return "times"
    return None


def _columns(array, left_out=""):
    """Names or numbers of columns, and their values, without those of the kinds of dtypes to leave out.

    None is the name of what has not two dimensions.
    """
    if hasattr(array, "iloc") and hasattr(array, "columns"):  # pandas, where two columns may have one name
        for number, (name, dtype) in enumerate(zip(array.columns, array.dtypes, strict=True)):
            if dtype.kind not in left_out:
                yield name, np.asarray(array.iloc[:, number])
        return
    names = getattr(array, "column_names", getattr(array, "columns", None))  # pyarrow's, polars'
    if names is not None:
        yield from ((name, np.asarray(array[name])) for name in names)
        return
    if hasattr(array, "tocoo"):
        entries = array.tocoo()
        column_of = entries.coords[-1]
        for number in np.unique(column_of[~np.isfinite(entries.data) | np.iscomplexobj(entries.data)]).tolist():
            yield number, entries.data[column_of == number]
        return
    values = _as_array(array)
    if values.ndim != 2:
        yield None, values.ravel()
    elif values.dtype.kind not in left_out:
        yield from enumerate(values.T)


def _as_array(array):
    try:
        return np.asarray(array)
    except ValueError:  # rows of different lengths, whose refusal by NumPy says so
        return np.empty((0, 0))


def _place(columns, name):
    """The beginning of a sentence."""
    if columns == [None]:
        return f"{name} holds"
    return f"{'Columns' if len(columns) > 1 else 'Column'} {_listed(columns)} of {name} hold{'s' * (len(columns) == 1)}"


def _in_columns(columns):
    return "" if columns == [None] else f" in column{'s' * (len(columns) > 1)} {_listed(columns)}"


def _listed(columns):
    shown, more = columns[:SHOWN_COLUMNS], len(columns) - SHOWN_COLUMNS
    parts = [repr(column) for column in shown] + ([f"{more} more"] if more > 0 else [])
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
