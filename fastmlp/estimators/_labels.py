"""What classifiers share about their targets."""

from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from fastmlp._blocks import row_blocks


def class_numbers(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Positions of labels among the classes, a block at a time: the numbers take far less memory than searching.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    classes : ndarray of shape (n_classes,), sorted

    Returns
    -------
    ndarray of shape (n_samples,)
        In the smallest dtype that holds them.

    Raises
    ------
    ValueError
        If a label is not among the classes.
    """
    n_classes = len(classes)
    codes = np.empty(len(y), bool if n_classes <= 2 else np.uint8 if n_classes <= 256 else np.int32)
    for block in row_blocks(len(y)):
        try:
            found = np.searchsorted(classes, y[block])
            found[found == n_classes] = 0
            known = np.array_equal(classes[found], y[block])
        except TypeError:  # labels of a type that cannot be compared with the classes
            known = False
        if not known:
            raise unknown_classes(classes, y[block])
        codes[block] = found
    return codes


def distinct_labels(labels: np.ndarray, y: np.ndarray, name: str = "y") -> np.ndarray:
    """The classes of a target.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
    y : ndarray of shape (n_samples,) or (n_samples, n_columns)
        What they are a column of.
    name : str, default="y"
        What messages call it.

    Returns
    -------
    ndarray of shape (n_classes,), sorted

    Raises
    ------
    ValueError
        If there are fractions, or labels that have no order among each other.
    """
    try:
        check_classification_targets(labels)
        return np.unique(labels)
    except (ValueError, TypeError) as error:
        if labels.dtype != object:
            raise
        if any(label is None for label in labels):
            remedy = "leave out the rows without a label" if name == "y" else "name labels only"
            raise ValueError(f"Unknown label type: {name} holds None; {remedy}.") from error
        types = sorted({type(label).__name__ for label in labels})
        raise ValueError(
            f"Unknown label type: {name} holds labels of type {', '.join(types)} as objects; pass labels of one type, "
            f"for example {_as_one_type(y, name)}."
        ) from error


def check_classes(classes: ArrayLike | None) -> None:
    """Refuse classes of one target that no y can have.

    Parameters
    ----------
    classes : array-like or None
        As given to ``partial_fit``.

    Raises
    ------
    ValueError
        If they are objects other than strings, or have no order among each other.
    """
    labels = np.asarray(classes)
    if labels.dtype == object and labels.ndim == 1:
        distinct_labels(labels, labels, "classes")


def _as_one_type(y, name):
    """What to type for labels of one type."""
    if y.ndim == 1 and any(isinstance(label, Sequence) and not isinstance(label, str) for label in y):
        return f"[str(label) for label in {name}]"  # which NumPy would take for more dimensions
    return f"np.asarray({name}).astype({_type_for(y)})"


def _type_for(y):
    """Name of the type that all labels can be converted to, and are accepted as."""
    for name, kind in {"bool": bool | np.bool_, "int": Integral, "float": Real}.items():
        if all(isinstance(label, kind) for label in y.flat):
            try:
                check_classification_targets(y.astype(name))
            except OverflowError:
                break
            return name
    return "str"


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


def check_same_classes(classes: np.ndarray | list[np.ndarray], before: np.ndarray | list[np.ndarray]) -> None:
    """Refuse to go on with other classes than before.

    Parameters
    ----------
    classes, before : ndarray of shape (n_classes,), or a list of them

    Raises
    ------
    ValueError
        If they differ.
    """
    of_targets = [
        [labels.tolist() for labels in of] if isinstance(of, list) else of.tolist() for of in (classes, before)
    ]
    if of_targets[0] != of_targets[1]:
        raise ValueError(
            "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
            f"Previously got {before}, `y` has {classes}; set warm_start=False to start anew."
        )


def unknown_classes(classes: np.ndarray, y: np.ndarray) -> ValueError:
    """What to raise for a y with labels that are not among the classes.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    y : ndarray of shape (n_samples,)

    Returns
    -------
    ValueError
    """
    known = classes.tolist()
    unknown = next(label for label in y.tolist() if label not in known)
    return ValueError(
        f"`y` has classes not in `self.classes_`, {classes}, for example {unknown!r}; pass only these, or name all "
        "classes in the first call to partial_fit, or use fit to start anew."
    )
