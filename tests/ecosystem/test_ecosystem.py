"""Programs of scikit-learn's users: meta-estimators, routing, searches, processes, threads, tables.

What a meta-estimator makes of a model is compared with the same thing done by hand.
"""

import copy
import inspect
import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay, calibration_curve
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier, StackingRegressor, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import DecisionBoundaryDisplay, partial_dependence, permutation_importance
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fastmlp import MLPClassifier, MLPRegressor, Perceptron
from fastmlp.activations import LeakyReLU
from fastmlp.losses import Huber
from fastmlp.training.callbacks import EarlyStopping, ScoreMonitor
from fastmlp.training.schedules import Cosine, WarmUp

# Short fits; how well they have learnt is asserted where it matters.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = dict(hidden_layer_sizes=6, learning_rate_init=0.02, max_iter=15, random_state=0)

X, Y = make_classification(120, n_features=5, n_informative=3, n_redundant=0, n_classes=3, random_state=0)
BINARY = Y > 0
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0, 1.0] + np.sin(3 * X[:, 0])
TRAIN, TEST = np.arange(90), np.arange(90, 120)
FOLDS = StratifiedKFold(3)
COUNTS = np.arange(120) % 4  # whole weights, some of them 0
REPEATED = np.repeat(np.arange(120), COUNTS)


def classifier(**parameters):
    return MLPClassifier(**{**SETTINGS, **parameters})


def regressor(**parameters):
    return MLPRegressor(**{**SETTINGS, **parameters})


def assert_same_weights(model, expected, tolerance=0.0):
    assert_allclose(model.network_.parameters, expected.network_.parameters, rtol=0, atol=tolerance)


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def pyplot():
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot as plt

    yield plt
    plt.close("all")


# Pipelines and tables


def test_a_table_with_categories():
    """Scaled and encoded by hand, the columns give the same model."""
    size, city = NUMBERS, np.array(["Bern", "Oslo", "Rome"])[Y]
    table = pd.DataFrame({"size": size, "city": pd.Categorical(city), "kind": city, "age": X[:, 1]})
    columns = ColumnTransformer([("n", StandardScaler(), ["size", "age"]), ("c", OneHotEncoder(), ["city", "kind"])])
    pipeline = make_pipeline(columns, classifier()).fit(table, BINARY)
    scaled = [(values - values.mean()) / values.std() for values in (size, X[:, 1])]
    codes = [city == name for name in ("Bern", "Oslo", "Rome")]
    by_hand = np.column_stack([*scaled, *codes, *codes])
    expected = classifier().fit(by_hand, BINARY)
    assert_allclose(pipeline.predict_proba(table), expected.predict_proba(by_hand), atol=1e-10)
    assert pipeline[-1].n_features_in_ == 8


def test_encoded_categories_stay_sparse():
    city = np.array([f"city {i % 60}" for i in range(120)])[:, np.newaxis]
    sparse, dense = (
        make_pipeline(OneHotEncoder(sparse_output=s), classifier()).fit(city, BINARY) for s in (True, False)
    )
    assert_same_weights(sparse[-1], dense[-1], 1e-12)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_hidden_layer_before_a_linear_model(library):
    """The MLP as a transformer: data frames with names, of what the equations say."""
    pytest.importorskip(library)
    with config_context(transform_output=library):
        pipeline = make_pipeline(StandardScaler(), classifier(), LogisticRegression()).fit(X, Y)
        probability = pipeline.predict_proba(X)
    W, b = pipeline[1].coefs_[0], pipeline[1].intercepts_[0]
    hidden = np.maximum((X - X.mean(axis=0)) / X.std(axis=0) @ W + b, 0)
    assert list(pipeline[-1].feature_names_in_) == [f"mlpclassifier{i}" for i in range(6)]
    assert_allclose(probability, LogisticRegression().fit(hidden, Y).predict_proba(hidden), atol=1e-6)


def test_feature_union():
    union = FeatureUnion([("scaled", StandardScaler()), ("deep", regressor()), ("wide", regressor(random_state=1))])
    features = union.set_output(transform="pandas").fit_transform(X, NUMBERS)
    assert list(features.columns[5:7]) == ["deep__mlpregressor0", "deep__mlpregressor1"]
    assert_allclose(features.iloc[:, 11:], regressor(random_state=1).fit(X, NUMBERS).transform(X))


def test_frozen_estimator_is_not_trained_again():
    model = classifier().fit(X[TRAIN], Y[TRAIN])
    weights = model.network_.parameters.copy()
    pipeline = make_pipeline(FrozenEstimator(model), LogisticRegression()).fit(X[TEST], Y[TEST])
    assert_array_equal(model.network_.parameters, weights)
    assert pipeline[-1].coef_.shape == (3, 6)
    assert clone(FrozenEstimator(model)).predict(X).tolist() == model.predict(X).tolist()


NULLABLE = {
    "float": lambda: pd.DataFrame(X).astype("Float64"),
    "int": lambda: pd.DataFrame(X.round()).astype("Int64"),
    "bool": lambda: pd.DataFrame(X > 0).astype("boolean"),
    "mixed": lambda: pd.DataFrame(X.round()).astype({0: "Int8", 1: "Float32", 2: "float32"}),
}


@pytest.mark.parametrize("make", NULLABLE.values(), ids=NULLABLE.keys())
def test_nullable_dtypes(make):
    table = make()
    model = regressor().fit(table, NUMBERS)
    assert_array_equal(model.predict(table), regressor().fit(table.to_numpy(float), NUMBERS).predict(table))


def test_missing_values_are_refused():
    table = pd.DataFrame(X).astype("Float64")
    table.iloc[3, 1] = pd.NA
    with pytest.raises(ValueError, match="Input X contains NaN"):
        regressor().fit(table, NUMBERS)
    missing = pd.Series(NUMBERS, dtype="Float64").mask(np.arange(120) == 3)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        regressor().fit(X, missing)


NAMES = np.array(["low", "mid", "top"])
LABELS = {
    "str": lambda: NAMES[Y],
    "list": lambda: NAMES[Y].tolist(),
    "object": lambda: NAMES[Y].astype(object),
    "Series of str": lambda: pd.Series(NAMES[Y]),
    "category": lambda: pd.Series(pd.Categorical(NAMES[Y], categories=["top", "low", "never", "mid"])),
    "Categorical": lambda: pd.Categorical(NAMES[Y]),
    "string": lambda: pd.Series(NAMES[Y], dtype="string"),
    "Int64": lambda: pd.Series(Y, dtype="Int64"),
    "UInt8": lambda: pd.Series(Y, dtype="UInt8"),
    "float": lambda: Y.astype(float),
    "shuffled index": lambda: pd.Series(NAMES[Y], index=np.random.default_rng(0).permutation(120)),
    "named index": lambda: pd.Series(Y, index=[f"row {i}" for i in range(120)]),
}


@pytest.mark.parametrize("make", LABELS.values(), ids=LABELS.keys())
@pytest.mark.parametrize("settings", [dict(), dict(early_stopping=True, scoring="balanced_accuracy")])
def test_labels(make, settings):
    """The classes are those of the labels, in their order; the numbers are the same for all."""
    labels = make()
    model = classifier(**settings).fit(X, labels)
    assert_array_equal(model.classes_, np.unique(np.asarray(labels)))
    assert_array_equal(model.predict_proba(X), classifier(**settings).fit(X, Y).predict_proba(X))
    assert model.score(X, labels) == np.mean(model.predict(X) == np.asarray(labels))


@pytest.mark.parametrize(
    "make", [lambda: BINARY.tolist(), lambda: pd.Series(BINARY), lambda: pd.Series(BINARY, dtype="boolean")]
)
def test_boolean_labels(make):
    model = classifier().fit(X, make())
    assert model.classes_.tolist() == [False, True]
    assert_array_equal(model.predict_proba(X), classifier().fit(X, BINARY.astype(int)).predict_proba(X))
    assert set(model.predict(X).tolist()) == {False, True}


@pytest.mark.parametrize("make", [classifier, regressor])
def test_series_count_by_position(make):
    """Whatever their index says: X, y and weights belong together row by row."""
    index = np.random.default_rng(0).permutation(120)
    weights = np.linspace(0.5, 2, 120)
    y = Y if make is classifier else NUMBERS
    model = make(early_stopping=True)
    model.fit(pd.DataFrame(X, index=index), pd.Series(y, index=index[::-1]), sample_weight=pd.Series(weights))
    assert_same_weights(model, make(early_stopping=True).fit(X, y, sample_weight=weights))


# Parameters

ANOTHER_VALUE = dict(
    hidden_layer_sizes=(4, 3),
    activation=LeakyReLU(slope=0.2),
    solver="rmsprop",
    alpha=0.1,
    batch_size=30,
    learning_rate=WarmUp(2, then=Cosine()),
    learning_rate_init=0.02,
    power_t=0.3,
    max_iter=3,
    shuffle=False,
    random_state=3,
    tol=0.5,
    verbose=False,
    warm_start=True,
    momentum=0.5,
    nesterovs_momentum=False,
    early_stopping=True,
    validation_fraction=0.3,
    beta_1=0.5,
    beta_2=0.6,
    epsilon=1e-4,
    n_iter_no_change=np.inf,
    max_fun=20,
    out_activation="softmax",
    loss="kl_divergence",
    dropout=[0.1, 0.2],
    input_dropout=0.1,
    batch_norm=True,
    l1=0.01,
    weight_decay=0.02,
    clip_norm=1.5,
    label_smoothing=0.1,
    class_weight={0: 1.0, 1: 2.0, 2: 3.0},
    init=["he_normal", "orthogonal", "zeros"],
    scoring="balanced_accuracy",
    max_time=60.0,
    callbacks=[EarlyStopping("validation_loss")],
    dtype="float32",
    n_jobs=1,
    eta0=0.5,
)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor, Perceptron])
def test_every_parameter_goes_round(estimator):
    """Constructor, get_params, set_params and clone agree about all of them, and none is changed by a fit."""
    names = set(inspect.signature(estimator).parameters)
    values = {name: value for name, value in ANOTHER_VALUE.items() if name in names}
    if estimator is MLPRegressor:
        values |= dict(out_activation="tanh", loss=Huber(threshold=0.5), scoring="r2")
    assert set(values) == names == set(estimator().get_params())
    model = estimator(**values)
    given = model.get_params()
    assert all(given[name] is values[name] for name in names)
    cloned, later = clone(model), estimator().set_params(**values)
    for name in names - {"callbacks"}:  # which have a state of their own, and no equality
        assert cloned.get_params()[name] == later.get_params()[name] == values[name], name
    if "callbacks" in names:
        assert cloned.callbacks[0] is not model.callbacks[0]
    target = NUMBERS if estimator is MLPRegressor else Y
    assert_array_equal(model.fit(X, target).predict(X), cloned.fit(X, target).predict(X))
    assert all(model.get_params()[name] is values[name] for name in names)


def test_nested_parameters_reach_the_model():
    pipeline = Pipeline([("scale", StandardScaler()), ("mlp", MLPClassifier())])
    pipeline.set_params(**{f"mlp__{name}": value for name, value in SETTINGS.items()}).fit(X, Y)
    scaled = StandardScaler().fit_transform(X)
    assert_same_weights(pipeline[-1], classifier().fit(scaled, Y))


# Metadata routing


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


# Searches and scores


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


# Meta-estimators


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


# Looking into models


@pytest.fixture(scope="module")
def two_useless_columns():
    """A regression in which only columns 0 and 3 matter."""
    inputs = np.random.default_rng(0).normal(size=(400, 4))
    return inputs, np.tanh(inputs[:, 0]) + 0.5 * inputs[:, 3] ** 2


def smooth_regressor():
    return regressor(hidden_layer_sizes=16, activation="tanh", max_iter=120)


def test_importances_agree_with_permutations(two_useless_columns):
    inputs, targets = two_useless_columns
    model = smooth_regressor().fit(inputs, targets)
    permuted = permutation_importance(model, inputs, targets, n_repeats=3, random_state=0).importances_mean
    for importances in (model.feature_importances_, permuted):
        assert set(np.argsort(importances)[:2]) == {1, 2}
        assert importances[[1, 2]].max() < 0.2 * importances[[0, 3]].min()


@pytest.mark.parametrize("selector", [SelectFromModel, RFE])
def test_selection_of_features(two_useless_columns, selector):
    inputs, targets = two_useless_columns
    selection = selector(smooth_regressor()).fit(inputs, targets)
    assert selection.get_support().tolist() == [True, False, False, True]
    pipeline = make_pipeline(selector(smooth_regressor()), smooth_regressor()).fit(inputs, targets)
    kept = inputs[:, [0, 3]]
    assert_array_equal(pipeline.predict(inputs), smooth_regressor().fit(kept, targets).predict(kept))


def test_partial_dependence_is_a_mean_over_rows():
    model = regressor().fit(X, NUMBERS)
    result = partial_dependence(model, X, [1], grid_resolution=5, method="brute")
    for value, mean in zip(result["grid_values"][0], result["average"][0], strict=True):
        changed = X.copy()
        changed[:, 1] = value
        assert mean == pytest.approx(model.predict(changed).mean())


def test_decision_boundary(pyplot):
    model = classifier().fit(X[:, :2], BINARY)
    display = DecisionBoundaryDisplay.from_estimator(
        model, X[:, :2], grid_resolution=7, response_method="predict_proba"
    )
    points = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
    assert_allclose(display.response.ravel(), model.predict_proba(points)[:, 1])


def test_calibration_curve(pyplot):
    model = classifier(max_iter=60).fit(X, BINARY)
    probability = model.predict_proba(X)[:, 1]
    share, mean = calibration_curve(BINARY, probability, n_bins=4)
    bins = np.minimum((probability * 4).astype(int), 3)
    assert_allclose(share, [BINARY[bins == b].mean() for b in np.unique(bins)])
    assert_allclose(mean, [probability[bins == b].mean() for b in np.unique(bins)])
    display = CalibrationDisplay.from_estimator(model, X, BINARY, n_bins=4)
    assert_allclose(display.prob_true, share)


# Processes and threads

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


# Copies


@pytest.mark.parametrize("settings", [dict(), dict(warm_start=True), dict(batch_norm=True, early_stopping=True)])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_deep_copy_is_independent(settings, method):
    """Training it further changes nothing of the original, which goes on as if there were no copy."""
    if method == "partial_fit" and "early_stopping" in settings:
        settings = dict(batch_norm=True)
    model, alone = classifier(**settings).fit(X, Y), classifier(**settings).fit(X, Y)
    before, losses = model.predict_proba(X), list(model.loss_curve_)
    duplicate = copy.deepcopy(model)
    assert_array_equal(duplicate.predict_proba(X), before)
    getattr(duplicate, method)(X[::-1] + 1, Y)
    assert not np.array_equal(duplicate.predict_proba(X), before)
    assert_array_equal(model.predict_proba(X), before)
    assert model.loss_curve_ == losses
    assert_same_weights(getattr(model, method)(X, Y), getattr(alone, method)(X, Y))


def test_deep_copies_in_a_callback_are_the_models_of_their_epochs():
    copies = []
    regressor(callbacks=lambda info: copies.append(copy.deepcopy(info.model))).fit(X, NUMBERS)
    for n_epochs in (1, 7, 15):
        assert_array_equal(copies[n_epochs - 1].predict(X), regressor(max_iter=n_epochs).fit(X, NUMBERS).predict(X))


@pytest.mark.parametrize("make", [classifier, regressor])
def test_a_shallow_copy_fitted_anew_is_independent(make):
    y = Y if make is classifier else NUMBERS
    model = make().fit(X, y)
    before = model.predict(X)
    copy.copy(model).fit(X[::-1] + 1, y)
    assert_array_equal(model.predict(X), before)


def test_a_shallow_copy_shares_its_network():
    """As the word says, and as in scikit-learn: what continues the training of one changes the weights of both."""
    model = classifier().fit(X, Y)
    shallow = copy.copy(model)
    assert shallow.network_ is model.network_
    before = model.predict_proba(X)
    shallow.partial_fit(X[::-1] + 1, Y)
    assert not np.array_equal(model.predict_proba(X), before)
    assert_array_equal(model.predict_proba(X), shallow.predict_proba(X))
    assert len(model.loss_curve_) == 15  # but the original does not know of it


def test_a_perceptron_and_its_shallow_copy_are_independent():
    model = Perceptron(random_state=0).partial_fit(X, Y, classes=[0, 1, 2])
    before = model.coef_.copy()
    copy.copy(model).partial_fit(X[::-1], Y)
    assert_array_equal(model.coef_, before)
