"""What a fitted model tells about itself, against NumPy by hand, finite differences, PyTorch and theory."""

import pickle
import tracemalloc
from email.message import Message

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from scipy.sparse import random as sparse_random
from scipy.special import expit, softmax
from scipy.stats import spearmanr
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_diabetes, load_iris, make_moons
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from fastmlp import MLPClassifier, MLPRegressor, Perceptron, _blocks
from fastmlp.activations import Maxout
from fastmlp.estimators import _docs
from fastmlp.inspection import _mixin, _passes
from fastmlp.losses import Quantile

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Got `batch_size` larger:UserWarning"),
]

FEW = dict(hidden_layer_sizes=(6, 5), max_iter=5, learning_rate_init=0.01, random_state=0)


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.fixture(params=[7, 4096], ids=["blocks", "one-block"])
def block_rows(request, monkeypatch):
    monkeypatch.setattr(_passes, "BLOCK_ROWS", request.param)


def shares(values):
    return values / values.sum()


def outputs_of(model, X):
    return model.network_.forward(X)


def central_differences(function, X, step=1e-6):
    """Of a function that maps (n_samples, n_features) to (n_samples,), each row by itself."""
    columns = []
    for column in range(X.shape[1]):
        shift = np.zeros_like(X)
        shift[:, column] = step
        columns.append((function(X + shift) - function(X - shift)) / (2 * step))
    return np.stack(columns, axis=1)


# Hidden outputs.


def test_transform_by_hand(iris, isa, dtype, block_rows):
    X, y = iris[0].astype(dtype), iris[1]
    model = MLPClassifier(activation=["tanh", "relu"], **FEW).fit(X, y)
    (w1, w2, w3), (b1, b2, b3) = model.coefs_, model.intercepts_
    first = np.tanh(X @ w1 + b1)
    second = np.maximum(first @ w2 + b2, 0)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    for layer, expected in [(0, first), (1, second), (-1, second), (-2, first)]:
        got = model.transform(X, layer=layer)
        assert got.dtype == dtype
        assert_allclose(got, expected, rtol=0, atol=tolerance)
        assert_allclose(model.transform(csr_array(X), layer), expected, rtol=0, atol=tolerance)
    assert_array_equal(model.transform(X), model.transform(X, -1))
    # The last hidden layer is what the output layer sees.
    assert_allclose(softmax(model.transform(X) @ w3 + b3, axis=1), model.predict_proba(X), rtol=0, atol=tolerance)


def test_transform_with_batch_norm_dropout_and_groups(iris):
    X, y = iris
    settings = FEW | dict(activation=["tanh", Maxout(3)], hidden_layer_sizes=(6, 12))
    model = MLPClassifier(batch_norm=True, dropout=0.5, **settings).fit(X, y)
    network, a = model.network_, X
    for layer, activate in enumerate([np.tanh, lambda z: z.reshape(-1, 4, 3).max(axis=2)]):
        z = (a @ network.coefs_[layer] - network.running_means_[layer]) / np.sqrt(
            network.running_variances_[layer] + 1e-5
        )
        a = activate(z * network.scales_[layer] + network.intercepts_[layer])
        assert_allclose(model.transform(X, layer), a, rtol=0, atol=1e-12)
    assert len(model.get_feature_names_out()) == 4


def test_transform_takes_a_block_at_a_time(rng, monkeypatch):
    monkeypatch.setattr(_passes, "BLOCK_ROWS", 200)
    X = rng.normal(size=(20_000, 3))
    model = MLPRegressor(hidden_layer_sizes=(100, 2), max_iter=1, random_state=0).fit(X[:100], X[:100, 0])
    model.transform(X[:10])
    tracemalloc.start()
    try:
        model.transform(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # X, the result, the workspace of a block, and the scratch memory of products; all rows of layer 1 would be 16 MB.
    assert peak < X.nbytes + 20_000 * 2 * 8 + 3 * 200 * 105 * 8 + 1_000_000


def test_bad_layers(iris):
    X, y = iris
    model = MLPClassifier(**FEW).fit(X, y)
    for layer in (2, -3, 0.0, "last"):
        with pytest.raises(ValueError, match=f"layer is {layer!r}, but the hidden layers are 0 to 1; pass one"):
            model.transform(X, layer=layer)
    with pytest.raises(NotFittedError):
        MLPClassifier().transform(X)
    linear = MLPClassifier(()).fit(X, y)
    for call in (linear.get_feature_names_out, lambda: linear.transform(X)):
        with pytest.raises(ValueError, match="no hidden layer .*; set hidden_layer_sizes"):
            call()


def test_data_frames(iris):
    X, y = iris
    model = MLPClassifier(**FEW).fit(X, y)
    names = [f"mlpclassifier{number}" for number in range(5)]
    assert_array_equal(model.get_feature_names_out(), names)
    plain = model.transform(X)
    with config_context(transform_output="pandas"):
        assert list(model.transform(X).columns) == names
    frame = model.set_output(transform="pandas").transform(X)
    assert list(frame.columns) == names
    assert_array_equal(frame.to_numpy(), plain)
    with pytest.raises(ValueError, match="layer is 0, but get_feature_names_out names .*; leave layer out, or use"):
        model.transform(X, layer=0)
    assert_array_equal(model.transform(X, layer=1), frame)


def test_in_a_pipeline(iris):
    X, y = iris
    features = MLPClassifier((10, 4), solver="lbfgs", random_state=0)
    pipeline = make_pipeline(StandardScaler(), features, LogisticRegression()).fit(X, y)
    assert pipeline.score(X, y) > 0.95
    assert pipeline[:-1].transform(X).shape == (150, 4)
    assert_array_equal(pipeline[:-1].get_feature_names_out()[:1], ["mlpclassifier0"])


def test_kind_of_estimator():
    """An estimator that also transforms is still a classifier or a regressor."""
    assert is_classifier(MLPClassifier())
    assert is_regressor(MLPRegressor())
    assert get_tags(MLPClassifier()).transformer_tags.preserves_dtype == ["float64", "float32"]
    assert not hasattr(MLPClassifier, "set_transform_request")
    assert get_tags(MLPRegressor(dtype="float32")).transformer_tags.preserves_dtype == ["float32"]


# Gradients by the inputs: of outputs.


@pytest.mark.parametrize("make", [lambda X: X, csr_array], ids=["dense", "sparse"])
def test_gradient_of_outputs(iris, isa, block_rows, make):
    X, y = iris[0][::3], iris[1][::3]
    model = MLPClassifier(activation="tanh", **FEW).fit(X, y)
    for output in range(3):
        expected = central_differences(lambda X, k=output: outputs_of(model, X)[:, k], X)
        assert_allclose(model.input_gradient(make(X), output=output), expected, rtol=0, atol=1e-8)
    largest = outputs_of(model, X).argmax(axis=1)
    assert len(set(largest)) > 1
    expected = central_differences(lambda X: outputs_of(model, X)[np.arange(len(X)), largest], X)
    assert_allclose(model.input_gradient(make(X)), expected, rtol=0, atol=1e-8)


def test_gradient_of_the_only_output(rng):
    X = rng.normal(size=(30, 3))
    model = MLPRegressor(activation=["gelu", "product"], batch_norm=True, **FEW | dict(hidden_layer_sizes=(6, 4)))
    model.fit(X, X[:, 0] * X[:, 1])
    expected = central_differences(model.predict, X)
    assert_allclose(model.input_gradient(X), expected, rtol=0, atol=1e-7)
    binary = MLPClassifier(**FEW | dict(activation="tanh")).fit(X, X[:, 0] > 0)
    expected = central_differences(lambda X: binary.predict_proba(X)[:, 1], X)
    assert_allclose(binary.input_gradient(X), expected, rtol=0, atol=1e-8)


def test_gradient_in_float32(iris):
    X, y = iris
    model = MLPClassifier(activation="tanh", dtype="float32", **FEW).fit(X, y)
    gradient = model.input_gradient(X)
    assert gradient.dtype == np.float32
    double = MLPClassifier(activation="tanh", **FEW).fit(X, y)
    double.network_.parameters[:] = model.network_.parameters
    assert_allclose(gradient, double.input_gradient(X), rtol=0, atol=1e-6)


# And of the loss.

SOFT = np.random.default_rng(1).dirichlet(np.ones(3), 40)
LABELS = np.arange(40) % 3
REAL = np.random.default_rng(2).normal(size=(40, 2))
LOSSES = {
    "softmax": (MLPClassifier(), LABELS),
    "strings": (MLPClassifier(label_smoothing=0.2), np.array(["a", "b", "c"])[LABELS]),
    "binary": (MLPClassifier(), LABELS > 0),
    "hinge": (MLPClassifier(loss="hinge"), LABELS),
    "brier": (MLPClassifier(loss="squared_error", class_weight="balanced"), LABELS),
    "multilabel": (MLPClassifier(), np.eye(3, dtype=int)[LABELS]),
    "soft": (MLPClassifier(loss="kl_divergence"), SOFT),
    "one-target": (MLPRegressor(), REAL[:, 0]),
    "targets": (MLPRegressor(), REAL),
    "poisson": (MLPRegressor(loss="poisson"), LABELS),
    "quantiles": (MLPRegressor(loss=Quantile([0.1, 0.9])), REAL[:, 0]),
}


@pytest.fixture(params=LOSSES)
def fitted_with_loss(request, rng):
    model, y = LOSSES[request.param]
    X = rng.normal(size=(40, 4))
    return request.param, model.set_params(activation="tanh", **FEW).fit(X, y), X, y


def targets_of(kind, model, y):
    """As the loss sees them, written out."""
    if kind == "strings":
        return np.where(y[:, None] == model.classes_, 0.8 + 0.2 / 3, 0.2 / 3)
    if kind == "hinge":
        return np.where(y[:, None] == model.classes_, 1.0, -1.0)
    if kind in ("softmax", "brier"):
        return (y[:, None] == model.classes_).astype(float)
    return np.asarray(y, dtype=float).reshape(len(y), -1)


def test_gradient_of_the_loss(fitted_with_loss, isa, block_rows):
    kind, model, X, y = fitted_with_loss
    X, y = X[:10], y[:10]
    targets = targets_of(kind, model, y)

    def losses(X):
        return np.array([model.network_.cost(X[i : i + 1], targets[i : i + 1]) for i in range(len(X))])

    expected = central_differences(losses, X)
    got = model.input_gradient(X, y)
    assert_allclose(got, expected, rtol=0, atol=1e-7)
    assert_allclose(model.input_gradient(csr_array(X), y), got, rtol=0, atol=1e-12)
    # A batch that lacks classes, the last of which comes first.
    assert_allclose(model.input_gradient(X[2:3], y[2:3]), got[2:3], rtol=0, atol=1e-12)


def test_gradients_against_torch(fitted_with_loss):
    torch = pytest.importorskip("torch")
    from ..core.test_against_torch import Twin

    kind, model, X, y = fitted_with_loss
    if kind in ("strings", "hinge", "soft"):
        targets = targets_of(kind, model, y)
    else:
        targets = model._targets.in_loss(targets_of(kind, model, y))
    twin = Twin(model.network_)
    inputs = torch.tensor(X, requires_grad=True)
    (len(X) * twin.cost(inputs, torch.tensor(targets))[0]).backward()
    assert_allclose(model.input_gradient(X, y), inputs.grad.numpy(), rtol=0, atol=1e-10)
    for output in range(model.n_outputs_):
        inputs = torch.tensor(X, requires_grad=True)
        twin.forward(inputs)[0][:, output].sum().backward()
        assert_allclose(model.input_gradient(X, output=output), inputs.grad.numpy(), rtol=0, atol=1e-10)


def test_asking_for_a_gradient_changes_nothing(fitted_with_loss):
    _, model, X, y = fitted_with_loss
    before = pickle.dumps(model)
    model.input_gradient(X, y)
    model.integrated_gradients(X)
    model.transform(X)
    model.summary()
    model.diagnose(X, y)
    assert pickle.dumps(model) == before


def test_refused_gradients(iris):
    X, y = iris
    model = MLPClassifier(**FEW).fit(X, y)
    for output in (3, -1, 1.0):
        with pytest.raises(
            ValueError, match=f"output is {output}, but the outputs of the network are 0 to 2; pass one"
        ):
            model.input_gradient(X, output=output)
        with pytest.raises(
            ValueError, match=f"output is {output}, but the outputs of the network are 0 to 2; pass one"
        ):
            model.integrated_gradients(X, output=output)
    with pytest.raises(ValueError, match="output is 1, but with y the loss is derived; pass only one"):
        model.input_gradient(X, y, output=1)
    with pytest.raises(ValueError, match="has classes not in `self.classes_`"):
        model.input_gradient(X, y + 1)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.input_gradient(X, y[:-1])
    with pytest.raises(ValueError, match=r"y has shape \(150, 2\), but the model was not fitted to such; pass"):
        model.input_gradient(X, np.eye(2, dtype=int)[y % 2])
    multilabel = MLPClassifier(**FEW).fit(X, np.eye(3, dtype=int)[y])
    with pytest.raises(ValueError, match=r"y has shape \(150,\), but the model was not fitted to such"):
        multilabel.input_gradient(X, y)
    regressor = MLPRegressor(**FEW).fit(X, X[:, :2])
    with pytest.raises(ValueError, match=r"y has shape \(150,\), but the model was not fitted to such"):
        regressor.input_gradient(X, X[:, 0])
    with pytest.raises(NotFittedError):
        MLPRegressor().input_gradient(X)


# Importances.


@pytest.mark.parametrize("kind", ["classes", "binary", "labels", "targets"])
def test_importances_are_mean_absolute_gradients_times_deviations(iris, kind, block_rows):
    X, y = iris
    targets = {"classes": y, "binary": y > 0, "labels": np.eye(3, dtype=int)[y], "targets": X[:, :2] ** 2}[kind]
    model = (MLPRegressor if kind == "targets" else MLPClassifier)(activation="tanh", **FEW).fit(X, targets)
    jacobian = np.abs(model.network_.jacobian(X))
    if kind == "classes":
        expected = jacobian[np.arange(150), model.predict(X)].mean(axis=0)
    else:
        expected = jacobian.mean(axis=(0, 1))
    expected = shares(expected * X.std(axis=0))
    got = model.compute_feature_importances(X)
    assert_allclose(got, expected, rtol=1e-12)
    assert_allclose(got.sum(), 1)
    assert_array_equal(model.feature_importances_, got)
    assert_allclose(model.compute_feature_importances(csr_array(X)), got, rtol=1e-12)


def test_fit_takes_importances_from_some_of_its_rows(iris, monkeypatch):
    X, y = iris
    monkeypatch.setattr(_mixin, "IMPORTANCE_ROWS", 30)
    weights = np.ones(150)
    weights[y == 0] = 0
    model = MLPClassifier(activation="tanh", shuffle=False, **FEW).fit(X, y, sample_weight=weights)
    taken = 50 + np.arange(0, 100, 100 / 30).astype(int)
    derivatives = np.abs(model.input_gradient(X[taken])).mean(axis=0)
    # Deviations are of all rows: these are few.
    assert_allclose(model.feature_importances_, shares(derivatives * X[50:].std(axis=0)), rtol=1e-12)
    labels = MLPClassifier(activation="tanh", shuffle=False, **FEW).fit(X, np.eye(3, dtype=int)[y])
    # Each of 30 rows, 5 from one to the next, with one of the outputs.
    jacobian = np.abs(labels.network_.jacobian(X[::5]))[np.arange(30), np.arange(30) % 3].sum(axis=0)
    assert_allclose(labels.feature_importances_, shares(jacobian * X.std(axis=0)), rtol=1e-12)
    monkeypatch.setattr(_mixin, "DEVIATION_VALUES", 4 * 50)
    labels.fit(X, np.eye(3, dtype=int)[y])
    assert_allclose(labels.feature_importances_, shares(jacobian * X[::3].std(axis=0)), rtol=1e-12)


@pytest.mark.parametrize(
    ("n_rows", "n_outputs", "n_features", "taken"),
    [
        (5000, 1, 4, 200),
        (10, 3, 4, 30),
        (1000, 300, 4, 300),
        (300, 1, 50_000, 83),
        (300, 1, 2_000_000, 8),
    ],
)
def test_how_many_derivatives_fit_takes(monkeypatch, n_rows, n_outputs, n_features, taken):
    asked = []

    def output_gradients(network, X, output, rows):
        asked.append((len(rows), np.bincount(output)))
        return iter([])

    monkeypatch.setattr(_passes, "output_gradients", output_gradients)
    X = csr_array((n_rows, n_features))
    MLPRegressor(hidden_layer_sizes=1, max_iter=1).fit(X, np.zeros((n_rows, n_outputs)).squeeze())
    ((n_taken, times),) = asked
    assert n_taken == taken
    assert len(times) == n_outputs
    assert np.ptp(times) <= 1


def test_importances_of_a_wide_sparse_table_take_no_dense_copy():
    X = csr_array(sparse_random(1000, 200_000, density=1e-4, format="csr", random_state=0))
    y = np.arange(1000) % 2
    model = MLPClassifier((4,), max_iter=1, random_state=0)
    peaks = {}
    for method in ("partial_fit", "fit"):
        classes = dict(classes=[0, 1]) if method == "partial_fit" else {}
        tracemalloc.start()
        getattr(clone(model), method)(X, y, **classes)
        peaks[method] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peaks["fit"] < peaks["partial_fit"] + 3 * _blocks.BLOCK_BYTES
    importances = model.fit(X, y).feature_importances_
    derivatives = np.abs(model.input_gradient(X[::50])).mean(axis=0)
    deviation = np.sqrt(X.power(2).mean(axis=0) - X.mean(axis=0) ** 2)
    assert_allclose(importances, shares(derivatives * deviation), rtol=1e-9)
    tracemalloc.start()
    model.compute_feature_importances(X)
    assert tracemalloc.get_traced_memory()[1] < 5 * _blocks.BLOCK_BYTES  # all derivatives are 1.6 GB
    tracemalloc.stop()


def test_importances_of_many_outputs_take_no_copy_for_each(rng):
    X, Y = rng.normal(size=(100, 6000)), rng.normal(size=(100, 3000))
    model = MLPRegressor(hidden_layer_sizes=5, max_iter=1, random_state=0)
    tracemalloc.start()
    model.fit(X, Y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * _blocks.BLOCK_BYTES  # 3,000 rows of X are 144 MB


def test_interrupted_importances_lose_nothing(iris, monkeypatch):
    X, y = iris

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(_passes, "output_gradients", interrupt)
    with pytest.warns(UserWarning, match="interrupted by user after 20 epochs; the model keeps what it has learnt"):
        model = MLPClassifier((5,), max_iter=20, random_state=0).fit(X, y)
    assert model.predict(X).shape == (150,)
    assert not hasattr(model, "feature_importances_")


def test_importances_are_nobody_elses(iris):
    X, y = iris
    model = MLPClassifier(**FEW).fit(X, y)
    model.compute_feature_importances(X)[:] = 7
    assert_allclose(model.feature_importances_.sum(), 1)


def test_a_fit_whose_importances_fail_keeps_the_earlier_one(iris, monkeypatch):
    X, y = iris
    model = MLPClassifier(**FEW).fit(X, y)
    expected = model.predict_proba(X)

    def fail(*args):
        raise MemoryError("no room")

    monkeypatch.setattr(_passes, "output_gradients", fail)
    with pytest.raises(MemoryError, match="no room"):
        model.fit(X[:, :2], y)
    assert_array_equal(model.predict_proba(X), expected)


def test_importances_are_there_when_they_are_true(iris):
    X, y = iris
    model = MLPClassifier(**FEW)
    assert not hasattr(model, "feature_importances_")
    model.fit(X, y)
    assert pickle.loads(pickle.dumps(model)).feature_importances_.shape == (4,)
    first = model.feature_importances_
    model.set_params(random_state=1).fit(X, y)
    assert not np.array_equal(model.feature_importances_, first)
    model.partial_fit(X, y)
    with pytest.raises(AttributeError, match=r"after partial_fit; call compute_feature_importances\(X\)"):
        model.feature_importances_  # noqa: B018


def test_select_from_model(rng):
    X = rng.normal(size=(300, 6))
    y = np.sin(X[:, 1]) + X[:, 4]
    model = MLPRegressor(hidden_layer_sizes=20, activation="tanh", solver="lbfgs", max_iter=50, random_state=0)
    selector = SelectFromModel(model).fit(X, y)
    assert_array_equal(np.flatnonzero(selector.get_support()), [1, 4])


def test_importances_of_no_use(rng):
    """A constant output depends on nothing."""
    X = rng.normal(size=(20, 3))
    model = MLPClassifier(max_iter=2).fit(X, np.zeros(20))
    model.network_.parameters[:] = 0
    assert_array_equal(model.compute_feature_importances(X), np.zeros(3))


def test_constant_columns_and_units(rng):
    """A constant feature explains nothing, whatever its rounding, and units explain nothing either."""
    X = rng.normal(size=(300, 4))
    X[:, 2] = 0.1
    y = X[:, 0] + np.sin(X[:, 1])
    model = MLPRegressor(hidden_layer_sizes=10, solver="lbfgs", max_iter=30, random_state=0).fit(X, y)
    for data in (X, csr_array(X)):
        for method in ("derivative", "integrated_gradients"):
            assert model.compute_feature_importances(data, method=method)[2] < 1e-15
    before = model.compute_feature_importances(X)
    units = np.array([1e3, 1e-3, 1, 7])
    model.coefs_[0] /= units[:, np.newaxis]
    assert_allclose(model.compute_feature_importances(X * units), before, rtol=1e-9)


@pytest.mark.parametrize("kind", ["classes", "targets"])
def test_importances_by_integrated_gradients(iris, kind, block_rows):
    X, y = iris
    X = X + 3
    model = MLPClassifier(activation="tanh", **FEW) if kind == "classes" else MLPRegressor(activation="tanh", **FEW)
    model.fit(X, y if kind == "classes" else X[:, :2] ** 2)
    expected = sum(
        np.abs(model.integrated_gradients(X, output, X.mean(axis=0))).sum(axis=0)
        for output in ([None] if kind == "classes" else [0, 1])
    )
    got = model.compute_feature_importances(X, method="integrated_gradients")
    assert_allclose(got, shares(expected), rtol=1e-12)
    assert_array_equal(model.feature_importances_, got)
    assert_allclose(model.compute_feature_importances(csr_array(X), "integrated_gradients"), got, rtol=1e-9)


def agreement_with_permutations(seed):
    """Spearman's, over features, of held-out permutation importances with derivatives, and with both importances."""
    rng = np.random.default_rng(seed)
    X, y = load_diabetes(return_X_y=True)
    # Categories of no effect, one-hot: their columns have steep derivatives, but vary less than numbers do.
    categories = [np.eye(8)[rng.integers(8, size=len(X))] for _ in range(4)]
    X, y = np.hstack([StandardScaler().fit_transform(X), *categories]), (y - y.mean()) / y.std()
    features = [[column] for column in range(10)] + [list(range(10 + 8 * k, 18 + 8 * k)) for k in range(4)]
    model = MLPRegressor(hidden_layer_sizes=32, alpha=1.0, max_iter=60, learning_rate_init=0.005, random_state=seed)
    model.fit(X[:221], y[:221])
    losses = []
    for columns in features:
        shuffled, scores = X[221:].copy(), []
        for _ in range(10):
            shuffled[:, columns] = shuffled[rng.permutation(221)][:, columns]
            scores.append(model.score(shuffled, y[221:]))
        losses.append(-np.mean(scores))
    importances = (
        np.abs(model.input_gradient(X[:221])).mean(axis=0),
        model.feature_importances_,
        model.compute_feature_importances(X[:221], method="integrated_gradients"),
    )
    return [spearmanr(losses, [values[columns].max() for columns in features]).statistic for values in importances]


def test_importances_rank_noise_in_many_columns_below_features():
    derivatives, importances, integrated = np.mean([agreement_with_permutations(seed) for seed in range(3)], axis=0)
    assert min(importances, integrated) > max(0.6, derivatives + 0.2)


# Integrated gradients.


def test_shares_of_a_linear_model_are_its_weights(rng, block_rows):
    X, x0 = rng.normal(size=(20, 3)), rng.normal(size=3)
    model = MLPRegressor(hidden_layer_sizes=(), max_iter=3, random_state=0).fit(X, X[:, :2])
    for output in (0, 1):
        shares = model.integrated_gradients(X, output, baseline=x0, n_steps=1)
        assert_allclose(shares, (X - x0) * model.coefs_[0][:, output], rtol=0, atol=1e-13)


def test_exact_for_polynomials(rng):
    """n nodes integrate a polynomial of degree 2 n - 1: the derivative of products of linear units needs one."""
    X = rng.normal(size=(20, 3))
    model = MLPRegressor(hidden_layer_sizes=(8,), activation="product", max_iter=3, random_state=0).fit(X, X[:, 0])
    shares = model.integrated_gradients(X, n_steps=1)
    expected = model.predict(X) - model.predict(np.zeros((1, 3)))
    assert_allclose(shares.sum(axis=1), expected, rtol=0, atol=1e-13)
    # By hand: W_2's weight of a product (u.x + b)(v.x + c), whose integrated gradient is known.
    w, b = model.coefs_[0], model.intercepts_[0]
    by_hand = np.zeros_like(X)
    for k, weight in enumerate(model.coefs_[1].ravel()):
        u, v, b_u, b_v = w[:, 2 * k], w[:, 2 * k + 1], b[2 * k], b[2 * k + 1]
        by_hand += weight * X * (np.outer(X @ v / 2 + b_v, u) + np.outer(X @ u / 2 + b_u, v))
    assert_allclose(shares, by_hand, rtol=0, atol=1e-13)


def test_completeness_of_smooth_networks(iris, isa, block_rows):
    """Gauss-Legendre converges geometrically; the output that counts is the one that is largest at x."""
    X, y = iris[0][::5], iris[1][::5]
    model = MLPClassifier(activation="tanh", **FEW).fit(X, y)
    x0 = X.mean(axis=0)
    largest = outputs_of(model, X).argmax(axis=1)
    expected = outputs_of(model, X)[np.arange(len(X)), largest] - outputs_of(model, x0[None])[0, largest]

    def error(n_steps):
        return np.abs(model.integrated_gradients(X, baseline=x0, n_steps=n_steps).sum(axis=1) - expected).max()

    assert error(4) > 1e-5
    assert error(8) < error(4) / 100
    assert error(16) < 1e-10
    sparse = model.integrated_gradients(csr_array(X), baseline=x0)
    assert_allclose(sparse, model.integrated_gradients(X, baseline=x0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("n_steps", [5, 50, 500])
def test_completeness_with_kinks(rng, n_steps):
    """The error of Gauss's rule for a step is at most its largest weight times the step (Chebyshev, Stieltjes)."""
    X = rng.normal(size=(30, 4))
    model = MLPRegressor(hidden_layer_sizes=(20,), solver="lbfgs", max_iter=30, random_state=0)
    model.fit(X, np.abs(X[:, 0]) + X[:, 1])
    sums = model.integrated_gradients(X, n_steps=n_steps).sum(axis=1)
    expected = model.predict(X) - model.predict(np.zeros((1, 4)))
    jumps = np.abs((X @ model.coefs_[0]) * model.coefs_[1].T).sum(axis=1)
    largest_weight = np.polynomial.legendre.leggauss(n_steps)[1].max() / 2
    assert largest_weight < 1.6 / n_steps
    assert np.all(np.abs(sums - expected) <= largest_weight * jumps + 1e-12)


def test_integrated_gradients_in_float32(iris):
    X, y = iris
    model = MLPClassifier(activation="tanh", dtype="float32", **FEW).fit(X, y)
    shares = model.integrated_gradients(X, output=1)
    assert shares.dtype == np.float32
    difference = outputs_of(model, X)[:, 1] - outputs_of(model, np.zeros((1, 4)))[:, 1]
    assert_allclose(shares.sum(axis=1), difference, rtol=0, atol=1e-5)


def test_refused_integrals(iris):
    X, y = iris
    model = MLPClassifier(**FEW).fit(X, y)
    for n_steps in (0, 2.5, None):
        with pytest.raises(ValueError, match=f"n_steps is {n_steps}; pass a positive integer"):
            model.integrated_gradients(X, n_steps=n_steps)
    with pytest.raises(ValueError, match=r"baseline has shape \(3,\); pass one value a feature, \(4,\)"):
        model.integrated_gradients(X, baseline=np.zeros(3))
    with pytest.raises(ValueError, match="baseline contains NaN"):
        model.integrated_gradients(X, baseline=[0, 0, 0, np.nan])


# Summaries.


def test_summary(dtype):
    X, y = make_moons(300, random_state=0)
    model = MLPClassifier((50, 20), ["relu", "tanh"], solver="adam", max_iter=2).fit(X.astype(dtype), y)
    summary, itemsize = model.summary(), np.dtype(dtype).itemsize
    n_parameters = [2 * 50 + 50, 50 * 20 + 20, 20 * 1 + 1]
    assert [layer.n_parameters for layer in summary.layers] == n_parameters
    assert [layer.name for layer in summary.layers] == ["hidden 0", "hidden 1", "output"]
    assert [layer.activation for layer in summary.layers] == ["relu", "tanh", "logistic"]
    assert [layer.weights_shape for layer in summary.layers] == [(2, 50), (50, 20), (20, 1)]
    assert summary.n_parameters == model.network_.parameters.size == sum(n_parameters)
    assert summary.n_bytes == model.network_.parameters.nbytes
    assert summary.moment_bytes == 2 * summary.n_bytes
    assert summary.batch_rows == 200
    assert summary.batch_bytes == 200 * (2 + 2 * (50 + 20 + 1)) * itemsize
    title, *table, moments, batch = str(summary).splitlines()
    assert title == f"MLPClassifier, {dtype}"
    assert len(table) == 5
    assert {len(line) for line in table} == {len(table[0])}
    cells = ["hidden", "1", "20", "tanh", "50", "x", "20", "1,020", f"{1020 * itemsize / 1024:.1f}", "KiB"]
    assert table[2].split() == cells
    assert moments.startswith("Optimizer's moments: ")
    assert batch.startswith("Activations and deltas of a batch of 200 rows: ")
    html = summary._repr_html_()
    assert html.count("<tr>") == 5
    assert all(text in html for text in ("1,020", "50 x 20", batch))


def test_summary_of_other_networks(iris):
    X, y = iris
    with pytest.raises(NotFittedError):
        MLPClassifier().summary()
    normalized = MLPClassifier((9,), Maxout(3), batch_norm=True, max_iter=1).fit(X, y).summary()
    assert [layer.n_parameters for layer in normalized.layers] == [4 * 9 + 2 * 9, 3 * 3 + 3]
    assert normalized.layers[0].activation == "maxout, normalized"
    linear = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs").fit(X, y)
    assert normalized.batch_bytes == 150 * (4 + 9 + 3 + 3 + 3) * 8  # A_0, Z_1 and A_1, D_2 and A_2
    assert str(linear.summary()).count("\n") == 3
    assert linear.summary().moment_bytes == linear.summary().batch_rows == 0
    large = MLPClassifier((1000, 1000), max_iter=1).fit(X[:4], y[:4]).summary()
    assert " MiB" in str(large)


def test_tags():
    """What other programs are told, as of scikit-learn's own, and the transformer's."""
    for ours, theirs in ((MLPClassifier(), TheirClassifier()), (MLPRegressor(), TheirRegressor())):
        tags, expected = get_tags(ours), get_tags(theirs)
        assert tags.target_tags.multi_output
        assert tags.input_tags == expected.input_tags
        assert tags.classifier_tags == expected.classifier_tags
        assert tags.regressor_tags == expected.regressor_tags
        assert tags.estimator_type == expected.estimator_type
        assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]


# The equations by hand once more, for what a reader may want to see.


def test_gradient_of_one_logistic_layer(rng):
    X = rng.normal(size=(10, 3))
    model = MLPClassifier((), max_iter=3, random_state=0).fit(X, X[:, 0] > 0)
    p = expit(X @ model.coefs_[0] + model.intercepts_[0])
    w = model.coefs_[0].T
    assert_allclose(model.input_gradient(X), p * (1 - p) * w, rtol=0, atol=1e-14)
    y = (X[:, :1] > 0).astype(float)
    assert_allclose(model.input_gradient(X, y.ravel() > 0), (p - y) * w, rtol=0, atol=1e-14)


@pytest.mark.parametrize("estimator", [MLPClassifier(), MLPRegressor(), Perceptron()], ids=lambda e: type(e).__name__)
def test_html_links_to_the_documentation(estimator, monkeypatch):
    """To the address in the project's metadata, and never to scikit-learn's pages of its own estimators."""
    assert "href=" not in estimator._repr_html_()
    project = Message()
    project["Project-URL"] = "Source, https://example.org/source"
    project["Project-URL"] = "Documentation, https://example.org/docs"
    monkeypatch.setattr(_docs, "metadata", lambda name: project)
    assert 'href="https://example.org/docs"' in estimator._repr_html_()
