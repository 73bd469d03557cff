"""What an estimator learns with a loss and an output activation, soft targets, and classes that weigh."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import d2_pinball_score, mean_pinball_loss
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.utils.class_weight import compute_class_weight

from fastmlp import MLPClassifier, MLPRegressor, Network
from fastmlp.activations import PowerProduct, Softmax
from fastmlp.losses import Huber, Quantile

from ..problems import IRIS_X, IRIS_Y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def noisy_line(rng):
    """y = 2 x with noise that grows with x."""
    X = rng.uniform(0, 1, size=(1500, 1))
    return X, 2 * X.ravel() + rng.normal(size=1500) * (0.1 + X.ravel())


def test_quantiles_do_not_cross(noisy_line):
    X, y = noisy_line
    levels = [0.05, 0.25, 0.5, 0.75, 0.95]
    model = MLPRegressor(
        loss=Quantile(levels), learning_rate="cosine", learning_rate_init=0.02, max_iter=150, tol=0, random_state=0
    ).fit(X, y)
    predicted = model.predict(X)
    assert predicted.shape == (1500, 5)
    assert np.all(np.diff(predicted, axis=1) >= 0)
    far = model.predict(np.linspace(-30, 30, 500).reshape(-1, 1))
    assert np.all(np.diff(far, axis=1) >= 0)
    # Of 1500 samples a share of q should lie below its quantile: sqrt(q (1 - q) / 1500) is at most 0.013, and as much
    # again and more is left to learn.
    assert_allclose((y[:, None] <= predicted).mean(axis=0), levels, atol=0.1)
    expected = np.mean([d2_pinball_score(y, predicted[:, k], alpha=q) for k, q in enumerate(levels)])
    assert_allclose(model.score(X, y), expected, rtol=1e-12)
    # At alpha = 0 the cost is the sum of scikit-learn's pinball losses.
    cost = model.network_.cost(X, y)
    assert_allclose(cost, sum(mean_pinball_loss(y, predicted[:, k], alpha=q) for k, q in enumerate(levels)), rtol=1e-10)


def test_quantiles_of_several_targets(noisy_line):
    X, y = noisy_line
    model = MLPRegressor(loss=Quantile([0.1, 0.9]), max_iter=30, learning_rate_init=0.01, random_state=0)
    model.fit(X, np.stack([y, -3 * y], axis=1))
    predicted = model.predict(X[:7])
    assert predicted.shape == (7, 2, 2)
    assert np.all(np.diff(predicted, axis=2) >= 0)


@pytest.mark.parametrize("loss", ["absolute_error", Huber(threshold=0.5), "quantile"])
def test_robust_losses_bear_outliers(rng, loss):
    X = rng.normal(size=(400, 2))
    y = X @ [1.0, -2.0]
    spoilt = np.where(np.arange(400) % 10 == 0, 50.0, y)
    robust = MLPRegressor(loss=loss, hidden_layer_sizes=(), learning_rate_init=0.05, max_iter=200, random_state=0)
    squared = clone(robust).set_params(loss="squared_error")
    assert robust.fit(X, spoilt).score(X, y) > 0.97
    assert squared.fit(X, spoilt).score(X, y) < 0


@pytest.mark.parametrize(
    ("parameters", "probabilities"),
    [
        (dict(loss="log_loss"), True),
        (dict(loss="kl_divergence"), True),
        (dict(loss="squared_error"), True),
        (dict(loss="hinge"), False),
        (dict(loss="hinge", out_activation="tanh"), False),
        (dict(loss="squared_error", out_activation="identity"), False),
        (dict(loss="squared_error", out_activation="tanh"), False),
        (dict(out_activation="hard_sigmoid"), True),
        (dict(out_activation="logistic"), True),
    ],
    ids=str,
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifiers_learn_with_every_loss(parameters, probabilities, n_classes):
    X, y = IRIS_X[: 50 * n_classes], np.array(["a", "b", "c"])[IRIS_Y[: 50 * n_classes]]
    model = MLPClassifier((16,), **parameters, learning_rate_init=0.01, max_iter=150, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.6  # some stop at two of three classes
    assert hasattr(model, "predict_proba") == probabilities
    if probabilities:
        p = model.predict_proba(X)
        assert p.shape == (len(X), n_classes)
        assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
        assert_array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))
        with np.errstate(divide="ignore"):
            assert_allclose(model.predict_log_proba(X), np.log(p), rtol=1e-9)
    else:
        scores = model.decision_function(X)
        assert scores.shape == ((len(X),) if n_classes == 2 else (len(X), 3))
        decided = (scores > 0).astype(int) if n_classes == 2 else scores.argmax(axis=1)
        assert_array_equal(model.classes_[decided], model.predict(X))


@pytest.mark.parametrize("loss", ["log_loss", "squared_error", "hinge"])
def test_multilabel_with_every_loss(loss):
    Y = np.eye(3, dtype=int)[IRIS_Y] | (IRIS_X[:, :1] > 0)
    model = MLPClassifier((16,), loss=loss, learning_rate_init=0.01, max_iter=200, random_state=0).fit(IRIS_X, Y)
    assert model.score(IRIS_X, Y) > 0.9
    assert model.predict(IRIS_X).shape == Y.shape


def test_kl_divergence_and_log_loss_learn_the_same():
    """They differ by the entropy of the targets, which for labels is 0, and which smoothing makes a constant."""
    fits = [
        MLPClassifier((8,), loss=loss, label_smoothing=0.1, alpha=0, max_iter=20, random_state=0).fit(IRIS_X, IRIS_Y)
        for loss in ("log_loss", "kl_divergence")
    ]
    for ours, theirs in zip(fits[0].coefs_, fits[1].coefs_, strict=True):
        assert_allclose(ours, theirs, rtol=1e-12)
    smoothed = np.array([0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3])
    entropy = -np.sum(smoothed * np.log(smoothed))
    assert_allclose(np.subtract(fits[0].loss_curve_, fits[1].loss_curve_), entropy, rtol=1e-9)


def test_soft_targets():
    """Distributions as targets: the same as log-loss training by Network's own steps."""
    rng = np.random.default_rng(1)
    targets = rng.dirichlet(np.ones(3), size=150)
    model = MLPClassifier(
        (8,), loss="kl_divergence", solver="sgd", momentum=0, alpha=0, shuffle=False, batch_size=150, random_state=0
    )
    model.partial_fit(IRIS_X, targets, classes=[0, 1, 2])
    network = Network([4, 8, 3], out_activation="softmax", loss="kl_divergence", random_state=0)
    network.step(IRIS_X, targets, learning_rate=0.001)
    assert_allclose(model.network_.parameters, network.parameters, rtol=1e-12)
    assert_allclose(model.fit(IRIS_X, targets).predict_proba(IRIS_X).sum(axis=1), 1)


def test_label_smoothing_keeps_probabilities_away_from_one():
    settings = dict(hidden_layer_sizes=(16,), alpha=0, solver="lbfgs", max_iter=500, random_state=0)
    sharp = MLPClassifier(**settings).fit(IRIS_X, IRIS_Y).predict_proba(IRIS_X).max(axis=1)
    smooth = MLPClassifier(**settings, label_smoothing=0.3).fit(IRIS_X, IRIS_Y).predict_proba(IRIS_X).max(axis=1)
    # The best answer to a target of 0.8, 0.1, 0.1 is that itself.
    assert np.median(sharp) > 0.99
    assert_allclose(np.median(smooth), 0.8, atol=0.02)


@pytest.mark.parametrize(
    ("y", "group_sizes"),
    [(IRIS_Y, [1, 2]), (IRIS_Y, [3]), (np.stack([IRIS_Y, IRIS_Y > 0], axis=1), [2, 3])],
    ids=["one target", "one group", "other groups"],
)
def test_groups_of_softmax_are_the_classes_of_targets(y, group_sizes):
    """Or probabilities of one target would have a sum of 2."""
    with pytest.raises(ValueError, match=r"out_activation is Softmax\(.*, whose groups are not the classes of several"):
        MLPClassifier(out_activation=Softmax(group_sizes)).fit(IRIS_X, y)


def test_class_weights_are_sample_weights():
    y = IRIS_Y.copy()
    rows = np.flatnonzero((y > 0) | (np.arange(150) % 10 == 0))  # few of class 0
    X, y = IRIS_X[rows], y[rows]
    settings = dict(hidden_layer_sizes=(5,), max_iter=10, random_state=0)
    balanced = compute_class_weight("balanced", classes=np.arange(3), y=y)
    expected = MLPClassifier(**settings).fit(X, y, sample_weight=balanced[y])
    by_name = MLPClassifier(**settings, class_weight="balanced").fit(X, y)
    by_dict = MLPClassifier(**settings, class_weight=dict(enumerate(balanced))).fit(X, y, np.ones(len(y)))
    assert_array_equal(by_name.network_.parameters, expected.network_.parameters)
    assert_array_equal(by_dict.network_.parameters, expected.network_.parameters)
    without = MLPClassifier(**settings, class_weight={0: 0, 1: 1, 2: 1}).fit(X, y)
    removed = MLPClassifier(**settings).partial_fit(X[y > 0], y[y > 0], classes=[0, 1, 2])
    for _ in range(9):
        removed.partial_fit(X[y > 0], y[y > 0])
    assert_array_equal(without.network_.parameters, removed.network_.parameters)


@pytest.mark.parametrize("parameters", [dict(class_weight={0: 1, 1: 5, 2: 1}), dict(class_weight="balanced")])
@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_class_weights_in_float32(parameters, solver):
    fits = [
        MLPClassifier((5,), solver=solver, max_iter=5, dtype=dtype, random_state=0, **parameters).fit(IRIS_X, IRIS_Y)
        for dtype in ("float32", "float64")
    ]
    assert_allclose(fits[0].loss_curve_, fits[1].loss_curve_, rtol=1e-4)


NAMES = np.array(["rare", "seldom", "usual"])


@pytest.mark.parametrize("names", [np.arange(3), NAMES], ids=["numbers", "strings"])
def test_class_weights_of_classes_that_a_fit_does_not_have(names):
    """They are those of the other classes alone; so in a search with folds that lack a class."""
    settings = dict(hidden_layer_sizes=(5,), max_iter=3, random_state=0)
    X, y = IRIS_X[:100], names[IRIS_Y[:100]]
    weights = dict(zip(names.tolist(), (1.0, 4.0, 9.0), strict=True))
    expected = MLPClassifier(**settings, class_weight={label: weights[label] for label in names[:2].tolist()}).fit(X, y)
    fits = [MLPClassifier(**settings, class_weight=weights).fit(X, y)]
    without_third = (IRIS_Y < 2).astype(float)
    fits.append(MLPClassifier(**settings, class_weight=weights).fit(IRIS_X, names[IRIS_Y], without_third))
    fits.append(MLPClassifier(**settings, class_weight=weights, warm_start=True).fit(X, y))
    for model in fits:
        assert_array_equal(model.network_.parameters, expected.network_.parameters)
    order = np.r_[np.random.default_rng(0).permutation(100), 100:150]
    search = GridSearchCV(MLPClassifier(**settings, class_weight=weights), {"alpha": [0.0, 1.0]}, cv=TimeSeriesSplit(4))
    search.fit(IRIS_X[order], names[IRIS_Y[order]])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_class_weights_of_labels_that_no_row_has(method):
    X, Y = IRIS_X[:100], np.c_[IRIS_Y[:100] == 1, np.zeros(100)].astype(int)
    settings = dict(hidden_layer_sizes=(5,), max_iter=1, random_state=0)
    further = dict(classes=[0, 1]) if method == "partial_fit" else {}
    weighted = MLPClassifier(**settings, class_weight=[{1: 3.0}, {1: 50.0}])
    expected = MLPClassifier(**settings)
    getattr(weighted, method)(X, Y, **further)
    getattr(expected, method)(X, Y, sample_weight=np.where(Y[:, 0], 3.0, 1.0), **further)
    assert_array_equal(weighted.network_.parameters, expected.network_.parameters)


def test_class_weights_where_a_class_is_missing():
    """A batch without a class of the dict is fine, and soft targets are weighed by their shares."""
    model = MLPClassifier(class_weight={"b": 3.0}, random_state=0)
    model.partial_fit(IRIS_X[:50], np.full(50, "a"), classes=["a", "b", "c"])
    soft = np.eye(3)[IRIS_Y] * 0.9 + 0.1 / 3
    settings = dict(loss="kl_divergence", solver="sgd", shuffle=False, max_iter=3, random_state=0)
    weighed = MLPClassifier(**settings, class_weight={0: 1, 1: 2, 2: 4}).fit(IRIS_X, soft)
    expected = MLPClassifier(**settings).fit(IRIS_X, soft, sample_weight=soft @ [1, 2, 4])
    assert_array_equal(weighed.network_.parameters, expected.network_.parameters)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_two_classes_by_softmax(dtype):
    """Two softmax outputs are one logistic output of their difference."""
    X, y = IRIS_X[:100], np.array(["no", "yes"])[IRIS_Y[:100]]
    model = MLPClassifier((8,), out_activation="softmax", learning_rate_init=0.05, max_iter=50, dtype=dtype)
    model.set_params(random_state=0).fit(X, y)
    assert model.n_outputs_ == 2
    assert model.score(X, y) == 1
    assert model.predict_proba(X).shape == (100, 2)


@pytest.mark.parametrize("out_activation", ["maxout", "product", "softplus", PowerProduct([[1, 0], [0, 1], [1, 1]])])
def test_outputs_of_another_width(rng, out_activation):
    """The output layer has the units that its activation needs for the targets."""
    X = rng.normal(size=(200, 2))
    Y = np.abs(X) + 0.1
    model = MLPRegressor(
        hidden_layer_sizes=(16,), activation="tanh", out_activation=out_activation, solver="lbfgs", random_state=0
    )
    assert model.fit(X, Y).predict(X).shape == (200, 2)
    assert model.score(X, Y) > 0.8
    assert model.network_.n_targets == 2


@pytest.mark.parametrize("out_activation", ["maxout", "product", "softplus"])
def test_classes_by_outputs_of_another_width(out_activation):
    model = MLPClassifier(
        (16,), loss="squared_error", out_activation=out_activation, learning_rate_init=0.01, random_state=0
    )
    assert model.fit(IRIS_X, IRIS_Y).score(IRIS_X, IRIS_Y) > 0.9
    assert model.network_.n_outputs == 3


def test_soft_targets_in_every_call():
    targets = np.eye(3)[IRIS_Y] * 0.7 + 0.1
    settings = dict(loss="kl_divergence", learning_rate_init=0.02, random_state=0)
    model = MLPClassifier(**settings, early_stopping=True).fit(IRIS_X, targets)
    assert model.score(IRIS_X, targets) == model.score(IRIS_X, IRIS_Y) > 0.8
    steps = MLPClassifier(**settings).partial_fit(IRIS_X, targets, classes=["a", "b", "c"])
    steps.partial_fit(IRIS_X[:50], np.eye(3)[IRIS_Y[:50]])  # certain ones are soft targets, too
    assert_array_equal(steps.classes_, ["a", "b", "c"])
    assert set(steps.predict(IRIS_X)) <= {"a", "b", "c"}
    one_hot = MLPClassifier(**settings).fit(IRIS_X, np.eye(3)[IRIS_Y])
    assert one_hot.out_activation_ == "softmax"


def test_the_median_of_several_targets(rng):
    X = rng.normal(size=(100, 3))
    model = MLPRegressor("quantile", max_iter=20, random_state=0).fit(X, X[:, :2])
    assert model.predict(X).shape == (100, 2)


def test_multiplicative_units_learn_products(rng):
    X = rng.normal(size=(400, 2))
    y = X[:, 0] * X[:, 1]
    model = MLPRegressor(
        hidden_layer_sizes=2, activation="product", alpha=0, solver="lbfgs", max_iter=500, random_state=0
    )
    assert model.fit(X, y).score(X, y) > 0.999
    powers = MLPRegressor(
        hidden_layer_sizes=(2, 1), activation=["identity", PowerProduct([[2]])], alpha=0, solver="lbfgs", random_state=0
    )
    with pytest.raises(ValueError, match="exponents of power_product have 1 rows, but the layer has 2 units"):
        powers.set_params(hidden_layer_sizes=(2, 2)).fit(X, X[:, 0] ** 2)
    powers.set_params(hidden_layer_sizes=(2, 1))
    scores = [powers.set_params(random_state=seed).fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) for seed in range(5)]
    assert max(scores) > 0.99  # not from everywhere: the square has saddle points
