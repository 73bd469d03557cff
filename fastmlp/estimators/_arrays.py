"""What scikit-learn's validation leaves to do before arrays go to the core."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse


def for_core(X: ArrayLike) -> ArrayLike:
    """X as the core reads it: contiguous and aligned, a sparse one with indices that are all inside and in order.

    Copied only where that is not so, as in a file mapped at an odd offset.
    """
    if not issparse(X):
        return np.require(X, requirements=["C", "A"])
    index_dtype = np.result_type(X.indices, X.indptr)
    arrays = (
        np.require(X.data, requirements=["C", "A"]),
        np.require(X.indices, index_dtype, ["C", "A"]),
        np.require(X.indptr, index_dtype, ["C", "A"]),
    )
    if any(new is not old for new, old in zip(arrays, (X.data, X.indices, X.indptr), strict=True)):
        X = type(X)(arrays, shape=X.shape)
    X.check_format(full_check=True)
    return X if X.has_sorted_indices else X.sorted_indices()
