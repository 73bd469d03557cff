"""The constructors' parameters: how they are kept, and what the estimators allow of those they share."""

from typing import Any


def store(estimator: object, arguments: dict[str, Any]) -> None:
    """Keep a constructor's arguments as attributes, under their names.

    The constructor writes them out, because scikit-learn reads its signature.

    Parameters
    ----------
    estimator : estimator
    arguments : dict
        The constructor's ``locals()``.
    """
    vars(estimator).update({name: value for name, value in arguments.items() if name != "self"})
