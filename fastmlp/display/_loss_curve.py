"""The course of training as a picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from fastmlp.inspection._model import look_inside
from fastmlp.training.solver import Solver
from fastmlp.training.solvers import SOLVERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# Okabe and Ito's colours, which colour-blind readers can tell apart; dashes and markers tell them apart in print.
TRAINING = {"color": "#0072B2", "linestyle": "-"}
VALIDATION = {"color": "#D55E00", "linestyle": "--"}
SCORE = {"color": "#009E73", "linestyle": "-."}
STEP_SIZE = {"color": "#666666", "linestyle": "-"}
BEST: dict[str, Any] = {"color": "#666666", "linestyle": ":"}

# Curves with fewer points have a marker at each.
FEW_EPOCHS = 30
# Losses and step sizes that span more than this have a logarithmic axis, where the last are more than a flat line.
WIDE_RANGE = 50

STOP_REASONS = {
    "max_iter": "ended at max_iter",
    "max_time": "ended at max_time",
    "no_improvement": "ended without further improvement",
    "callback": "ended by a callback",
    "interrupted": "interrupted by the user",
    "diverged": "ended because the loss diverged",
    "failed": "ended by an error",
    "converged": "converged",
}


class LossCurveDisplay:
    """Losses, validation scores and step sizes over the epochs of a fit.

    Make it by `from_estimator`, or of your own numbers; `plot` draws it.

    Parameters
    ----------
    loss_curve : sequence of float
        Training loss of each epoch, from 1; so are the other curves, with NaN where an epoch has no value.
    validation_loss_curve : sequence of float, default=None
        Loss on held-out rows.
    validation_scores : sequence of float, default=None
        Score on held-out rows, drawn on an axis of its own at the right.
    learning_rate_curve : sequence of float, default=None
        Step size of each epoch, drawn below the losses where it varies.
    best_iter : int, default=None
        The epoch to mark, from 1: that whose weights were kept.
    stop_reason : str, default=None
        Why training ended, as in ``stop_reason_``; it is said below the epochs.
    x_label : str, default="Epoch"
        What losses are of.

    Attributes
    ----------
    ax_ : matplotlib Axes
        With the losses.
    score_ax_, learning_rate_ax_ : matplotlib Axes or None
        With validation scores and step sizes, if they are drawn.
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        The curves that there are: training loss, validation loss, validation score, step size.

    Examples
    --------
    >>> from fastmlp import MLPClassifier
    >>> from fastmlp.display import LossCurveDisplay
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(early_stopping=True, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(model)
    >>> [line.get_label() for line in display.lines_]
    ['training loss', 'validation loss', 'validation score']
    """

    ax_: "Axes"
    score_ax_: "Axes | None"
    learning_rate_ax_: "Axes | None"
    figure_: "Figure"
    lines_: "list[Line2D]"

    def __init__(
        self,
        *,
        loss_curve: Sequence[float],
        validation_loss_curve: Sequence[float] | None = None,
        validation_scores: Sequence[float] | None = None,
        learning_rate_curve: Sequence[float] | None = None,
        best_iter: int | None = None,
        stop_reason: str | None = None,
        x_label: str = "Epoch",
    ):
        self.loss_curve = loss_curve
        self.validation_loss_curve = validation_loss_curve
        self.validation_scores = validation_scores
        self.learning_rate_curve = learning_rate_curve
        self.best_iter = best_iter
        self.stop_reason = stop_reason
        self.x_label = x_label

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: "Axes | None" = None) -> "LossCurveDisplay":
        """Draw the course of a fit.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor, or a pipeline, search or TransformedTargetRegressor with one inside
            Fitted.
        ax : matplotlib Axes, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ImportError
            Without matplotlib.
        NotFittedError
            Before the first fit.
        TypeError
            If the estimator, or what it has inside, has no ``loss_curve_``.
        ValueError
            If it is empty, because training failed in its first epoch.

        Examples
        --------
        >>> from fastmlp import MLPRegressor
        >>> from fastmlp.display import LossCurveDisplay
        >>> model = MLPRegressor(hidden_layer_sizes=2, solver="lbfgs", random_state=0).fit([[0.0], [1.0]], [0.0, 1.0])
        >>> LossCurveDisplay.from_estimator(model).ax_.get_xlabel()
        'Iteration (converged)'
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        estimator = look_inside(estimator).estimator
        check_is_fitted(estimator)
        if not hasattr(estimator, "loss_curve_"):
            raise TypeError(
                f"estimator is a {type(estimator).__name__}, which has no loss_curve_; pass a fitted MLPClassifier or "
                "MLPRegressor, or a pipeline, search or TransformedTargetRegressor with one inside."
            )
        display = cls(
            loss_curve=estimator.loss_curve_,
            # Estimators of scikit-learn can be drawn too, but have less to tell.
            validation_loss_curve=getattr(estimator, "validation_loss_curve_", None),
            validation_scores=getattr(estimator, "validation_scores_", None),
            learning_rate_curve=getattr(estimator, "learning_rate_curve_", None),
            best_iter=getattr(estimator, "best_iter_", None),
            stop_reason=getattr(estimator, "stop_reason_", None),
            x_label="Epoch" if SOLVERS.get(estimator.solver, Solver).has_epochs else "Iteration",
        )
        return display.plot(ax=ax)

    def plot(self, ax: "Axes | None" = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            Without matplotlib.
        ValueError
            If ``loss_curve`` is empty.

        Examples
        --------
        >>> from fastmlp.display import LossCurveDisplay
        >>> display = LossCurveDisplay(loss_curve=[2.0, 1.0, 0.8], best_iter=3)
        >>> display.plot().lines_[0].get_ydata().tolist()
        [2.0, 1.0, 0.8]
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        from matplotlib import pyplot as plt
        from matplotlib.ticker import MaxNLocator

        if len(self.loss_curve) == 0:
            raise ValueError("loss_curve is empty; draw a fit that has completed an epoch.")
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure.figure  # of a subfigure the whole, which can be saved
        self.score_ax_ = self.learning_rate_ax_ = None
        if (
            self.learning_rate_curve is not None
            and self._has(self.learning_rate_curve)
            and np.ptp(self.learning_rate_curve)
        ):
            self.learning_rate_ax_ = self._panel_below(ax)
        self.lines_ = [self._draw(ax, self.loss_curve, "training loss", TRAINING)]
        if self._has(self.validation_loss_curve):
            self.lines_.append(self._draw(ax, self.validation_loss_curve, "validation loss", VALIDATION))
        self._set_scale(ax, self.lines_)
        ax.set_ylabel("Loss")
        if self._has(self.validation_scores):
            self.score_ax_ = ax.twinx()
            self.score_ax_.set_ylabel("Validation score", color=SCORE["color"])
            self.score_ax_.tick_params(axis="y", labelcolor=SCORE["color"])
            self.lines_.append(self._draw(self.score_ax_, self.validation_scores, "validation score", SCORE))
        handles = list(self.lines_)
        if self.best_iter is not None:
            handles.append(ax.axvline(self.best_iter, label=f"best {self.x_label.lower()}: {self.best_iter}", **BEST))
        if self.learning_rate_ax_ is not None:
            self.lines_.append(self._draw(self.learning_rate_ax_, self.learning_rate_curve, "step size", STEP_SIZE))
            self._set_scale(self.learning_rate_ax_, self.lines_[-1:])
            self.learning_rate_ax_.set_ylabel("Step size")
        ax.set_xlim(0.5, max(np.size(line.get_xdata()) for line in self.lines_) + 0.5)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        reason = STOP_REASONS.get(self.stop_reason or "", self.stop_reason)
        bottom = ax if self.learning_rate_ax_ is None else self.learning_rate_ax_
        bottom.set_xlabel(f"{self.x_label} ({reason})" if reason else self.x_label)
        # Above the axes, where it covers no curve, and in two columns, for which narrow axes have room.
        ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize="small")
        return self

    @staticmethod
    def _has(curve):
        return curve is not None and len(curve) > 0

    def _draw(self, ax, curve, label, style):
        marker = "o" if len(curve) < FEW_EPOCHS else None
        (line,) = ax.plot(np.arange(1, len(curve) + 1), curve, label=label, marker=marker, markersize=3, **style)
        return line

    @staticmethod
    def _panel_below(ax):
        """Axes that take the lowest fifth from a subplot, or lie below axes that have no place in a grid."""
        place = ax.get_subplotspec()
        if place is None:
            below = ax.inset_axes((0, -0.35, 1, 0.25), sharex=ax)
        else:
            upper, lower = place.subgridspec(2, 1, height_ratios=(4, 1))
            ax.set_subplotspec(upper)
            below = ax.figure.add_subplot(lower, sharex=ax)
        ax.tick_params(labelbottom=False)
        return below

    @staticmethod
    def _set_scale(ax, lines):
        values = np.concatenate([line.get_ydata() for line in lines])
        values = values[np.isfinite(values)]
        if len(values) and 0 < WIDE_RANGE * values.min() < values.max():
            ax.set_yscale("log")
        ax.grid(alpha=0.25)
