"""Classification of several targets at once, each with classes of its own: one network, a softmax for each."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_blobs
from sklearn.metrics import log_loss
from sklearn.multioutput import MultiOutputClassifier
from sklearn.utils.class_weight import compute_sample_weight

from fastmlp import MLPClassifier, Network
from fastmlp.activations import Softmax

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = dict(hidden_layer_sizes=16, max_iter=60, learning_rate_init=0.02, random_state=0)


@pytest.fixture(scope="module")
def table():
    X, first = make_blobs(240, 4, centers=3, random_state=0)
    second = (X[:, 0] > np.median(X[:, 0])).astype(int) * 5
    third = np.digitize(X[:, 1], np.quantile(X[:, 1], [0.25, 0.5, 0.75]))
    return (X - X.mean(axis=0)) / X.std(axis=0), np.column_stack([first, second, third])


def test_learns_all_targets(table):
    X, y = table
    model = MLPClassifier(**SETTINGS).fit(X, y)
    apart = MultiOutputClassifier(MLPClassifier(**SETTINGS)).fit(X, y)
    assert [labels.tolist() for labels in model.classes_] == [[0, 1, 2], [0, 5], [0, 1, 2, 3]]
    predicted = model.predict(X)
    assert predicted.dtype == y.dtype
    assert model.score(X, y) == np.mean(np.all(predicted == y, axis=1)) > apart.score(X, y) - 0.1 > 0.6
    for labels, column, probabilities, logarithms in zip(
        model.classes_, predicted.T, model.predict_proba(X), model.predict_log_proba(X), strict=True
    ):
        assert_allclose(probabilities.sum(axis=1), 1)
        assert_array_equal(labels[probabilities.argmax(axis=1)], column)
        assert_allclose(np.exp(logarithms), probabilities)


def test_loss_is_the_sum_of_those_of_the_targets(table):
    X, y = table
    model = MLPClassifier(**SETTINGS, alpha=0).fit(X, y, X_val=X, y_val=y)
    losses = [log_loss(column, part) for column, part in zip(y.T, model.predict_proba(X), strict=True)]
    assert_allclose(model.validation_loss_curve_[-1], sum(losses))
    assert_allclose(model.validation_scores_[-1], model.score(X, y))


@pytest.mark.parametrize("loss", ["log_loss", "kl_divergence", "squared_error"])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient(rng, isa, loss, weighted):
    """Central differences, with groups of unequal size, one of a single unit."""
    network = Network([3, 5, 10], activation="tanh", out_activation=Softmax([3, 1, 6]), loss=loss, random_state=0)
    X, weights = rng.normal(size=(7, 3)), rng.integers(1, 4, 7).astype(float) if weighted else None
    y = np.hstack([rng.dirichlet(np.ones(n), 7) for n in (3, 1, 6)])
    gradients = network.backward(X, y, weights)
    blocks = zip(gradients.coefs, gradients.intercepts, strict=True)
    gradient = np.hstack([np.vstack([w, b]).ravel() for w, b in blocks])
    differences = np.empty_like(gradient)
    for i, parameter in enumerate(network.parameters.copy()):
        costs = []
        for moved in (parameter + 1e-6, parameter - 1e-6):
            network.parameters[i] = moved
            costs.append(network.cost(X, y, weights))
        network.parameters[i] = parameter
        differences[i] = (costs[0] - costs[1]) / 2e-6
    assert_allclose(gradient, differences, rtol=1e-6, atol=1e-8)


def test_forward_is_a_softmax_of_each_group(rng, isa, dtype):
    z = rng.normal(scale=5, size=(9, 20)).astype(dtype)
    expected = np.hstack(
        [np.exp(part) / np.exp(part).sum(axis=1, keepdims=True) for part in np.split(z.astype(float), [2, 3], axis=1)]
    )
    assert_allclose(Softmax([2, 1, 17]).forward(z), expected, rtol=1e-5 if dtype == "float32" else 1e-12)


def test_strings_and_partial_fit(table):
    X, y = table
    names = np.array(["a", "b", "c", "d", "e", "f"])[y]
    model = MLPClassifier(**SETTINGS)
    for _ in range(60):
        model.partial_fit(X, names, classes=[list("abc"), list("af"), list("abcd")])
    assert model.score(X, names) > 0.6
    assert set(model.predict(X)[:, 1]) == {"a", "f"}
    once = MLPClassifier(**SETTINGS).partial_fit(X[:2], y[:2] % 2, classes=[[0, 1], [0, 1], [0, 1]])
    assert len(once.predict_proba(X)) == 3


def test_weights(table):
    """Of rows, and of the classes of each target, which multiply."""
    X, y = table
    class_weight = [{0: 2.0, 1: 1.0, 2: 1.0}, {0: 1.0, 5: 3.0}, {0: 1.0, 1: 1.0, 2: 0.1, 3: 1.0}]
    by_class = MLPClassifier(**SETTINGS, class_weight=class_weight).fit(X, y)
    weights = compute_sample_weight(class_weight, y)
    by_row = MLPClassifier(**SETTINGS).fit(X, y, sample_weight=weights)
    assert_allclose(by_class.predict_proba(X)[2], by_row.predict_proba(X)[2])
    balanced = MLPClassifier(**SETTINGS, class_weight="balanced").fit(X, y)
    assert_allclose(
        balanced.predict_proba(X)[2],
        MLPClassifier(**SETTINGS).fit(X, y, sample_weight=compute_sample_weight("balanced", y)).predict_proba(X)[2],
    )


@pytest.mark.parametrize("values", [(1, 2), (-1, 1), (0, 7)])
def test_two_labels_in_each_column(table, values):
    """A matrix that is not of 0 and 1 holds labels of several targets, as few as they may be."""
    X, y = table
    labels = np.array(values)[(y[:, :2] > 0).astype(int)]
    model = MLPClassifier(**SETTINGS).fit(X, labels)
    assert [classes.tolist() for classes in model.classes_] == [list(values)] * 2
    assert set(np.unique(model.predict(X))) == set(values)
    assert model.score(X, labels) > 0.6


def test_balanced_weights_of_validation_rows_are_those_of_training(table):
    X, y = table
    model = MLPClassifier(**SETTINGS, class_weight="balanced").fit(X, y, X_val=X[:90], y_val=y[:90])
    weights = compute_sample_weight("balanced", y)[:90]
    same = MLPClassifier(**SETTINGS).fit(
        X, y, compute_sample_weight("balanced", y), X_val=X[:90], y_val=y[:90], sample_weight_val=weights
    )
    assert_allclose(model.validation_loss_curve_, same.validation_loss_curve_, rtol=1e-7)
    assert_allclose(model.validation_scores_, same.validation_scores_)


def test_score_of_other_targets(table):
    X, y = table
    model = MLPClassifier(**SETTINGS).fit(X, y)
    for wrong in (y[:, :1], y[:, :2], y[:, 0]):
        with pytest.raises(ValueError, match=r"y has shape .*, but the model has 3 targets; pass one column for each"):
            model.score(X, wrong)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score(X, y[:1])


def test_classes_that_only_validation_has(table):
    """As weights go by the rows trained on, they are 0."""
    X, y = table
    labels = (y > 0).astype(int)
    labels[:, 1] = 0
    other = labels.copy()
    other[0, 1] = 1
    model = MLPClassifier(**SETTINGS, class_weight="balanced").fit(X, labels, X_val=X, y_val=other)
    same = MLPClassifier(**SETTINGS, class_weight="balanced").fit(X, labels, X_val=X[1:], y_val=other[1:])
    assert model.validation_scores_ == same.validation_scores_


@pytest.mark.parametrize("kind", ["targets", "labels", "classes"])
def test_balanced_weights_count_weights(table, kind):
    """A row of weight 0 is the same as one that is not there, one of weight 2 the same as two."""
    X, y = table
    y = {"targets": y, "labels": (y > 0).astype(int), "classes": y[:, 0]}[kind]
    counts = np.arange(len(X)) % 3
    settings = dict(class_weight="balanced", solver="lbfgs", activation="tanh", alpha=1.0, max_iter=20, random_state=0)
    if kind == "labels":  # the product of the labels' weights is below 1 on average, so that penalties go by rows
        settings["alpha"] = 0
    weighted = MLPClassifier(5, **settings).fit(X, y, sample_weight=counts)
    repeated = MLPClassifier(5, **settings).fit(X.repeat(counts, axis=0), y.repeat(counts, axis=0))
    assert_allclose(weighted.network_.parameters, repeated.network_.parameters, rtol=0, atol=1e-9)


def test_smoothing_is_over_each_targets_own_classes(table):
    """Where X says nothing, the best probabilities are the smoothed frequencies."""
    _, y = table
    X = np.zeros((len(y), 1))
    model = MLPClassifier((), solver="lbfgs", alpha=0, label_smoothing=0.3, tol=1e-9, max_iter=500, random_state=0)
    model.fit(X, y)
    for column, labels, probabilities in zip(y.T, model.classes_, model.predict_proba(X[:1]), strict=True):
        shares = np.mean(column[:, np.newaxis] == labels, axis=0)
        assert_allclose(probabilities[0], 0.7 * shares + 0.3 / len(labels), atol=1e-5)


@pytest.mark.parametrize(
    "settings", [dict(loss="hinge"), dict(out_activation="logistic"), dict(early_stopping=True, n_iter_no_change=60)]
)
def test_other_heads(table, settings):
    X, y = table
    model = MLPClassifier(**SETTINGS, **settings).fit(X, y)
    assert model.score(X, y) > 0.5
    if settings.get("loss") == "hinge":
        assert [part.shape[1] for part in model.decision_function(X)] == [3, 2, 4]
    else:
        assert all(np.allclose(part.sum(axis=1), 1) for part in model.predict_proba(X))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y[:, :2], r"y has shape \(240, 2\), but the model has 3 targets; pass one column for each"),
        (lambda y: y + 1, "classes not in"),
        (lambda y: y[:, 0], r"y has shape \(240,\), but the model has 3 targets"),
    ],
)
def test_other_targets_than_before(table, change, message):
    X, y = table
    model = MLPClassifier(**SETTINGS).partial_fit(X, y, classes=[[0, 1, 2], [0, 5], [0, 1, 2, 3]])
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X, change(y))
    with pytest.raises(ValueError, match="same classes"):
        model.set_params(warm_start=True).fit(X, np.column_stack([y[:, 0] + 1, y[:, 1], y[:, 2]]))


def test_wrong_groups():
    with pytest.raises(ValueError, match="group_sizes is 0; pass a positive integer"):
        Softmax([2, 0])
    with pytest.raises(ValueError, match=r"group_sizes of softmax is \(2, 3\), 5 units in all, but the layer has 4"):
        Network([2, 4], activation=[], out_activation=Softmax([2, 3]), loss="log_loss")
