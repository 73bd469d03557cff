"""The scikit-learn estimators."""

from fastmlp.estimators.classifier import MLPClassifier
from fastmlp.estimators.perceptron import Perceptron
from fastmlp.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "Perceptron"]
