"""What classifiers share about their targets."""

import numpy as np
from sklearn.utils.multiclass import type_of_target


def check_indicator_matrix(y: np.ndarray) -> None:
    """Refuse a y of two dimensions that is not a matrix of 0 and 1.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_outputs)

    Raises
    ------
    ValueError
        If it holds anything else.
    """
    if type_of_target(y, input_name="y") != "multilabel-indicator":
        raise ValueError(
            f"y of shape {y.shape} is {type_of_target(y)}, which is not supported; pass one column of labels, or a "
            "matrix of 0 and 1 for multilabel targets."
        )
    if not np.isin(y, (0, 1)).all():
        raise ValueError(f"y has values {np.unique(y)}; multilabel targets need a matrix of 0 and 1.")
