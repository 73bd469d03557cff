"""Step sizes over the epochs, against their formulas."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastmlp import MLPRegressor, Network
from fastmlp.training.schedules import SCHEDULES, Cosine, Exponential, OneCycle, Schedule, Step, WarmUp

from ..problems import IRIS_X, IRIS_Y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
