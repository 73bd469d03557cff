"""Codecs of targets on their own, without an estimator or a network."""

import ast
import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix, issparse
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.metrics import accuracy_score, d2_pinball_score, r2_score
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.activations import ACTIVATIONS, Activation, Softmax
from fastmlp.estimators import _targets
from fastmlp.estimators._targets import (
    Binary,
    Classes,
    Distributions,
    Labels,
    Numbers,
    SeveralTargets,
    classes_to_come,
    gives_probabilities,
    recognize,
)
from fastmlp.losses import LOSSES, Loss, Quantile

N = 60
NUMBERS = np.random.default_rng(0).integers(0, 12, size=N)
SHARES = np.random.default_rng(1).dirichlet(np.ones(3), size=N)

# y, settings, and the kind that it is.
KINDS = {
    "strings": (np.array(["no", "yes"])[NUMBERS % 2], {}, Binary),
    "booleans": (NUMBERS % 2 == 1, {}, Binary),
    "one class": (np.full(N, "only"), {}, Binary),
    "two classes, softmax": (NUMBERS % 2, dict(out_activation="softmax"), Classes),
    "two classes, hinge": (NUMBERS % 2, dict(loss="hinge"), Binary),
    "classes": (np.array(["a", "b", "c"])[NUMBERS % 3], {}, Classes),
    "objects": (np.array(["a", "b", "c"], dtype=object)[NUMBERS % 3], {}, Classes),
    "floats": ((NUMBERS % 3).astype(float), {}, Classes),
    "classes, hinge": (NUMBERS % 3 + 5, dict(loss="hinge"), Classes),
    "classes, Brier score": (NUMBERS % 3, dict(loss="squared_error", out_activation="identity"), Classes),
    "one against the rest": (NUMBERS % 3, dict(out_activation="logistic"), Classes),
    "distributions": (SHARES, dict(loss="kl_divergence"), Distributions),
    "labels": (NUMBERS[:, np.newaxis] >> np.arange(3) & 1, {}, Labels),
    "labels, hinge": (NUMBERS[:, np.newaxis] >> np.arange(3) & 1, dict(loss="hinge"), Labels),
    "several": (np.column_stack([NUMBERS % 3, NUMBERS // 6 + 7]), {}, SeveralTargets),
    "several, objects": (
        np.array([["x", "p"], ["y", "q"], ["y", "r"]], dtype=object)[NUMBERS % 3],
        {},
        SeveralTargets,
    ),
    "several, hinge": (np.column_stack([NUMBERS % 3, NUMBERS // 6 + 7]), dict(loss="hinge"), SeveralTargets),
}
ONE_HEAD = [name for name, (_, settings, _) in KINDS.items() if not settings]


def columns_of(codec, targets):
    """Encoded targets with one column for each output."""
    if targets.ndim == 2:
        return targets
    if codec.n_outputs == 1:
        return targets[:, np.newaxis].astype(float)
    return np.eye(codec.n_outputs)[targets.astype(int)]


@pytest.fixture(params=KINDS)
def case(request):
    y, settings, kind = KINDS[request.param]
    return y, recognize(y, **settings), kind


def test_kind(case):
    _, codec, kind = case
    assert type(codec) is kind


def test_round_trip(case):
    """Raw outputs that are right give the labels back, and a score of 1."""
    y, codec, kind = case
    targets = codec.encode(y, np.float64)
    columns = columns_of(codec, targets)
    assert columns.shape == (N, codec.n_outputs)
    raw = codec.threshold + columns - 0.5 if kind is not Distributions else np.log(columns)
    expected = y.argmax(axis=1) if kind is Distributions else y
    predicted = codec.labels(codec.decide(raw))
    assert_array_equal(predicted, expected)
    assert predicted.dtype == expected.dtype
    assert codec.score(codec.decide(raw), targets) == 1
    assert codec.accuracy(y, predicted) == 1


def test_score_counts_weights(case):
    y, codec, kind = case
    targets = codec.encode(y, np.float64)
    raw = codec.threshold + columns_of(codec, targets) - 0.5
    weights = np.ones(N)
    weights[:10] = 5
    raw[:10] = raw[10:20]
    predicted = codec.labels(codec.decide(raw))
    truth = y.argmax(axis=1) if kind is Distributions else y
    right = (predicted == truth).reshape(N, -1).all(axis=1)
    expected = np.average(right, weights=weights)
    assert_allclose(codec.score(codec.decide(raw), targets, weights), expected)
    assert_allclose(codec.accuracy(y, predicted, weights), expected)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda codec: pickle.loads(pickle.dumps(codec))])
def test_copies(case, copied):
    y, codec, _ = case
    twin = copied(codec)
    raw = np.random.default_rng(2).normal(size=(N, codec.n_outputs))
    assert_array_equal(twin.labels(twin.decide(raw)), codec.labels(codec.decide(raw)))
    assert_array_equal(twin.encode(y, np.float32), codec.encode(y, np.float32))
    assert (twin.out_activation, twin.loss, twin.target_values) == (
        codec.out_activation,
        codec.loss,
        codec.target_values,
    )


def test_probabilities(rng):
    raw = 3 * rng.normal(size=(N, 3))
    classes = recognize(KINDS["classes"][0])
    assert_allclose(classes.probabilities(raw), softmax(raw, axis=1), rtol=1e-12)
    assert_allclose(classes.log_probabilities(raw), log_softmax(raw, axis=1), rtol=1e-12)

    labels = recognize(KINDS["labels"][0])
    assert_allclose(labels.probabilities(raw), expit(raw), rtol=1e-12)
    assert_allclose(labels.log_probabilities(raw), log_expit(raw), rtol=1e-9, atol=1e-15)

    binary = recognize(KINDS["strings"][0])
    one = raw[:, :1]
    assert_allclose(binary.probabilities(one), np.hstack([expit(-one), expit(one)]), rtol=1e-12)
    assert_allclose(binary.log_probabilities(one), np.hstack([log_expit(-one), log_expit(one)]), rtol=1e-12)
    only = recognize(KINDS["one class"][0])
    assert_array_equal(only.probabilities(one), binary.probabilities(one))
    assert_array_equal(only.log_probabilities(one), binary.log_probabilities(one))
    of_one_unit = recognize(KINDS["one class"][0], out_activation="softmax")
    assert_array_equal(of_one_unit.probabilities(one), np.repeat([[1.0, 0.0]], N, axis=0))

    rest = recognize(NUMBERS % 3, out_activation="logistic")
    one_against_the_rest = expit(raw) / expit(raw).sum(axis=1, keepdims=True)
    assert_allclose(rest.probabilities(raw), one_against_the_rest, rtol=1e-12)
    assert_allclose(rest.log_probabilities(raw), np.log(one_against_the_rest), rtol=1e-9)


def test_probabilities_of_several_targets(rng):
    raw = rng.normal(size=(N, 5))
    first, second = raw[:, :3], raw[:, 3:]
    y = KINDS["several"][0]
    codec = recognize(y)
    assert codec.out_activation == Softmax([3, 2])
    for got, of in [
        (codec.probabilities(raw), softmax),
        (codec.log_probabilities(raw), log_softmax),
    ]:
        parts = codec.by_target(got)
        assert len(parts) == 2
        assert_allclose(parts[0], of(first, axis=1), rtol=1e-12)
        assert_allclose(parts[1], of(second, axis=1), rtol=1e-12)
    rest = recognize(y, out_activation="logistic")
    probabilities = rest.by_target(rest.probabilities(raw))
    assert_allclose(probabilities[1], expit(second) / expit(second).sum(axis=1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ONE_HEAD)
def test_probabilities_keep_the_dtype(name, dtype, isa):
    codec = recognize(KINDS[name][0])
    raw = np.zeros((4, codec.n_outputs), dtype)
    assert codec.probabilities(raw).dtype == codec.log_probabilities(raw).dtype == dtype


def test_probabilities_where_all_outputs_are_zero():
    """One class against the rest, where no class claims a sample."""
    codec = recognize(NUMBERS % 3, out_activation="hard_sigmoid")
    assert_array_equal(codec.probabilities(np.full((1, 3), -10.0)), np.full((1, 3), 1 / 3))
    assert_array_equal(codec.log_probabilities(np.full((1, 3), -10.0)), np.log(np.full((1, 3), 1 / 3)))


@pytest.mark.parametrize("loss", ["log_loss", "kl_divergence", "squared_error"])
@pytest.mark.parametrize("name", ["strings", "classes", "labels", "several"])
def test_smoothing(name, loss):
    """1 becomes 1 - s + s / n, 0 becomes s / n."""
    y = KINDS[name][0]
    codec = recognize(y, loss=loss, label_smoothing=0.2)
    n_classes = {"strings": [2], "classes": [3], "labels": [2, 2, 2], "several": [3, 2]}[name]
    in_loss = codec.in_loss(columns_of(codec, codec.encode(y, np.float64)))
    off, on = 0.2 / n_classes[-1], 0.8 + 0.2 / n_classes[-1]
    assert set(in_loss[:, -1].round(12)) == {round(off, 12), round(on, 12)}


def test_decision_values(rng):
    raw = rng.normal(size=(N, 3))
    hinge = recognize(NUMBERS % 3, loss="hinge")
    assert hinge.reads_activated
    assert hinge.target_values == (-1, 1)
    assert_array_equal(hinge.decision_values(raw), raw)
    assert_array_equal(recognize(NUMBERS % 2, loss="hinge").decision_values(raw[:, :1]), raw[:, 0])
    halfway = recognize(NUMBERS % 3, loss="squared_error", out_activation="identity", label_smoothing=0.3)
    assert_allclose(halfway.decision_values(raw), raw - (0.1 + 0.8) / 2, rtol=1e-12)
    several = recognize(KINDS["several"][0], loss="hinge")
    parts = several.by_target(several.decision_values(np.hstack([raw, raw[:, :2]])))
    assert [part.shape[1] for part in parts] == [3, 2]


@pytest.mark.parametrize("name", ["strings", "booleans", "classes", "labels", "several", "several, objects"])
def test_balanced_weights(name):
    y = KINDS[name][0]
    codec = recognize(y, class_weight="balanced")
    targets = codec.encode(y, np.float64)
    expected = compute_sample_weight("balanced", y)
    assert_allclose(codec.weigh(targets, None, (targets, None)), expected)
    sample_weight = np.arange(1.0, N + 1)
    assert_allclose(codec.weigh(targets, sample_weight, (targets, None)), expected * sample_weight)
    # Frequencies of other rows, whose weights count.
    repeated = y.repeat(np.arange(N) % 3, axis=0)
    weights = codec.weigh(targets, None, (targets, (np.arange(N) % 3).astype(float)))
    assert_allclose(weights.repeat(np.arange(N) % 3), compute_sample_weight("balanced", repeated))


@pytest.mark.parametrize(
    ("name", "class_weight"),
    [
        ("strings", {"no": 3.0}),
        ("classes", {"a": 3.0, "c": 0.5}),
        ("classes", {"a": 3.0, "b": 2.0, "c": 0.5, "of other rows": 9.0}),
        ("labels", [{0: 1.0, 1: 2.0}, {0: 3.0, 1: 1.0}, {0: 1.0, 1: 1.0}]),
        ("several", [{0: 1.0, 1: 2.0, 2: 0.5}, {7: 3.0, 8: 1.0}]),
    ],
)
def test_given_weights(name, class_weight):
    y = KINDS[name][0]
    codec = recognize(y, class_weight=class_weight)
    targets = codec.encode(y, np.float64)
    assert_allclose(codec.weigh(targets, None, (targets, None)), compute_sample_weight(class_weight, y))


def test_weights_of_distributions():
    """Of each row the mean over its distribution; of rows that are sure, the weights of their labels."""
    codec = recognize(SHARES, loss="kl_divergence", class_weight={0: 2.0, 2: 5.0})
    assert_allclose(codec.weigh(SHARES, None, (SHARES, None)), SHARES @ [2.0, 1.0, 5.0])
    sure = np.eye(3)[NUMBERS % 3]
    balanced = recognize(sure, loss="kl_divergence", class_weight="balanced")
    expected = compute_class_weight("balanced", classes=np.arange(3), y=NUMBERS % 3)[NUMBERS % 3]
    assert_allclose(balanced.weigh(sure, None, (sure, None)), expected)


def test_no_class_weights(case):
    y, codec, _ = case
    targets = codec.encode(y, np.float64)
    assert codec.weigh(targets, None, (targets, None)) is None
    assert codec.weigh(targets, targets, (targets, None)) is targets


@pytest.mark.parametrize(
    ("name", "class_weight", "message"),
    [
        ("classes", {"a": -1.0}, "pass finite weights of at least 0, not 0 for all rows"),
        ("classes", dict.fromkeys("abc", 0.0), "pass finite weights of at least 0, not 0 for all rows"),
        ("classes", {"a": "heavy"}, "pass finite weights of at least 0"),
        ("classes", {"d": 1.0}, r"class_weight has \['d'\], which are not among the classes"),
        ("classes", [{"a": 1.0}], "pass a dict from class labels to weights"),
        ("labels", {0: 1.0}, "pass a list of a dict for each column of y"),
        ("several", [{0: 1.0}], "pass a list of a dict for each column of y"),
    ],
)
def test_wrong_class_weights(name, class_weight, message):
    y = KINDS[name][0]
    codec = recognize(y, class_weight=class_weight)
    targets = codec.encode(y, np.float64)
    with pytest.raises(ValueError, match=message):
        codec.weigh(targets, None, (targets, None))


def test_sparse_labels():
    y = KINDS["labels"][0]
    codec = recognize(y, sparse=True)
    predicted = codec.labels(y)
    assert issparse(predicted)
    assert codec.accuracy(csr_matrix(y), predicted) == accuracy_score(y, predicted.toarray()) == 1
    assert issparse(recognize(y, before=codec).labels(y))
    assert not issparse(recognize(y).labels(y))


def test_which_outputs_are_independent(case):
    _, codec, kind = case
    assert codec.has_independent_outputs == (kind in (Labels, SeveralTargets))
    assert Numbers(1).has_independent_outputs


@pytest.mark.parametrize("name", KINDS)
def test_going_on(name):
    """The classes stay, and a fit that goes on sees the same kind again."""
    y, settings, kind = KINDS[name]
    before = recognize(y, **settings)
    for given in (dict(before=before), dict(before=before, classes=classes_to_come(None, before))):
        again = recognize(y, **given, **settings)
        assert type(again) is kind
        assert_array_equal(again.encode(y, np.float64), before.encode(y, np.float64))


def test_rows_that_lack_classes():
    before = recognize(KINDS["classes"][0])
    part = recognize(np.array(["c"]), before=before, classes=classes_to_come(["b", "a", "c"], before))
    assert part.encode(np.array(["c"]), np.float64).tolist() == [2]
    several = recognize(np.array([[2, 8]]), classes=classes_to_come([[0, 1, 2], [7, 8]], None))
    assert several.encode(np.array([[2, 8]]), np.float64).tolist() == [[0, 0, 1, 0, 1]]


CLASSES, SEVERAL = recognize(KINDS["classes"][0]), recognize(KINDS["several"][0])
INDICATORS = KINDS["labels"][0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: recognize(np.array([0.5, 1.5])), "Unknown label type"),
        (lambda: recognize(np.array(["a", 1], dtype=object)), "labels of type int, str as objects"),
        (lambda: recognize(SHARES), "holds fractions, and loss is 'auto'; set loss='kl_divergence'"),
        (lambda: recognize(NUMBERS % 2, loss="hinge", label_smoothing=0.1), "needs targets of exactly -1 and 1"),
        (lambda: recognize(NUMBERS % 3, out_activation=Softmax([2, 1])), "whose groups .* which y has none"),
        (
            lambda: recognize(KINDS["several"][0], out_activation=Softmax([2, 3])),
            r"whose groups are not the classes of several targets, of which y has \[3, 2\]",
        ),
        (lambda: CLASSES.encode(np.array(["a", "d"]), np.float64), "has classes not in `self.classes_`.* 'd'"),
        (lambda: recognize(INDICATORS).encode(2 * INDICATORS, np.float64), "need a matrix of 0 and 1"),
        (lambda: SEVERAL.encode(INDICATORS, np.float64), r"y has shape \(60, 3\), but the model has 2 targets"),
        (lambda: SEVERAL.accuracy(INDICATORS, INDICATORS), r"y has shape \(60, 3\), but the model has 2 targets"),
        (lambda: recognize(np.array(["a", "d"]), before=CLASSES), "the same classes as in the previous call to fit"),
        (lambda: recognize(NUMBERS, before=SEVERAL), r"y has shape \(60,\), but the model has 2 targets"),
        (
            lambda: recognize(KINDS["several"][0] + 1, before=SEVERAL),
            "the same classes as in the previous call to fit",
        ),
        (
            lambda: recognize(SHARES, before=recognize(NUMBERS % 4), loss="kl_divergence"),
            "y has 3 columns for the 4 classes",
        ),
        (lambda: recognize(INDICATORS, classes=np.arange(4)), r"y has 3 columns of 0 and 1.*pass classes=range\(3\)"),
        (lambda: classes_to_come(None, None), "classes must be passed on the first call to partial_fit"),
        (lambda: classes_to_come([], None), "pass a list of all labels"),
        (lambda: classes_to_come(["a", "b"], CLASSES), "is not the same as on last call to partial_fit"),
        (lambda: classes_to_come([["a"], ["b"]], SEVERAL), "the same classes as in the previous call to fit"),
        (lambda: Numbers(1, out_activation="softmax"), "makes no sense with the regression loss 'squared_error'"),
        (lambda: Numbers(1).encode(np.array(["a"]), np.float64), "y holds words, for example 'a'; use MLPClassifier"),
        (lambda: Numbers(1).encode(np.array([np.nan]), np.float64), "y has NaN or None"),
        (lambda: Numbers(1).encode(np.array([1e300]), np.dtype(np.float32)), r"y has 1e\+300, which is too large"),
        (lambda: Numbers(1, loss="poisson").check(np.array([[-1.0]])), "needs y >= 0"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_numbers(rng):
    for shape, loss, out in [
        ((N,), "squared_error", (N,)),
        ((N, 2), "huber", (N, 2)),
        ((N,), Quantile([0.1, 0.5, 0.9]), (N, 3)),
        ((N, 2), Quantile([0.1, 0.9]), (N, 2, 2)),
    ]:
        y = rng.normal(size=shape)
        codec = Numbers(y.size // N, loss=loss)
        targets = codec.encode(y, np.float64)
        assert_array_equal(targets, y.reshape(N, -1))
        raw = rng.normal(size=(N, codec.n_outputs))
        predicted = codec.labels(codec.decide(raw))
        assert predicted.shape == out
        assert_array_equal(predicted.ravel(), raw.ravel())
        weights = rng.random(N)
        if isinstance(loss, Quantile):
            by_level = raw.reshape(N, -1, len(loss.levels))
            expected = np.mean(
                [
                    d2_pinball_score(y, by_level[..., k].reshape(shape), alpha=level, sample_weight=weights)
                    for k, level in enumerate(loss.levels)
                ]
            )
        else:
            expected = r2_score(y, raw.reshape(shape), sample_weight=weights)
        assert_allclose(codec.score(codec.decide(raw), targets, weights), expected)
        assert codec.reads_activated
        assert codec.target_values == (0, 1)


@pytest.mark.parametrize("loss", LOSSES)
def test_matching_heads(loss):
    """'auto' chooses an output activation that the loss allows."""
    codecs = [Numbers(2, loss=loss)] if loss not in ("log_loss", "kl_divergence", "hinge") else []
    if loss in ("log_loss", "kl_divergence", "squared_error", "hinge"):
        codecs += [recognize(KINDS[name][0], loss=loss) for name in ONE_HEAD]
    assert codecs
    for codec in codecs:
        assert codec.out_activation.name in codec.loss.out_activations


class Own(Activation):
    name = "own"


class OwnLoss(Loss):
    name = "own"


@pytest.mark.parametrize(
    ("loss", "out_activation", "expected"),
    [
        ("auto", "auto", True),
        ("squared_error", "auto", True),
        ("hinge", "auto", False),
        (LOSSES["hinge"], "auto", False),
        (OwnLoss(), "auto", True),
        ("auto", "logistic", True),
        ("auto", ACTIVATIONS["softmax"], True),
        ("hinge", "tanh", False),
        ("auto", Own(), False),
        ("auto", "no such activation", False),
        ("no such loss", "auto", True),
    ],
)
def test_what_gives_probabilities(loss, out_activation, expected):
    assert gives_probabilities(loss, out_activation) == expected


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", KINDS)
def test_predictions_need_no_estimator(name, rng, isa):
    """Raw outputs and a pickled codec say what the estimator says, bit for bit."""
    y, settings, _ = KINDS[name]
    X = rng.normal(size=(N, 4)).astype(np.float32)
    model = MLPClassifier(5, max_iter=5, random_state=0, **settings).fit(X, y)
    codec = pickle.loads(pickle.dumps(model._targets))
    raw = model.network_.predict_raw(X, activate_output=codec.reads_activated)
    assert_array_equal(codec.labels(codec.decide(raw)), model.predict(X))
    if hasattr(model, "decision_function"):
        values = codec.by_target(codec.decision_values(raw))
        assert_array_equal(np.hstack(values), np.hstack(model.decision_function(X)))
    if hasattr(model, "predict_proba"):
        assert_array_equal(codec.probabilities(raw), np.hstack(model.predict_proba(X)).reshape(N, -1))
        assert_array_equal(codec.log_probabilities(raw), np.hstack(model.predict_log_proba(X)).reshape(N, -1))
        # The network's own outputs are the probabilities of the classes that have one.
        outputs = model.network_.predict_raw(X, activate_output=True)
        if codec.n_outputs == 1:
            assert_allclose(codec.probabilities(raw)[:, -1:], outputs, rtol=1e-6)
        elif settings.get("out_activation") not in ("identity", "logistic"):
            assert_array_equal(codec.probabilities(raw), outputs)
    if name == "distributions":
        y = y.argmax(axis=1)
    assert model.score(X, y) == codec.accuracy(y, model.predict(X))


def test_numbers_need_no_estimator(rng):
    X = rng.normal(size=(N, 4))
    model = MLPRegressor(Quantile([0.2, 0.8]), 5, solver="lbfgs", max_iter=5, random_state=0)
    with pytest.warns(match="max_iter"):
        model.fit(X, X[:, :2])
    codec = pickle.loads(pickle.dumps(model._targets))
    raw = model.network_.predict_raw(X, activate_output=codec.reads_activated)
    assert_array_equal(codec.labels(codec.decide(raw)), model.predict(X))
    assert model.score(X, X[:, :2]) == codec.score(codec.decide(raw), X[:, :2])


def test_codecs_know_neither_estimators_nor_networks():
    tree = ast.parse(Path(_targets.__file__).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {name for name in imported if name.startswith("fastmlp")}
    assert ours == {"fastmlp._unreadable", "fastmlp.activations", "fastmlp.estimators._labels", "fastmlp.losses"}
