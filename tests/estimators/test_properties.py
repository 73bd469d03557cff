"""What holds of every fit, whatever its data and parameters look like.

The same examples in every run; FASTMLP_EXAMPLES=100 searches through a hundred times as many, each time others.
"""

import contextlib
import copy
import os
import pickle
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import coo_array, csc_array, csr_array, csr_matrix, issparse
from sklearn.base import clone, is_classifier

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.losses import Huber, Quantile
from fastmlp.training import _threads

from ..problems import TRAINABLE, fitting_units

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning"),
    pytest.mark.filterwarnings("ignore:Got `batch_size` larger than sample size"),
    pytest.mark.filterwarnings("ignore:early_stopping is True, which solver='lbfgs' ignores"),
    # What is too large for float32, in scikit-learn's check of it.
    pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning:sklearn"),
    pytest.mark.filterwarnings("ignore:invalid value encountered in reduce:RuntimeWarning:numpy"),
    pytest.mark.filterwarnings(r"ignore:[RD]\^2 score is not well-defined"),
]

FACTOR = int(os.environ.get("FASTMLP_EXAMPLES", "1"))


def examples(number):
    """Settings of a test that takes `number` examples."""
    return settings(
        max_examples=number * FACTOR,
        derandomize=FACTOR == 1,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )


@pytest.fixture(autouse=True, scope="module")
def every_thread_pays():
    """As many threads as n_jobs says, however small the work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_threads, "MIN_WORK_A_THREAD", 1)
        patch.setattr(_threads, "MIN_WORK_A_FIT", 1)
        yield


# Data.


def strided(X):
    wide = np.zeros((2 * X.shape[0], 3 * X.shape[1]), X.dtype)
    wide[::2, 1::3] = X
    return wide[::2, 1::3]


def backwards(X):
    return np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1]


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def unaligned(X):
    memory = np.zeros(X.nbytes + 1, np.uint8)
    out = memory[1:].view(X.dtype).reshape(X.shape)
    out[...] = X
    return out


def other_byte_order(X):
    return X.astype(X.dtype.newbyteorder())


def long_indices(X):
    X = csr_array(X)
    return csr_array((X.data, X.indices.astype(np.int64), X.indptr.astype(np.int64)), X.shape)


def unsorted_indices(X):
    """Each row's entries from the last one to the first."""
    X = csr_array(X)
    order = np.concatenate(
        [np.arange(end - 1, start - 1, -1) for start, end in zip(X.indptr[:-1], X.indptr[1:], strict=True)]
    ).astype(int)
    return csr_array((X.data[order], X.indices[order], X.indptr), X.shape)


def stored_zeros(X):
    rows, columns = np.indices(X.shape)
    return csr_array((X.ravel(), (rows.ravel(), columns.ravel())), X.shape)


DENSE = [np.ascontiguousarray, np.asfortranarray, strided, backwards, read_only, unaligned, other_byte_order]
SPARSE = [csr_array, csr_matrix, csc_array, coo_array, long_indices, unsorted_indices, stored_zeros]
# scikit-learn refuses a sparse matrix of float16.
DTYPES = ["float32", "float64", "float16", "int8", "int32", "int64", "uint16", "bool"]


# Why what is drawn may be refused.
REFUSALS = [
    "The validation set is too small",
    "least populated class",
    "batch_norm=True needs batches of at least two samples",
    "Sample weights must contain at least one non-zero number",
    "X_val and y_val, cannot be used: (`y` has classes not in|R.2 of 1 row)",  # of rows without weight, or of one
]


@dataclass
class Problem:
    """A model that has not been fitted, and what to fit it to."""

    model: object
    X: object
    y: np.ndarray
    sample_weight: np.ndarray | None = None
    validation: dict = field(default_factory=dict)
    layout: object = None

    def fit(self, model=None, method="fit"):
        model = clone(self.model) if model is None else model
        classes = {}
        if method == "partial_fit" and is_classifier(model):
            classes = {"classes": self.classes()}
        return getattr(model, method)(self.X, self.y, self.sample_weight, **classes, **self.validation)

    def classes(self):
        """Those that `fit` finds: of rows that count."""
        y = self.y if self.sample_weight is None else self.y[self.sample_weight > 0]
        if y.ndim == 1:
            return np.unique(y)
        return [np.unique(column) for column in y.T] if self.y.max() > 1 else range(y.shape[1])

    def try_to_fit(self):
        """A fitted model; other examples are taken where that is refused for one of the reasons there are."""
        try:
            return self.fit()
        except ValueError as error:
            if not re.search("|".join(REFUSALS), str(error)):
                raise
            assume(False)


def table(rng, n_rows, n_features, dtype):
    """Small numbers, with zeros and, now and then, rows and columns of them."""
    X = rng.integers(0, 2, (n_rows, n_features)) * rng.normal(size=(n_rows, n_features))
    X *= rng.random(n_rows)[:, np.newaxis] > 0.1
    X *= rng.random(n_features) > 0.1
    return (np.abs(4 * X) if dtype[0] in "ub" else 4 * X if dtype[0] == "i" else X).astype(dtype)


def targets(rng, kind, n_rows, loss):
    if kind == "numbers":
        y = rng.normal(size=n_rows)
    elif kind == "columns":
        y = rng.normal(size=(n_rows, 2)).astype(np.float32)
    elif kind == "labels":
        return rng.integers(0, 2, (n_rows, 3))
    elif kind == "targets":
        return np.column_stack([rng.permutation(np.resize(values, n_rows)) for values in ([7, 8, 9], [0, 5])])
    else:
        names = {"two": [False, True], "three": ["a", "b", "c"], "many": [-1, 0, 2, 7, 9]}[kind]
        return np.array(names)[rng.permutation(np.resize(np.arange(len(names)), n_rows))]
    return np.abs(y) if loss == "poisson" else y


def sizes_for(activations, sizes):
    return [fitting_units(activation, size) for activation, size in zip(activations, sizes, strict=True)]


SOLVERS = ["adam", "adamw", "sgd", "rmsprop", "adagrad", "lbfgs"]
# What each of these may be, besides its default.
OPTIONS = dict(
    batch_size=st.integers(1, 12),
    learning_rate=st.sampled_from(["invscaling", "adaptive", "cosine", "one_cycle"]),
    shuffle=st.just(False),
    dropout=st.sampled_from([0.3, 0.9]),
    input_dropout=st.just(0.4),
    batch_norm=st.just(True),
    l1=st.just(0.1),
    weight_decay=st.just(0.5),
    clip_norm=st.sampled_from([1e-3, 1.0]),
    alpha=st.just(0.5),
    init=st.sampled_from(["he_normal", "glorot_uniform", "lecun_normal", "orthogonal"]),
    dtype=st.sampled_from(["float32", "float64"]),
    n_jobs=st.sampled_from([1, 2]),
    n_iter_no_change=st.just(1),
    momentum=st.just(0.0),
)
NOT_FOR_LBFGS = ("dropout", "input_dropout", "batch_norm", "l1", "weight_decay", "clip_norm")


@st.composite
def parameters(draw):
    solver = draw(st.sampled_from(SOLVERS))
    names = sorted(name for name in OPTIONS if solver != "lbfgs" or name not in NOT_FOR_LBFGS)
    chosen = draw(st.lists(st.sampled_from(names), max_size=5, unique=True))
    layers = draw(
        st.one_of(
            st.lists(st.integers(1, 6), max_size=3),
            st.just([3] * 12),
            st.sampled_from([[70], [300]]),
        )
    )
    unusable = ["increasing"] if solver != "lbfgs" else ["increasing", "randomized_leaky_relu"]
    if len(layers) > 1 or solver == "sgd":
        unusable += ["exp", "product"]  # of one another, or after a long step, they overflow
    usable = [name for name in TRAINABLE if name not in unusable]
    activations = [draw(st.sampled_from(usable)) for _ in layers]
    return dict(
        hidden_layer_sizes=sizes_for(activations, layers),
        activation=activations,
        solver=solver,
        max_iter=draw(st.integers(1, 3)),
        random_state=draw(st.integers(0, 2**32 - 1)),
        **{name: draw(OPTIONS[name]) for name in chosen},
    )


class StopAfter:
    """A callback that can be pickled."""

    def __init__(self, epoch):
        self.epoch = epoch

    def __call__(self, info):
        return info.epoch >= self.epoch


@st.composite
def problems(draw, layouts=(*DENSE, *SPARSE), weights=("none", "ones", "some", "float32"), early_stopping=True):
    """Models and data that go together; a few are refused, as too small for validation or batch normalization."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["two", "three", "many", "labels", "targets", "numbers", "columns"]))
    n_rows = draw(st.one_of(st.integers(1, 8), st.integers(20, 40)))
    layout = draw(st.sampled_from(layouts))
    dtype = draw(st.sampled_from([name for name in DTYPES if layout in DENSE or name != "float16"]))
    X = table(rng, n_rows, draw(st.integers(1, 7)), dtype)
    chosen = draw(parameters())
    if kind in ("numbers", "columns"):
        losses = ["squared_error", "absolute_error", "huber", "poisson", Huber(0.1), Quantile([0.2, 0.5, 0.9])]
        estimator, chosen["loss"] = MLPRegressor, draw(st.sampled_from(losses))
        if (chosen["solver"], chosen["loss"]) == ("sgd", "poisson"):
            chosen["loss"] = "huber"  # exp of what has no bound overflows
    else:
        losses = ["log_loss", "kl_divergence", "squared_error", "hinge"]
        estimator, chosen["loss"] = MLPClassifier, draw(st.sampled_from(losses))
        if chosen["loss"] != "hinge" and draw(st.booleans()):
            chosen["label_smoothing"] = 0.2
        if draw(st.booleans()):
            chosen["class_weight"] = "balanced"
    chosen["callbacks"] = draw(st.sampled_from([None, None, StopAfter(1), StopAfter(2), StopAfter(9)]))
    y = targets(rng, kind, n_rows, chosen["loss"])
    weight = draw(st.sampled_from(weights))
    sample_weight = {
        "none": None,
        "ones": np.ones(n_rows),
        "some": rng.integers(0, 3, n_rows) * 0.5,
        "float32": rng.random(n_rows, dtype=np.float32),
    }[weight]
    validation = {}
    if early_stopping and draw(st.booleans()):
        chosen["early_stopping"] = draw(st.booleans())
        chosen["validation_fraction"] = 0.4
        if draw(st.booleans()):
            rows = rng.integers(0, n_rows, 3)
            validation = dict(X_val=layout(X[rows]), y_val=y[rows], sample_weight_val=np.array([0.0, 1.0, 2.5]))
    return Problem(estimator(**chosen), layout(X), y, sample_weight, validation, layout)


# What a model says.


def predictions(model, X):
    """All that a model predicts."""
    found = [model.predict(X)]
    if not is_classifier(model):
        return found
    for name in ("predict_proba", "predict_log_proba", "decision_function"):
        if hasattr(model, name):
            values = getattr(model, name)(X)
            found += values if isinstance(values, list) else [values]  # one of each of several targets
    return found


def assert_same_predictions(model, other, X):
    for got, expected in zip(predictions(model, X), predictions(other, X), strict=True):
        assert got.dtype == expected.dtype
        assert_array_equal(got, expected)


def assert_good_predictions(model, problem):
    n_rows = problem.X.shape[0]
    labels, *values = predictions(model, problem.X)
    assert len(labels) == n_rows
    if not is_classifier(model):
        values = [labels]
    else:
        assert set(labels.ravel()) <= {*problem.y.ravel(), *((0, 1) if problem.y.ndim == 2 else ())}
    for array in values:
        assert not np.isnan(array).any()
        assert array.dtype == model.network_.parameters.dtype
    if hasattr(model, "predict_proba"):
        for probabilities in values[: len(values) // 2]:
            assert probabilities.min() >= 0
            assert probabilities.max() <= 1 + 1e-6
            if isinstance(model.classes_, list) or problem.y.ndim == 1:
                assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def stored_bytes(data):
    """Of an array, or of all that a sparse one has."""
    if data is None:
        return None
    if not issparse(data):
        return [data.tobytes()]
    names = ("data", "coords") if data.format == "coo" else ("data", "indices", "indptr")
    return [np.concatenate(np.atleast_2d(getattr(data, name)), axis=None).tobytes() for name in names]


# The properties.


EXTREMES = [0.0, 1e-310, 1e-40, 1e3, 1e19, 1e30, 1e38, 1e160, 1e300]


@examples(150)
@given(
    problem=problems(layouts=DENSE),
    method=st.sampled_from(["fit", "partial_fit"]),
    factor=st.sampled_from([1.0, *EXTREMES]),
    y_factor=st.sampled_from([1.0, *EXTREMES]),
    weight_factor=st.sampled_from([1.0, 0.0, 1e-30, 1e30]),
    learning_rate_init=st.sampled_from([1e-3, 1.0, 1e10, 1e300]),
)
def test_a_fit_succeeds_or_says_why(problem, method, factor, y_factor, weight_factor, learning_rate_init):
    """With numbers of any size: a sentence, or predictions without NaN."""
    if problem.X.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            problem.X = (problem.X.astype(float) * factor).astype(problem.X.dtype)
        assume(np.isfinite(problem.X).all())
    if not is_classifier(problem.model):
        problem.y = problem.y.astype(float) * y_factor
        if problem.validation:
            problem.validation["y_val"] = problem.validation["y_val"].astype(float) * y_factor
    if problem.sample_weight is not None:
        problem.sample_weight = problem.sample_weight.astype(float) * weight_factor
    model = clone(problem.model).set_params(learning_rate_init=learning_rate_init)
    assume(method == "fit" or hasattr(model, "partial_fit"))
    message = ""
    try:
        problem.fit(model, method)
    except ValueError as error:
        message = str(error)
    if message:
        assert len(message.split()) > 3
        assert not hasattr(model, "network_") or np.isfinite(model.network_.parameters).all()
        return
    assert np.isfinite(model.network_.parameters).all()
    if factor <= 1:
        assert_good_predictions(model, problem)


@examples(120)
@given(problem=problems())
def test_predictions(problem):
    model = problem.try_to_fit()
    assert_good_predictions(model, problem)
    assert len(model.loss_curve_) >= model.n_iter_
    assert np.isfinite(model.score(problem.X, problem.y)) or problem.X.shape[0] < 2


@examples(80)
@given(problem=problems(), warm_start=st.booleans())
def test_copies_predict_the_same(problem, warm_start):
    problem.model.set_params(warm_start=warm_start)
    model = problem.try_to_fit()
    copies = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model), problem.fit(clone(model))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.joblib"
        model.save_checkpoint(path)
        copies.append(joblib.load(path))
    for other in copies:
        assert_same_predictions(other, model, problem.X)
        assert other.loss_curve_ == model.loss_curve_


@examples(80)
@given(problem=problems(layouts=DENSE), other=st.sampled_from([*DENSE, *SPARSE]), n_jobs=st.sampled_from([1, 2, 3]))
def test_layout_and_threads_change_nothing(problem, other, n_jobs):
    """Not a bit; a sparse X, whose sums have another order, no more than rounding does."""
    X = problem.X.astype(problem.X.dtype.newbyteorder("="))
    assume(other in DENSE or X.dtype != np.float16)
    # A float32 of the other byte order is none to scikit-learn, so that auto is float64.
    swaps = other_byte_order in (other, problem.layout) and X.dtype == np.float32
    problem.model.set_params(**{"dtype": "float32"} if swaps else {})
    model = problem.try_to_fit()
    as_other = Problem(
        clone(problem.model).set_params(n_jobs=n_jobs),
        other(np.array(X, order="C")),
        problem.y,
        problem.sample_weight,
        problem.validation,
    ).fit()
    if other in DENSE:
        assert_array_equal(as_other.network_.parameters, model.network_.parameters)
        assert_same_predictions(as_other, model, problem.X)
    else:
        assert as_other.network_.parameters.dtype == model.network_.parameters.dtype
        assert_allclose(as_other.loss_curve_[0], model.loss_curve_[0], rtol=1e-3, atol=1e-5)


@examples(80)
@given(problem=problems(), data=st.data())
def test_rows_are_predicted_one_by_one(problem, data):
    model = problem.try_to_fit()
    X = problem.X.tocsr() if issparse(problem.X) else problem.X
    rows = data.draw(st.lists(st.integers(0, X.shape[0] - 1), min_size=1, max_size=3))
    tolerance = 1e-4 if model.network_.parameters.dtype == np.float32 else 1e-9
    for whole, some in zip(predictions(model, X)[1:], predictions(model, X[rows])[1:], strict=True):
        assert_allclose(some, whole[rows], rtol=tolerance, atol=tolerance)
    if not is_classifier(model):
        assert_allclose(model.predict(X[rows]), model.predict(X)[rows], rtol=tolerance, atol=tolerance)


@examples(80)
@given(problem=problems(weights=("some",)))
def test_rows_of_no_weight_are_as_good_as_absent(problem):
    X = problem.X.tocsr() if issparse(problem.X) else problem.X
    keep = problem.sample_weight > 0
    assume(keep.any())
    if is_classifier(problem.model):
        columns = problem.y.reshape(len(problem.y), -1).T
        assume(all(set(column[keep]) == set(column) for column in columns))
    fewer = Problem(problem.model, X[keep], problem.y[keep], problem.sample_weight[keep], problem.validation)
    model = problem.try_to_fit()
    other = fewer.fit()
    assert_array_equal(other.network_.parameters, model.network_.parameters)
    assert other.loss_curve_ == model.loss_curve_
    assert other.validation_scores_ == model.validation_scores_
    assert_same_predictions(other, model, X)


@examples(80)
@given(problem=problems(), method=st.sampled_from(["fit", "partial_fit"]))
def test_inputs_are_left_alone(problem, method):
    given_arrays = [problem.X, problem.y, problem.sample_weight, *problem.validation.values()]
    before = [stored_bytes(array) for array in given_arrays]
    model = clone(problem.model)
    assume(method == "fit" or hasattr(model, "partial_fit"))
    with contextlib.suppress(ValueError):
        problem.fit(model, method)
        predictions(model, problem.X)
        model.score(problem.X, problem.y)
        model.compute_feature_importances(problem.X)
        model.input_gradient(problem.X, problem.y)
    assert [stored_bytes(array) for array in given_arrays] == before


@examples(60)
@given(problem=problems(early_stopping=False), n_epochs=st.integers(1, 3))
def test_partial_fits_are_one_fit(problem, n_epochs):
    problem.model.set_params(max_iter=n_epochs, callbacks=None, n_iter_no_change=9)
    assume(problem.model.solver != "lbfgs")
    if is_classifier(problem.model):
        problem.model.set_params(class_weight=None)
    if problem.sample_weight is not None:  # in parts their mean is not known, so it has to be 1
        problem.sample_weight = (problem.sample_weight > 0).astype(float)
    whole, parts = problem.try_to_fit(), clone(problem.model)
    for _ in range(n_epochs):
        problem.fit(parts, "partial_fit")
    assert_array_equal(parts.network_.parameters, whole.network_.parameters)
    assert parts.loss_curve_ == whole.loss_curve_


def with_nan(problem):
    X = problem.X.toarray() if issparse(problem.X) else np.array(problem.X)
    X = X.astype(float)
    X[-1, -1] = np.nan
    problem.X = X


def with_fewer_targets(problem):
    problem.y = problem.y[:-1]


def with_negative_weights(problem):
    problem.sample_weight = -np.ones(len(problem.y))


def with_a_wrong_parameter(problem):
    problem.model.set_params(alpha=-1)


def with_too_many_init(problem):
    problem.model.set_params(init=["auto"] * 30)


def with_a_failing_callback(problem):
    problem.model.set_params(callbacks=fail)


def with_validation_rows_of_another_width(problem):
    problem.validation = dict(X_val=np.ones((2, problem.X.shape[1] + 1)), y_val=problem.y[:1].repeat(2, axis=0))


def fail(info):
    raise ValueError("from a callback")


FAULTS = [
    with_nan,
    with_fewer_targets,
    with_negative_weights,
    with_a_wrong_parameter,
    with_too_many_init,
    with_a_failing_callback,
    with_validation_rows_of_another_width,
]


@examples(80)
@given(problem=problems(), fault=st.sampled_from(FAULTS), hidden=st.sampled_from([[], [5], [2, 4]]))
def test_a_failed_fit_keeps_the_earlier_model(problem, fault, hidden):
    """Of another size, even."""
    model = problem.try_to_fit()
    X, before, attributes = problem.X, copy.deepcopy(model), set(vars(model))
    problem.model = model.set_params(hidden_layer_sizes=hidden, activation=["tanh"] * len(hidden))
    fault(problem)
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        problem.fit(model)
    assert set(vars(model)) == attributes
    assert model.loss_curve_ == before.loss_curve_
    before.set_params(**model.get_params(deep=False))
    assert_same_predictions(model, before, X)
