"""Model files: what is written is read again, and what is damaged is refused and does nothing."""

import json
import os
import stat
import subprocess
import sys
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import fastmlp
from fastmlp._core._config import chosen_products
from fastmlp.deploy._files import write
from fastmlp.runtime import files
from fastmlp.runtime._engine import _flat
from fastmlp.runtime.files import ModelFileError, parse
from fastmlp.runtime.program import Decision, Program
from fastmlp.runtime.steps import Affine, Clip, Encode, Impute, Indicate, Parallel, Take, apply

from .models import KINDS, X, fitted

safetensors = pytest.importorskip("safetensors.numpy")

FOLDER = Path(__file__).parent.parent / "data"


@pytest.mark.parametrize("kind", KINDS)
def test_files_hold_the_model(kind, tmp_path):
    model = fitted(kind)
    path = tmp_path / "model.safetensors"
    model.save(path)
    compiled, loaded = model.compile(), fastmlp.load(path)
    given, expected = loaded(X), compiled(X)
    if isinstance(expected, list):
        given, expected = np.hstack(given), np.hstack(expected)
    assert_array_equal(given, expected)
    assert loaded.summary["estimator"] == type(model).__name__
    assert loaded.summary["n_iter_"] == 3


def test_other_steps_come_back(tmp_path):
    steps = (
        Parallel(
            (
                (Take(np.array([0, 1])), Impute(np.array([1.0, 2.0])), Affine(*np.ones((3, 2))), Clip(-np.inf, 5.0)),
                (Take(np.array([1])), Indicate()),
                (Take(np.array([2])), Encode((np.array(["a", "ü", "c"], dtype=object),), True, (0,), 0.0)),
                (Take(np.array([2])), Encode((np.array(["a", None, 3], dtype=object),), unknown=-1.0, missing=np.nan)),
            )
        ),
    )
    decision = Decision("numbers", shape=(6,))
    program = Program(3, "float64", steps, decision, feature_names=np.array(["x", "y", "ß"]), summary={"note": "é"})
    write(program, tmp_path / "model")
    read = files.read(tmp_path / "model")
    rows = np.array([[1.0, np.nan, "a"], [np.nan, 2.0, "ü"], [7.0, 8.0, None]], dtype=object)
    assert_array_equal(apply(read.steps, rows), apply(program.steps, rows))
    assert read.feature_names.tolist() == ["x", "y", "ß"]
    assert read.summary == {"note": "é"}


def test_safetensors_own_reader_reads_it(tmp_path):
    """The library that others read these files by."""
    model = fitted("three classes")
    model.save(tmp_path / "model.safetensors")
    arrays = safetensors.load_file(tmp_path / "model.safetensors")
    assert_array_equal(arrays["000000"], model.coefs_[0])


def test_weights_are_views_of_the_file(tmp_path):
    """Processes that load one file share its pages."""
    model = fitted("no hidden layer")
    model.save(tmp_path / "model")
    program = files.read(tmp_path / "model")
    weights = program.steps[0].weights
    assert not weights.flags.writeable
    base = weights
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base, memoryview)
    assert np.shares_memory(fastmlp.Predictor(program)._network.parameters, weights)


def test_a_file_takes_the_place_of_another_at_once(tmp_path):
    path = tmp_path / "model"
    path.write_text("something else")
    path.chmod(0o640)
    fitted("numbers").save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["model"]
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        fitted("numbers").save(tmp_path / "nowhere" / "model")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.safetensors")), ids=lambda path: path.name)
def test_files_of_earlier_formats_load_for_ever(path):
    """Beside each file lie rows and what was predicted of them when it was written."""
    rows = json.loads(path.with_suffix(".json").read_text())
    predicted = fastmlp.load(path)(rows["rows"])
    np.testing.assert_allclose(predicted, rows["predicted"], atol=1e-6)


def test_there_is_a_file_of_this_format():
    assert list(FOLDER.glob(f"format{files.FORMAT}-*.safetensors"))


def content_of(model, tmp_path):
    model.save(tmp_path / "good")
    return (tmp_path / "good").read_bytes()


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return content_of(fitted("three classes"), tmp_path_factory.mktemp("files"))


def packed(header, data=b""):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(header).to_bytes(8, "little") + header + data


def taken_apart(content):
    n_bytes = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + n_bytes])
    return header, json.loads(header["__metadata__"]["fastmlp"]), content[8 + n_bytes :]


def with_document(content, document):
    header, _, data = taken_apart(content)
    header["__metadata__"]["fastmlp"] = document if isinstance(document, str) else json.dumps(document)
    return packed(header, data)


def later_format(content):
    _, document, _ = taken_apart(content)
    return with_document(content, document | {"format": files.FORMAT + 1})


def other_program(**changes):
    def change(content):
        _, document, _ = taken_apart(content)
        return with_document(content, document | {"program": document["program"] | changes})

    return change


def other_entry(**changes):
    def change(content):
        header, _, data = taken_apart(content)
        return packed(header | {"000001": header["000001"] | changes}, data)

    return change


def with_bias(bias):
    def change(content):
        _, document, _ = taken_apart(content)
        document["program"]["steps"][0]["bias"] = bias
        return with_document(content, document)

    return change


def with_activation(**changes):
    def change(content):
        _, document, _ = taken_apart(content)
        document["program"]["steps"][1] |= changes
        return with_document(content, document)

    return change


def other_decision(classes):
    def change(content):
        _, document, _ = taken_apart(content)
        document["program"]["decision"]["classes"] = [classes]
        return with_document(content, document)

    return change


DAMAGED = {
    "empty": (lambda content: b"", "empty|0 bytes"),
    "short": (lambda content: content[:7], "7 bytes"),
    "cut in the header": (lambda content: content[:100], "header would be"),
    "cut in the arrays": (lambda content: content[:-1], "lies at bytes|belong to no array"),
    "more behind": (lambda content: content + b"\0", "belong to no array"),
    "a long header": (lambda content: (1 << 60).to_bytes(8, "little") + content[8:], "header would be"),
    "no JSON": (lambda content: packed(b"{" * 5), "damaged"),
    "deep": (lambda content: packed(b"[" * 100_000), "levels deep"),
    "deep in the description": (lambda content: with_document(content, "[" * 50_000), "levels deep"),
    "a list": (lambda content: packed([]), "no JSON object"),
    "NaN": (lambda content: packed(b'{"a": NaN}'), "holds NaN"),
    "a name twice": (lambda content: packed(b'{"a": 1, "a": 2}'), "twice"),
    "no description": (lambda content: packed({"__metadata__": {}}), "no description"),
    "another description": (lambda content: with_document(content, []), "no format"),
    "a later format": (later_format, "install a later one"),
    "no program": (lambda content: with_document(content, {"format": 1}), "no program"),
    "an unknown step": (other_program(steps=[{"type": "Run"}]), "none of Program"),
    "an unknown field": (other_program(code="print()"), "unknown fields"),
    "a field of another type": (other_program(n_features="6"), "n_features"),
    "other features": (other_program(n_features=7), "for 7 columns"),
    "no steps": (other_program(steps=[]), "outputs"),
    "many features": (other_program(n_features=10**30), "damaged"),
    "an array that is not there": (other_program(feature_names={"array": "9"}), "damaged"),
    "numbers as names": (other_program(feature_names={"text": "000000"}), "no text"),
    "a huge shape": (other_entry(shape=[2**62, 2**62]), "does not take"),
    "a negative shape": (other_entry(shape=[-1]), "whole numbers"),
    "offsets behind the end": (other_entry(data_offsets=[0, 2**60]), "does not take|lies at"),
    "another dtype": (other_entry(dtype="F128"), "is described by"),
    "words as a bias": (with_bias({"objects": [1, None, "a"]}), "no floats|damaged"),
    "groups of an activation without": (with_activation(groups=[3]), "groups or exponents"),
    "exponents of an activation without": (with_activation(exponents={"array": "000000"}), "groups or exponents"),
    "labels that are arrays": (other_decision({"objects": [{"array": "000000"}, 1, 2]}), "no columns of classes"),
    "offsets that are text": (other_entry(data_offsets="ab"), "whole numbers|damaged"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damage_is_named(damage, good, tmp_path):
    how, message = DAMAGED[damage]
    (tmp_path / "bad").write_bytes(how(good))
    with pytest.raises(ModelFileError, match=message) as raised:
        fastmlp.load(tmp_path / "bad")
    assert len(str(raised.value)) < 600
    assert "bad" in str(raised.value)


# As many small objects as a header has room for.
GREEDY = {
    "lists": "[" + "[]," * 60_000 + "[]]",
    "objects": "[" + "{}," * 60_000 + "{}]",
    "numbers": "[" + "1.5," * 45_000 + "1]",
    "names": "{" + ",".join(f'\\"{n:x}\\":{{}}' for n in range(14_000)) + "}",
}


@pytest.mark.parametrize("what", GREEDY)
def test_little_memory_follows_a_header(what):
    content = packed(b'{"__metadata__":{"fastmlp":"{\\"format\\":1,\\"program\\":%s}"}}' % GREEDY[what].encode())
    assert 150_000 < len(content) < files.MAX_HEADER_BYTES
    with pytest.raises(ModelFileError):
        parse(content)  # imports what it needs
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            parse(content)
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


N_CASES = int(os.environ.get("FASTMLP_FUZZ_CASES", "4000"))
VALUES = [
    *(None, -1, 0, 10**18, 1.5, "x", [], {}, [[]], True, {"array": "000000"}, {"array": "zz"}, {"float": "nan"}),
    *({"text": "000000"}, {"objects": [1]}, {"type": "Dense"}, {"type": []}, {"float": []}, 10**30),
]


def places_in(value, place=()):
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places_in(inner, (*place, key))


def damaged(content, kind, rng):
    """One of several kinds of damage, at random."""
    changed = bytearray(content)
    header, document, data = taken_apart(content)
    if kind == 0:
        return rng.bytes(int(rng.integers(0, 300)))
    if kind == 1:
        return content[: int(rng.integers(0, len(content)))]
    if kind == 2:
        for place in rng.integers(0, len(content), 3):
            changed[place] ^= 1 << int(rng.integers(0, 8))
        return bytes(changed)
    if kind == 3:
        for place in rng.integers(8, len(content) - len(data), 4):
            changed[place] = int(rng.integers(0, 256))
        return bytes(changed)
    if kind == 4:
        entry = header[list(header)[int(rng.integers(1, len(header)))]]
        entry["shape"] = [int(size) for size in rng.integers(0, 2**62, int(rng.integers(0, 4)))]
        entry["data_offsets"] = [0, int(rng.integers(0, 2**62))]
        return packed(header, data)
    if kind == 5:
        deep = (b"[" if rng.random() < 0.5 else b'{"a":') * int(rng.integers(1, 30_000))
        return packed(deep, data) if rng.random() < 0.5 else with_document(content, deep.decode())
    places = list(places_in(document))
    place = places[int(rng.integers(1, len(places)))]
    at = document
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = VALUES[int(rng.integers(0, len(VALUES)))]
    return with_document(content, document)


@pytest.mark.parametrize("part", range(4))
def test_damage_at_random(part, good, tmp_path):
    """Either the file is refused, or it is a program whose predictor can be made and called, or refuses to."""
    rng, path = np.random.default_rng(part), tmp_path / "model"
    rows = np.zeros((2, 6))
    tracemalloc.start()
    try:
        for number in range(N_CASES // 4):
            content = damaged(good, number % 7, rng)
            tracemalloc.reset_peak()
            before, start = tracemalloc.get_traced_memory()[0], time.perf_counter()
            try:
                program = parse(content)
            except ModelFileError:
                program = None
            assert time.perf_counter() - start < 1
            assert tracemalloc.get_traced_memory()[1] - before < 10e6
            if program is not None:
                path.write_bytes(content)
                with np.errstate(all="ignore"), suppress(ModelFileError):
                    predictor = fastmlp.load(path)
                    with suppress(ValueError):
                        predictor(rows)
    finally:
        tracemalloc.stop()


RUNTIME_ONLY = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("scipy", "sklearn", "joblib", "pandas", "safetensors", "threadpoolctl"{extra}):
            raise ModuleNotFoundError(name)
        {compiled}

sys.meta_path.insert(0, Refuse())
import numpy as np
import fastmlp
predictor = fastmlp.load(sys.argv[1])
print(repr(predictor(np.load(sys.argv[2])).tolist()))
print(repr(predictor.predict_one(np.load(sys.argv[2])[0]).tolist()))
"""


@pytest.mark.parametrize("compiled", [True, False])
def test_numpy_is_enough(compiled, tmp_path):
    model = fitted("three classes")
    model.save(tmp_path / "model")
    np.save(tmp_path / "rows.npy", X)
    refuse = "" if compiled else 'if name.startswith("fastmlp._core"): raise ModuleNotFoundError(name)'
    program = RUNTIME_ONLY.format(extra="", compiled=refuse or "pass")
    command = [sys.executable, "-c", program, str(tmp_path / "model"), str(tmp_path / "rows.npy")]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    expected = model.predict_proba(X)
    np.testing.assert_allclose(json.loads(lines[0]), expected, atol=1e-12)
    np.testing.assert_allclose(json.loads(lines[1]), expected[0], atol=1e-12)


MODULES = """
import sys
import fastmlp
fastmlp.load, fastmlp.Predictor
if len(sys.argv) > 1:
    fastmlp.load(sys.argv[1]).predict_one([0.0] * 6)
print(*sorted(sys.modules))
"""


@pytest.mark.parametrize("loads", [False, True])
def test_what_an_import_brings(loads, tmp_path):
    """Neither importing fastmlp nor loading a model brings SciPy or scikit-learn, whose imports take seconds."""
    fitted("three classes").save(tmp_path / "model")
    command = [sys.executable, "-c", MODULES, *([str(tmp_path / "model")] if loads else [])]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    brought = {name.partition(".")[0] for name in modules}
    not_needed = {"scipy", "sklearn", "joblib", "pandas", "safetensors", "matplotlib", "threadpoolctl"}
    if loads and chosen_products() == "blas":
        not_needed -= {"scipy"}  # whose BLAS it is
    assert not brought & not_needed
    own = {name for name in modules if name.startswith("fastmlp")}
    assert not own & {"fastmlp.estimators", "fastmlp.deploy._programs", "fastmlp.inspection"}


def test_choices_that_are_refused_are_not_the_file_s(tmp_path):
    fitted("numbers").save(tmp_path / "model")
    for choice in ({"out": "proba"}, {"weights": "float8"}, {"n_jobs": 0}):
        with pytest.raises(ValueError, match=next(iter(choice))) as raised:
            fastmlp.load(tmp_path / "model", **choice)
        assert not isinstance(raised.value, ModelFileError)


def test_neighbours_of_different_owners_are_copied():
    """A view over memory of another owner would be read after that is gone."""
    memory = np.arange(12.0)
    weights, bias = memory[:10].reshape(5, 2), memory[10:]
    assert np.shares_memory(_flat([weights, bias], np.dtype(float)), memory)
    of_another = np.lib.stride_tricks.as_strided(memory[10:], (2,))  # which has an owner of its own
    copied = _flat([weights, of_another], np.dtype(float))
    assert not np.shares_memory(copied, memory)
    assert_array_equal(copied, memory)


def test_weights_that_lie_between_elements(good):
    """As in bytes from elsewhere: kernels are given a copy."""
    memory = bytearray(len(good) + 1)
    memory[1:] = good
    program, shifted = parse(good), parse(memoryview(memory)[1:])
    assert {bool(each.steps[0].weights.flags.aligned) for each in (program, shifted)} == {True, False}
    assert_array_equal(fastmlp.Predictor(shifted)(X), fastmlp.Predictor(program)(X))
