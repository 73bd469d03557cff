"""Kinds of layers: gradients by differences, frozen layers, factors of rates and penalties."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import Network
from fastmlp._core._data import Data
from fastmlp._core._team import Team
from fastmlp._core._training import Training
from fastmlp._core._workspace import Workspace
from fastmlp.layers import Block, Dense, Embedding, Scale
from fastmlp.training.optimizers import SGD, Adam

# Columns 1 and 4 hold codes.
EMBEDDING = Embedding(columns=[4, 1], n_codes=[3, 40], widths=[2, 5])
INPUTS = {
    "none": [],
    "scale": [Scale()],
    "embedding": [EMBEDDING],
    "both": [EMBEDDING, Scale()],
    "two scales": [Scale(), Scale()],
}


def rows(n=23, dtype="float64"):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 6))
    X[:, 1], X[:, 4] = rng.integers(0, 40, n), rng.integers(0, 3, n)
    return X.astype(dtype), rng.normal(size=(n, 2)).astype(dtype)


def network(inputs, dtype="float64", **parameters):
    parameters = {"activation": "tanh", "random_state": 1} | parameters
    net = Network([6, 8, 4, 2], input_layers=INPUTS[inputs], dtype=dtype, **parameters)
    rng = np.random.default_rng(2)
    net.parameters[:] += 0.1 * rng.normal(size=len(net.parameters))  # scales other than 1
    return net


def differences(net, X, y, weight):
    """Central differences of the cost by every parameter."""
    gradient = np.empty_like(net.parameters)
    for i, value in enumerate(net.parameters.copy()):
        costs = []
        for step in (1e-6, -1e-6):
            net.parameters[i] = value + step
            costs.append(net.cost(X, y, weight))
        net.parameters[i] = value
        gradient[i] = (costs[0] - costs[1]) / 2e-6
    return gradient


def flat(gradients):
    return np.concatenate([array.ravel() for layer in gradients.layers for array in layer.values()])


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("options", [{}, {"batch_norm": True}, {"activation": ["relu", "gelu"]}], ids=str)
def test_gradients_of_every_kind(isa, inputs, options):
    net, (X, y) = network(inputs, **options), rows()
    weight = np.random.default_rng(3).random(len(X))
    got = net.backward(X, y, weight)
    assert_allclose(flat(got), differences(net, X, y, weight), atol=2e-8)
    for j in (0, 2, 5):  # no derivative by a code
        X_up, X_down = X.copy(), X.copy()
        X_up[:, j] += 1e-6
        X_down[:, j] -= 1e-6
        change = (net.forward(X_up) - net.forward(X_down)) / 2e-6
        expected = (weight / weight.sum()) * np.sum(change * (net.forward(X) - y), axis=1)
        assert_allclose(got.inputs[:, j], expected, atol=2e-8)
    if EMBEDDING in net.layers_:
        assert not got.inputs[:, [1, 4]].any()


def test_embedding_looks_up_its_tables(isa, dtype):
    net, (X, _) = network("embedding", dtype), rows(dtype=dtype)
    tables = net.layer_parameters_[0]
    looked_up = np.hstack(
        [X[:, [0, 2, 3, 5]], tables["table_4"][X[:, 4].astype(int)], tables["table_1"][X[:, 1].astype(int)]]
    )
    plain = Network.from_weights(net.coefs_, net.intercepts_, activation="tanh", dtype=dtype)
    assert_array_equal(net.forward(X), plain.forward(looked_up))


def test_scale_multiplies(isa, dtype):
    net, (X, _) = network("scale", dtype), rows(dtype=dtype)
    plain = Network.from_weights(net.coefs_, net.intercepts_, activation="tanh", dtype=dtype)
    assert_array_equal(net.forward(X), plain.forward(X * net.layer_parameters_[0]["scales"]))


def test_codes_without_a_row():
    net, (X, y) = network("embedding"), rows()
    for wrong in (-1, 40, 1.5):
        X[3, 1] = wrong
        with pytest.raises(ValueError, match=f"X has {wrong:g} in column 1, whose codes are 0 to 39"):
            net.forward(X)
        with pytest.raises(ValueError, match=r"X has .* in column 1"):
            net.backward(X, y)
        raw = net.predict_raw(X)  # unchecked, but never read beyond the table
        assert np.isfinite(raw).all()


def trained(net, X, y, n_steps=5, optimizer=SGD, n_threads=1, l2=0.0, **settings):
    """Training steps over all rows, by the core."""
    settings = settings or {"momentum": 0.0, "nesterovs_momentum": False}
    optimizer = optimizer(net.parameters, **settings)
    with Team(n_threads) as team:
        data = Data(X, y)
        workspace = Workspace(net.core.plan, data, len(y), True, True, team.n_threads)
        rule = SimpleNamespace(optimizer=optimizer, batch_size=len(y), l1=0.0, alpha=l2, clip_norm=None)
        training = Training(net.core, workspace, data, team, rule)
        for _ in range(n_steps):
            training.run_steps(0, np.array([[0.1, 1.0]]), 0)
    return net


@pytest.mark.parametrize("inputs", INPUTS)
def test_training_follows_the_gradient(isa, inputs):
    """Steps of the core are those of `Network.step`, which takes the gradient that the differences agree with."""
    X, y = rows()
    by_core, by_step = trained(network(inputs), X, y), network(inputs)
    for _ in range(5):
        by_step.step(X, y, learning_rate=0.1)
    assert_allclose(by_core.parameters, by_step.parameters, atol=1e-13)


@pytest.mark.parametrize("inputs", ["none", "both"])
def test_any_number_of_threads(isa, inputs, dtype):
    X, y = rows(400, dtype)
    settings = {"optimizer": Adam, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
    one, three = (trained(network(inputs, dtype), X, y, n_threads=n, **settings) for n in (1, 3))
    assert_array_equal(one.parameters, three.parameters)


@pytest.mark.parametrize("trainable", ["last", [1], [2], [1, 3], [2, 3]])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_frozen_layers_stay(isa, trainable, batch_norm):
    net, (X, y) = network("both", trainable=trainable, batch_norm=batch_norm), rows()
    before, statistics = [dict_copy(layer) for layer in net.layer_parameters_], net.statistics.copy()
    everything = network("both", batch_norm=batch_norm)
    numbers = [3] if trainable == "last" else trainable
    trained(net, X, y)
    number = 0
    for layer, was, now in zip(net.layers_, before, net.layer_parameters_, strict=True):
        number += layer.kind == "dense"
        for name, array in now.items():
            assert np.array_equal(array, was[name]) == (max(number, 1) not in numbers), (layer, name)
    if batch_norm:
        sizes = np.repeat([1, 2], [16, 8])
        np.testing.assert_array_equal(net.statistics != statistics, np.isin(sizes, numbers))
    else:
        # One step changes what is trained as it would if all were.
        one, all_of_it = network("both", trainable=trainable), everything
        trained(one, X, y, n_steps=1)
        trained(all_of_it, X, y, n_steps=1)
        changed = one.parameters != network("both").parameters
        assert_array_equal(one.parameters[changed], all_of_it.parameters[changed])


def dict_copy(arrays):
    return {name: array.copy() for name, array in arrays.items()}


def test_trainable_can_be_assigned():
    net, (X, y) = network("none"), rows()
    weights = net.coefs_[0].copy()
    net.trainable = "last"
    trained(net, X, y)
    assert_array_equal(net.coefs_[0], weights)
    copy = pickle.loads(pickle.dumps(net))
    trained(copy, X, y)
    assert_array_equal(copy.coefs_[0], weights)
    net.trainable = "all"
    trained(net, X, y)
    assert (net.coefs_[0] != weights).any()


def test_frozen_layers_with_sparse_rows():
    from scipy.sparse import csr_array

    X, y = rows()
    X[np.random.default_rng(1).random(X.shape) < 0.5] = 0
    for trainable in ("all", "last", [2, 3]):
        dense, sparse = (Network([6, 8, 4, 2], trainable=trainable, random_state=0) for _ in range(2))
        trained(dense, X, y)
        trained(sparse, csr_array(X), y)
        assert_allclose(dense.parameters, sparse.parameters, atol=1e-13)


def test_rates_and_penalties_of_blocks(isa):
    """The gradient-descent step of each block with its own learning rate and penalty."""

    class Factors(Network):
        def _own_layers(self, initializers):
            layers = list(super()._own_layers(initializers))
            yield Dense(8, rate=3.0, bias_rate=0.5, penalty=2.0)
            yield from layers[1:]

    X, y = rows()
    net = Factors([6, 8, 4, 2], activation="tanh", input_layers=[Scale(rate=10.0)], random_state=0)
    expected, gradients = [dict_copy(layer) for layer in net.layer_parameters_], net.backward(X, y)
    trained(net, X, y, n_steps=1, l2=0.7)
    n_inputs = 6
    for layer, arrays, slopes, now in zip(net.layers_, expected, gradients.layers, net.layer_parameters_, strict=True):
        for block in layer.blocks(n_inputs):
            w, slope = arrays[block.name], slopes[block.name]
            step = 0.1 * block.rate * (slope + 0.7 / len(X) * block.penalty * w)
            assert_allclose(now[block.name], w - step, atol=1e-14)
        n_inputs = layer.n_outputs(n_inputs)


def test_a_pickle_keeps_the_layers():
    net, (X, _) = network("both", batch_norm=True), rows()
    copy = pickle.loads(pickle.dumps(net))
    assert copy.layers_ == net.layers_
    assert_array_equal(copy.forward(X), net.forward(X))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Embedding([0], [3], [2, 2]), "columns, n_codes and widths are"),
        (lambda: Embedding([0, 0], [3, 3], [2, 2]), "no column twice"),
        (lambda: Embedding([-1], [3], [2]), "columns is .* pass whole numbers of at least 0"),
        (lambda: Embedding([0], [0], [2]), "n_codes is"),
        (lambda: Scale(rate=-1), "rate is -1; pass a finite number of at least 0"),
        (lambda: Network([2, 1], input_layers=[Embedding([2], [3], [1])]), "but it has 2 inputs"),
        (lambda: Network([2, 1], input_layers=[Dense(3)]), "input_layers has Dense"),
        (
            lambda: Network([2, 1], input_layers=[Scale(), Embedding([1], [3], [2])]),
            "only the first may be an Embedding",
        ),
        (lambda: Network([2, 1], trainable="first"), "trainable is 'first'; pass 'all', 'last', or numbers"),
        (lambda: Network([2, 1], trainable=[2]), "numbers of dense layers from 1 to 1"),
        (lambda: Network([2, 1], trainable=[]), "trainable is"),
    ],
)
def test_wrong_layers(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_blocks_say_what_they_are():
    assert Dense(3, penalty=0.5).blocks(2) == [Block("weights", (2, 3), 1.0, 0.5), Block("biases", (3,), 1.0, 0.0)]
