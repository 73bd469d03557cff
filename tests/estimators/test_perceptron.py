"""The single-layer perceptron (S14) against the rule in NumPy, the convergence theorem and scikit-learn."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn import linear_model
from sklearn.base import clone
from sklearn.datasets import load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastmlp import MLPClassifier, Perceptron
from fastmlp.training.run import DivergenceError

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
AND, OR, XOR = [0, 0, 0, 1], [0, 1, 1, 1], [0, 1, 1, 0]
never_separated = pytest.mark.filterwarnings("ignore:The training data were not separated")


def rule(W, b, X, Y, order, eta0):
    """S14 for one epoch, in NumPy: the weights after it, and the number of wrong outputs."""
    W, b, mistakes = W.copy(), b.copy(), 0
    for i in order:
        error = Y[i] - (W @ X[i] + b >= 0)
        W += eta0 * np.outer(error, X[i])
        b += eta0 * error
        mistakes += np.count_nonzero(error)
    return W, b, mistakes


def rows_of_a_strip(rng, n_samples, n_features, gap):
    """Rows on both sides of a plane through a random point, none nearer to it than `gap`, and their labels."""
    direction = rng.normal(size=n_features)
    direction /= np.linalg.norm(direction)
    X = rng.uniform(-1, 1, size=(20 * n_samples, n_features))
    distance = X @ direction - 0.1
    X = X[np.abs(distance) >= gap][:n_samples]
    assert len(X) == n_samples
    return X, (X @ direction - 0.1 > 0).astype(int), np.append(direction, -0.1)


@parametrize_with_checks([Perceptron(), Perceptron(shuffle=False, eta0=0.1)])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@never_separated
@pytest.mark.parametrize("n_features", [1, 2, 7, 16, 33])
@pytest.mark.parametrize("n_outputs", [2, 5])
def test_whole_numbers_exactly(rng, isa, dtype, n_features, n_outputs):
    """Whole numbers are exact in every order of summing, so that every decision and weight must be the same."""
    X = rng.integers(-3, 4, size=(40, n_features)).astype(dtype)
    Y = rng.integers(0, 2, size=(40, n_outputs))
    W = rng.integers(-5, 6, size=(n_outputs, n_features)).astype(float)
    b = rng.integers(-5, 6, size=n_outputs).astype(float)
    model = Perceptron(max_iter=1, warm_start=True, shuffle=False).fit(X, Y, coef_init=W, intercept_init=b)
    for _ in range(5):
        W, b, mistakes = rule(W, b, X, Y, range(40), 1.0)
        assert model.coef_.dtype == model.intercept_.dtype == dtype
        assert_array_equal(model.coef_, W)
        assert_array_equal(model.intercept_, b)
        assert model.mistakes_curve_[-1] == mistakes
        model.fit(X, Y)


def test_step_for_step(rng, isa, dtype):
    """One row in each call, real numbers: after each, the rule's weights, to rounding."""
    X, Y = rng.normal(size=(60, 19)).astype(dtype), rng.integers(0, 2, size=(60, 3))
    W, b = np.zeros((3, 19)), np.zeros(3)
    model = Perceptron(eta0=0.3)
    for i in range(60):
        model.partial_fit(X[[i]], Y[[i]], classes=range(3))
        W, b, mistakes = rule(W, b, X.astype(float), Y, [i], 0.3)
        assert_allclose(model.coef_, W, rtol=0, atol=1e-5 if dtype == "float32" else 1e-14)
        assert_allclose(model.intercept_, b, rtol=0, atol=1e-5 if dtype == "float32" else 1e-14)
        assert model.mistakes_curve_[-1] == mistakes


def test_shuffled_order(rng):
    X, y, _ = rows_of_a_strip(rng, 50, 3, gap=0.05)
    model = Perceptron(random_state=7).fit(X, y)
    W, b, random_state = np.zeros((1, 3)), np.zeros(1), np.random.RandomState(7)
    for mistakes in model.mistakes_curve_:
        W, b, expected = rule(W, b, X, y[:, np.newaxis], random_state.permutation(50), 1.0)
        assert mistakes == expected
    assert_allclose(model.coef_, W, rtol=1e-12)
    assert_allclose(model.intercept_, b, rtol=1e-12)


def test_hard_limit_at_zero(isa, dtype):
    """A net input of 0 is ŷ = 1: from weights of zero, the second label is right and the first wrong."""
    X = np.zeros((1, 3), dtype)
    model = Perceptron()
    assert model.partial_fit(X, [1], classes=[0, 1]).mistakes_curve_ == [0]
    assert_array_equal(model.predict(X), [1])
    assert model.partial_fit(X, [0]).mistakes_curve_ == [0, 1]
    assert_array_equal(model.intercept_, [-1])
    assert_array_equal(model.predict(X), [0])


weights = st.floats(-100, 100)


@settings(deadline=None)
@given(start=st.lists(weights, min_size=3, max_size=3), eta0=st.sampled_from([0.1, 1.0, 3.7]), seed=st.integers(0, 99))
@pytest.mark.parametrize("y", [AND, OR], ids=["and", "or"])
def test_and_or_from_any_starting_weights(y, start, eta0, seed):
    model = Perceptron(eta0=eta0, max_iter=100_000, random_state=seed)
    model.fit(CORNERS, y, coef_init=start[:2], intercept_init=start[2])
    assert model.separated_
    assert model.mistakes_curve_[-1] == 0
    assert model.n_iter_ == len(model.mistakes_curve_)
    assert_array_equal(model.predict(CORNERS), y)
    # Novikoff's argument with other starting weights w: M gamma eta - |w| <= sqrt(|w|^2 + M R^2 eta^2).
    mistakes, length, margin = sum(model.mistakes_curve_), np.linalg.norm(start), 1 / np.sqrt(17 if y is AND else 9)
    assert mistakes * margin * eta0 - length <= np.sqrt(length**2 + 3 * mistakes * eta0**2) * (1 + 1e-9)


@given(start=st.lists(weights, min_size=3, max_size=3), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=20)
def test_xor_is_never_separated(start, seed):
    model = Perceptron(max_iter=200, random_state=seed)
    message = r"not separated in max_iter=200 epochs, .* mistakes; increase max_iter, or use MLPClassifier, .* XOR"
    with pytest.warns(ConvergenceWarning, match=message) as caught:
        model.fit(CORNERS, XOR, coef_init=start[:2], intercept_init=start[2])
    assert caught[0].filename == __file__
    assert model.separated_ is False
    assert model.n_iter_ == 200
    assert min(model.mistakes_curve_) > 0
    assert model.score(CORNERS, XOR) < 1


def test_hidden_units_separate_xor():
    """What the warning recommends."""
    model = MLPClassifier((8,), "tanh", solver="lbfgs", random_state=0).fit(CORNERS, XOR)
    assert_array_equal(model.predict(CORNERS), XOR)


@pytest.mark.parametrize("gap", [0.3, 0.1, 0.03, 0.01])
@pytest.mark.parametrize("n_features", [2, 20])
@pytest.mark.parametrize("eta0", [1.0, 0.01])
def test_convergence_theorem(rng, isa, gap, n_features, eta0):
    """From weights of zero there are at most (R / gamma)^2 mistakes, in any order and for any step size."""
    X, y, plane = rows_of_a_strip(rng, 200, n_features, gap)
    rows = np.hstack([X, np.ones((200, 1))])
    margin = np.min(np.where(y, 1, -1) * (rows @ plane)) / np.linalg.norm(plane)
    assert margin > 0
    bound = np.max(np.sum(rows**2, axis=1)) / margin**2
    for shuffle in (True, False):
        model = Perceptron(eta0=eta0, max_iter=100_000, shuffle=shuffle, random_state=0).fit(X, y)
        assert model.separated_
        assert sum(model.mistakes_curve_) <= bound
        assert model.score(X, y) == 1


def test_step_size_only_scales_from_zero(rng):
    X, y, _ = rows_of_a_strip(rng, 100, 4, gap=0.05)
    one, four = Perceptron(random_state=0).fit(X, y), Perceptron(eta0=4, random_state=0).fit(X, y)
    assert_array_equal(four.coef_, 4 * one.coef_)
    assert one.mistakes_curve_ == four.mistakes_curve_


@pytest.mark.parametrize("n_features", [5, 20])
def test_separated_means_that_predictions_are_right(isa, dtype, n_features):
    """On the border too, which tenths meet now and then: training and prediction have to round alike."""
    for seed in range(300):
        rng = np.random.default_rng(seed)
        X = (rng.integers(-3, 4, size=(n_features, n_features)) / 10).astype(dtype)
        y = np.append([0, 1], rng.integers(0, 2, size=n_features - 2))
        start = rng.integers(-3, 4, size=n_features) / 10
        model = Perceptron(max_iter=20_000, random_state=seed).fit(X, y, start, 0.3)
        assert model.separated_
        assert_array_equal(model.predict(X), y)
        assert_array_equal([model.predict(X[[i]])[0] for i in range(3)], y[:3])


# From weights that are not zero, no net input is exactly 0 on real data, and the two rules are the same.


@never_separated
@pytest.mark.parametrize("eta0", [1.0, 0.1])
def test_same_weights_as_scikit_learn(rng, dtype, eta0):
    X, y = rng.normal(size=(80, 6)).astype(dtype), rng.integers(0, 2, size=80)
    W, b = rng.normal(size=(1, 6)), rng.normal(size=1)
    ours = Perceptron(eta0=eta0, shuffle=False, max_iter=20).fit(X, y, W, b)
    theirs = linear_model.Perceptron(eta0=eta0, shuffle=False, max_iter=20, tol=None).fit(X, y, W, b)
    assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-4 if dtype == "float32" else 1e-12)
    assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=1e-4 if dtype == "float32" else 1e-12)
    assert_allclose(
        ours.decision_function(X), theirs.decision_function(X), rtol=0, atol=1e-3 if dtype == "float32" else 1e-11
    )


@never_separated
@pytest.mark.parametrize("standardize", [True, False])
def test_same_classes_as_scikit_learn(rng, standardize):
    X, y = load_iris(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0) if standardize else X
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    W, b = rng.normal(size=(3, 4)), rng.normal(size=3)
    ours = Perceptron(shuffle=False, max_iter=30).fit(X, names, W, b)
    theirs = linear_model.Perceptron(shuffle=False, max_iter=30, tol=None).fit(X, names, W, b)
    assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-9)
    assert_array_equal(ours.classes_, theirs.classes_)
    assert_array_equal(ours.predict(X), theirs.predict(X))
    assert not ours.separated_


def test_same_predictions_as_scikit_learn_on_separable_data():
    X, y = make_blobs(300, 5, centers=4, cluster_std=0.5, random_state=0)
    ours = Perceptron(random_state=0).fit(X, y)
    theirs = linear_model.Perceptron(tol=None, random_state=0).fit(X, y)
    assert ours.separated_
    assert_array_equal(ours.predict(X), y)
    assert_array_equal(theirs.predict(X), y)
    assert ours.decision_function(X).shape == theirs.decision_function(X).shape == (300, 4)
    assert ours.coef_.shape == theirs.coef_.shape


def test_labels():
    X, expected = CORNERS, np.array(["no", "no", "no", "yes"])
    model = Perceptron(random_state=0).fit(X, expected)
    assert_array_equal(model.classes_, ["no", "yes"])
    assert_array_equal(model.predict(X), expected)
    assert model.decision_function(X).shape == (4,)
    assert model.coef_.shape == (1, 2)
    assert_array_equal(model.decision_function(X) >= 0, AND)
    assert_array_equal(Perceptron(random_state=0).fit(X, np.array(AND) == 1).predict(X), np.array(AND) == 1)


def test_several_outputs_are_independent():
    together = Perceptron(random_state=3, max_iter=20)
    with pytest.warns(ConvergenceWarning):
        together.fit(CORNERS, np.transpose([AND, XOR, OR]))
    for k, y in enumerate([AND, XOR, OR]):
        # A label of its own keeps a unit from stopping at an earlier epoch: XOR goes along.
        with pytest.warns(ConvergenceWarning):
            pair = Perceptron(random_state=3, max_iter=20).fit(CORNERS, np.transpose([y, XOR]))
        assert_array_equal(pair.coef_[0], together.coef_[k])
    assert_array_equal(together.predict(CORNERS)[:, [0, 2]], np.transpose([AND, OR]))
    assert_array_equal(together.classes_, range(3))
    sparse = Perceptron(random_state=3).fit(CORNERS, csr_array(np.transpose([AND, OR])))
    assert_array_equal(sparse.predict(CORNERS), np.transpose([AND, OR]))


@never_separated
@pytest.mark.parametrize("shuffle", [True, False])
def test_epochs_of_partial_fit_are_those_of_fit(rng, shuffle):
    X, y = rng.normal(size=(50, 3)), rng.integers(0, 3, size=50)
    whole = Perceptron(max_iter=7, shuffle=shuffle, random_state=0).fit(X, y)
    parts = Perceptron(shuffle=shuffle, random_state=0)
    for _ in range(7):
        parts.partial_fit(X, y, classes=[0, 1, 2])
    warm = Perceptron(max_iter=3, shuffle=shuffle, random_state=0, warm_start=True).fit(X, y)
    warm.set_params(max_iter=4).fit(X, y)
    for model in (parts, warm):
        assert_array_equal(model.coef_, whole.coef_)
        assert_array_equal(model.intercept_, whole.intercept_)
        assert model.mistakes_curve_ == whole.mistakes_curve_
    assert (whole.n_iter_, parts.n_iter_, warm.n_iter_) == (7, 1, 4)


def test_partial_fit_with_classes_to_come():
    X, y = make_blobs(90, 3, centers=3, cluster_std=0.3, random_state=0)
    model = Perceptron(random_state=0).partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    for _ in range(100):
        model.partial_fit(X, y)
    assert model.separated_
    assert model.score(X, y) == 1


def test_warm_start_and_fit_anew():
    first = Perceptron(warm_start=True, random_state=0).fit(CORNERS, AND)
    n_epochs = len(first.mistakes_curve_)
    assert first.fit(CORNERS, AND).mistakes_curve_[n_epochs:] == [0]
    assert first.n_iter_ == 1
    assert first.fit(CORNERS, AND, [-3.0, -3.0], [0.0]).mistakes_curve_[n_epochs + 1] > 0
    anew = Perceptron(random_state=0).fit(CORNERS, OR)
    assert_array_equal(anew.fit(CORNERS, AND).coef_, Perceptron(random_state=0).fit(CORNERS, AND).coef_)


def test_starting_weights_are_left_alone():
    start, bias = np.array([[-3.0, -3.0]]), np.array([0.0])
    Perceptron(random_state=0).fit(CORNERS, AND, start, bias)
    assert_array_equal(start, [[-3, -3]])
    assert_array_equal(bias, [0])


def test_pickle_goes_on(rng):
    X, y = rng.normal(size=(50, 3)), rng.integers(0, 2, size=50)
    model = Perceptron(random_state=0).partial_fit(X, y, classes=[0, 1])
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.partial_fit(X, y).coef_, model.partial_fit(X, y).coef_)


@pytest.mark.parametrize("make", [np.asfortranarray, lambda X: np.repeat(X, 2, axis=1)[:, ::2], np.ndarray.tolist])
def test_layouts(rng, make):
    X, y, _ = rows_of_a_strip(rng, 40, 5, gap=0.05)
    plain, other = Perceptron(random_state=0).fit(X, y), Perceptron(random_state=0).fit(make(X), y)
    assert_array_equal(other.coef_, plain.coef_)
    assert_array_equal(other.decision_function(make(X)), plain.decision_function(X))


class Interrupting(np.random.RandomState):
    """Ctrl-C before the third epoch."""

    calls = 0

    def permutation(self, x):
        self.calls += 1
        if self.calls == 3:
            raise KeyboardInterrupt
        return super().permutation(x)


def test_interrupted():
    with pytest.warns(UserWarning, match="interrupted by user after 2 epochs; the model keeps what it has learnt"):
        model = Perceptron(random_state=Interrupting(0)).fit(CORNERS, XOR)
    assert (model.n_iter_, len(model.mistakes_curve_), model.separated_) == (2, 2, False)


X = np.random.default_rng(0).normal(size=(40, 3))
LABELS = np.arange(40) % 3
BINARY = np.arange(40) % 2


def with_value(value):
    bad = X.copy()
    bad[7, 1] = value
    return bad


def test_diverged():
    model = Perceptron(eta0=1e300, warm_start=True, random_state=0).partial_fit(X, BINARY, classes=[0, 1])
    before = model.coef_.copy()
    with pytest.raises(DivergenceError, match="epoch 1: a weight became NaN or infinite; scale X .* or lower eta0"):
        model.fit(1e15 * X, BINARY)
    assert_array_equal(model.coef_, before)


BAD_PARAMETERS = [
    (dict(eta0=0), "'eta0' parameter .* Got 0"),
    (dict(eta0=np.inf), "'eta0' parameter .* Got inf"),
    (dict(eta0="auto"), "'eta0' parameter .* Got 'auto'"),
    (dict(max_iter=0), "'max_iter' parameter .* Got 0"),
    (dict(max_iter=2.5), "'max_iter' parameter .* Got 2.5"),
    (dict(shuffle="yes"), "'shuffle' parameter .* Got 'yes'"),
    (dict(random_state="seed"), "'random_state' parameter .* Got 'seed'"),
    (dict(warm_start=2.0), "'warm_start' parameter .* Got 2.0"),
]

BAD_FITS = [
    (dict(X=with_value(np.nan)), "Input X contains NaN"),
    (dict(X=with_value(np.inf)), "Input X contains infinity"),
    (dict(X=X[:, 0]), "Expected 2D array, got 1D array instead.*Reshape your data"),
    (dict(X=X[:, :0]), r"0 feature\(s\)"),
    (dict(X=X[:0], y=LABELS[:0]), r"0 sample\(s\)"),
    (dict(X=X[:-1]), "inconsistent numbers of samples"),
    (dict(X=X + 1j), "Complex data not supported"),
    (dict(X=csr_array(X)), r"Sparse data was passed.*dense data is required.*toarray"),
    (dict(y=None), "requires y to be passed"),
    (dict(y=X[:, 0]), "Unknown label type: continuous"),
    (dict(y=np.where(LABELS == 0, np.nan, LABELS)), "Input y contains NaN"),
    (dict(y=np.ones(40)), r"only one class, \[1\.\], and nothing to separate; pass samples of two classes or more"),
    (dict(y=np.eye(3)[LABELS] * 2 - 1), r"y has values \[-1\.  1\.\]; multilabel targets need a matrix of 0 and 1"),
    (dict(y=np.stack([LABELS, LABELS], 1)), "multiclass-multioutput, which is not supported; pass one column"),
    (dict(coef_init=np.ones((3, 2))), r"coef_init has shape \(3, 2\), but data with 3 features and 3 classes need"),
    (dict(coef_init=np.ones(3)), r"coef_init has shape \(3,\), .* need \(3, 3\); pass one row of weights"),
    (dict(coef_init=np.full((3, 3), np.nan)), "Input coef_init contains NaN"),
    (dict(coef_init="zeros"), "could not convert string to float"),
    (dict(intercept_init=np.ones(2)), r"intercept_init has shape \(2,\), .* need \(3,\); .* one bias for each output"),
    (dict(intercept_init=1.0), r"intercept_init has shape \(\)"),
    (dict(intercept_init=[0, 0, np.inf]), "Input intercept_init contains infinity"),
    (dict(X=X.astype("float32"), intercept_init=[0, 0, 1e39]), "intercept_init contains infinity or a value too large"),
    (dict(y=BINARY, coef_init=np.ones((3, 3))), r"coef_init has shape \(3, 3\), .* 2 classes need \(1, 3\)"),
]


def refused(model, error, message, call):
    """The call fails with one sentence, and the model is as it was."""
    before = dict(vars(model))
    with pytest.raises(error, match=f"(?s){message}"):
        call(model)
    assert vars(model) == before


@never_separated
@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(("parameters", "message"), BAD_PARAMETERS, ids=str)
def test_bad_parameters(parameters, message, fitted):
    model = Perceptron(max_iter=5)
    model = model.fit(X, LABELS) if fitted else model
    refused(model.set_params(**parameters), InvalidParameterError, message, lambda model: model.fit(X, LABELS))


@never_separated
@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(("arguments", "message"), BAD_FITS, ids=[row[-1] for row in BAD_FITS])
def test_bad_fits(arguments, message, fitted):
    model = Perceptron(max_iter=5)
    model = model.fit(X[:, :2], ["a", "b"] * 20) if fitted else model
    error = TypeError if "Sparse" in message else ValueError
    refused(model, error, message, lambda model: model.fit(**(dict(X=X, y=LABELS) | arguments)))


@never_separated
def test_divergence_spares_an_earlier_fit():
    model = Perceptron(random_state=0, max_iter=5).fit(X, LABELS)
    expected = model.coef_.copy()
    with pytest.raises(ValueError, match="diverged in epoch 1"):
        model.set_params(eta0=1e307).fit(X * 100, np.arange(len(X)) % 2)
    np.testing.assert_array_equal(model.coef_, expected)


@never_separated
def test_bad_continuations():
    refused(Perceptron(), ValueError, "classes must be passed on the first call", lambda m: m.partial_fit(X, LABELS))
    refused(Perceptron(), ValueError, r"one class, \[1\]", lambda m: m.partial_fit(X, 0 * LABELS + 1, classes=[1]))
    refused(
        Perceptron(),
        ValueError,
        r"classes not in `self.classes_`, \[0 1\], for example 2; pass only these, or name all classes",
        lambda m: m.partial_fit(X, LABELS, [0, 1]),
    )
    model = Perceptron(warm_start=True, max_iter=3).fit(X, LABELS)
    refused(model, ValueError, "classes not in", lambda m: m.partial_fit(X, LABELS + 1))
    refused(model, ValueError, "classes not in", lambda m: m.partial_fit(X, LABELS.astype(str)))
    refused(model, ValueError, "not the same as on last call", lambda m: m.partial_fit(X, LABELS, classes=[0, 1]))
    refused(model, ValueError, "same classes as in the previous .*; set warm_start=False", lambda m: m.fit(X, BINARY))
    refused(model, ValueError, "X has 2 features, but Perceptron is expecting 3", lambda m: m.fit(X[:, :2], LABELS))
    for call in (Perceptron.fit, Perceptron.partial_fit):
        refused(
            model,
            ValueError,
            "fitted to a column of labels, but y is now a matrix of 0 and 1; keep to the first, or set warm_start",
            lambda m, call=call: call(m, X, np.eye(3, dtype=int)[LABELS]),
        )
    model.set_params(warm_start=False).fit(X, np.eye(3, dtype=int)[LABELS])
    refused(model, ValueError, "a matrix of 0 and 1, but y is now a column", lambda m: m.partial_fit(X, LABELS))
    refused(model, ValueError, "classes not in", lambda m: m.partial_fit(X, np.eye(4, dtype=int)[LABELS]))
    refused(
        model,
        ValueError,
        "y has 2 columns, but there are 3 classes",
        lambda m: m.partial_fit(X, np.eye(3, dtype=int)[LABELS][:, :2]),
    )


@never_separated
def test_bad_predictions():
    for method in ("predict", "decision_function"):
        with pytest.raises(NotFittedError, match="not fitted yet. Call 'fit'"):
            getattr(Perceptron(), method)(X)
        model = Perceptron(max_iter=3).fit(X, LABELS)
        with pytest.raises(ValueError, match="X has 2 features, but Perceptron is expecting 3 features"):
            getattr(model, method)(X[:, :2])
        with pytest.raises(ValueError, match="Input X contains NaN"):
            getattr(model, method)(with_value(np.nan))
    assert clone(model).get_params() == model.get_params()
