"""What a meta-estimator makes of a model, compared with the same thing done by hand."""

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, StackingRegressor, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.preprocessing import StandardScaler

from .short_fits import BINARY, FOLDS, NAMES, NUMBERS, TEST, TRAIN, X, Y, classifier, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    ("loss", "method"), [("log_loss", "predict_proba"), ("hinge", "decision_function")], ids=["log_loss", "hinge"]
)
def test_calibration_is_a_regression_on_the_scores(loss, method):
    model = classifier(loss=loss).fit(X[TRAIN], BINARY[TRAIN])
    calibrated = CalibratedClassifierCV(FrozenEstimator(model), method="isotonic").fit(X[TEST], BINARY[TEST])
    scores = getattr(model, method)(X)
    scores = scores[:, 1] if scores.ndim == 2 else scores
    by_hand = IsotonicRegression(out_of_bounds="clip").fit(scores[TEST], BINARY[TEST])
    assert_allclose(calibrated.predict_proba(X)[:, 1], by_hand.predict(scores), atol=1e-12)


def test_calibration_makes_probabilities_of_a_margin():
    calibrated = CalibratedClassifierCV(classifier(loss="hinge", max_iter=60), cv=FOLDS).fit(X, Y)
    probability = calibrated.predict_proba(X)
    assert_allclose(probability.sum(axis=1), 1)
    assert log_loss(Y, probability) < 0.8 * log_loss(Y, np.full((120, 3), 1 / 3))


def test_soft_voting_is_a_mean():
    members = [(f"seed {seed}", classifier(random_state=seed)) for seed in range(3)]
    voting = VotingClassifier(members, voting="soft").fit(X, NAMES[Y])
    mean = np.mean([clone(member).fit(X, Y).predict_proba(X) for _, member in members], axis=0)
    assert_allclose(voting.predict_proba(X), mean)
    assert_array_equal(voting.predict(X), NAMES[mean.argmax(axis=1)])


def test_stacking_learns_from_predictions_of_unseen_rows():
    members = [("tanh", regressor(activation="tanh")), ("relu", regressor())]
    stacking = StackingRegressor(members, LinearRegression(), cv=KFold(3)).fit(X, NUMBERS)
    unseen = np.column_stack([cross_val_predict(member, X, NUMBERS, cv=KFold(3)) for _, member in members])
    assert_allclose(stacking.final_estimator_.coef_, LinearRegression().fit(unseen, NUMBERS).coef_)


def test_bagging_in_threads_is_a_mean_of_models():
    bagging = BaggingClassifier(classifier(), n_estimators=4, max_features=3, random_state=0)
    alone = clone(bagging).fit(X, Y)
    with joblib.parallel_config("threading", n_jobs=2):
        bagging.fit(X, Y)
    members = zip(bagging.estimators_, bagging.estimators_features_, strict=True)
    mean = np.mean([model.predict_proba(X[:, columns]) for model, columns in members], axis=0)
    assert_allclose(bagging.predict_proba(X), mean)
    assert_array_equal(bagging.predict_proba(X), alone.predict_proba(X))


def test_one_against_the_rest():
    rest = OneVsRestClassifier(classifier()).fit(X, Y)
    by_hand = np.column_stack([classifier().fit(X, np.equal(Y, k)).predict_proba(X)[:, 1] for k in range(3)])
    assert_array_equal(rest.predict(X), by_hand.argmax(axis=1))


def test_several_outputs_one_by_one():
    labels = np.column_stack([NAMES[Y], np.where(BINARY, "yes", "no")])
    several = MultiOutputClassifier(classifier()).fit(X, labels)
    for column in range(2):
        assert_array_equal(several.predict(X)[:, column], classifier().fit(X, labels[:, column]).predict(X))


def test_a_chain_of_labels():
    labels = np.column_stack([Y == 0, X[:, 0] > 0]).astype(int)
    chain = ClassifierChain(classifier(), order=[1, 0]).fit(X, labels)
    second = classifier().fit(np.column_stack([X, labels[:, 1]]), labels[:, 0])
    first = classifier().fit(X, labels[:, 1]).predict(X)
    assert_array_equal(chain.predict(X), np.column_stack([second.predict(np.column_stack([X, first])), first]))


def test_transformed_targets():
    prices = np.exp(NUMBERS)
    model = TransformedTargetRegressor(regressor(), func=np.log, inverse_func=np.exp).fit(X, prices)
    assert_allclose(model.predict(X), np.exp(regressor().fit(X, NUMBERS).predict(X)), rtol=1e-6)
    table = TransformedTargetRegressor(regressor(), transformer=StandardScaler()).fit(X, prices)
    scaled = regressor().fit(X, (prices - prices.mean()) / prices.std()).predict(X)
    assert_allclose(table.predict(X), scaled * prices.std() + prices.mean(), rtol=1e-6)
