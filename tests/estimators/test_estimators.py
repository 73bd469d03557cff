"""The estimators as scikit-learn's users meet them."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastmlp import MLPClassifier, MLPRegressor

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Some of scikit-learn's checks feed few rows, or columns as vectors, on purpose.
    pytest.mark.filterwarnings("ignore:Got `batch_size` larger:UserWarning"),
]


# With other parameters in ecosystem/test_checks.py.
@parametrize_with_checks([MLPClassifier(max_iter=50), MLPRegressor(max_iter=50)])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_learns_iris(iris, solver):
    X, y = iris
    model = MLPClassifier((20,), solver=solver, learning_rate_init=0.02, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.95


def test_string_labels(iris):
    X, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])
    numbers = MLPClassifier(max_iter=20, random_state=0).fit(X, y)
    strings = MLPClassifier(max_iter=20, random_state=0).fit(X, names[y])
    assert_array_equal(strings.classes_, names)
    assert_array_equal(strings.predict(X), names[numbers.predict(X)])


def test_binary_probabilities(iris):
    X, y = iris[0], iris[1] == 1
    model = MLPClassifier(max_iter=20, random_state=0).fit(X, y)
    probability = model.predict_proba(X)
    assert probability.shape == (150, 2)
    assert_allclose(probability.sum(axis=1), 1)
    assert_array_equal(model.predict(X), probability[:, 1] > 0.5)
    assert_allclose(model.predict_log_proba(X), np.log(probability), rtol=1e-9)


def test_log_probabilities_never_underflow(iris):
    X, y = iris
    for labels in (y, y == 0, np.eye(3, dtype=int)[y]):
        model = MLPClassifier((5,), max_iter=5, random_state=0).fit(X, labels)
        for w in model.coefs_:
            w *= 1000
        probability, log_probability = model.predict_proba(X), model.predict_log_proba(X)
        assert np.isfinite(probability).all()
        assert (probability == 0).any()
        assert np.isfinite(log_probability).all()
        assert log_probability.min() < -1e4
        if labels.ndim == 1:
            assert_allclose(np.exp(log_probability).sum(axis=1), 1)


def test_multilabel():
    X, Y = make_multilabel_classification(200, n_classes=4, random_state=0)
    model = MLPClassifier(max_iter=600, random_state=0).fit(StandardScaler().fit_transform(X), Y)
    predicted = model.predict(StandardScaler().fit_transform(X))
    assert predicted.shape == Y.shape
    assert set(np.unique(predicted)) == {0, 1}
    assert accuracy_score(Y, predicted) > 0.9
    assert model.out_activation_ == "logistic"
    assert_array_equal(model.classes_, range(4))


def test_many_classes(rng):
    """More than a byte can number."""
    y = np.arange(300).repeat(2)
    X = np.stack([np.sin(y), np.cos(y)], axis=1) + 0.001 * rng.normal(size=(600, 2))
    model = MLPClassifier((60,), max_iter=2, random_state=0).fit(X, y)
    assert model.predict_proba(X).shape == (600, 300)
    for _ in range(200):
        model.partial_fit(X, y)
    assert model.score(X, y) > 20 / 300


def test_one_class(rng):
    X = rng.normal(size=(20, 3))
    model = MLPClassifier(max_iter=2, random_state=0).fit(X, ["only"] * 20)
    assert_array_equal(model.predict(X), ["only"] * 20)
    theirs = SklearnClassifier(max_iter=2, random_state=0).fit(X, ["only"] * 20)
    assert_allclose(model.predict_proba(X), theirs.predict_proba(X), rtol=1e-9)
    assert_allclose(model.predict_log_proba(X), theirs.predict_log_proba(X), rtol=1e-9)


@pytest.mark.filterwarnings("ignore:Label .* is present in all:UserWarning")
@pytest.mark.parametrize("meta", [ClassifierChain, MultiOutputClassifier, OneVsRestClassifier])
def test_labels_that_all_rows_share(meta, rng):
    """In scikit-learn's meta-estimators as its own MLPClassifier."""
    X = rng.normal(size=(60, 3))
    Y = np.c_[X[:, 0] > 0, np.zeros(60), np.ones(60)].astype(int)
    settings = dict(hidden_layer_sizes=(4,), max_iter=5, random_state=0)
    ours, theirs = (meta(of(**settings)).fit(X, Y).predict_proba(X) for of in (MLPClassifier, SklearnClassifier))
    assert_allclose(ours, theirs, rtol=1e-9)


def test_multi_output(rng):
    X = rng.normal(size=(300, 4))
    Y = X @ rng.normal(size=(4, 3))
    model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, random_state=0).fit(X, Y)
    assert model.predict(X).shape == (300, 3)
    assert_allclose(model.predict(X), Y, atol=1e-2)


def test_partial_fit_with_classes(iris):
    X, y = iris
    model = MLPClassifier(learning_rate_init=0.05, random_state=0)
    model.partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    assert_array_equal(model.classes_, [0, 1, 2])
    for _ in range(60):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.95


def test_column_of_targets(iris):
    X, y = iris
    with pytest.warns(UserWarning, match="column-vector y"):
        column = MLPClassifier(max_iter=3, random_state=0).fit(X, y.reshape(-1, 1))
    assert_array_equal(column.predict(X), MLPClassifier(max_iter=3, random_state=0).fit(X, y).predict(X))


@pytest.mark.parametrize(
    "make",
    [np.asfortranarray, lambda X: np.repeat(X, 2, axis=1)[:, ::2], lambda X: X.astype(np.float16), np.ndarray.tolist],
    ids=["fortran", "strided", "float16", "list"],
)
def test_layouts(iris, make):
    X, y = iris[0].astype(np.float16).astype(float), iris[1]
    plain = MLPClassifier(max_iter=3, random_state=0).fit(X, y)
    other = MLPClassifier(max_iter=3, random_state=0).fit(make(X), y)
    assert_array_equal(other.network_.parameters, plain.network_.parameters)
    assert_array_equal(other.predict_proba(make(X)), plain.predict_proba(X))


@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("settings", [dict(), dict(shuffle=False), dict(solver="lbfgs"), dict(early_stopping=True)])
def test_sparse(rng, dtype, index_dtype, settings):
    X = csr_array(np.where(rng.random((90, 30)) < 0.2, rng.random((90, 30)), 0).astype(dtype))
    X.indices, X.indptr = X.indices.astype(index_dtype), X.indptr.astype(index_dtype)
    y = np.arange(90) % 3
    dense = MLPClassifier((8,), max_iter=5, random_state=0, **settings).fit(X.toarray(), y)
    sparse = MLPClassifier((8,), max_iter=5, random_state=0, **settings).fit(X, y)
    # The same sums in another order.
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    assert_allclose(sparse.network_.parameters, dense.network_.parameters, rtol=0, atol=tolerance)
    assert_allclose(sparse.predict_proba(X), dense.predict_proba(X.toarray()), rtol=0, atol=tolerance)
    assert_array_equal(sparse.predict_proba(X.tocsc()), sparse.predict_proba(X))


def test_sparse_with_elements_in_parts(dtype):
    """CSR may hold an element more than once; its value is the sum."""
    parts = csr_array((np.array([1, 2, 4], dtype), np.array([0, 0, 1]), np.array([0, 2, 3])), shape=(2, 2))
    model = MLPRegressor(hidden_layer_sizes=(), max_iter=1, random_state=0).fit(np.eye(2, dtype=dtype), [0, 1])
    whole = np.array([[3, 0], [0, 4]], dtype)
    assert_allclose(model.predict(parts), model.predict(whole), rtol=0, atol=50 * np.finfo(dtype).eps)


def test_inside_scikit_learn(iris):
    X, y = iris
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(max_iter=100, learning_rate_init=0.02, random_state=0))
    assert cross_val_score(pipeline, X, y).mean() > 0.9
    folds = KFold(3, shuffle=True, random_state=0)
    search = GridSearchCV(
        MLPRegressor(solver="lbfgs", random_state=0), {"hidden_layer_sizes": [(2,), (8, 8)]}, cv=folds
    )
    assert search.fit(X, y).best_score_ > 0.8
    assert clone(pipeline).get_params()["mlpclassifier__max_iter"] == 100


@pytest.mark.parametrize(
    "model", [MLPClassifier(max_iter=5, warm_start=True), MLPRegressor(max_iter=5, warm_start=True)]
)
def test_pickle(iris, model):
    X, y = iris
    loaded = pickle.loads(pickle.dumps(model.fit(X, y)))
    assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.coefs_[0].base is not None
    assert_array_equal(loaded.partial_fit(X, y).predict(X), model.partial_fit(X, y).predict(X))


def test_an_activation_for_each_layer(iris):
    X, y = iris
    model = MLPClassifier((10, 5), ["tanh", "relu"], max_iter=5, random_state=0).fit(X, y)
    _, first, second, _ = model.network_.activations(X)
    assert first.min() < 0 <= second.min()


def test_prediction_does_not_depend_on_the_batch(iris):
    """Rows are predicted in tiles; where a row stands must not matter beyond rounding."""
    X, y = iris
    model = MLPClassifier((30,), max_iter=5, random_state=0).fit(X, y)
    many = np.tile(X, (20, 1))
    together = model.predict_proba(many)
    alone = np.concatenate([model.predict_proba(X[i : i + 1]) for i in range(150)])
    assert_allclose(together, np.tile(alone, (20, 1)), rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers_change_places(iris, dtype):
    """All at once; one after the other the first would be gone before it is read."""
    model = MLPClassifier((4, 4), max_iter=1, dtype=dtype, random_state=0).fit(*iris)
    first, second = model.coefs_[0].copy(), model.coefs_[1].copy()
    with pytest.raises(ValueError, match="another layer's own, which may change before it is read; copy it"):
        model.coefs_[0], model.coefs_[1] = model.coefs_[1], model.coefs_[0]
    model.coefs_[:2] = model.coefs_[1::-1]
    assert_array_equal(model.coefs_[0], second)
    assert_array_equal(model.coefs_[1], first)
    model.coefs_[0] *= 2
    assert_array_equal(model.coefs_[0], 2 * second)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_that_are_assigned_are_used(iris, dtype):
    """One layer's, or all of them, as in scikit-learn: the mean of two models, say."""
    X, y = iris
    settings = dict(hidden_layer_sizes=(5,), solver="lbfgs", max_iter=20, dtype=dtype)
    models = [MLPClassifier(**settings, random_state=seed).fit(X, y) for seed in (0, 1)]
    mean = clone(models[0]).fit(X, y)
    mean.coefs_ = [(w + v) / 2 for w, v in zip(models[0].coefs_, models[1].coefs_, strict=True)]
    for layer in (0, 1):
        mean.intercepts_[layer] = (models[0].intercepts_[layer] + models[1].intercepts_[layer]) / 2
    assert_allclose(
        mean.network_.parameters, (models[0].network_.parameters + models[1].network_.parameters) / 2, rtol=1e-6
    )
    hidden = np.maximum(X @ mean.coefs_[0] + mean.intercepts_[0], 0)
    assert_array_equal(mean.predict(X), (hidden @ mean.coefs_[1] + mean.intercepts_[1]).argmax(axis=1))
    before = mean.network_.parameters.copy()
    for wrong in ([np.zeros((4, 5))], [np.zeros((4, 5)), np.zeros((5, 2))]):
        with pytest.raises(ValueError, match=r"to assign have shapes .*; pass arrays of shapes \[\(4, 5\), \(5, 3\)\]"):
            mean.coefs_ = wrong
    with pytest.raises(ValueError, match=r"shapes \[\(5,\)\]; pass arrays of shapes \[\(4, 5\)\]"):
        mean.coefs_[0] = np.zeros(5)
    assert_array_equal(mean.network_.parameters, before)
    for method in (mean.coefs_.append, mean.coefs_.pop, mean.coefs_.__imul__, mean.coefs_.__iadd__):
        with pytest.raises(TypeError, match="layers of a network are fixed; assign to one of them, or to all"):
            method(2)
    assert_array_equal(mean.network_.parameters, before)
    copied = copy.deepcopy(mean.coefs_)
    copied[0] = 7
    assert type(copied) is list
    assert_array_equal(mean.network_.parameters, before)
    with pytest.raises(NotFittedError):
        MLPClassifier().coefs_ = []
