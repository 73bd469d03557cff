"""Weights and rows to validate on, routed through scikit-learn's meta-estimators."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from .short_fits import COUNTS, FOLDS, NUMBERS, REPEATED, TEST, TRAIN, X, Y, assert_same_weights, classifier, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.mark.parametrize("make", [classifier, regressor])
def test_weights_through_a_pipeline_are_repeated_rows(routing, make):
    y = Y if make is classifier else NUMBERS
    scaler = StandardScaler().set_fit_request(sample_weight=True)
    pipeline = make_pipeline(scaler, make().set_fit_request(sample_weight=True))
    pipeline.fit(X, y, sample_weight=COUNTS)
    repeated = make_pipeline(StandardScaler(), make()).fit(X[REPEATED], y[REPEATED])
    assert_same_weights(pipeline[-1], repeated[-1], 1e-10)


def test_weights_through_cross_validation(routing):
    """Each fold is fitted and judged with its own rows' weights."""
    weights = np.linspace(0.1, 3, 120)
    model = classifier().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    scores = cross_validate(model, X, Y, cv=FOLDS, params={"sample_weight": weights})["test_score"]
    for (train, test), score in zip(FOLDS.split(X, Y), scores, strict=True):
        by_hand = classifier().fit(X[train], Y[train], sample_weight=weights[train])
        assert score == pytest.approx(accuracy_score(Y[test], by_hand.predict(X[test]), sample_weight=weights[test]))


def test_weights_through_a_search_are_repeated_rows(routing):
    pytest.importorskip("sklearn", minversion="1.8")  # whose pipelines do not route to a step's score before
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    model = regressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    search = GridSearchCV(make_pipeline(scaler, model), {"mlpregressor__alpha": [0.0, 10.0]}, cv=[(TRAIN, TEST)])
    search.fit(X, NUMBERS, sample_weight=COUNTS)
    Z = StandardScaler().fit_transform(X)
    best = regressor(alpha=search.best_params_["mlpregressor__alpha"])
    assert_same_weights(search.best_estimator_[-1], best.fit(Z[REPEATED], NUMBERS[REPEATED]), 1e-10)


def test_validation_rows_through_a_search(routing):
    """X_val passes the steps that X passes, in every fold; were they as many as X's, a fold would cut them too."""
    model = classifier().set_fit_request(X_val=True, y_val=True)
    pipeline = Pipeline([("scale", StandardScaler()), ("mlp", model)], transform_input=["X_val"])
    search = GridSearchCV(pipeline, {"mlp__hidden_layer_sizes": [2, (4, 3)]}, cv=FOLDS)
    search.fit(X[TRAIN], Y[TRAIN], X_val=X[TEST], y_val=Y[TEST])
    best = search.best_estimator_
    assert best[-1].validation_loss_curve_[-1] == pytest.approx(log_loss(Y[TEST], best.predict_proba(X[TEST])))
    assert best[-1].validation_scores_[-1] == best.score(X[TEST], Y[TEST])


def test_weights_nobody_asked_for_are_refused(routing):
    with pytest.raises(ValueError, match="sample_weight"):
        make_pipeline(StandardScaler(), classifier()).fit(X, Y, sample_weight=COUNTS)
