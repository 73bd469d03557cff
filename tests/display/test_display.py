"""The picture of a fit: which curves are drawn where, and what is said."""

import sys
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier as TheirMLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.display import LossCurveDisplay

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot as plt  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LOSSES, VALIDATION_LOSSES, SCORES = [2.0, 1.5, 1.0, 0.8], [2.1, 1.6, 1.2, 1.3], [0.5, 0.7, 0.9, 0.8]
SETTINGS = dict(hidden_layer_sizes=5, max_iter=4, random_state=0)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


def curves(display):
    return {line.get_label(): (line.get_xdata(), line.get_ydata()) for line in display.lines_}


def legend(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_everything():
    display = LossCurveDisplay(
        loss_curve=LOSSES,
        validation_loss_curve=VALIDATION_LOSSES,
        validation_scores=SCORES,
        learning_rate_curve=[0.1, 0.1, 0.1, 0.02],
        best_iter=3,
        stop_reason="no_improvement",
    )
    assert display.plot() is display
    drawn = {
        "training loss": LOSSES,
        "validation loss": VALIDATION_LOSSES,
        "validation score": SCORES,
        "step size": [0.1, 0.1, 0.1, 0.02],
    }
    assert list(curves(display)) == list(drawn)
    for label, (x, y) in curves(display).items():
        assert_array_equal(x, [1, 2, 3, 4])
        assert_array_equal(y, drawn[label])
    assert [line.axes for line in display.lines_] == [
        display.ax_,
        display.ax_,
        display.score_ax_,
        display.learning_rate_ax_,
    ]
    assert legend(display) == ["training loss", "validation loss", "validation score", "best epoch: 3"]
    assert display.learning_rate_ax_.get_xlabel() == "Epoch (ended without further improvement)"
    assert display.score_ax_.get_ylabel() == "Validation score"
    # Nothing stands on anything else.
    display.figure_.draw_without_rendering()
    boxes = [
        display.ax_.get_legend().get_window_extent(),
        display.ax_.get_window_extent(),
        display.learning_rate_ax_.get_window_extent(),
        display.learning_rate_ax_.xaxis.label.get_window_extent(),
    ]
    for above, below in pairwise(boxes):
        assert above.y0 >= below.y1
    figure = display.figure_.bbox
    assert all(box.x0 >= figure.x0 and box.x1 <= figure.x1 for box in boxes)
    assert boxes[0].y1 <= figure.y1
    assert boxes[-1].y0 >= figure.y0


def test_losses_only():
    display = LossCurveDisplay(loss_curve=LOSSES, learning_rate_curve=[0.1] * 4).plot()
    assert list(curves(display)) == ["training loss"]
    assert display.score_ax_ is display.learning_rate_ax_ is None
    assert display.ax_.get_xlabel() == "Epoch"
    assert display.ax_.get_yscale() == "linear"


def test_given_axes():
    figure, (left, right) = plt.subplots(1, 2)
    display = LossCurveDisplay(loss_curve=LOSSES, learning_rate_curve=[1, 2, 3, 4]).plot(ax=right)
    assert display.ax_ is right
    assert display.figure_ is figure
    assert not left.lines
    assert display.learning_rate_ax_.get_position().x0 == right.get_position().x0
    free = plt.figure().add_axes((0.1, 0.4, 0.8, 0.5))
    display = LossCurveDisplay(loss_curve=LOSSES, learning_rate_curve=[1, 2, 3, 4]).plot(ax=free)
    display.figure_.draw_without_rendering()
    assert display.learning_rate_ax_.get_window_extent().y1 < free.get_window_extent().y0


def test_in_a_subfigure_the_whole_is_saved(tmp_path):
    figure = plt.figure()
    part, _ = figure.subfigures(1, 2)
    (inner,) = part.subfigures(1, 1, squeeze=False).flat
    display = LossCurveDisplay(loss_curve=LOSSES).plot(inner.subplots())
    assert display.figure_ is figure
    display.figure_.savefig(tmp_path / "curve.png")


def test_wide_ranges_are_logarithmic():
    rates = [0.1, 0.01, 0.001, 0.0001]
    display = LossCurveDisplay(loss_curve=[100.0, 10.0, 1.0, 0.1], learning_rate_curve=rates).plot()
    assert display.ax_.get_yscale() == display.learning_rate_ax_.get_yscale() == "log"
    assert LossCurveDisplay(loss_curve=[100.0, 0.0]).plot().ax_.get_yscale() == "linear"


def test_curves_of_other_lengths():
    """Held-out rows in earlier epochs alone, and the score of an epoch that diverged, which has no loss."""
    earlier = LossCurveDisplay(loss_curve=LOSSES, validation_scores=[0.5, 0.6]).plot()
    assert_array_equal(curves(earlier)["validation score"][0], [1, 2])
    diverged = LossCurveDisplay(loss_curve=LOSSES, validation_scores=[*SCORES, np.nan]).plot()
    assert_array_equal(curves(diverged)["validation score"][0], [1, 2, 3, 4, 5])
    assert diverged.ax_.get_xlim() == (0.5, 5.5)


def test_from_estimator(iris):
    model = MLPClassifier(**SETTINGS, early_stopping=True, learning_rate="cosine").fit(*iris)
    display = LossCurveDisplay.from_estimator(model)
    assert_array_equal(curves(display)["training loss"][1], model.loss_curve_)
    assert_array_equal(curves(display)["validation score"][1], model.validation_scores_)
    assert_array_equal(curves(display)["validation loss"][1], model.validation_loss_curve_)
    assert_array_equal(curves(display)["step size"][1], model.learning_rate_curve_)
    assert display.learning_rate_ax_.get_xlabel() == "Epoch (ended at max_iter)"
    assert legend(display)[-1] == f"best epoch: {model.best_iter_}"
    assert np.argmax(model.validation_scores_) + 1 == model.best_iter_


def test_the_best_epoch_is_marked_where_it_is(iris):
    model = MLPClassifier(**SETTINGS | dict(max_iter=30, learning_rate_init=0.3), early_stopping=True).fit(*iris)
    display = LossCurveDisplay.from_estimator(model)
    (mark,) = [line for line in display.ax_.lines if line.get_label().startswith("best epoch")]
    assert_array_equal(mark.get_xdata(), [1 + np.argmax(model.validation_scores_)] * 2)


def test_validation_in_some_of_several_fits(iris):
    """Each value stands at its own epoch."""
    model = MLPClassifier(**SETTINGS, warm_start=True)
    scores = {}
    for number, validates in enumerate([False, True, True, False]):
        held_out = dict(X_val=iris[0][::2], y_val=iris[1][::2]) if validates else {}
        model.fit(*iris, **held_out)
        if validates:
            scores[4 * (number + 1)] = model.score(iris[0][::2], iris[1][::2])
    epochs, values = curves(LossCurveDisplay.from_estimator(model))["validation score"]
    assert_array_equal(epochs, np.arange(1, 13))
    assert np.isnan(values[:4]).all()
    assert np.isfinite(values[4:]).all()
    assert {epoch: values[epoch - 1] for epoch in scores} == scores


def test_from_other_estimators(iris):
    lbfgs = MLPClassifier(**SETTINGS | dict(max_iter=200), solver="lbfgs", alpha=10).fit(*iris)
    display = LossCurveDisplay.from_estimator(lbfgs)
    assert display.ax_.get_xlabel() == "Iteration (converged)"
    theirs = TheirMLPClassifier(**SETTINGS).fit(*iris)
    assert list(curves(LossCurveDisplay.from_estimator(theirs))) == ["training loss"]


def test_refused(iris, monkeypatch):
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(MLPClassifier())
    with pytest.raises(TypeError, match="estimator is a LogisticRegression, which has no loss_curve_; pass"):
        LossCurveDisplay.from_estimator(LogisticRegression(max_iter=1000).fit(*iris))
    with pytest.raises(ValueError, match="loss_curve is empty; draw a fit that has completed an epoch"):
        LossCurveDisplay(loss_curve=[]).plot()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="requires matplotlib"):
        LossCurveDisplay(loss_curve=LOSSES).plot()


def test_what_pipelines_searches_and_transformed_targets_have_inside(iris):
    X, y = iris
    model = MLPClassifier(**SETTINGS | dict(early_stopping=True))
    pipeline = make_pipeline(StandardScaler(), model)
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [0.1, 1.0]}, cv=2)
    regression = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), MLPRegressor(**SETTINGS)), transformer=StandardScaler()
    )
    for outer, inner in (
        (pipeline, lambda: pipeline[-1]),
        (search, lambda: search.best_estimator_[-1]),
        (regression, lambda: regression.regressor_[-1]),
        (make_pipeline(StandardScaler(), TheirMLPClassifier(max_iter=3)), None),
    ):
        display = LossCurveDisplay.from_estimator(outer.fit(X, y))
        expected = outer[-1] if inner is None else inner()
        assert_array_equal(curves(display)["training loss"][1], expected.loss_curve_)
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(clone(pipeline))
    with pytest.raises(TypeError, match="estimator is a GridSearchCV with refit=False, .*; set refit=True"):
        LossCurveDisplay.from_estimator(GridSearchCV(pipeline, {}, cv=2, refit=False).fit(X, y))
    with pytest.raises(TypeError, match="estimator is a LogisticRegression, which has no loss_curve_; pass"):
        LossCurveDisplay.from_estimator(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y))
