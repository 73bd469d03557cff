"""C that is written, compiled and called, beside the model that it was written from."""

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder

import fastmlp
from fastmlp import MLPClassifier, MLPRegressor
from fastmlp._core._config import chosen_products
from fastmlp.activations import ACTIVATIONS
from fastmlp.deploy.c._kernels import ACTIVATIONS as IN_C
from fastmlp.deploy.c._products import packed
from fastmlp.deploy.c._steps import EMITTERS
from fastmlp.runtime import Decision, Predictor, Program
from fastmlp.runtime._activations import FORMULAS
from fastmlp.runtime._quantize import quantize
from fastmlp.runtime.steps import (
    STEPS,
    Activate,
    Affine,
    Clip,
    Dense,
    Embed,
    Encode,
    Impute,
    Indicate,
    Normalize,
    Parallel,
    Take,
    apply,
)
from tests.deploy.test_programs import ESTIMATORS, TABLES, N, Y, classifier, table
from tests.deploy.test_programs import X as COLUMNS
from tests.runtime.models import KINDS, X, fitted

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc"),
]
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
RNG = np.random.default_rng(0)


class Compiled:
    """A C file as functions of rows."""

    def __init__(self, path, *options, compiler="gcc"):
        self._stem, library = path.stem, path.with_suffix(".so")
        standard = ["-x", "c++"] if compiler.endswith("++") else ["-std=c99"]
        command = [compiler, *standard, *STRICT, *(options or ["-O1"]), "-shared", "-fPIC", path, "-o", library, "-lm"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        self._library = ctypes.CDLL(str(library))
        self.header = path.with_suffix(".h").read_text()

    def __call__(self, name, x, width, dtype=np.float32):
        """Results of the function for many rows, after a look at that of one row."""
        x = np.ascontiguousarray(x, dtype=np.float32)
        out = np.full((len(x) + 1, width), -7, dtype)
        self._function(f"{name}_rows")(_pointer(x), ctypes.c_size_t(len(x)), _pointer(out))
        assert (out[-1] == -7).all(), "written behind the last row"
        for place in (0, len(x) - 1):
            row = np.full(width + 1, -7, dtype)
            returned = self._function(name)(_pointer(x[place : place + 1]), _pointer(row))
            row[0] = returned if f"int {self._stem}_{name}(" in self.header else row[0]
            assert row[-1] == -7
            assert_allclose(row[:-1], out[place], rtol=1e-5, atol=1e-6)
        return out[:-1]

    def classes(self, n, name="classes"):
        """Names of classes."""
        texts = (ctypes.c_char_p * n).in_dll(self._library, f"{self._stem}_{name}")
        return [text.decode() for text in texts]

    def _function(self, name):
        return getattr(self._library, f"{self._stem}_{name}")


def _pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def exported(predictor, tmp_path, *options, **settings):
    tmp_path.mkdir(exist_ok=True)
    predictor.to_c(tmp_path / "model.c", **settings)
    return Compiled(tmp_path / "model.c", *options)


def side_by_side(outputs):
    return np.hstack(outputs) if isinstance(outputs, list) else outputs


def assert_same(c, program, rows):
    """All functions of the C file beside predictors: within 1e-6, or within thrice the error of float32 in NumPy."""
    if program.decision.kind == "numbers":
        exact, atol = _expected(program, rows, "raw")
        assert_allclose(c("predict", rows, exact.shape[1]), exact, rtol=2e-6, atol=atol)
        return
    exact, atol = _expected(program, rows, "raw")
    assert_allclose(c("predict_raw", rows, exact.shape[1]), exact, rtol=1e-5, atol=atol)
    if program.head is not None:
        exact, atol = _expected(program, rows, "proba")
        assert_allclose(c("predict_proba", rows, exact.shape[1]), exact, rtol=0, atol=atol)
    labels = Predictor(program, out="labels", weights="float64")(rows)
    assert_array_equal(labels_of(c, program.decision, rows), labels.astype(str))


def _expected(program, rows, out):
    """Outputs in float64, and how much those in float32 may differ."""
    rows = rows.astype(np.float64)
    exact, single = (
        side_by_side(Predictor(program, out=out, weights=dtype)(rows.astype(dtype))).reshape(len(rows), -1)
        for dtype in ("float64", "float32")
    )
    return exact, max(1e-6, 3 * np.abs(exact - single).max(initial=0))


def labels_of(c, decision, rows):
    """What the C file predicts, in words."""
    if decision.kind == "labels":
        return c("predict", rows, len(decision.classes[0]), np.intc).astype(str)
    if decision.kind == "targets":
        places = c("predict", rows, len(decision.classes), np.intc)
        columns = [
            np.array(c.classes(len(names), f"classes_{n}"))[places[:, n]] for n, names in enumerate(decision.classes)
        ]
        return np.column_stack(columns)
    return np.array(c.classes(len(decision.classes[0])))[c("predict", rows, 1, np.intc).ravel()]


@pytest.mark.parametrize("kind", KINDS)
def test_models(kind, tmp_path):
    model = fitted(kind)
    assert model.to_c(tmp_path / "model.c") is None
    assert_same(Compiled(tmp_path / "model.c"), model.compile()._program, X.astype(np.float32))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_pipelines(name, tmp_path):
    estimator, y = ESTIMATORS[name]
    predictor = fastmlp.compile(estimator.fit(COLUMNS, y))
    assert_same(exported(predictor, tmp_path), predictor._program, COLUMNS.astype(np.float32))


@pytest.mark.filterwarnings("ignore:Skipping features without any observed")
@pytest.mark.parametrize("name", TABLES)
def test_tables(name, tmp_path):
    """Columns of words are refused where they are read, and may be anything where they are not."""
    frame = table().astype({"far": np.float32, "gaps": np.float32})
    pipeline = make_pipeline(ColumnTransformer(TABLES[name], sparse_threshold=0), classifier()).fit(frame, Y)
    predictor = fastmlp.compile(pipeline)
    read = {column for _, _, columns in TABLES[name] for column in columns}
    words = read & {"kind", "note"}
    if words:
        with pytest.raises(ValueError, match=rf"Column '({'|'.join(words)})'.* holds words, .* OrdinalEncoder"):
            predictor.to_c(tmp_path / "model.c")
        return
    numbers = frame.assign(kind=0, note=-1).to_numpy(np.float32)
    probabilities = exported(predictor, tmp_path)("predict_proba", numbers, 3)
    assert_allclose(probabilities, pipeline.predict_proba(frame), atol=2e-6)


CODES = np.column_stack([RNG.integers(0, 4, N), RNG.normal(size=N), RNG.integers(7, 10, N)]).astype(np.float32)
ENCODED = {
    "one hot": ((CODES[:, :1] == np.arange(4)), OneHotEncoder(sparse_output=False, handle_unknown="ignore")),
    "one hot, first dropped": (None, OneHotEncoder(sparse_output=False, drop="first")),
    "ordinal": (None, OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-3)),
    "ordinal with missing": (None, OrdinalEncoder(encoded_missing_value=-2)),
}


@pytest.mark.filterwarnings("ignore:Found unknown categories")
@pytest.mark.parametrize("name", ENCODED)
def test_encoded_numbers(name, tmp_path):
    codes = CODES.copy()
    if "missing" in name:
        codes[::6, 0] = np.nan
    columns = ColumnTransformer([("e", ENCODED[name][1], [0, 2])], remainder="passthrough")
    pipeline = make_pipeline(columns, classifier()).fit(codes, Y)
    c = exported(fastmlp.compile(pipeline), tmp_path)
    assert_allclose(c("predict_proba", codes, 3), pipeline.predict_proba(codes), atol=1e-6)
    codes[3:5, 0] = 99
    if ENCODED[name][1].handle_unknown == "error":  # which C has no way to tell but this
        assert np.isnan(c("predict_proba", codes, 3)[3]).all()
        assert c("predict", codes, 1, np.intc)[3:6].ravel().tolist()[:2] == [-1, -1]
    else:
        assert_allclose(c("predict_proba", codes, 3), pipeline.predict_proba(codes), atol=1e-6)


def dense(n_inputs, n_units):
    return Dense(RNG.normal(size=(n_inputs, n_units)), RNG.normal(size=n_units))


def vectors(n, count):
    return RNG.normal(size=(count, n))


HOLES = np.where(RNG.random((50, 4)) < 0.3, np.nan, RNG.integers(0, 3, (50, 4))).astype(np.float32)
WHOLE = np.nan_to_num(HOLES)
STEP_LISTS = {
    "nothing": (WHOLE, ()),
    "affine": (WHOLE, (Affine(*vectors(4, 3)),)),
    "affine far away": (WHOLE + 1e6, (Affine(np.full(4, 1e6 + 0.3), np.ones(4), np.zeros(4)), Clip(-1, 1))),
    "clip of x": (WHOLE, (Clip(0.5, 1.5),)),
    "clip of NaN": (HOLES, (Clip(0.5, 1.5), Take(np.array([3, 1])))),
    "impute": (HOLES, (Impute(np.arange(4.0)),)),
    "impute a number": (HOLES, (Impute(np.arange(4.0) + 5, 2.0), Indicate(None))),
    "indicate a number": (HOLES, (Indicate(1),)),
    "take": (WHOLE, (Take(np.array([3, 0, 0, 1, 2])),)),
    "take nothing beside": (WHOLE, (Parallel(((Take(np.array([], dtype=int)),), (dense(4, 2),))),)),
    "encode": (HOLES, (Encode((np.array([0, np.nan, 1, 2]),) * 4, missing=-5.0, unknown=-1.0),)),
    "encode, one hot": (HOLES, (Encode((np.array([0, 2]),) * 4, one_hot=True, dropped=(-1, 0, 1, -1), unknown=0.0),)),
    "embed": (WHOLE, (Embed((1, 3), (vectors(3, 5).T[:3], vectors(3, 2).T)),)),
    "embed all": (WHOLE[:, :1], (Embed((0,), (vectors(3, 2).T,)),)),
    "few weights": (WHOLE, (Take(np.array([0, 1])), dense(2, 2), Activate("tanh"))),
    "panels": (WHOLE, (dense(4, 33), Activate("relu"), dense(33, 64), Activate("relu"), dense(64, 95))),
    "softmax of groups": (WHOLE, (dense(4, 7), Activate("softmax", groups=(3, 4)), Normalize((2, 5)))),
    "normalize nothing": (WHOLE * 0, (Normalize((1, 3)),)),
    "branches": (
        WHOLE,
        (
            dense(4, 6),
            Parallel(((), (dense(6, 40), Activate("tanh")), (Take(np.array([5])), Clip(-1, 1)))),
            dense(47, 3),
        ),
    ),
    "sums": (WHOLE, (Parallel(((dense(4, 3), Activate("relu")), (dense(4, 3),)), (0.25, 0.75)), Activate("exp"))),
    "branches in branches": (
        WHOLE,
        (Parallel(((Clip(0, 1), Parallel(((dense(4, 5),), (dense(4, 5), Activate("gelu"))), (1.0, 2.0))), ())),),
    ),
}


def test_every_step_is_tried():
    assert set(EMITTERS) == set(STEPS.values())
    assert {type(step) for step in flat(step for _, steps in STEP_LISTS.values() for step in steps)} == set(
        STEPS.values()
    )


def flat(steps):
    for step in steps:
        yield step
        for branch in getattr(step, "branches", ()):
            yield from flat(branch)


@pytest.mark.parametrize("name", STEP_LISTS)
def test_steps(name, tmp_path):
    rows, steps = STEP_LISTS[name]
    expected = apply(steps, rows.astype(np.float64))
    program = Program(rows.shape[1], "float64", tuple(steps), Decision("numbers", shape=expected.shape[1:]))
    c = exported(Predictor(program), tmp_path)
    largest = np.nanmax(np.abs(expected))
    assert_allclose(c("predict", rows, expected.shape[1]), expected, rtol=3e-6, atol=3e-6 * largest)


def test_every_activation_is_in_c():
    assert set(IN_C) | {"identity"} == set(FORMULAS)
    assert {activation.prediction_kernel for activation in ACTIVATIONS.values()} <= set(FORMULAS)


def test_what_is_not_in_c_is_refused(tmp_path, monkeypatch):
    monkeypatch.delitem(EMITTERS, Clip)
    monkeypatch.delitem(IN_C, "mish")
    program = Program(1, "float32", (Clip(0, 1),), Decision("numbers"))
    with pytest.raises(ValueError, match="Clip has no form in C; take it out"):
        Predictor(program).to_c(tmp_path / "model.c")
    with pytest.raises(ValueError, match="The activation 'mish' has no form in C; use another"):
        fitted("hidden mish").to_c(tmp_path / "model.c")
    assert not list(tmp_path.iterdir())


EXTREMES = [*np.linspace(-30, 30, 997), 0, -0.0, 1e-8, -1e-8, 80, -80, 200, -200, np.inf, -np.inf, np.nan]
WITHOUT_CONSTANTS = [name for name, formula in FORMULAS.items() if not formula.n_constants and name != "power_product"]


@pytest.mark.parametrize(
    "kernel", [name for name in FORMULAS if FORMULAS[name].n_constants == 0 and name != "power_product"]
)
def test_activations_at_all_sizes(kernel, tmp_path):
    """Digits where values are small, no overflow where they are large, NaN from NaN."""
    z = np.array(EXTREMES, dtype=np.float32)[:, None]
    steps = (Take(np.array([0, 0])), Activate(kernel))
    with np.errstate(all="ignore"):
        expected = apply(steps, z.astype(np.float64)).astype(np.float32)
    decision = Decision("numbers", shape=expected.shape[1:])
    out = exported(Predictor(Program(1, "float32", steps, decision)), tmp_path)("predict", z, expected.shape[1])
    if kernel in ("gelu", "silu", "mish"):  # infinity times 0
        out, expected = out[np.isfinite(z.ravel())], expected[np.isfinite(z.ravel())]
    assert_allclose(out, expected, rtol=3e-6, atol=1e-7 if kernel == "gelu" else 1e-30)


REAL = {
    "digits": (MLPClassifier, load_digits),
    "breast cancer": (MLPClassifier, load_breast_cancer),
    "wine": (MLPClassifier, load_wine),
    "diabetes": (MLPRegressor, load_diabetes),
}
HIDDEN = {"maxout": 30, "product": 30, "increasing": 8, "softmax": 32}


@pytest.mark.parametrize("data", REAL)
@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name not in ("hard_limit", "power_product")])
def test_real_data(data, activation, tmp_path):
    """Within 1e-6 of the float32 model."""
    make, load = REAL[data]
    x, y = load(return_X_y=True)
    x = MinMaxScaler((-1, 1)).fit_transform(x[:400]).astype(np.float32)
    y = y[:400] if make is MLPClassifier else (y[:400] - y.mean()) / y.std()
    parameters = {"hidden_layer_sizes": (HIDDEN.get(activation, 36),), "activation": activation}
    model = make(**parameters, dtype="float32", max_iter=4, random_state=0).fit(x, y)
    model.to_c(tmp_path / "model.c")
    name = "predict_proba" if make is MLPClassifier else "predict"
    expected = getattr(model, name)(x).reshape(len(x), -1)
    out = Compiled(tmp_path / "model.c")(name, x, expected.shape[1])
    assert_allclose(out, expected, rtol=0 if make is MLPClassifier else 1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["hidden tanh", "several targets", "wide maxout", "quantiles of two"])
@pytest.mark.parametrize("weights", ["float32", "int8"])
@pytest.mark.parametrize("compiler", ["g++", "clang", "clang++"])
def test_it_is_cpp_too(kind, weights, compiler, tmp_path):
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    predictor = fitted(kind).compile()
    predictor.to_c(tmp_path / "model.c", weights=weights, X=X if weights == "int8" else None)
    Compiled(tmp_path / "model.c", compiler=compiler)


def test_any_number_of_rows(tmp_path):
    rows, steps = STEP_LISTS["panels"]
    program = Program(4, "float32", steps, Decision("numbers", shape=(95,)))
    library = exported(Predictor(program), tmp_path, "-O3")
    for n_rows in (0, 1, 7, 8, 31, 32, 33, 100):
        rows = RNG.normal(size=(n_rows, 4)).astype(np.float32)
        out = np.full((n_rows + 1, 95), 7, np.float32)
        library._function("predict_rows")(_pointer(rows), ctypes.c_size_t(n_rows), _pointer(out))
        assert_allclose(out[:-1], apply(steps, rows.astype(np.float64)), rtol=1e-4, atol=1e-4)
        assert (out[-1] == 7).all()


MAIN = """
#include <stdio.h>
#include "model.h"
int main(void) {
  static float x[40 * MODEL_N_FEATURES], out[40 * MODEL_N_OUTPUTS];
  static int places[40 * MODEL_N_OUTPUTS];
  int i;
  for (i = 0; i < 40 * MODEL_N_FEATURES; i++) x[i] = (float)(i % 3);
  model_predict_raw_rows(x, 40, out);
  model_predict_proba_rows(x, 40, out);
  model_predict_rows(x, 40, places);
  model_predict_proba(x, out);
  printf("%g %d", (double)out[0], places[0]);
  return 0;
}
"""


@pytest.mark.parametrize("kind", ["vote", "bag", "calibrated", "wide maxout", "several targets", "power product"])
def test_nothing_outside_its_memory_is_touched(kind, tmp_path):
    estimator = ESTIMATORS[kind][0].fit(COLUMNS, ESTIMATORS[kind][1]) if kind in ESTIMATORS else fitted(kind)
    fastmlp.compile(estimator).to_c(tmp_path / "model.c")
    (tmp_path / "main.c").write_text(MAIN)
    program = tmp_path / "program"
    command = ["gcc", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", tmp_path / "main.c"]
    if subprocess.run([*command, tmp_path / "model.c", "-o", program, "-lm"], check=False).returncode:
        pytest.skip("there are no sanitizers")
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


WITHOUT_VECTORS = ["-O1", "-U__SSE__", "-U__ARM_NEON"]


@pytest.mark.parametrize("weights", ["float32", "int8"])
def test_loops_of_cpus_without_vectors(weights, tmp_path):
    model = MLPClassifier((64, 33), max_iter=2, random_state=0).fit(X, Y)
    loss = model.to_c(tmp_path / "model.c", weights=weights, X=X if weights == "int8" else None)
    out = Compiled(tmp_path / "model.c", *WITHOUT_VECTORS)("predict_proba", X, 3)
    assert_allclose(out, model.predict_proba(X), atol=2e-6 if loss is None else 1.01 * loss.max_difference)


@pytest.mark.parametrize("options", [["-O3", "-march=native"], ["-Os"]])
def test_optimized_code_is_right_too(options, tmp_path):
    model = MLPClassifier((70, 33), activation=["gelu", "tanh"], max_iter=2, random_state=0).fit(X, Y)
    model.to_c(tmp_path / "model.c")
    assert_same(Compiled(tmp_path / "model.c", *options), model.compile()._program, X.astype(np.float32))


def test_fast_math_is_refused(tmp_path):
    fitted("numbers").to_c(tmp_path / "model.c")
    command = ["gcc", "-ffast-math", "-c", tmp_path / "model.c", "-o", tmp_path / "model.o"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "without -ffast-math" in done.stderr


def test_the_page_on_it(tmp_path, monkeypatch):
    path = Path(__file__).parents[2] / "docs" / "export-to-c.md"
    if not path.exists():
        pytest.skip("without the documents")
    page = path.read_text()
    python, c = (page.split(f"```{language}\n")[1].split("```")[0] for language in ("python", "c"))
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(python, names)
    (tmp_path / "program.c").write_text(c)
    subprocess.run(["gcc", "-std=c99", *STRICT, "program.c", "tumour.c", "-o", "program", "-lm"], check=True)
    rows = names["X"][:20]
    text = "\n".join(" ".join(map(repr, row)) for row in rows.tolist())
    done = subprocess.run([tmp_path / "program"], input=text, capture_output=True, text=True, check=True)
    labels, shares = zip(*map(str.split, done.stdout.splitlines()), strict=True)
    assert list(map(int, labels)) == names["model"].predict(rows).tolist()
    assert_allclose(np.array(shares, dtype=float), names["model"].predict_proba(rows).max(axis=1), atol=3e-6)


def test_a_runtime_with_numpy_alone_can_export(tmp_path):
    pytest.importorskip("safetensors")
    fitted("three classes").save(tmp_path / "model")
    not_needed = {"sklearn"} if chosen_products() == "blas" else {"sklearn", "scipy"}  # SciPy's BLAS
    program = (
        "import sys; from fastmlp.runtime import load; "
        f"load({str(tmp_path / 'model')!r}).to_c({str(tmp_path / 'model.c')!r}); "
        f"assert not {not_needed} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    Compiled(tmp_path / "model.c")


INT8 = ["three classes", "labels", "several targets", "two numbers", "hinge", "no hidden layer"]


@pytest.mark.parametrize("kind", INT8)
def test_int8(kind, tmp_path, capsys):
    """The loss that is told is that of the C file."""
    model, rows = fitted(kind), X.astype(np.float32)
    loss = model.to_c(tmp_path / "model.c", weights="int8", X=rows)
    assert capsys.readouterr().out == f"{loss}\n"
    c = Compiled(tmp_path / "model.c")
    assert str(loss) in c.header
    program = model.compile()._program
    has_probabilities, is_number = program.head is not None, program.decision.kind == "numbers"
    out = "proba" if has_probabilities else "raw"
    exact = side_by_side(Predictor(program, out=out, weights="float32")(rows)).reshape(len(rows), -1)
    name = "predict_proba" if has_probabilities else "predict" if is_number else "predict_raw"
    difference = np.abs(c(name, rows, exact.shape[1]) - exact).max()
    assert 0 < difference < 0.1
    assert_allclose(difference, loss.max_difference, atol=1e-5)
    if is_number:
        assert loss.n_changed is None
        return
    labels = Predictor(program, out="labels", weights="float32")(rows).astype(str)
    assert (labels_of(c, program.decision, rows) != labels).reshape(len(rows), -1).any(axis=1).sum() == loss.n_changed


def test_int8_is_a_quarter(tmp_path):
    model = MLPClassifier((64, 64), max_iter=1, random_state=0).fit(X, Y)
    sizes = {}
    for weights in ("float32", "int8"):
        model.to_c(tmp_path / "model.c", weights=weights, X=X if weights == "int8" else None)
        subprocess.run(["gcc", "-Os", "-c", tmp_path / "model.c", "-o", tmp_path / "model.o"], check=True)
        sizes[weights] = (tmp_path / "model.o").stat().st_size
    n_weights = sum(coef.size for coef in model.coefs_)
    assert abs(sizes["float32"] - sizes["int8"] - 3 * n_weights) < 2000


def test_classes_are_text_of_any_kind(tmp_path):
    names = np.array(['a "b"', "c\\d??/", "e\nf", "größer", "*/ @g"], dtype=object)
    model = MLPClassifier((4,), max_iter=2, random_state=0).fit(X, names[RNG.integers(0, 5, len(X))])
    c = exported(model.compile(), tmp_path)
    assert c.classes(5) == sorted(names)


def test_the_header_names_features_and_memory(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["age", "*/ size??/", "a\nb", "ünïcode", "e@f", "@@"])
    model = MLPClassifier((40, 50), max_iter=2, random_state=0).fit(frame, Y)
    header = exported(model.compile(), tmp_path).header
    for line in (
        "x[0]: age\n",
        "x[1]: * / size",
        "x[2]: a b\n",
        "x[4]: e@f\n",
        "x[5]: @@\n",
        "6-40-50-3",
        "MODEL_STACK_BYTES 372\n",
        "float32",
    ):
        assert line in header


def test_nan_has_no_class(tmp_path):
    rows = X.astype(np.float32).copy()
    rows[2, 3] = np.nan
    for kind, width in [("two classes", 1), ("three classes", 1), ("labels", 3), ("several targets", 2)]:
        places = exported(fitted(kind).compile(), tmp_path / kind.replace(" ", "_"))("predict", rows, width, np.intc)
        assert (places[2] == -1).all()
        assert (np.delete(places, 2, axis=0) >= 0).all()


BAD_NAMES = {
    "a number first": ("2model.c", "C functions can begin with"),
    "a dash": ("my-model.c", "C functions can begin with"),
    "another end": ("model.cpp", "and .c, such as"),
    "no end": ("model", "and .c, such as"),
    "a header of C": ("math.c", "would hide C's own <math.h>"),
}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names(name, tmp_path):
    with pytest.raises(ValueError, match=BAD_NAMES[name][1]):
        fitted("numbers").to_c(tmp_path / BAD_NAMES[name][0])
    assert not list(tmp_path.iterdir())


def test_bad_calls(tmp_path):
    model, path = fitted("numbers"), tmp_path / "model.c"
    with pytest.raises(ValueError, match="weights 'int4' is unknown"):
        model.to_c(path, weights="int4")
    with pytest.raises(ValueError, match="X is None, but"):
        model.to_c(path, weights="int8")
    with pytest.raises(ValueError, match="leave it out"):
        model.to_c(path, X=X)
    with pytest.raises(FileNotFoundError, match="make it first"):
        model.to_c(tmp_path / "nowhere" / "model.c")
    with pytest.raises(NotFittedError):
        MLPClassifier().to_c(path)
    alike = Program(1, "float32", (Encode((np.array([2**24, 2**24 + 1]),)),), Decision("numbers"))
    with pytest.raises(ValueError, match="Column 0 are one number in float32"):
        Predictor(alike).to_c(path)
    assert not list(tmp_path.iterdir())


def test_quantization_is_better_than_rounding_to_the_largest():
    weights = RNG.normal(size=(30, 200)) * np.logspace(-3, 3, 200)
    quantized = quantize(weights)
    scales = np.abs(weights).max(axis=0) / 127
    plain = np.square(np.rint(weights / scales) * scales - weights).sum(axis=0)
    assert quantized.values.dtype == np.int8
    assert np.abs(quantized.values.astype(int)).max() <= 127
    errors = np.square(quantized.weights() - weights).sum(axis=0)
    assert np.mean(errors / plain) < 0.98
    assert_array_equal(quantize(np.zeros((3, 2))).weights(), 0)


def test_packed_weights_are_all_weights_once():
    weights = np.arange(3 * 70).reshape(3, 70)
    order = packed(weights)
    assert_array_equal(np.sort(order), np.arange(3 * 70))
    assert_array_equal(order[:32], weights[0, :32])
    assert_array_equal(order[-3:], weights[:, -1])
