"""One fit: stopping, continuing, weights, divergence, interruption."""

import copy
import pickle
import signal
import threading
import time
import warnings

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from threadpoolctl import threadpool_info

from fastmlp import MLPClassifier, MLPRegressor, Network, Perceptron
from fastmlp.training.schedules import Adaptive, InverseScaling
from fastmlp.training.stopping import Patience

ignore_convergence = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def ctrl_c_interrupts():
    """As in a terminal: what a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def table(rng):
    X = rng.normal(size=(120, 5))
    return X, X @ rng.normal(size=5) + 0.1 * rng.normal(size=120)


def test_max_iter_warns(table):
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\) reached .* Increase max_iter, or scale X"):
        model = MLPRegressor(max_iter=3, random_state=0).fit(*table)
    assert model.n_iter_ == 3 == len(model.loss_curve_)
    assert model.stop_reason_ == "max_iter"
    assert model.loss_ == model.loss_curve_[-1]


@pytest.mark.parametrize(("estimator", "theirs"), [(MLPClassifier, TheirClassifier), (MLPRegressor, TheirRegressor)])
@pytest.mark.parametrize(
    ("solver", "pattern"),
    [
        ("adam", "Stochastic Optimizer: Maximum iterations .3. reached and"),
        ("lbfgs", "lbfgs failed to converge"),
    ],
)
def test_filters_of_scikit_learns_warnings_work(table, estimator, theirs, solver, pattern):
    X, y = table[0], table[1] > 0
    for make in (estimator, theirs):
        with pytest.warns(ConvergenceWarning, match=f"^{pattern}"):
            make(solver=solver, max_iter=3, random_state=0).fit(X, y)


def test_converges(table):
    model = MLPRegressor(max_iter=10_000, learning_rate_init=0.01, random_state=0).fit(*table)
    assert model.stop_reason_ == "no_improvement"
    assert model.n_iter_ < 10_000
    # Each of the last n_iter_no_change + 1 epochs failed to beat the best before it by tol, and no earlier run did.
    curve = np.array(model.loss_curve_)
    stalled = [False, *(curve[1:] > np.minimum.accumulate(curve)[:-1] - model.tol)]
    assert all(stalled[-11:])
    assert not any(all(stalled[i : i + 11]) for i in range(len(curve) - 11))


@ignore_convergence
def test_loss_of_known_steps(table):
    """Plain gradient descent on a linear model is a recursion that NumPy can do."""
    X, y = table
    model = MLPRegressor(
        hidden_layer_sizes=(), solver="sgd", momentum=0, alpha=0.5, batch_size=120, learning_rate_init=0.1,
        shuffle=False, max_iter=7, tol=0, random_state=1,
    )  # fmt: skip
    bound = np.sqrt(6 / 6)
    random_state = np.random.RandomState(1)
    w, b = random_state.uniform(-bound, bound, 5), random_state.uniform(-bound, bound)
    losses = []
    for _ in range(7):
        error = X @ w + b - y
        losses.append(0.5 * np.mean(error**2) + 0.5 * 0.5 / 120 * w @ w)
        w, b = w - 0.1 * (X.T @ error / 120 + 0.5 / 120 * w), b - 0.1 * error.mean()
    model.fit(X, y)
    assert_allclose(model.loss_curve_, losses, rtol=1e-12)
    assert_allclose(model.coefs_[0].ravel(), w, rtol=1e-12)


@ignore_convergence
@pytest.mark.parametrize("weighted", [False, True])
def test_zero_weight_is_no_row(table, weighted):
    X, y = table
    keep = np.arange(120) % 3 != 0
    sample_weight = np.where(keep, 2.0 if weighted else 1.0, 0.0)
    settings = dict(max_iter=5, batch_size=16, random_state=0)
    with_zeros = MLPRegressor(**settings).fit(X, y, sample_weight)
    without = MLPRegressor(**settings).fit(X[keep], y[keep], sample_weight[keep])
    assert_array_equal(with_zeros.network_.parameters, without.network_.parameters)


@ignore_convergence
@pytest.mark.parametrize("shuffle", [False, True])
def test_rows_that_weigh_next_to_nothing_do_not_look_like_divergence(rng, shuffle):
    """As the few by which the last step of an epoch is judged."""
    X = rng.normal(size=(300, 4))
    weights = np.ones(300)
    weights[:280] = 1e-310
    model = MLPRegressor(max_iter=5, shuffle=shuffle, batch_size=300, random_state=0).fit(X, X[:, 0], weights)
    assert model.n_iter_ == 5


@ignore_convergence
def test_weights_are_repetitions(table):
    """A whole number as weight is the row that often, where one batch holds everything."""
    X, y = table
    counts = np.arange(120) % 3 + 1
    settings = dict(max_iter=5, shuffle=False, random_state=0)
    weighted = MLPRegressor(batch_size=120, **settings).fit(X, y, counts)
    repeated = MLPRegressor(batch_size=240, **settings).fit(X.repeat(counts, axis=0), y.repeat(counts))
    assert_allclose(weighted.network_.parameters, repeated.network_.parameters, rtol=0, atol=1e-12)


@ignore_convergence
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fits_make_a_fit(table, solver):
    settings = dict(solver=solver, learning_rate="invscaling", batch_size=32, shuffle=False, random_state=0)
    whole = MLPRegressor(max_iter=6, **settings).fit(*table)
    parts = MLPRegressor(**settings)
    for _ in range(3):
        parts.partial_fit(*table)
    parts = pickle.loads(pickle.dumps(parts))
    for _ in range(3):
        parts.partial_fit(*table)
    assert_array_equal(parts.network_.parameters, whole.network_.parameters)
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.t_ == whole.t_


@ignore_convergence
def test_warm_start_continues(table):
    settings = dict(shuffle=False, random_state=0)
    whole = MLPRegressor(max_iter=6, **settings).fit(*table)
    parts = MLPRegressor(max_iter=3, warm_start=True, **settings).fit(*table).fit(*table)
    assert_array_equal(parts.network_.parameters, whole.network_.parameters)
    assert parts.n_iter_ == 3
    assert len(parts.loss_curve_) == 6


@ignore_convergence
def test_warm_start_takes_new_step_size(table):
    model = MLPRegressor(max_iter=2, warm_start=True, random_state=0).fit(*table)
    before = model.network_.parameters.copy()
    model.set_params(learning_rate_init=1e-12).fit(*table)
    assert_allclose(model.network_.parameters, before, rtol=0, atol=1e-9)


@ignore_convergence
def test_refit_starts_anew(table):
    model = MLPRegressor(max_iter=3, random_state=0).fit(*table)
    first = model.network_.parameters.copy()
    assert_array_equal(model.fit(*table).network_.parameters, first)
    assert len(model.loss_curve_) == 3


def test_early_stopping_keeps_the_best(rng):
    X = rng.normal(size=(200, 3))
    y = rng.integers(0, 2, 200)
    seen = []
    model = MLPClassifier(
        (50,), early_stopping=True, validation_fraction=0.3, learning_rate_init=0.05, max_iter=300, random_state=0,
        callbacks=lambda info: seen.append((info.validation_score, model.network_.parameters.copy())),
    )  # fmt: skip
    model.fit(X, y)
    scores = [score for score, _ in seen]
    assert model.stop_reason_ == "no_improvement"
    assert model.validation_scores_ == scores
    assert model.best_validation_score_ == max(scores)
    assert_array_equal(model.network_.parameters, seen[int(np.argmax(scores))][1])


def test_callback_stops(table):
    infos = []

    def stop_at_four(info):
        infos.append(info)
        return info.epoch == 4

    model = MLPRegressor(callbacks=[stop_at_four, lambda info: None], random_state=0).fit(*table)
    assert model.stop_reason_ == "callback"
    assert model.n_iter_ == 4
    assert [info.loss for info in infos] == model.loss_curve_
    assert infos[0].max_iter == 200
    assert infos[0].learning_rate == 0.001


def test_divergence_keeps_the_last_good_weights(table):
    X, y = table
    good = []
    model = MLPRegressor(
        solver="sgd", activation="identity", learning_rate_init=0.5, random_state=0,
        callbacks=lambda info: good.append(model.network_.parameters.copy()),
    )  # fmt: skip
    with pytest.raises(
        ValueError, match=r"diverged in epoch \d+: .*single large values .*lower learning_rate_init. .*last good"
    ):
        model.fit(X, y)
    assert model.stop_reason_ == "diverged"
    assert model.n_iter_ == len(good) > 0
    assert_array_equal(model.network_.parameters, good[-1])
    assert np.isfinite(model.network_.parameters).all()
    assert np.isfinite(model.loss_curve_).all()


def test_divergence_in_the_first_epoch():
    X = np.full((10, 2), np.finfo(float).max)
    model = MLPRegressor(random_state=0)
    with pytest.raises(ValueError, match=r"in epoch 1: .*keeps its last good weights, those it had before\."):
        model.fit(X, np.arange(10.0))
    assert np.isfinite(model.coefs_[0]).all()


@pytest.fixture
def deep():
    """A model that one step of 1e20 makes overflow, though its weights stay finite, and rows to show it."""
    X = np.eye(4, dtype=np.float32)
    return MLPRegressor(hidden_layer_sizes=(10, 10, 10), max_iter=1, random_state=0), X, X[:, 0]


def test_a_last_step_that_goes_too_far(deep):
    model, X, y = deep
    model.set_params(learning_rate_init=1e20)
    with pytest.raises(ValueError, match=r"diverged in epoch 1: .* weights, those it had before\."):
        model.fit(X, y, X_val=X, y_val=y)
    assert (model.stop_reason_, model.n_iter_, model.t_, model.loss_curve_) == ("diverged", 0, 0, [])
    assert model.validation_scores_ is model.validation_loss_curve_ is None
    untrained = Network((4, 10, 10, 10, 1), dtype="float32", random_state=0)
    assert_array_equal(model.network_.parameters, untrained.parameters)


@pytest.mark.parametrize("max_iter", [3, 9])
def test_a_last_step_that_goes_too_far_after_good_ones(deep, max_iter):
    """Whether or not there is another epoch, the model keeps the weights of the last good one."""
    model, X, y = deep
    good = []
    model.set_params(
        max_iter=max_iter,
        learning_rate=lambda epoch: 0.001 if epoch < 2 else 1e20,
        callbacks=lambda info: good.append(model.network_.parameters.copy()),
    )
    with pytest.raises(ValueError, match=r"diverged in epoch 3: .* weights, those of epoch 2\."):
        model.fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == len(good) == 2
    assert_array_equal(model.network_.parameters, good[1])
    assert np.isfinite(model.predict(X)).all()


@ignore_convergence
def test_a_last_step_that_goes_too_far_spares_an_earlier_fit(deep):
    model, X, y = deep
    expected = model.fit(X, y).predict(X)
    model.set_params(learning_rate_init=1e20)
    for early_stopping in (False, True):
        model.set_params(early_stopping=early_stopping)
        with pytest.raises(ValueError, match="diverged in epoch 1: .*it had before"):
            model.fit(X, y, X_val=X, y_val=y)
        assert_array_equal(model.predict(X), expected)
        with pytest.raises(ValueError, match="diverged in epoch 1: .*it had before"):
            clone(model).partial_fit(X, y, X_val=X, y_val=y)
    with pytest.raises(ValueError, match="diverged in epoch 1: .*it had before"):
        model.set_params(early_stopping=False).partial_fit(X, y)
    assert_array_equal(model.predict(X), expected)


@ignore_convergence
@pytest.mark.parametrize(
    "y",
    [np.arange(200) % 30, np.r_[np.arange(195) % 4, 4 * np.ones(5)], np.r_[np.arange(199) % 3, 9]],
    ids=["more classes than rows held out", "a rare class", "a class of one row"],
)
def test_early_stopping_where_classes_cannot_be_held_out_in_proportion(rng, y):
    """Any of many classes may be missing among the rows held out, as in scikit-learn."""
    X = rng.normal(size=(200, 3))
    model = MLPClassifier(early_stopping=True, max_iter=3, random_state=0).fit(X, y)
    assert len(model.validation_scores_) == 3
    assert_array_equal(model.classes_, np.unique(y))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_divergence_spares_an_earlier_fit(table, early_stopping):
    X, y = table
    model = MLPRegressor(max_iter=500, random_state=0).fit(X, y)
    expected = model.predict(X)
    model.set_params(early_stopping=early_stopping, validation_fraction=0.2)
    with pytest.raises(ValueError, match="diverged in epoch 1: .*weights.* it had before"):
        model.fit(X * 1e200, y)
    assert_array_equal(model.predict(X), expected)


def test_divergence_with_early_stopping(table):
    X, y = table
    model = MLPRegressor(
        solver="sgd", activation="identity", learning_rate_init=0.5, early_stopping=True, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="keeps the weights with the best validation score"):
        model.fit(X, y)
    assert np.isnan(model.validation_scores_[-1])
    assert np.isfinite(model.predict(X)).all()


def test_can_go_on_after_divergence(table):
    """What diverged was not only the weights but also the optimizer's moments."""
    X, y = table
    model = MLPRegressor(random_state=0)
    with pytest.raises(ValueError, match="diverged"):
        model.fit(X * 1e300, y)
    assert np.isfinite(model.partial_fit(X, y).network_.parameters).all()


def test_lbfgs_diverges(table):
    X, y = table
    model = MLPRegressor(solver="lbfgs", random_state=0)
    with pytest.raises(ValueError, match="diverged in iteration 1: .*inputs-not-scaled: 5 of 5 columns"):
        model.fit(X * 1e200, y)
    assert model.stop_reason_ == "diverged"
    assert np.isfinite(model.network_.parameters).all()


def test_lbfgs_is_interrupted(rng):
    X, y = rng.normal(size=(2000, 20)), rng.normal(size=2000)
    model = MLPRegressor(solver="lbfgs", max_iter=10**6, max_fun=10**9, tol=0, random_state=0)
    timer = threading.Timer(1.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.warns(UserWarning, match=r"interrupted by user after \d+ iterations"):
        model.fit(X, y)
    timer.join()
    assert model.stop_reason_ == "interrupted"
    assert model.n_iter_ == len(model.loss_curve_) > 0
    # The weights are those of the last accepted iteration, whose loss is on the curve.
    squares = sum(np.vdot(w, w) for w in model.coefs_)
    cost = model.network_.cost(X, y) + 0.5 * model.alpha * squares / 2000
    assert_allclose(cost, model.loss_curve_[-1], rtol=1e-9)


@ignore_convergence
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_callback_that_raises(table, early_stopping):
    """On a first fit nothing is left; where training went on, the model stays usable and says why it ended."""

    def fail(info):
        if info.epoch == 3:
            raise RuntimeError("from the callback")

    model = MLPRegressor(callbacks=fail, early_stopping=early_stopping, random_state=0)
    with pytest.raises(RuntimeError, match="from the callback"):
        model.fit(*table)
    assert not hasattr(model, "network_")
    model.set_params(callbacks=None, warm_start=True, max_iter=5).fit(*table)
    with pytest.raises(RuntimeError, match="from the callback"):
        model.set_params(callbacks=fail).fit(*table)
    assert model.stop_reason_ == "failed"
    assert model.n_iter_ == 3
    if early_stopping:
        assert len(model.validation_scores_) == len(model.loss_curve_)


@ignore_convergence
def test_warm_start_holds_out_the_same_rows(table, monkeypatch):
    from fastmlp.estimators import _problem

    splits = []

    def split(*args, **kwargs):
        splits.append(train_test_split(*args, **kwargs))
        return splits[-1]

    monkeypatch.setattr(_problem, "train_test_split", split)
    model = MLPRegressor(early_stopping=True, warm_start=True, max_iter=2, random_state=0)
    for _ in range(3):
        model.fit(*table)
    for _, validation_rows in splits:
        assert_array_equal(validation_rows, splits[0][1])


@ignore_convergence
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_read_only_model_can_go_on(table, tmp_path, method):
    """joblib maps large arrays of a model into worker processes as read-only memory."""
    model = MLPRegressor(max_iter=2, warm_start=True, random_state=0).fit(*table)
    joblib.dump(model, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    getattr(model, method)(*table)
    getattr(mapped, method)(*table)
    assert_array_equal(mapped.network_.parameters, model.network_.parameters)


@ignore_convergence
def test_tiny_epsilon_in_float32(table):
    """A feature that is always 0 has a gradient of exactly 0, and 0 / (0 + epsilon) is 0."""
    X = np.column_stack([table[0], np.zeros(120)]).astype(np.float32)
    model = MLPRegressor(epsilon=1e-60, alpha=0, max_iter=3, random_state=0).fit(X, table[1])
    assert np.isfinite(model.network_.parameters).all()


@ignore_convergence
def test_misaligned_rows(table):
    X, y = table
    odd = np.frombuffer(bytearray(X.nbytes + 3), X.dtype, X.size, offset=3).reshape(X.shape)
    odd[...] = X
    assert not odd.flags.aligned
    models = [MLPRegressor(max_iter=2, random_state=0).fit(rows, y) for rows in (X, odd)]
    assert_array_equal(models[0].predict(X), models[1].predict(odd))


def test_steep_schedule(table):
    """The step size falls to 0 rather than out of the range of numbers."""
    model = MLPRegressor(solver="sgd", learning_rate="invscaling", power_t=200.0, n_iter_no_change=1, random_state=0)
    model.fit(*table)
    assert model.stop_reason_ == "no_improvement"


def test_interruption_leaves_a_usable_model(table):
    X, y = table

    def interrupt(info):
        if info.epoch == 3:
            raise KeyboardInterrupt

    model = MLPRegressor(callbacks=interrupt, random_state=0)
    with pytest.warns(UserWarning, match="interrupted by user after 3 epochs"):
        model.fit(X, y)
    assert model.stop_reason_ == "interrupted"
    assert model.n_iter_ == 3
    assert model.predict(X).shape == (120,)


def test_ctrl_c_stops_within_an_epoch(rng):
    """A real signal, while the core runs without the GIL."""
    X, y = rng.normal(size=(20_000, 50)), rng.normal(size=20_000)
    ends = []
    model = MLPRegressor(
        hidden_layer_sizes=(200,), max_iter=10_000, tol=0, n_iter_no_change=10_000, random_state=0,
        callbacks=lambda info: ends.append(time.perf_counter()) or (timer.start() if info.epoch == 1 else None),
    )  # fmt: skip
    sent = []

    def interrupt():
        sent.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    timer = threading.Timer(0.3, interrupt)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(X, y)
    timer.join()
    assert model.stop_reason_ == "interrupted"
    # Epochs that ended after the signal: the one that was running, and none that started later.
    assert sum(end > sent[0] for end in ends) <= 1
    assert np.isfinite(model.predict(X)).all()


@ignore_convergence
def test_large_batch_is_clipped(table):
    with pytest.warns(UserWarning, match="larger than sample size"):
        clipped = MLPRegressor(batch_size=500, max_iter=2, random_state=0).fit(*table)
    exact = MLPRegressor(batch_size=120, max_iter=2, random_state=0).fit(*table)
    assert_array_equal(clipped.network_.parameters, exact.network_.parameters)


@ignore_convergence
def test_verbose(table, capsys):
    MLPRegressor(max_iter=2, verbose=True, random_state=0, early_stopping=True).fit(*table)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0].split(":")[0] for line in lines] == [
        "Iteration 1",
        "Validation score",
        "Iteration 2",
        "Validation score",
    ]


@ignore_convergence
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lbfgs_in_batches(rng, dtype):
    """More rows than one pass takes; the gradient is the same as of all at once."""
    X = rng.normal(size=(9000, 3)).astype(dtype)
    y = np.sin(X[:, 0]) + X[:, 1]
    model = MLPRegressor(hidden_layer_sizes=(20,), activation="tanh", solver="lbfgs", max_iter=200, random_state=0)
    model.fit(X, y)
    assert model.score(X, y) > 0.99
    gradients = model.network_.backward(X, y)
    penalty = model.alpha / 9000
    for w, g in zip(model.coefs_, gradients.coefs, strict=True):
        assert np.abs(g + penalty * w).max() < 5e-3


def test_schedules():
    schedule = InverseScaling(0.5, power_t=2.0)
    schedule.epoch_ends(9)
    assert schedule.learning_rate == 0.5 / 100
    schedule = Adaptive(1e-5)
    assert schedule.plateau_reached()
    assert schedule.learning_rate == pytest.approx(2e-6)
    assert schedule.plateau_reached()
    assert not schedule.plateau_reached()


def test_patience():
    patience = Patience(0.1, 2, higher_is_better=False)
    exhausted = []
    for loss in [1.0, 0.95, 0.85, 0.84, 0.83, 0.82]:
        patience.update(loss)
        exhausted.append(patience.exhausted)
    assert exhausted == [False, False, False, False, False, True]
    assert patience.best == 0.82


@ignore_convergence
def test_copies_are_independent(table):
    X, y = table
    model = MLPRegressor(max_iter=2, random_state=0).fit(X, y)
    twin = copy.deepcopy(model)
    before = model.predict(X)
    twin.partial_fit(X, y)
    assert_array_equal(model.predict(X), before)
    assert not np.array_equal(twin.predict(X), before)


@ignore_convergence
def test_pickle_holds_no_buffers(table):
    model = MLPRegressor(hidden_layer_sizes=(300,), batch_size=100, max_iter=1, random_state=0).fit(*table)
    n_arrays = 3  # parameters and Adam's two moments, all of which partial_fit needs
    assert len(pickle.dumps(model)) < n_arrays * model.network_.parameters.nbytes + 10_000


@ignore_convergence
def test_float32_stays_float32(table):
    X, y = table
    model = MLPRegressor(max_iter=2, random_state=0).fit(X.astype(np.float32), y)
    assert {w.dtype for w in model.coefs_} == {np.dtype(np.float32)}
    assert model.predict(X.astype(np.float32)).dtype == np.float32
    chosen = MLPRegressor(max_iter=2, random_state=0, dtype="float32").fit(X, y)
    assert_array_equal(chosen.network_.parameters, model.network_.parameters)
    assert MLPRegressor(max_iter=2, dtype="float64").fit(X.astype(np.float32), y).coefs_[0].dtype == np.float64


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


@ignore_convergence
def test_blas_has_one_thread_during_fits(table, monkeypatch):
    """Where BLAS multiplies, its threads are limited while any fit runs, and are back afterwards."""
    monkeypatch.setenv("FASTMLP_ISA", "generic")
    before, inside, after_inner = blas_threads(), [], []

    def fit_another(info):
        MLPRegressor(max_iter=1, callbacks=lambda info: inside.append(blas_threads())).fit(*table)
        after_inner.append(blas_threads())

    MLPRegressor(max_iter=1, callbacks=fit_another).fit(*table)
    assert {n for threads in inside + after_inner for n in threads} == {1}
    assert blas_threads() == before


@ignore_convergence
def test_blas_has_one_thread_in_fits_of_any_thread(table, monkeypatch):
    """The first fit's thread has no say in the limit afterwards, nor has that of the first of two that overlap."""
    monkeypatch.setenv("FASTMLP_ISA", "generic")
    before, inside = blas_threads(), []
    first_runs, second_runs, first_has_ended = threading.Event(), threading.Event(), threading.Event()

    def begin_first(info):
        first_runs.set()
        second_runs.wait(60)

    def outlast_first(info):
        second_runs.set()
        first_has_ended.wait(60)
        inside.append(blas_threads())

    MLPRegressor(max_iter=1).fit(*table)
    first = threading.Thread(target=MLPRegressor(max_iter=1, callbacks=begin_first).fit, args=table)
    second = threading.Thread(target=MLPRegressor(max_iter=1, callbacks=outlast_first).fit, args=table)
    first.start()
    first_runs.wait(60)
    second.start()
    first.join()
    first_has_ended.set()
    second.join()
    assert {n for threads in inside for n in threads} == {1}
    assert blas_threads() == before


def test_fits_in_threads_do_not_meet(table):
    """The core holds no shared state: fits that run at once give what they give alone."""
    from concurrent.futures import ThreadPoolExecutor

    def fit(seed):
        with warnings.catch_warnings():
            return MLPRegressor(max_iter=30, tol=0, random_state=seed, n_iter_no_change=1000).fit(*table)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        alone = [fit(seed) for seed in range(6)]
        with ThreadPoolExecutor(3) as pool:
            together = list(pool.map(fit, range(6)))
    for a, b in zip(alone, together, strict=True):
        assert_array_equal(a.network_.parameters, b.network_.parameters)


@ignore_convergence
@pytest.mark.parametrize("solver", ["adam", "rmsprop", "adagrad"])
def test_quotient_by_a_root_in_float32(rng, isa, solver):
    """The first step of these is +-learning_rate, whatever errors the gradient has: what is left are their own."""
    X = rng.normal(size=(50, 133)) * np.logspace(-6, 6, 133)
    y = rng.normal(size=50)
    parameters = {}
    for dtype in ("float32", "float64"):
        model = MLPRegressor(
            hidden_layer_sizes=(), solver=solver, init="zeros", alpha=0, epsilon=1e-20, max_iter=1, dtype=dtype
        )
        parameters[dtype] = model.fit(X, y).network_.parameters
    assert_allclose(parameters["float32"], parameters["float64"], rtol=1e-6)


def test_warnings_point_at_the_users_line(table):
    """However deep below it they are raised."""

    def interrupt(info):
        raise KeyboardInterrupt

    X, y = table
    fits = {
        "larger than sample size": lambda: MLPRegressor(batch_size=500, tol=9, random_state=0).fit(X, y),
        "Maximum iterations": lambda: MLPRegressor(max_iter=1).fit(X, y),
        "failed to converge": lambda: MLPRegressor(solver="lbfgs", max_iter=1).fit(X, y),
        "interrupted": lambda: MLPRegressor(callbacks=interrupt).fit(X, y),
        "diverged": lambda: MLPRegressor(
            solver="sgd", activation="identity", learning_rate_init=0.5, early_stopping=True, random_state=0
        ).fit(X, y),
        "not separated": lambda: Perceptron(max_iter=1, random_state=0).fit(X, np.arange(120) % 2),
    }
    for message, fit in fits.items():
        with pytest.warns(match=message) as caught:
            fit()
        assert {warning.filename for warning in caught} == {__file__}, message
