"""A network's repr is the call that makes one like it."""

import copy
import pickle

import numpy as np
import pytest

from fastmlp import MLPClassifier, Network, activations, layers, losses

CALLS = [
    "Network([4, 3])",
    "Network([4, 8, 3])",
    "Network([4, 8, 3], activation='tanh', dtype='float32')",
    "Network([4, 8, 8, 3], activation=['tanh', LeakyReLU(slope=0.2)], out_activation='softmax', loss='log_loss')",
    "Network([4, 8, 8, 2], loss=Huber(threshold=2.0), dropout=[0.1, 0.0], input_dropout=0.2, batch_norm=True)",
    "Network([4, 8, 2], dropout=0.5, trainable='last')",
    "Network([4, 8, 8, 2], trainable=(1, 3))",
    "Network([4, 6, 2], activation=Maxout(group_size=3), input_layers=(Scale(rate=2.0),))",
    "Network([2, 3, 1], input_layers=(Embedding(columns=(0,), n_codes=(3,), widths=(2,), rate=1.0, penalty=1.0),))",
]


def names():
    return {"Network": Network, **vars(activations), **vars(layers), **vars(losses)}


@pytest.mark.parametrize("call", CALLS)
def test_repr_is_the_call(call):
    network = eval(call, names())
    for one in [network, copy.deepcopy(network), pickle.loads(pickle.dumps(network))]:
        assert repr(one) == call


def test_defaults_are_left_out():
    given = dict(activation="relu", out_activation="identity", loss="squared_error", dropout=[0.0], dtype=np.float64)
    assert repr(Network([4, 8, 3], **given, input_layers=[], trainable="all", random_state=0)) == "Network([4, 8, 3])"
    assert repr(Network([4, 3], activation=[], init="zeros")) == "Network([4, 3])"


def test_networks_of_estimators_and_from_weights():
    network = Network.from_weights([[[1.0]], [[2.0]]], [[0.0], [0.0]], activation="tanh", dtype="float32")
    assert repr(network) == "Network([1, 1, 1], activation='tanh', dtype='float32')"
    model = MLPClassifier((3,), solver="lbfgs", random_state=0).fit([[0.0], [1.0]], [0, 1])
    assert repr(model.network_) == "Network([1, 3, 1], out_activation='logistic', loss='log_loss')"
    model.network_.trainable = "last"
    assert "trainable='last'" in repr(model.network_)
