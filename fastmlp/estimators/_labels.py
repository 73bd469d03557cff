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


def check_same_classes(classes: np.ndarray, before: np.ndarray) -> None:
    """Refuse to go on with other classes than before.

    Parameters
    ----------
    classes, before : ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        If they differ.
    """
    if not np.array_equal(classes, before):
        raise ValueError(
            "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
            f"Previously got {before}, `y` has {classes}; set warm_start=False to start anew."
        )


def unknown_classes(classes: np.ndarray) -> ValueError:
    """What to raise for a y with labels that are not among the classes.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ValueError
    """
    return ValueError(
        f"`y` has classes not in `self.classes_`, {classes}; name all classes in the first call to partial_fit, or use "
        "fit to start anew."
    )
