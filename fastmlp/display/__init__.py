"""Pictures of a fit, after the conventions of scikit-learn's displays."""

from fastmlp.display._loss_curve import LossCurveDisplay

__all__ = ["LossCurveDisplay"]
