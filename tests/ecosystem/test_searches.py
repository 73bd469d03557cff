"""Searches and scores by scikit-learn and optuna, compared with the same thing done by hand."""

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    cross_val_predict,
    learning_curve,
    validation_curve,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp.activations import LeakyReLU
from fastmlp.training.callbacks import ScoreMonitor
from fastmlp.training.schedules import Cosine, WarmUp

from .short_fits import FOLDS, NUMBERS, SETTINGS, TEST, TRAIN, X, Y, assert_same_weights, classifier, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


GRID = {
    "mlp__hidden_layer_sizes": [2, (5, 4)],
    "mlp__learning_rate": ["constant", lambda epoch: 0.05 / (1 + epoch), WarmUp(2, then=Cosine())],
    "mlp__activation": ["tanh", LeakyReLU(slope=0.3)],
}


@pytest.fixture(scope="module")
def sequential_search():
    return GridSearchCV(Pipeline([("scale", StandardScaler()), ("mlp", classifier())]), GRID, cv=FOLDS).fit(X, Y)


def test_grid_search_finds_what_a_loop_finds(sequential_search):
    scores = []
    for parameters in sequential_search.cv_results_["params"]:
        model = classifier(**{name.removeprefix("mlp__"): value for name, value in parameters.items()})
        folds = [
            make_pipeline(StandardScaler(), clone(model)).fit(X[train], Y[train]).score(X[test], Y[test])
            for train, test in FOLDS.split(X, Y)
        ]
        scores.append(np.mean(folds))
    assert len(scores) == 12
    assert_allclose(sequential_search.cv_results_["mean_test_score"], scores)
    assert sequential_search.best_score_ == pytest.approx(max(scores))


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_search_in_parallel_is_the_same_search(sequential_search, backend):
    search = clone(sequential_search).set_params(n_jobs=2)
    with joblib.parallel_config(backend):
        search.fit(X, Y)
    assert_array_equal(search.cv_results_["mean_test_score"], sequential_search.cv_results_["mean_test_score"])
    assert search.best_index_ == sequential_search.best_index_
    assert_same_weights(search.best_estimator_[-1], sequential_search.best_estimator_[-1])


def test_halving_search_gives_survivors_more_epochs():
    search = HalvingRandomSearchCV(
        classifier(tol=0, n_iter_no_change=np.inf),
        {"hidden_layer_sizes": [1, 3, (5, 4), 8], "alpha": [0.0, 0.1, 1.0]},
        resource="max_iter",
        min_resources=4,
        max_resources=16,
        factor=2,
        n_candidates=4,
        cv=[(TRAIN, TEST)],
        random_state=0,
    ).fit(X, Y)
    assert search.n_candidates_ == [4, 2, 1]
    assert search.best_estimator_.n_iter_ == 16
    by_hand = classifier(tol=0, n_iter_no_change=np.inf, **search.best_params_).fit(X[TRAIN], Y[TRAIN])
    assert search.best_score_ == by_hand.score(X[TEST], Y[TEST])


def test_cross_val_predict():
    probability = cross_val_predict(classifier(), X, Y, cv=FOLDS, method="predict_proba")
    for train, test in FOLDS.split(X, Y):
        assert_allclose(probability[test], classifier().fit(X[train], Y[train]).predict_proba(X[test]))


def test_validation_curve_over_epochs_is_one_fit():
    """A model of n epochs is the same as a longer fit after n epochs."""
    monitor = ScoreMonitor(X[TEST], NUMBERS[TEST])
    regressor(tol=0, max_iter=10, callbacks=monitor).fit(X[TRAIN], NUMBERS[TRAIN])
    _, scores = validation_curve(
        regressor(tol=0), X, NUMBERS, param_name="max_iter", param_range=[1, 4, 10], cv=[(TRAIN, TEST)]
    )
    assert_allclose(scores.ravel(), np.take(monitor.scores, [0, 3, 9]))


@pytest.mark.parametrize("incremental", [False, True])
def test_learning_curve(incremental):
    """With partial_fit each size goes on from the one before, by the rows that are new."""
    sizes, _, scores = learning_curve(
        classifier(), X, Y, train_sizes=[30, 50, 90], cv=[(TRAIN, TEST)], exploit_incremental_learning=incremental
    )
    assert sizes.tolist() == [30, 50, 90]
    model, by_hand = classifier(), []
    for start, end in ((0, 30), (30, 50), (50, 90)):
        if incremental:
            model.partial_fit(X[start:end], Y[start:end], classes=[0, 1, 2])
        else:
            model.fit(X[:end], Y[:end])
        by_hand.append(model.score(X[TEST], Y[TEST]))
    assert_allclose(scores.ravel(), by_hand)


def test_optuna_prunes_by_a_callback():
    """Trials report their loss each epoch; the pruned ones end there, and a study with the same seed is the same."""
    optuna = pytest.importorskip("optuna")

    def objective(trial):
        rate = trial.suggest_float("learning_rate_init", 1e-5, 0.1, log=True)
        width = trial.suggest_int("hidden_layer_sizes", 2, 8)
        callback = lambda info: trial.report(info.loss, info.epoch) or trial.should_prune()  # noqa: E731
        model = classifier(learning_rate_init=rate, hidden_layer_sizes=width, callbacks=callback).fit(X, Y)
        trial.set_user_attr("loss_curve", model.loss_curve_)
        if model.stop_reason_ == "callback":
            raise optuna.TrialPruned
        return model.loss_

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        studies = []
        for _ in range(2):
            sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=2)
            pruner = optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=4)
            studies.append(optuna.create_study(sampler=sampler, pruner=pruner))
            for rate in (0.05, 1e-5):  # the first is good, and the second nearly stands still
                studies[-1].enqueue_trial({"learning_rate_init": rate})
            studies[-1].optimize(objective, n_trials=5)
    finally:
        optuna.logging.set_verbosity(verbosity)
    trials = studies[0].trials
    pruned = [trial.state == optuna.trial.TrialState.PRUNED for trial in trials]
    assert pruned[:2] == [False, True]
    for trial, stopped in zip(trials, pruned, strict=True):
        assert list(trial.intermediate_values.values()) == trial.user_attrs["loss_curve"]
        assert (len(trial.user_attrs["loss_curve"]) < SETTINGS["max_iter"]) == stopped
    assert [trial.value for trial in trials] == [trial.value for trial in studies[1].trials]
    best = classifier(**studies[0].best_params).fit(X, Y)
    assert best.loss_ == studies[0].best_value
