"""docs/mathematics*: every name on the pages exists, every item has its place, every number is right."""

import ast
import doctest
import importlib
import inspect
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import fastmlp
from fastmlp import Network
from fastmlp._core import _products
from fastmlp.activations import ACTIVATIONS, Activation, PowerProduct
from fastmlp.display import LossCurveDisplay
from fastmlp.initializers import INITIALIZERS
from fastmlp.losses import LOSSES
from fastmlp.training.optimizers import SOLVERS
from fastmlp.training.schedules import SCHEDULES

from ..kernels.test_special_functions import MAX_ULP

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("docs/mathematics*.md"), *ROOT.glob("docs/mathematics*/*.md")])
TEXTS = {path: path.read_text() for path in PAGES}
ALL_TEXT = "\n".join(TEXTS.values())
ITEMS = [f"S{number}" for number in range(1, 25)]

# `file` or `file::name`.
REFERENCE = re.compile(r"`((?:docs|examples|fastmlp|src_c|tests)/[\w./]+)(?:::(\w+))?`")
REFERENCES = sorted({(path, name or None) for path, name in REFERENCE.findall(ALL_TEXT)}, key=str)
# How a name is defined, in Python, Cython and C.
DEFINITIONS = (
    r"\b(?:def|class) {0}\b",
    r"^ *cdef [^\n]*\b{0}\(",
    r"^{0}\b[^\n]*=",
    r"\bFM_NAME\({0}\)\([^;]*?\{{",
    r"\bFM_\w+\({0}[,)]",
    r"#define {0}\b",
)


def is_left_out(path):
    """The sdist has no examples, and neither their tests nor their pictures are of use without them."""
    of_examples = path.startswith(("examples/", "docs/pictures/")) or path == "tests/docs/test_examples.py"
    return of_examples and not (ROOT / "examples").is_dir()


@cache
def functions_of(path):
    return {node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.FunctionDef)}


def sections(text):
    """Level-2 sections by their headings."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def section_of(item):
    found = [part for text in TEXTS.values() for name, part in sections(text).items() if name.split()[0] == item]
    assert len(found) == 1, f"{item} has {len(found)} sections"
    return found[0]


def test_there_are_pages():
    assert len(PAGES) >= 5
    assert len(REFERENCES) > 100


@pytest.mark.parametrize(("path", "name"), REFERENCES, ids=str)
def test_every_file_and_name_exists(path, name):
    if is_left_out(path):
        pytest.skip("without the examples")
    assert (ROOT / path).exists()
    if name is None:
        return
    if path.startswith("tests/"):
        assert name.startswith("test_")
        assert name in functions_of(path)
    else:
        text = (ROOT / path).read_text()
        assert any(re.search(form.format(name), text, re.MULTILINE) for form in DEFINITIONS)


def anchors(text):
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_links(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page]):
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        if is_left_out(path.relative_to(ROOT).as_posix()):
            continue
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path.read_text()), target


@pytest.mark.parametrize("item", ITEMS)
def test_every_item_has_its_place(item):
    """A section with its code and its tests, and a row of the table with both."""
    where = re.search(r"^Where: (.+?);\s+Held\s+by:(.+?)\.$", section_of(item), flags=re.MULTILINE | re.DOTALL)
    assert where, f"{item} has no 'Where: ...; Held by: ...'"
    code, tests = (REFERENCE.findall(part) for part in where.groups())
    assert any(not path.startswith("tests/") for path, _ in code)
    assert any(path.startswith("tests/") and name for path, name in tests)
    rows = re.findall(rf"^\| {item} \| \[.+\]\(.+\) \|(.+)\|(.+)\|$", ALL_TEXT, flags=re.MULTILINE)
    assert len(rows) == 1
    assert all(REFERENCE.search(cell) for cell in rows[0])


NAMES = [
    *ACTIVATIONS,
    PowerProduct.name,
    *LOSSES,
    *SOLVERS,
    "lbfgs",
    *INITIALIZERS,
    *SCHEDULES,
    "constant",
    "invscaling",
    "adaptive",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_choice_is_described(name):
    """As the first cell of a table, or bold at the start of a paragraph."""
    assert re.search(rf"^(?:\|[^|]*|\*\*)`{name}`", ALL_TEXT, flags=re.MULTILINE)


@pytest.mark.parametrize("estimator", [fastmlp.MLPClassifier, fastmlp.MLPRegressor])
def test_every_choice_is_in_the_docstring(estimator):
    """Names of what the estimator takes by its name, and in the README with those of the other one."""
    choices = {name for name, activation in ACTIVATIONS.items() if activation.trainable} | {*SOLVERS, "lbfgs"}
    for constraint in estimator._parameter_constraints["loss"]:
        choices |= getattr(constraint, "options", set())
    parameters = estimator.__doc__.split("Attributes\n")[0]
    assert choices <= set(re.findall(r"\w+", parameters))
    what_there_is = re.search(r"^## What there is$.*?^## ", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert choices - {"auto"} <= set(re.findall(r"\w+", what_there_is[0]))


@pytest.mark.parametrize("name", [*ACTIVATIONS, PowerProduct.name])
def test_formulas_are_those_of_the_code(name):
    assert f"| `{name}` | `{ACTIVATIONS.get(name, PowerProduct).formula}` |" in section_of("S7")


def test_errors_of_functions():
    """The largest errors on the page are within what the tests hold."""
    rows = re.findall(r"^\| (\w+)[^|]* \| (\d\.\d+) \| (\d\.\d+) \|$", section_of("S7"), flags=re.MULTILINE)
    assert {"exp", "tanh", "logistic", "softplus", "gelu"} <= {name for name, *_ in rows}
    assert all(0.5 < float(error) <= MAX_ULP for _, *errors in rows for error in errors)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_examples_run(page):
    assert doctest.testfile(str(page), module_relative=False).failed == 0


def test_worked_example_s20():
    """Each number of the table is the library's."""
    rows = re.findall(r"^\| `([^`]+)` \| .+ \| `([^`]+)` \|$", section_of("S20"), flags=re.MULTILINE)
    page = {name: ast.literal_eval(value) for name, value in rows}
    weights, biases = [np.ones((2, 2)), np.ones((2, 1))], [np.zeros(2), np.zeros(1)]
    settings = {"activation": "relu", "loss": "sum_squared_error"}
    network = Network.from_weights(weights, biases, **settings)
    X, Y = [[1, 1]], [[0]]
    _, hidden, output = network.activations(X)
    gradients = network.backward(X, Y)
    library = {
        "Z_1": Network.from_weights(weights[:1], biases[:1], activation=[]).forward(X),
        "A_1": hidden,
        "Z_2": Network.from_weights(weights[1:], biases[1:], activation=[]).forward(hidden),
        "A_2": output,
        "C": gradients.cost,
        "D_1": gradients.deltas[0],
        "D_2": gradients.deltas[1],
        "dC/dX": gradients.inputs,
    }
    network.step(X, Y, learning_rate=0.1)
    for layer in (1, 2):
        library[f"dC/dW_{layer}"] = gradients.coefs[layer - 1]
        library[f"dC/db_{layer}"] = gradients.intercepts[layer - 1]
        library[f"new W_{layer}"] = network.coefs_[layer - 1]
        library[f"new b_{layer}"] = network.intercepts_[layer - 1]
    assert page.keys() == library.keys()
    for name, value in page.items():
        assert np.shape(value) == np.shape(library[name]), name
        assert_allclose(library[name], value, rtol=1e-14, err_msg=name)


class Counted:
    """A matrix that counts the multiplications of its products, which the library computes."""

    multiplications = 0

    def __init__(self, values):
        self.values = values

    def __matmul__(self, other):
        Counted.multiplications += self.values.shape[0] * self.values.shape[1] * other.values.shape[1]
        return Counted(_products.product(self.values, other.values))


def test_multiplications_s18(rng, isa, monkeypatch):
    """Both orders give the same row, for 20 000 and for 1 010 000 multiplications."""
    row, above, below = (Counted(rng.normal(size=shape)) for shape in [(1, 100), (100, 100), (100, 100)])
    results, counts = [], []
    for multiply in (lambda: (row @ above) @ below, lambda: row @ (above @ below)):
        monkeypatch.setattr(Counted, "multiplications", 0)
        results.append(multiply().values)
        counts.append(Counted.multiplications)
    assert_allclose(results[0], results[1], rtol=0, atol=1e-11)
    assert counts == [20_000, 1_010_000]
    cells = re.findall(r"^\| .* \| ([\d ]+) \|$", section_of("S18"), flags=re.MULTILINE)
    assert [int(cell.replace(" ", "")) for cell in cells] == counts


class TanhButFirst(Activation):
    """Leaves the first unit as it is."""

    name = "tanh_but_first"

    def forward(self, z):
        return np.hstack([z[:, :1], np.tanh(z[:, 1:])])

    def backward(self, gradient, z, a):
        return np.hstack([gradient[:, :1], gradient[:, 1:] * (1 - a[:, 1:] ** 2)])


@settings(max_examples=50, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 12), min_size=2, max_size=5),
    n_samples=st.integers(1, 10),
    seed=st.integers(0, 2**16),
)
def test_bias_as_weight_s19(sizes, n_samples, seed):
    """[[1, b], [0, W]] on [1, x]: the same outputs, deltas and gradients, whatever target the column of ones has."""
    rng = np.random.default_rng(seed)
    plain = Network(sizes, activation="tanh", random_state=seed)
    X, Y = rng.normal(size=(n_samples, sizes[0])), rng.normal(size=(n_samples, sizes[-1]))
    matrices = [
        np.block([[np.ones((1, 1)), b], [np.zeros((len(w), 1)), w]])
        for w, b in zip(plain.coefs_, plain.intercepts_, strict=True)
    ]
    augmented = Network.from_weights(matrices, [np.zeros(m.shape[1]) for m in matrices], activation=TanhButFirst())
    with_one = np.hstack([np.ones((n_samples, 1)), X])
    outputs = augmented.forward(with_one)
    assert_allclose(outputs[:, 0], 1, rtol=1e-12)
    assert_allclose(outputs[:, 1:], plain.forward(X), rtol=1e-9, atol=1e-12)

    ours = plain.backward(X, Y)
    theirs = augmented.backward(with_one, np.hstack([rng.normal(size=(n_samples, 1)), Y]))
    same = [
        *zip(ours.deltas, [delta[:, 1:] for delta in theirs.deltas], strict=True),
        *zip(ours.intercepts, [matrix[0, 1:] for matrix in theirs.coefs], strict=True),
        *zip(ours.coefs, [matrix[1:, 1:] for matrix in theirs.coefs], strict=True),
        (ours.inputs, theirs.inputs[:, 1:]),
    ]
    for mine, augmented_one in same:
        assert_allclose(augmented_one, mine, rtol=1e-9, atol=1e-12)


def test_one_linear_unit_is_lms_s17(rng, isa):
    """Gradient descent on single samples is w <- w + eta e x, and with NLMS's step e becomes (1 - eta) e."""
    X, y, eta = rng.normal(size=(50, 4)), rng.normal(size=50), 0.05
    network = Network([4, 1], random_state=0)
    w, b = network.coefs_[0][:, 0].copy(), network.intercepts_[0][0]
    for x, target in zip(X, y, strict=True):
        network.step([x], [target], learning_rate=eta)
        error = target - (w @ x + b)
        w, b = w + eta * error * x, b + eta * error
        assert_allclose(network.coefs_[0][:, 0], w, rtol=1e-12, atol=1e-14)
        assert_allclose(network.intercepts_[0], b, rtol=1e-12, atol=1e-14)
    for x, target in zip(X, y, strict=True):
        before = target - network.forward([x])[0, 0]
        network.step([x], [target], learning_rate=eta / (x @ x + 1))
        assert_allclose(target - network.forward([x])[0, 0], (1 - eta) * before, rtol=1e-9, atol=1e-12)


PUBLIC_MODULES = [
    "fastmlp",
    "fastmlp.activations",
    "fastmlp.display",
    "fastmlp.inspection",
    "fastmlp.losses",
    "fastmlp.training.callbacks",
    "fastmlp.training.schedules",
]


def public_names():
    """What users import, and the methods of estimators, networks and pictures."""

    def is_method(member):
        return inspect.isfunction(member) or inspect.ismethod(member)

    for name in PUBLIC_MODULES:
        module = importlib.import_module(name)
        for public in module.__all__:
            member = getattr(module, public)
            if inspect.isclass(member) or inspect.isfunction(member):
                yield f"{name}.{public}", member
    owners = (fastmlp.MLPClassifier, fastmlp.MLPRegressor, fastmlp.Perceptron, Network, fastmlp.Predictor)
    for owner in (*owners, LossCurveDisplay):
        for name, method in inspect.getmembers(owner, is_method):
            if not name.startswith("_") and method.__module__.startswith("fastmlp"):
                yield f"{owner.__name__}.{name}", method


@pytest.mark.parametrize(("name", "member"), [pytest.param(*pair, id=pair[0]) for pair in public_names()])
def test_every_public_name_is_documented(name, member):
    """What it is, what it takes, and an example, which the doctests run."""
    docstring = inspect.getdoc(member)
    assert docstring, f"{name} has no docstring"
    assert "\nExamples\n--------" in docstring, f"{name} has no example"
    if not inspect.isclass(member):
        for argument in set(inspect.signature(member).parameters) - {"self", "args", "kwargs"}:
            assert re.search(rf"\b{argument}\b", docstring), f"{name} does not say what {argument} is"
