"""Predictions with NumPy alone: model files, and the programs in them.

Nothing here needs SciPy or scikit-learn. The compiled kernels are used where they are there.
"""

from fastmlp.runtime.files import ModelFileError
from fastmlp.runtime.predictor import Predictor, load
from fastmlp.runtime.program import Decision, Program

__all__ = ["Decision", "ModelFileError", "Predictor", "Program", "load"]
