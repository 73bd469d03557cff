"""C that is written, compiled and called, beside the model that it was written from."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

import fastmlp
from fastmlp import MLPClassifier, MLPRegressor
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
)
from tests.deploy.test_programs import ESTIMATORS, N, NUMBERS, TABLES, Y, classifier, table
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
        standard = ["-std=c99"] if compiler == "gcc" else ["-x", "c++"]
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
