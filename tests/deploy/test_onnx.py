"""ONNX models, run by ONNX Runtime, beside the predictions that they are made of."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import fastmlp
from fastmlp import CannotFoldError, MLPClassifier, MLPRegressor, Network
from fastmlp.activations import ACTIVATIONS, Activation
from fastmlp.deploy._programs import activation_step, network_steps
from fastmlp.layers import Embedding
from fastmlp.runtime._activations import FORMULAS
from fastmlp.runtime.program import DECISIONS, Decision, Program
from fastmlp.runtime.steps import STEPS, Dense

from ..runtime.models import HIDDEN, KINDS, fitted
from ..runtime.models import X as OF_KINDS
from .test_programs import ESTIMATORS, TABLES, N, Y, classifier, table
from .test_programs import X as OF_ESTIMATORS

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from fastmlp.deploy import _onnx_steps  # noqa: E402
from fastmlp.deploy._onnx import OPSET, to_model  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Found unknown categories", "ignore:Skipping features without any observed"),
]
DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(string)": object}


def run(model, x):
    """Outputs by their names; x is a table, an array or one with names of columns."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feeds = {}
    for needed in session.get_inputs():
        values = np.asarray(x if needed.name == "X" else x[[needed.name]])
        if needed.type == "tensor(string)":
            values = np.array([["" if value is None or value != value else value] for value in values[:, 0]], object)
        feeds[needed.name] = values.astype(DTYPES[needed.type])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


def assert_predicts(model, x, estimator, atol=1e-5):
    """Labels are equal, and numbers close, of many rows and of one."""
    for rows in (x, x[:1]):
        outputs, expected = run(model, rows), estimator.predict(rows)
        if "variable" in outputs:
            assert list(outputs) == ["variable"]
            n_rows, numbers = len(rows), outputs["variable"]
            assert numbers.shape == (n_rows, 1) if expected.ndim == 1 else expected.shape
            assert_allclose(numbers.reshape(expected.shape), expected, rtol=1e-5, atol=atol)
            continue
        labels = [value for name, value in outputs.items() if name.startswith("label")]
        assert_array_equal(labels[0] if len(labels) == 1 else np.column_stack(labels), expected)
        shares = [value for name, value in outputs.items() if name.startswith("probabilities")]
        if hasattr(estimator, "predict_proba"):
            expected = estimator.predict_proba(rows)
            for share, one in zip(shares, expected if isinstance(expected, list) else [expected], strict=True):
                assert_allclose(share, one, atol=atol)
        else:
            assert not shares


def names_of(values):
    return [value.name for value in values]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(kind, dtype):
    """Of float32 by operators that are the activation, of float64 by those that ONNX Runtime has."""
    model = fitted(kind)
    predictor = model.compile(out="raw", weights=dtype)
    exported = predictor.to_onnx()
    assert names_of(exported.graph.input) == ["X"]
    # ONNX Runtime before 1.18 loads no Gemm of float64 before an activation.
    assert any(node.op_type == "Gemm" for node in exported.graph.node) == (dtype == "float32")
    assert_predicts(exported, OF_KINDS, model)
    outputs = run(exported, OF_KINDS)
    if "raw" in outputs:
        assert outputs["raw"].dtype == dtype
        assert_allclose(outputs["raw"], predictor(OF_KINDS), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_pipelines_and_ensembles(name):
    estimator, y = ESTIMATORS[name]
    estimator.fit(OF_ESTIMATORS, y)
    assert_predicts(fastmlp.compile(estimator).to_onnx(), OF_ESTIMATORS, estimator)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", TABLES)
def test_tables(name, dtype):
    """A column of its own for each where there are words; columns that are not read are not asked for."""
    frame = table()
    columns = ColumnTransformer(TABLES[name], sparse_threshold=0)
    pipeline = make_pipeline(columns, classifier(dtype=dtype)).fit(frame, Y)
    exported = fastmlp.compile(pipeline).to_onnx()
    inputs, used = names_of(exported.graph.input), {column for _, _, names in TABLES[name] for column in names}
    if used & {"kind", "note"}:
        assert set(inputs) == used - {"far"} if name == "ordinal with missing" else used
        if "OneHotEncoder" in repr(columns) and "drop='first'" not in repr(columns):
            frame.loc[3, "kind"] = "never seen"
    else:
        assert inputs == ["X"]
        frame = frame.assign(kind=np.nan, note=np.nan).astype(float)
    assert_predicts(exported, frame, pipeline)


@pytest.mark.parametrize("settings", [{"strategy": "most_frequent"}, {"strategy": "constant", "fill_value": "none"}])
def test_words_with_an_indicator(settings):
    frame = table()
    words = make_pipeline(SimpleImputer(add_indicator=True, **settings), OneHotEncoder(sparse_output=False))
    pipeline = make_pipeline(ColumnTransformer([("w", words, ["kind", "note"])]), classifier()).fit(frame, Y)
    assert_predicts(fastmlp.compile(pipeline).to_onnx(), frame, pipeline)


def test_a_word_for_what_is_missing():
    rows = np.array([["a"], ["?"], ["b"], ["b"]] * 5, dtype=object)
    steps = SimpleImputer(missing_values="?", strategy="most_frequent"), OneHotEncoder(sparse_output=False)
    pipeline = make_pipeline(*steps, classifier()).fit(rows, rows[:, 0])
    exported = fastmlp.compile(pipeline).to_onnx()
    session = onnxruntime.InferenceSession(exported.SerializeToString())
    assert_allclose(session.run(["probabilities"], {"x0": rows})[0], pipeline.predict_proba(rows), atol=1e-6)


def test_words_without_names():
    rows = np.array([["a", "u"], ["b", "v"], ["a", "v"], ["c", "u"]] * 5, dtype=object)
    pipeline = make_pipeline(OneHotEncoder(sparse_output=False), classifier()).fit(rows, rows[:, 0])
    exported = fastmlp.compile(pipeline).to_onnx()
    session = onnxruntime.InferenceSession(exported.SerializeToString())
    feeds = {"x0": rows[:, :1], "x1": rows[:, 1:]}
    label, probabilities, _ = session.run(None, feeds)
    assert_array_equal(label, pipeline.predict(rows))
    assert_allclose(probabilities, pipeline.predict_proba(rows), atol=1e-6)
    feeds["x0"] = np.array([["a"]] * 19 + [["never seen"]], dtype=object)
    with pytest.raises(Exception, match="out of data bounds"):
        session.run(None, feeds)


DATA = {
    "digits": (load_digits, MLPClassifier),
    "breast cancer": (load_breast_cancer, MLPClassifier),
    "wine": (load_wine, MLPClassifier),
    "diabetes": (load_diabetes, MLPRegressor),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DATA)
def test_real_data(name, dtype):
    load, make = DATA[name]
    x, y = load(return_X_y=True)
    if name == "wine":
        y = np.array(["barolo", "grignolino", "barbera"])[y]
    if name == "diabetes":
        y = (y - y.mean()) / y.std()
    model = make(hidden_layer_sizes=(64, 64), dtype=dtype, random_state=0, max_iter=20, batch_norm=True, dropout=0.1)
    pipeline = make_pipeline(StandardScaler(), model).fit(x, y)
    assert_predicts(fastmlp.compile(pipeline).to_onnx(), x, pipeline)


@pytest.mark.parametrize("name", HIDDEN)
def test_every_activation_on_real_data(name):
    x, y = load_digits(return_X_y=True)
    model = MLPClassifier((64, 32), activation=[name, "tanh"], dtype="float32", max_iter=5, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model).fit(x, y)
    assert_predicts(fastmlp.compile(pipeline).to_onnx(), x, pipeline)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["no", "yes"], ["no", "yes"]),
        (np.array(["ä", "b"], dtype=object), ["ä", "b"]),
        ([False, True], [0, 1]),
        ([-3, 2**40], [-3, 2**40]),
        ([1.0, 2.0], [1, 2]),
    ],
    ids=["words", "objects", "bools", "integers", "floats"],
)
def test_labels_are_words_or_64_bit_integers(labels, expected):
    x, places = np.array([[-1.0], [1.0]] * 10), [0, 1] * 10
    model = MLPClassifier((), solver="lbfgs").fit(x, np.asarray(labels)[places])
    label = run(model.to_onnx(), x)["label"]
    assert label.dtype in (object, np.int64)
    assert_array_equal(label, np.array(expected)[places])
    assert_array_equal(label, model.predict(x))


def test_every_step_and_activation_has_an_operator():
    assert set(_onnx_steps.STEPS) == set(STEPS.values())
    float64 = {kernel for kernel, (op, _) in _onnx_steps.NATIVE.items() if op in _onnx_steps.IN_FLOAT64}
    assert float64 | set(_onnx_steps.COMPOSED) == set(FORMULAS)
    kernels = {activation.prediction_kernel for activation in ACTIVATIONS.values() if not activation.in_python}
    assert kernels <= set(FORMULAS)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_registered_activation_far_from_zero(name, dtype):
    """By the formulas of runtime/_activations.py, where exponentials would overflow."""
    step = activation_step(ACTIVATIONS[name], 12)
    n_outputs = step.n_outputs(12)
    program = Program(12, dtype, (Dense(np.eye(12), np.zeros(12)), step), Decision("numbers", shape=(n_outputs,)))
    far = 80.0 if name == "exp" else 300.0
    z = np.vstack([np.linspace(-far, far, 12), np.linspace(-4, 4, 12), np.zeros(12), np.full(12, -0.5)]).astype(dtype)
    assert_allclose(run(to_model(program), z)["variable"], step.apply(z), rtol=1e-5, atol=1e-6)


def test_an_activation_in_python_is_refused():
    class Cube(Activation):
        name = "cube"

        def forward(self, z):
            return z**3

        def backward(self, z, a, da):
            return 3 * z**2 * da

    model = MLPClassifier((4,), activation=Cube(), max_iter=2, random_state=0).fit(OF_KINDS, OF_KINDS[:, 0] > 0)
    with pytest.raises(CannotFoldError, match="'cube' is written in Python"):
        model.to_onnx()


def test_codes_and_the_rows_of_their_tables():
    network = Network([3, 5, 2], input_layers=[Embedding(columns=[1], n_codes=[4], widths=[3])], random_state=0)
    x = np.array([[0.5, 3, -1], [1.0, 0, 2], [0.1, 2, 0]])
    exported = to_model(Program(3, "float64", network_steps(network), Decision("numbers", shape=(2,))))
    assert_allclose(run(exported, x)["variable"], np.asarray(network.forward(x)), atol=1e-12)
    for code in (4, -1, 0.5, np.nan):
        with pytest.raises(Exception, match="out of data bounds"):
            run(exported, np.array([[0.0, code, 0.0]]))


def test_far_columns_are_read_in_float64():
    stamps = 1.7e9 + 1e5 * np.random.default_rng(0).normal(size=(N, 1))
    model = make_pipeline(StandardScaler(), classifier(dtype="float32", learning_rate_init=0.2))
    model.fit(stamps, np.abs(stamps[:, 0] - 1.7e9) < 5e4)
    exported = fastmlp.compile(model).to_onnx()
    assert run(exported, stamps)["raw"].dtype == np.float32
    assert_predicts(exported, stamps, model)


def test_large_codes_are_read_in_float64():
    """float32 would make one of both."""
    codes = np.array([[2.0**24], [2.0**24 + 1]] * 10)
    model = make_pipeline(OneHotEncoder(sparse_output=False), classifier(dtype="float32", learning_rate_init=0.2))
    model.fit(codes, codes[:, 0] > 2**24)
    assert len(set(model.predict(codes))) == 2
    assert_predicts(fastmlp.compile(model).to_onnx(), codes, model)


DECISIONS_BY_KIND = {
    "numbers": "numbers",
    "two classes": "binary",
    "three classes": "classes",
    "labels": "labels",
    "several targets": "targets",
}


def test_every_decision_is_exported():
    """By test_every_kind, of which these are some."""
    assert set(DECISIONS_BY_KIND.values()) == set(DECISIONS)
    for kind, decision in DECISIONS_BY_KIND.items():
        assert fitted(kind).compile(out="raw")._program.decision.kind == decision


def test_bytes_of_another_runtime():
    """What onnx itself makes of the model, with no rows too."""
    model = fitted("three classes")
    exported = onnx.load_from_string(model.to_onnx().SerializeToString())
    reference = pytest.importorskip("onnx.reference").ReferenceEvaluator(exported)
    label, probabilities, _ = reference.run(None, {"X": OF_KINDS})
    assert_array_equal(label, model.predict(OF_KINDS))
    assert_allclose(probabilities, model.predict_proba(OF_KINDS), atol=1e-7)
    assert run(exported, OF_KINDS[:0])["probabilities"].shape == (0, 3)
    assert [entry.version for entry in exported.opset_import if not entry.domain] == [OPSET]


def test_what_no_model_can_be_made_of():
    with pytest.raises(NotFittedError):
        MLPClassifier().to_onnx()
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"label": np.array(["a", "b"] * 10, dtype=object)})
    pipeline = make_pipeline(OneHotEncoder(sparse_output=False), classifier()).fit(frame, frame["label"])
    with pytest.raises(CannotFoldError, match="A column is called 'label'"):
        fastmlp.compile(pipeline).to_onnx()
    program = MLPClassifier((), solver="lbfgs").fit([[0.0], [1.0]], ["a", "b"]).compile()._program
    with pytest.raises(CannotFoldError, match="use words or whole numbers"):
        to_model(replace(program, decision=replace(program.decision, classes=(np.array([0.5, 1]),))))
