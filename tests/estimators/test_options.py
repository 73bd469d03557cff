"""What the estimators add to scikit-learn's parameters: losses, outputs, regularization, schedules, initial weights."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_moons
from sklearn.metrics import d2_pinball_score, mean_pinball_loss
from sklearn.preprocessing import scale
from sklearn.utils.class_weight import compute_class_weight

from fastmlp import MLPClassifier, MLPRegressor, Network
from fastmlp.activations import Activation, LeakyReLU, PowerProduct, Softmax
from fastmlp.initializers import INITIALIZERS
from fastmlp.losses import Huber, Loss, Quantile
from fastmlp.training.schedules import SCHEDULES, Cosine, Exponential, OneCycle, Schedule, Step, WarmUp

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS_X, IRIS_Y = load_iris(return_X_y=True)
IRIS_X = scale(IRIS_X)


@pytest.fixture
def noisy_line(rng):
    """y = 2 x with noise that grows with x."""
    X = rng.uniform(0, 1, size=(1500, 1))
    return X, 2 * X.ravel() + rng.normal(size=1500) * (0.1 + X.ravel())


# Losses and outputs.


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
    # Of 1500 samples a share of q should lie below its quantile: sqrt(q (1 - q) / 1500) is at most 0.013.
    assert_allclose((y[:, None] <= predicted).mean(axis=0), levels, atol=0.04)
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
    assert model.score(X, y) > 0.93
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


class OwnSoftmax(Activation):
    name = "own_softmax"
    is_distribution = True

    def forward(self, z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def backward(self, gradient, z, a):
        return a * (gradient - (gradient * a).sum(axis=1, keepdims=True))


class OwnLogistic(Activation):
    name = "own_logistic"

    def forward(self, z):
        return 1 / (1 + np.exp(-z))

    def backward(self, gradient, z, a):
        return gradient * a * (1 - a)


@pytest.mark.parametrize("loss", ["log_loss", "kl_divergence"])
@pytest.mark.parametrize(("own", "matched"), [(OwnSoftmax(), "softmax"), (OwnLogistic(), "logistic")])
def test_cross_entropy_with_an_activation_of_ones_own(rng, isa, loss, own, matched):
    """By the general path, cost and deltas are those of the closed form."""
    X, y = rng.normal(size=(20, 4)), rng.dirichlet(np.ones(3), size=20)
    networks = [Network([4, 5, 3], out_activation=out, loss=loss, random_state=0) for out in (own, matched)]
    gradients = [network.backward(X, y) for network in networks]
    assert_allclose(gradients[0].cost, gradients[1].cost, rtol=1e-12)
    for ours, closed in zip(gradients[0].deltas, gradients[1].deltas, strict=True):
        assert_allclose(ours, closed, atol=1e-14)


def test_soft_targets_in_every_call():
    targets = np.eye(3)[IRIS_Y] * 0.7 + 0.1
    settings = dict(loss="kl_divergence", learning_rate_init=0.02, random_state=0)
    model = MLPClassifier(**settings, early_stopping=True).fit(IRIS_X, targets)
    assert model.score(IRIS_X, targets) == model.score(IRIS_X, IRIS_Y) > 0.9
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


@pytest.mark.parametrize("z", [-200.0, -80.0, -25.0, -19.0, 0.0, 30.0, 1e4])
def test_poisson_by_softplus_in_its_tails(isa, dtype, z):
    """dC/dz = s - y s / softplus(z), whose limit for z -> -infinity is -y: nothing underflows on the way."""
    network = Network.from_weights(
        [[[1.0]]], [[0.0]], activation=[], out_activation="softplus", loss="poisson", dtype=dtype
    )
    gradients = network.backward([[z]], [[5.0]])
    e = np.exp(-np.abs(np.longdouble(z)))
    s, a = (e / (1 + e), np.log1p(e)) if z < 0 else (1 / (1 + e), z + np.log1p(e))
    assert_allclose(gradients.deltas[0], [[float(s - 5 * s / a)]], rtol=1e-5 if dtype == "float32" else 1e-12)
    assert_allclose(gradients.cost, float(5 * np.log(5 / a) - 5 + a), rtol=1e-5 if dtype == "float32" else 1e-12)


# Regularization.


def test_l1_makes_weights_sparse(rng):
    X = rng.normal(size=(500, 20))
    y = X[:, 0] - 2 * X[:, 1]
    settings = dict(hidden_layer_sizes=(), alpha=0, learning_rate_init=0.02, max_iter=300, tol=0, random_state=0)
    plain = MLPRegressor(**settings).fit(X, y + rng.normal(size=500)).coefs_[0].ravel()
    sparse = MLPRegressor(**settings, l1=60.0).fit(X, y + rng.normal(size=500)).coefs_[0].ravel()
    assert np.abs(sparse[2:]).max() < 0.05 < np.abs(plain[2:]).max()
    assert np.all(np.abs(sparse[:2]) > 0.4)


def test_penalties_are_in_the_reported_loss(rng):
    """loss_curve_ of one full batch is the cost plus alpha / (2 n) |W|^2 + l1 / n |W|_1 of the weights before."""
    X, y = rng.normal(size=(30, 4)), rng.normal(size=30)
    for weight_decay in (0.0, 0.5):
        model = MLPRegressor(hidden_layer_sizes=(6,), alpha=3.0, l1=2.0, weight_decay=weight_decay, random_state=0)
        model.partial_fit(X, y)
        before = Network([4, 6, 1], random_state=0)
        weights = np.concatenate([w.ravel() for w in before.coefs_])
        penalty = 3.0 / 60 * np.sum(weights**2) + 2.0 / 30 * np.abs(weights).sum()
        assert_allclose(model.loss_, before.cost(X, y) + penalty, rtol=1e-12)


def test_weight_decay_leaves_biases_alone(rng):
    """With a learning rate so small that only weight decay acts, weights shrink and biases stay."""
    X, y = rng.normal(size=(32, 3)), rng.normal(size=32)
    model = MLPRegressor(
        hidden_layer_sizes=(4,), alpha=0, solver="adamw", learning_rate_init=1e-9, weight_decay=1e8, random_state=0
    )
    model.partial_fit(X, y)
    before = Network([3, 4, 1], random_state=0)
    for was, now in zip(before.coefs_, model.coefs_, strict=True):
        assert_allclose(now, 0.9 * was, rtol=1e-6)
    for was, now in zip(before.intercepts_, model.intercepts_, strict=True):
        assert_allclose(now, was, rtol=1e-6)


def test_clip_norm_bounds_the_step(rng):
    X, y = rng.normal(size=(40, 3)), 1e6 * rng.normal(size=40)
    model = MLPRegressor(
        hidden_layer_sizes=(4,), solver="sgd", momentum=0, alpha=0, learning_rate_init=0.5, clip_norm=2, random_state=0
    )
    model.partial_fit(X, y)
    moved = model.network_.parameters - Network([3, 4, 1], random_state=0).parameters
    assert_allclose(np.linalg.norm(moved), 0.5 * 2, rtol=1e-9)


def test_clip_norm_of_a_gradient_whose_square_overflows(rng):
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    model = MLPRegressor(
        hidden_layer_sizes=(), solver="sgd", momentum=0, alpha=0, learning_rate_init=0.5, clip_norm=2, dtype="float32"
    )
    model.set_params(random_state=0).partial_fit(1e15 * X, 1e15 * y)
    moved = model.network_.parameters - Network([3, 1], dtype="float32", random_state=0).parameters
    assert_allclose(np.linalg.norm(moved), 0.5 * 2, rtol=1e-5)


def test_statistics_that_overflow_are_divergence(rng):
    X = (1e20 * rng.normal(size=(200, 3))).astype(np.float32)
    with pytest.raises(ValueError, match="diverged in epoch 1"):
        MLPRegressor(hidden_layer_sizes=(6,), batch_norm=True).fit(X, X[:, 0] / 1e20)


def test_batch_norm_goes_on_with_single_rows(rng):
    """As they arrive: by the running statistics, which stay as they are."""
    X = rng.normal(size=(50, 3))
    model = MLPRegressor(hidden_layer_sizes=(6,), batch_norm=True, random_state=0).partial_fit(X, X[:, 0])
    before = model.network_.statistics.copy()
    weights = model.network_.parameters.copy()
    model.partial_fit(X[:1], X[:1, 0])
    assert_array_equal(model.network_.statistics, before)
    assert not np.array_equal(model.network_.parameters, weights)


@pytest.mark.parametrize("n_rows", [64, 65, 79])
def test_batch_norm_with_a_short_last_batch(rng, n_rows, dtype):
    """Also of one row, which has no variance; statistics stay finite, and predictions are good."""
    X = rng.normal(5, 3, size=(n_rows, 3))
    y = X @ [0.5, -1, 0.2]
    model = MLPRegressor(
        hidden_layer_sizes=(32,), batch_norm=True, batch_size=16, learning_rate_init=0.02, max_iter=100, dtype=dtype
    )
    model.set_params(random_state=0).fit(X, y)
    assert np.isfinite(model.network_.statistics).all()
    assert model.score(X, y) > 0.9


def test_batch_norm_learns_unscaled_inputs(rng):
    X, y = make_moons(400, noise=0.1, random_state=0)
    X = X * 1000 + 5000
    settings = dict(hidden_layer_sizes=(32, 32), learning_rate_init=0.01, max_iter=60, random_state=0)
    assert MLPClassifier(**settings, batch_norm=True).fit(X, y).score(X, y) > 0.95
    assert MLPClassifier(**settings).fit(X, y).score(X, y) < 0.9


def test_running_statistics_come_back_with_the_best_weights():
    X, y = make_moons(300, noise=0.3, random_state=0)
    model = MLPClassifier(
        (16,), batch_norm=True, early_stopping=True, learning_rate_init=0.05, max_iter=30, random_state=0
    ).fit(X, y)
    rows = model._split(y, None, False, True, None)[1]
    assert_allclose(model.score(X[rows], y[rows]), model.best_validation_score_)


@pytest.mark.parametrize("activation", ["relu", "randomized_leaky_relu"])
def test_random_training_repeats_and_continues(activation):
    """The same seed draws the same masks, and n epochs one by one are n epochs at once, through pickle too."""
    settings = dict(
        activation=activation, dropout=0.3, input_dropout=0.1, batch_norm=True, shuffle=False, tol=0, random_state=7
    )
    whole = MLPClassifier((12, 6), **settings, max_iter=4).fit(IRIS_X, IRIS_Y)
    again = MLPClassifier((12, 6), **settings, max_iter=4).fit(IRIS_X, IRIS_Y)
    assert_array_equal(whole.network_.parameters, again.network_.parameters)
    other = MLPClassifier((12, 6), **{**settings, "random_state": 8}, max_iter=4).fit(IRIS_X, IRIS_Y)
    assert not np.allclose(whole.network_.parameters, other.network_.parameters)
    steps = MLPClassifier((12, 6), **settings)
    for _ in range(4):
        steps.partial_fit(IRIS_X, IRIS_Y, classes=[0, 1, 2])
        steps = pickle.loads(pickle.dumps(steps))
    assert_array_equal(whole.network_.parameters, steps.network_.parameters)
    assert_array_equal(whole.network_.statistics, steps.network_.statistics)


def test_dropout_does_not_change_what_it_does_not_use():
    """Rows are shuffled as without it: a rate of 0 draws nothing."""
    plain = MLPClassifier((12,), max_iter=3, random_state=0).fit(IRIS_X, IRIS_Y)
    zero = MLPClassifier((12,), max_iter=3, random_state=0, dropout=[0.0], input_dropout=0.0).fit(IRIS_X, IRIS_Y)
    assert_array_equal(plain.network_.parameters, zero.network_.parameters)


# Schedules.


def rates_of(schedule, n_epochs=20, **parameters):
    """Learning rate at the start of each epoch, as callbacks are told."""
    rates = []
    MLPRegressor(
        hidden_layer_sizes=(2,),
        learning_rate=schedule,
        learning_rate_init=0.01,
        max_iter=n_epochs,
        n_iter_no_change=np.inf,
        callbacks=lambda info: rates.append(info.learning_rate),
        random_state=0,
        **parameters,
    ).fit(IRIS_X, IRIS_Y)
    return np.array(rates)


def test_schedules_follow_their_formulas():
    epochs = np.arange(20)
    assert_allclose(rates_of(Step(every=5, decay=0.1)), 0.01 * 0.1 ** (epochs // 5))
    assert_allclose(rates_of(Exponential(decay=0.9)), 0.01 * 0.9**epochs)
    assert_allclose(rates_of(Cosine(final=0.1)), 0.01 * (0.1 + 0.45 * (1 + np.cos(np.pi * epochs / 20))))
    assert_allclose(rates_of(WarmUp(epochs=4))[1:], 0.01 * np.minimum(epochs / 4, 1)[1:])
    one_cycle = rates_of(OneCycle(peak=8, rise=0.25, final=0.5))
    assert one_cycle.argmax() == 5
    assert_allclose([one_cycle[0], one_cycle[5]], [0.01, 0.08])
    assert_allclose(rates_of(lambda epoch: 0.1 / (epoch + 1)), 0.1 / (epochs + 1))


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop"])
def test_schedules_by_name(name, solver):
    assert_allclose(rates_of(name, solver=solver), 0.01 * SCHEDULES[name].factor(np.arange(20.0), 20))


def test_schedules_change_within_an_epoch(rng):
    """Each batch has its own step size: plain gradient descent by hand, with Network."""
    X, y = rng.normal(size=(12, 2)), rng.normal(size=12)
    schedule = Exponential(decay=0.25)
    model = MLPRegressor(
        hidden_layer_sizes=(3,), solver="sgd", momentum=0, alpha=0, batch_size=4, shuffle=False, max_iter=2, tol=0,
        learning_rate=schedule, learning_rate_init=0.1, random_state=0,
    ).fit(X, y)  # fmt: skip
    network = Network([2, 3, 1], random_state=0)
    for step in range(6):
        rows = slice(4 * (step % 3), 4 * (step % 3) + 4)
        network.step(X[rows], y[rows], learning_rate=0.1 * 0.25 ** (step / 3))
    assert_allclose(model.network_.parameters, network.parameters, rtol=1e-10)


def test_a_schedule_of_ones_own():
    class Linear(Schedule):
        def factor(self, epoch, n_epochs):
            return 1 - epoch / n_epochs

    assert_allclose(rates_of(Linear()), 0.01 * (1 - np.arange(20) / 20))


def test_schedules_go_on_with_partial_fit():
    rates = []
    model = MLPRegressor(learning_rate=Exponential(0.5), callbacks=lambda info: rates.append(info.learning_rate))
    for _ in range(4):
        model.partial_fit(IRIS_X, IRIS_Y)
    assert_allclose(rates, 0.001 * 0.5 ** np.arange(4))


def test_each_fit_runs_a_whole_schedule():
    rates = []
    model = MLPRegressor(
        hidden_layer_sizes=(2,), learning_rate="cosine", warm_start=True, max_iter=4, tol=0, random_state=0,
        callbacks=lambda info: rates.append(info.learning_rate),
    )  # fmt: skip
    model.fit(IRIS_X, IRIS_Y).fit(IRIS_X, IRIS_Y)
    assert_allclose(rates[:4], 0.001 * Cosine().factor(np.arange(4), 4))
    assert_allclose(rates[4:], rates[:4])
    model.set_params(max_iter=8).fit(IRIS_X, IRIS_Y)
    assert_allclose(rates[8:], 0.001 * Cosine().factor(np.arange(8), 8))
    for _ in range(3):
        model.partial_fit(IRIS_X, IRIS_Y)
    assert rates[-3:] == [0, 0, 0]


def test_a_callable_schedule_is_asked_once_an_epoch():
    asked = []

    def rate(epoch):
        asked.append(epoch)
        return [0.1, 0.01, 0.001][epoch]

    assert_allclose(rates_of(rate, n_epochs=3), [0.1, 0.01, 0.001])
    assert asked == [0, 1, 2]


# Initial weights.


@pytest.mark.parametrize("name", sorted(set(INITIALIZERS) - {"zeros", "orthogonal"}))
def test_initial_weights_have_their_distribution(name):
    fan_in, fan_out = 300, 100
    network = Network([fan_in, fan_out, 1], init=name, random_state=0)
    variance = {"glorot": 2 / (fan_in + fan_out), "he": 2 / fan_in, "lecun": 1 / fan_in}[name.split("_")[0]]
    drawn = network.coefs_[0].ravel() / np.sqrt(variance)
    uniform = ("uniform", (-np.sqrt(3), 2 * np.sqrt(3)))
    assert kstest(drawn, *(uniform if name.endswith("uniform") else ("norm", (0, 1)))).pvalue > 0.01
    assert not network.intercepts_[0].any()


@pytest.mark.parametrize("sizes", [(30, 20, 1), (20, 30, 1), (20, 20, 1)])
def test_orthogonal_initial_weights(sizes):
    w = Network(sizes, init="orthogonal", random_state=0).coefs_[0]
    smaller = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    assert_allclose(smaller, np.eye(len(smaller)), atol=1e-12)


def test_zeros_for_the_last_layer():
    network = Network([4, 8, 3], init=["he_normal", "zeros"], random_state=0)
    assert network.coefs_[0].any()
    assert not network.forward(IRIS_X).any()
    model = MLPClassifier((16,), init=["he_normal", "zeros"], learning_rate_init=0.01, max_iter=100, random_state=0)
    assert model.fit(IRIS_X, IRIS_Y).score(IRIS_X, IRIS_Y) > 0.95


# L-BFGS.


def test_lbfgs_calls_back_and_stops(capsys):
    seen = []

    def third(info):
        seen.append(info)
        return info.epoch == 3

    model = MLPClassifier((8,), solver="lbfgs", callbacks=[third], random_state=0).fit(IRIS_X, IRIS_Y)
    assert model.stop_reason_ == "callback"
    assert model.n_iter_ == 3
    assert [info.loss for info in seen] == model.loss_curve_
    assert all(info.learning_rate is None for info in seen)


def test_lbfgs_goes_on_for_a_smaller_tol():
    """SciPy's other criterion, a small change of the cost, has to move with tol, or this ends with a constant."""
    x = np.linspace(-2, 2, 101).reshape(-1, 1)
    y = np.sin(2 * np.pi * x.ravel()) * np.exp(-(x.ravel() ** 2))
    model = MLPRegressor(hidden_layer_sizes=(16,), activation="tanh", solver="lbfgs", alpha=0, random_state=0)
    assert model.fit(x, y).score(x, y) < 0.1
    assert model.set_params(tol=1e-10, max_iter=600).fit(x, y).score(x, y) > 0.99


def test_lbfgs_minimizes_the_sum_over_outputs(rng):
    """With several outputs and no hidden layer it finds ridge regression of each, alpha as it is."""
    X, Y = rng.normal(size=(80, 3)), rng.normal(size=(80, 2))
    model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=5.0, tol=1e-10, max_iter=500).fit(X, Y)
    centred = X - X.mean(axis=0)
    expected = np.linalg.solve(centred.T @ centred + 5.0 * np.eye(3), centred.T @ (Y - Y.mean(axis=0)))
    assert_allclose(model.coefs_[0], expected, atol=1e-5)


# A user's own.


class Softsign(Activation):
    name = "softsign"

    def forward(self, z):
        return z / (1 + np.abs(z))

    def backward(self, gradient, z, a):
        return gradient / (1 + np.abs(z)) ** 2


@dataclass
class LogCosh(Loss):
    sharpness: float = 1.0
    name = "log_cosh"

    def values(self, a, y):
        return np.log(np.cosh(self.sharpness * (a - y))).sum(axis=1)

    def gradient(self, a, y):
        return self.sharpness * np.tanh(self.sharpness * (a - y))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_own_activation_and_loss_in_an_estimator(rng, solver, dtype):
    X = rng.normal(size=(300, 2))
    y = np.sin(2 * X[:, 0]) + X[:, 1]
    model = MLPRegressor(
        loss=LogCosh(2.0), hidden_layer_sizes=(20, 10), activation=[Softsign(), LeakyReLU(0.3)], solver=solver,
        learning_rate_init=0.02, max_iter=150, dtype=dtype, random_state=0,
    )  # fmt: skip
    model = clone(model).fit(X, y)
    assert model.score(X, y) > 0.95
    assert model.predict(X).dtype == dtype
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


class NegatedLeakyReLU(LeakyReLU):
    """A built-in one with a method of its own is no longer the kernel's."""

    def forward(self, z):
        return -super().forward(z)

    def backward(self, gradient, z, a):
        return -super().backward(gradient, z, -a)


class WrongShapes(Softsign):
    name = "wrong_shapes"

    def __init__(self, method):
        self.method = method

    def forward(self, z):
        return super().forward(z)[:, :1] if self.method == "forward" else super().forward(z)

    def backward(self, gradient, z, a):
        return super().backward(gradient, z, a)[:1] if self.method == "backward" else super().backward(gradient, z, a)


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_shapes_that_an_activation_returns(method):
    network = Network([2, 3, 1], activation=WrongShapes(method), random_state=0)
    with pytest.raises(ValueError, match=f"{method} of 'wrong_shapes' returned an array of shape .*; return one of"):
        network.backward(np.eye(2), [0, 1])


class WrongLoss(LogCosh):
    def gradient(self, a, y):
        return super().gradient(a, y)[:, 0]


def test_shapes_that_a_loss_returns():
    with pytest.raises(ValueError, match=r"gradient of 'log_cosh' returned .* \(2,\); return one of shape \(2, 1\)"):
        Network([2, 1], activation=[], loss=WrongLoss()).backward(np.eye(2), [0, 1])


def test_a_method_of_a_subclass_is_used(rng):
    X = rng.normal(size=(5, 3))
    plain = Network([3, 4, 1], activation=LeakyReLU(0.2), random_state=0)
    negated = Network([3, 4, 1], activation=NegatedLeakyReLU(0.2), random_state=0)
    assert_allclose(negated.activations(X)[1], -plain.activations(X)[1])
    negated.coefs_[1][...] *= -1
    assert_allclose(negated.backward(X, X[:, 0]).inputs, plain.backward(X, X[:, 0]).inputs)


def test_multiplicative_units_learn_products(rng):
    X = rng.normal(size=(400, 2))
    y = X[:, 0] * X[:, 1]
    model = MLPRegressor(
        hidden_layer_sizes=2, activation="product", alpha=0, solver="lbfgs", max_iter=500, random_state=0
    )
    assert model.fit(X, y).score(X, y) > 0.999
    powers = MLPRegressor(
        hidden_layer_sizes=(2, 1), activation=["identity", PowerProduct([[2]])], alpha=0, solver="lbfgs", random_state=1
    )
    with pytest.raises(ValueError, match="exponents of power_product have 1 rows, but the layer has 2 units"):
        powers.set_params(hidden_layer_sizes=(2, 2)).fit(X, X[:, 0] ** 2)
    assert powers.set_params(hidden_layer_sizes=(2, 1)).fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.99
