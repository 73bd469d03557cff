"""What a network checks of arrays and seeds, with scikit-learn's refusals but without scikit-learn."""

import sys
from contextlib import suppress
from numbers import Integral, Number

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from fastmlp._fork import forks_wait_for
from fastmlp._names import did_you_mean
from fastmlp._unreadable import check_no_dates


def check_random_state(random_state: object) -> np.random.RandomState:
    """Turn a seed into random numbers.

    Parameters
    ----------
    random_state : None, int or RandomState
        None stands for NumPy's global random numbers.

    Returns
    -------
    random_state : RandomState

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if isinstance(random_state, np.random.RandomState):
        forks_wait_for(random_state)
        return random_state
    if isinstance(random_state, Integral):
        return np.random.RandomState(int(random_state))
    if random_state is None or random_state is np.random:
        return np.random.mtrand._rand
    raise ValueError(f"{random_state!r} cannot be used to seed a numpy.random.RandomState instance")


def float_dtype(dtype: object) -> np.dtype:
    """The dtype to compute in.

    Parameters
    ----------
    dtype : str, type or dtype
        What NumPy reads as float32 or float64 in the machine's own order of bytes.

    Returns
    -------
    numpy.dtype

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if isinstance(dtype, (str, type, np.dtype)):
        with suppress(TypeError, ValueError):  # what NumPy says of names it does not know
            read = np.dtype(dtype)
            if read in (np.float32, np.float64):
                return read
    hint = did_you_mean("dtype", dtype, ["float32", "float64"])
    raise ValueError(f"dtype is {dtype!r}; use 'float32' or 'float64'.{hint}")


def check_array(array: ArrayLike, *, dtype: DTypeLike, name: str, ensure_2d: bool = True) -> np.ndarray:
    """Make a C-contiguous array of finite numbers.

    Parameters
    ----------
    array : array-like
    dtype : float32 or float64
    name : str
        What error messages call it.
    ensure_2d : bool, default=True
        Whether one dimension is too few.

    Returns
    -------
    array : ndarray of shape (n_samples, n_features) or (n_samples,)
        The argument itself where it is like this already.

    Raises
    ------
    TypeError
        If it is sparse, a ``numpy.matrix`` or a single number.
    ValueError
        If it is complex, has other dimensions, no rows or no columns, or holds NaN or infinity.
    """
    dtype = np.dtype(dtype)
    dense = _as_dense(array, name, dtype)
    with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused below
        dense = dense.astype(dtype, order="C", copy=False)
    _check_shape(dense, name, ensure_2d)
    _check_finite(dense, name)
    for size, what in zip(dense.shape, ("sample", "feature"), strict=False):
        if size < 1:
            raise ValueError(f"Found array with 0 {what}(s) (shape={dense.shape}) while a minimum of 1 is required.")
    return dense


def check_same_length(first: np.ndarray, second: np.ndarray) -> None:
    """Check that two arrays have one row for each other.

    Raises
    ------
    ValueError
        If they have not.
    """
    if len(first) != len(second):
        raise ValueError(f"Found input variables with inconsistent numbers of samples: [{len(first)}, {len(second)}]")


def check_sample_weight(sample_weight: ArrayLike, X: np.ndarray) -> np.ndarray:
    """Make one weight for each row of X, in the dtype of X.

    Parameters
    ----------
    sample_weight : float or array-like of shape (n_samples,)
    X : ndarray of shape (n_samples, n_features)

    Returns
    -------
    sample_weight : ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If they are of another shape, negative, all 0, NaN or infinite.
    """
    if isinstance(sample_weight, Number):
        sample_weight = np.full(len(X), sample_weight, dtype=X.dtype)
    weights = check_array(sample_weight, dtype=X.dtype, name="sample_weight", ensure_2d=False)
    if weights.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {weights.ndim}D array. Expected either a scalar "
            f"value or a 1D array of length {len(X)}."
        )
    if len(weights) != len(X):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(len(X),)}!")
    check_some_weight(weights)
    if weights.min() < 0:
        raise ValueError("Negative values in data passed to `sample_weight`.")
    return weights


def check_some_weight(weights: np.ndarray) -> None:
    """Refuse weights that are all 0, in the words of newer versions of scikit-learn; older ones let them pass."""
    if not weights.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")


def _as_dense(array, name, dtype):
    sparse = sys.modules.get("scipy.sparse")  # whoever passes a sparse matrix has imported it
    if sparse is not None and sparse.issparse(array):
        raise TypeError(
            f"Sparse data was passed for {name}, but dense data is required. Use '.toarray()' to convert to a dense "
            "numpy array."
        )
    if isinstance(array, np.matrix):
        raise TypeError("np.matrix is not supported. Please convert to a numpy array with np.asarray.")
    check_no_dates(array, name)
    dense = np.asarray(array) if hasattr(array, "__array__") else np.asarray(array, dtype=dtype)
    if dense.dtype == object and hasattr(array, "iloc"):  # pandas, whose missing values are no numbers
        return array.to_numpy(dtype=dtype, na_value=np.nan)
    if dense.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{dense}\n")
    return dense


def _check_shape(array, name, ensure_2d):
    if array.ndim == 0 and not ensure_2d:
        raise TypeError(f"{name} is a single number; pass one for each sample.")
    if array.ndim < 2 and ensure_2d:
        what = "scalar array" if array.ndim == 0 else "1D array"
        raise ValueError(
            f"Expected 2D array, got {what} instead:\narray={array}.\nReshape your data either using "
            "array.reshape(-1, 1) if your data has a single feature or array.reshape(1, -1) if it contains a single "
            "sample."
        )
    if array.ndim > 2:
        raise ValueError(f"Found array with dim {array.ndim}, while dim <= 2 is required.")


def _check_finite(array, name):
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum()):  # takes no memory, and is nearly always so
            return
    if np.isfinite(array).all():
        return
    what = "NaN" if np.isnan(array).any() else f"infinity or a value too large for {array.dtype!r}"
    raise ValueError(f"Input {name} contains {what}.")
