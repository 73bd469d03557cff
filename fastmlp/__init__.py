"""Multilayer perceptrons for CPUs, with scikit-learn's API.

Python decides, Cython wires, C computes::

    estimators/   MLPClassifier, MLPRegressor, Perceptron: parameters, checks, labels
        |
    training/     one fit: epochs, optimizers, schedules, stopping
        |
    network.py    the network and its equations
        |
    layers.py, activations.py, losses.py, initializers.py      one row or small class each
        |
    _core/        the passes over a batch, without the GIL (Cython)
        |
    src_c/        kernels for each instruction set (C); BLAS through SciPy
"""

from typing import TYPE_CHECKING

from fastmlp._lazy import imported_on_first_use
from fastmlp._version import __version__

if TYPE_CHECKING:  # all that there is, so that a type checker finds what is misspelt
    from fastmlp import activations as activations
    from fastmlp import config as config
    from fastmlp import deploy as deploy
    from fastmlp import display as display
    from fastmlp import estimators as estimators
    from fastmlp import initializers as initializers
    from fastmlp import inspection as inspection
    from fastmlp import layers as layers
    from fastmlp import losses as losses
    from fastmlp import network as network
    from fastmlp import runtime as runtime
    from fastmlp import training as training
    from fastmlp.config import show_config
    from fastmlp.deploy import CannotFoldError, compile
    from fastmlp.estimators import MLPClassifier, MLPRegressor, Perceptron
    from fastmlp.network import Network
    from fastmlp.runtime import ModelFileError, Predictor, load

__all__ = [
    "CannotFoldError",
    "MLPClassifier",
    "MLPRegressor",
    "ModelFileError",
    "Network",
    "Perceptron",
    "Predictor",
    "__version__",
    "compile",
    "load",
    "show_config",
]

# Importing scikit-learn takes seconds, and Network does not need it.
if not TYPE_CHECKING:
    __getattr__, __dir__ = imported_on_first_use(
        __name__,
        names={
            "CannotFoldError": "deploy",
            "MLPClassifier": "estimators",
            "MLPRegressor": "estimators",
            "ModelFileError": "runtime",
            "Network": "network",
            "Perceptron": "estimators",
            "Predictor": "runtime",
            "compile": "deploy",
            "load": "runtime",
            "show_config": "config",
        },
        modules=(
            *("activations", "config", "deploy", "display", "estimators", "initializers", "inspection"),
            *("layers", "losses", "network", "runtime", "training"),
        ),
    )
