"""Warnings that point at the user's line, however deep below it they are raised."""

import sys
import warnings
from types import FrameType

# Whose frames are not the user's: this package's, and those that scikit-learn's callback protocol puts between them.
OWN = ("fastmlp.", "sklearn.callback.")


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the nearest line that is not of this package.

    Parameters
    ----------
    message : str
    category : type
    """
    level = 1
    frame: FrameType | None = sys._getframe()
    while frame is not None and f"{frame.f_globals.get('__name__')}.".startswith(OWN):
        level, frame = level + 1, frame.f_back
    try:
        warnings.warn(message, category, stacklevel=level)
    except Warning:  # the user has made errors of them
        raise
    except Exception:  # no stream that takes it, as in a window without a console: nothing is lost but the warning
        pass


def warn_convergence(message: str) -> None:
    """Warn of training that did not end well, by scikit-learn's category.

    Parameters
    ----------
    message : str
    """
    from sklearn.exceptions import ConvergenceWarning  # whose import a network alone does not need

    warn(message, ConvergenceWarning)
