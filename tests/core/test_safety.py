"""Nothing that Python hands over makes the core read or write beyond its arrays, or what is freed."""

import copy
import gc
import pickle
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from fastmlp import MLPClassifier, MLPRegressor, Network, Perceptron
from fastmlp._core._data import Data
from fastmlp._core._team import Team
from fastmlp._core._training import Training
from fastmlp._core._workspace import Workspace
from fastmlp.activations import ACTIVATIONS, Activation
from fastmlp.losses import Loss, Quantile
from fastmlp.training.optimizers import SGD

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(60, 4))
LABELS = np.arange(60) % 20
NUMBERS = X.sum(axis=1)


class Halving(Activation):
    name = "halving"

    def n_outputs(self, units):
        return units // 2

    def forward(self, z):
        return z[:, ::2] + z[:, 1::2]

    def backward(self, gradient, z, a):
        return np.repeat(gradient, 2, axis=1)


class HalvingBothWays(Halving):
    def n_units(self, n_outputs):
        return 2 * n_outputs


class TwoOutputsATarget(Loss):
    """Knows of the outputs only, as somebody could forget."""

    name = "two_outputs"

    def n_outputs(self, n_targets):
        return 2 * n_targets

    def values(self, a, y):
        return np.sum((a[:, :1] - y) ** 2, axis=1)

    def gradient(self, a, y):
        return np.hstack([2 * (a[:, :1] - y), np.zeros_like(y)])


@pytest.mark.parametrize(
    ("model", "y", "message"),
    [
        (
            MLPClassifier(loss=Quantile([0.1, 0.9]), out_activation="identity"),
            LABELS,
            "'quantile' makes 10 targets of 20",
        ),
        (MLPClassifier(out_activation=Halving()), LABELS, "'halving' makes 10 outputs of 20 units, but 20 are needed"),
        (MLPRegressor(out_activation=Halving()), X[:, :2], "'halving' makes 1 outputs of 2 units, but 2 are needed"),
        (MLPRegressor(TwoOutputsATarget()), NUMBERS, "'two_outputs' makes 2 targets of 2 outputs, but y has 1"),
    ],
)
def test_targets_that_do_not_fit_the_outputs(model, y, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)


def test_an_own_activation_of_another_width_at_the_output():
    model = MLPRegressor(out_activation=HalvingBothWays(), solver="lbfgs", random_state=0).fit(X, X[:, :2])
    assert model.predict(X).shape == (60, 2)
    assert model.score(X, X[:, :2]) > 0.9


class Hoarder(Activation):
    """Keeps and changes everything that it is given."""

    name = "hoarder"
    overwrites = backward_in_place = True  # meant for built-in ones, and without effect here

    def __init__(self):
        self.kept = []

    def forward(self, z):
        self.kept.append((z, z.copy()))
        a = np.tanh(z)
        z[...] = np.nan
        self.kept[-1] = (z, z.copy())
        return a

    def backward(self, gradient, z, a):
        delta = gradient * (1 - a**2)
        for array in (gradient, z, a):
            array[...] = np.nan
            self.kept.append((array, array.copy()))
        return delta


def test_arrays_that_an_activation_keeps():
    hoarder = Hoarder()
    theirs = Network([4, 5, 1], activation=hoarder, random_state=0)
    ours = Network([4, 5, 1], activation="tanh", random_state=0)
    got, expected = theirs.backward(X, NUMBERS), ours.backward(X, NUMBERS)
    for a, b in zip(got.deltas, expected.deltas, strict=True):
        assert_allclose(a, b, rtol=1e-10)
    del theirs, got
    gc.collect()
    for kept, copied in pickle.loads(pickle.dumps(hoarder.kept)):
        assert_array_equal(kept, copied)
    for kept, copied in hoarder.kept:
        assert_array_equal(kept, copied)


def sparse():
    return csr_array(np.where(X > 0.5, X, 0))


def test_a_sparse_matrix_that_exchanges_its_arrays():
    """As max() and sum_duplicates() do."""
    changing = sparse()
    changing = csr_array(
        (np.tile(changing.data / 2, 2), np.tile(changing.indices, 2), 2 * changing.indptr), changing.shape
    )
    rows = [np.tile(np.arange(s, e), 2) for s, e in zip(sparse().indptr[:-1], sparse().indptr[1:], strict=True)]
    order = np.concatenate(rows)
    changing.indices[:], changing.data[:] = sparse().indices[order], sparse().data[order] / 2
    settings = dict(hidden_layer_sizes=(5,), max_iter=5, random_state=0)
    expected = MLPRegressor(**settings).fit(sparse(), NUMBERS)

    def tidy(info):
        changing.sum_duplicates()
        gc.collect()

    model = MLPRegressor(**settings, callbacks=tidy).fit(changing, NUMBERS)
    assert_allclose(model.predict(sparse()), expected.predict(sparse()), rtol=1e-10)


def broken(**arrays):
    X = sparse()
    for name, (place, value) in arrays.items():
        getattr(X, name)[place] = value
    return X


@pytest.mark.parametrize(
    "X", [broken(indices=(0, 10**6)), broken(indices=(0, -5)), broken(indptr=(3, 10**6)), broken(indptr=(-1, 10**6))]
)
def test_a_sparse_matrix_that_points_outside(X):
    with pytest.raises(ValueError, match="ind(ices|ptr)|index"):
        MLPRegressor().fit(X, NUMBERS)
    with pytest.raises(ValueError, match="ind(ices|ptr)|index"):
        MLPRegressor(max_iter=1).fit(sparse(), NUMBERS).predict(X)


def test_sparse_matrices_of_unusual_arrays():
    model = MLPRegressor(hidden_layer_sizes=(5,), max_iter=3, random_state=0).fit(sparse(), NUMBERS)
    expected = model.predict(sparse().toarray())
    strided = sparse().astype(complex).real
    mixed = sparse()
    mixed.indptr = mixed.indptr.astype(np.int64)
    for unusual in (strided, mixed):
        assert_allclose(model.predict(unusual), expected, rtol=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(1, 0), (0, 0), (3,)])
def test_activations_of_nothing(name, shape):
    with pytest.raises(ValueError, match="z has shape"):
        ACTIVATIONS[name].forward(np.empty(shape))


def test_activations_with_dropout_in_prediction():
    network = Network([4, 6, 5, 1], dropout=0.5, input_dropout=0.5, random_state=0)
    plain = Network([4, 6, 5, 1], random_state=0)
    for got, expected in zip(network.activations(X), plain.activations(X), strict=True):
        assert_array_equal(got, expected)


def test_what_a_network_is_stays():
    network = Network([4, 3, 2], random_state=0)
    with pytest.raises(AttributeError, match="parameters"):
        network.parameters = network.parameters.astype(np.float32)
    network.sizes = (9, 3, 7)
    with pytest.raises(ValueError, match="columns"):
        network.forward(np.ones((2, 9)))


def test_a_network_that_is_replaced():
    model = MLPRegressor(hidden_layer_sizes=(3,), dtype="auto", random_state=0).partial_fit(
        X.astype(np.float32), NUMBERS
    )
    model.network_ = Network([4, 3, 1], random_state=1)
    model.partial_fit(X, NUMBERS)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("rows", [np.array([60]), np.array([-1]), np.array([0, 1], dtype=np.int32)])
def test_rows_that_are_not_there(rows):
    with pytest.raises(ValueError, match="rows have to be row numbers of X, from 0 to 59, as an array of intp"):
        Network([4, 1]).predict_raw(X, rows=rows)


@pytest.mark.parametrize("unusual", [X[::-1], np.asfortranarray(X), sparse().tocsc()])
def test_rows_in_another_layout(unusual):
    with pytest.raises(ValueError, match="contiguous|CSR"):
        Network([4, 1]).predict_raw(unusual)


def test_a_perceptron_of_other_weights():
    model = Perceptron(random_state=0).fit(X, NUMBERS > 0)
    model.coef_ = model.coef_[:, :2].copy()
    with pytest.raises(ValueError, match=r"coef_ is \(1, 2\) and intercept_ \(1,\), but X has 4 features"):
        model.decision_function(X)


def network_and_data(**arrays):
    """What fits each other, but for the arrays that are given."""
    network = Network([4, 6, 3], out_activation="softmax", loss="log_loss", random_state=0)
    fitting = dict(X=np.ones((5, 4)), targets=np.zeros(5, np.uint8), sample_weight=np.ones(5))
    return network, fitting | arrays


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (dict(X=np.ones(4)), "X has 1 dimensions"),
        (dict(X=np.ones((5, 4, 0))), "X has 3 dimensions"),
        (dict(targets=None), "There are no targets"),
        (dict(targets=np.zeros(4, np.uint8)), "targets has 4 rows, but X has 5"),
        (dict(sample_weight=np.ones(6)), "sample_weight has 6 rows, but X has 5"),
        (dict(targets=np.array([0, 1, 2, 3, 0], np.uint8)), "y has the class number 3; this network has 3 classes"),
        (dict(targets=np.array([0, 1, -2, 1, 0], np.int32)), "A class number is -2; they begin at 0"),
        (dict(targets=np.zeros(5)), "Class numbers are float64; pass bool, uint8 or int32"),
        (dict(targets=np.zeros((5, 2))), "y has 2 columns; this network has 3 targets"),
    ],
)
def test_data_that_do_not_fit(arrays, message):
    network, arrays = network_and_data(**arrays)
    with pytest.raises(ValueError, match=message):
        network.evaluate(Data(**arrays))


def test_class_numbers_of_rows_that_are_left_out_may_be_anything():
    network, arrays = network_and_data(targets=np.array([0, 1, 250, 1, 0], np.uint8))
    assert np.isfinite(network.evaluate(Data(**arrays, order=np.array([4, 3, 0])))[0])


def test_memory_of_another_kind():
    network, arrays = network_and_data()
    data, core = Data(**arrays), network.core
    other = Network([4, 6, 3], out_activation="softmax", loss="log_loss", random_state=0)
    workspace = core.workspace(data, backward=True)
    with pytest.raises(ValueError, match="The workspace is that of another network"):
        other.core.forward(workspace, data)
    with pytest.raises(ValueError, match="gradient has 3 elements; the network has 51"):
        core.backward(workspace, data, np.empty(3))
    network.trainable = "last"
    with pytest.raises(ValueError, match="or of other layers to train"):
        network.core.backward(workspace, data, np.empty(51))


@pytest.mark.parametrize("name", ["backward", "cost", "pull_back", "input_gradient"])
def test_memory_without_gradients(name):
    network, arrays = network_and_data()
    data = Data(**arrays)
    out = dict(backward=[np.empty(51)], input_gradient=[np.empty((5, 4))]).get(name, [])
    with pytest.raises(ValueError, match="for another kind of pass"):
        getattr(network.core, name)(network.core.workspace(data), data, *out)


@pytest.mark.parametrize("name", ["forward", "backward", "cost", "pull_back", "input_gradient"])
@pytest.mark.parametrize("layout", ["shuffled", "sparse"])
def test_memory_for_another_layout(name, layout):
    network, arrays = network_and_data()
    core, data = network.core, Data(**arrays)
    if layout == "shuffled":
        other = Data(**arrays, order=np.array([3, 1, 2]))
    else:
        other = Data(**arrays | dict(X=csr_array(np.ones((5, 4)))))
    out = dict(backward=[np.empty(51)], input_gradient=[np.empty((5, 4))]).get(name, [])
    with pytest.raises(ValueError, match="for data of another layout"):
        getattr(core, name)(core.workspace(data, backward=True), other, *out)


@pytest.mark.parametrize("name", ["pull_back", "input_gradient", "follow_batch_statistics"])
def test_other_columns_and_more_rows(name):
    network, arrays = network_and_data()
    workspace = network.core.workspace(Data(**arrays), backward=True)
    out = dict(input_gradient=[np.empty((5, 4))]).get(name, [])
    with pytest.raises(ValueError, match="with 3 columns, but this network computes in float64 on 4"):
        getattr(network.core, name)(workspace, Data(np.ones((5, 3))), *out)
    with pytest.raises(ValueError, match="for 5 rows and 1 threads, not for 6 and 1"):
        getattr(network.core, name)(workspace, Data(np.ones((6, 4))), *out)


def test_training_beyond_its_workspace():
    network, arrays = network_and_data()
    data, core = Data(**arrays), network.core
    optimizer = SGD(network.parameters, momentum=0.0, nesterovs_momentum=False)
    rule = SimpleNamespace(optimizer=optimizer, batch_size=5, l1=0.0, alpha=0.0, clip_norm=None)
    for rows, n_threads in [(4, 2), (5, 1)]:
        workspace = Workspace(core.plan, data, rows, True, True, n_threads)
        with (
            Team(2) as team,
            pytest.raises(ValueError, match=f"for {rows} rows and {n_threads} threads, not for 5 and 2"),
        ):
            Training(core, workspace, data, team, rule)


def test_one_network_in_several_threads():
    """Costs and gradients share nothing."""
    network, X = Network([4, 30, 2], random_state=0), np.random.default_rng(0).normal(size=(300, 4))
    expected = network.backward(X, X[:, :2])
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: network.backward(X, X[:, :2]), range(40)))
    for gradients in got:
        assert gradients.cost == expected.cost
        assert_array_equal(gradients.inputs, expected.inputs)


DAMAGE = {
    "fewer statistics": dict(statistics=np.zeros(3)),
    "more statistics": dict(statistics=np.zeros(13)),
    "statistics of another dtype": dict(statistics=np.zeros(12, np.float32)),
    "statistics in two dimensions": dict(statistics=np.zeros((12, 1))),
    "strided statistics": dict(statistics=np.zeros(24)[::2]),
    "fewer parameters": dict(_parameters=np.zeros(56)),
    "parameters in two dimensions": dict(_parameters=np.zeros((57, 1))),
    "parameters of another dtype": dict(_parameters=np.zeros(57, ">f8")),
    "strided parameters": dict(_parameters=np.zeros(114)[::2]),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_state(damage):
    """As in a file that is cut short or was written by hand."""
    network = Network([4, 6, 3], batch_norm=True, random_state=0)
    assert network.statistics.shape == (12,)
    assert network.parameters.shape == (57,)
    with pytest.raises(ValueError, match="this network takes|not C-contiguous"):
        Network.__new__(Network).__setstate__(network.__getstate__() | damage)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_statistics_of_another_length_are_refused_in_a_copy(copied):
    model = MLPRegressor(hidden_layer_sizes=(30,), max_iter=2, random_state=0, batch_norm=True).fit(X, NUMBERS)
    expected = model.predict(X)
    model.network_.statistics = np.zeros(3)
    with pytest.raises(ValueError, match=r"statistics is float64 of shape \(3,\); this network takes float64 of shape"):
        copied(model)
    assert_array_equal(model.predict(X), expected)
