"""Models in other processes and threads."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from .short_fits import NUMBERS, X, Y, assert_same_weights, classifier, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# From Python 3.12 on a fork warns of threads, which other tests' pools leave behind; the children use none of them.
forks = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def fitted(seed):
    return classifier(random_state=seed).fit(X, Y)


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
@forks
def test_fits_in_parallel(backend):
    """The same weights as alone, and the models come back whole."""
    with joblib.parallel_config(backend, n_jobs=2):
        models = joblib.Parallel()(joblib.delayed(fitted)(seed) for seed in range(4))
    for seed, model in enumerate(models):
        alone = fitted(seed)
        assert_same_weights(model, alone)
        assert_array_equal(model.predict_proba(X), alone.predict_proba(X))
        assert model.loss_curve_ == alone.loss_curve_


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@forks
def test_a_child_process_predicts_and_trains_the_same(method):
    model = classifier(warm_start=True).fit(X, Y)
    with multiprocessing.get_context(method).Pool(1) as pool:
        probability = pool.apply(model.predict_proba, (X,))
        further = pool.apply(model.fit, (X, Y))
    assert_array_equal(probability, model.predict_proba(X))
    assert_same_weights(further, model.fit(X, Y))


@forks
def test_a_forked_child_uses_the_model_it_inherits():
    """Nothing is pickled: the child has the parent's memory."""
    model = regressor().fit(X, NUMBERS)
    expected = model.predict(X)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()

    def child():
        theirs.send((model.predict(X), model.fit(X, -NUMBERS).predict(X)))

    process = context.Process(target=child, daemon=True)
    process.start()
    assert ours.poll(30)
    inherited, retrained = ours.recv()
    process.join()
    assert_array_equal(inherited, expected)
    assert_array_equal(retrained, regressor().fit(X, -NUMBERS).predict(X))
    assert_array_equal(model.predict(X), expected)


def test_threads_share_a_model():
    """They predict at the same time, while others train models of their own."""
    many = np.tile(X, (50, 1))
    model = classifier(hidden_layer_sizes=(64, 64)).fit(X, Y)
    expected, features = model.predict_proba(many), model.transform(many)
    with ThreadPoolExecutor(4) as pool:
        predictions = [pool.submit(model.predict_proba, many) for _ in range(12)]
        hidden = [pool.submit(model.transform, many) for _ in range(4)]
        fits = [pool.submit(fitted, seed) for seed in range(4)]
    for prediction in predictions:
        assert_array_equal(prediction.result(), expected)
    for outputs in hidden:
        assert_array_equal(outputs.result(), features)
    for seed, fit in enumerate(fits):
        assert_same_weights(fit.result(), fitted(seed))
