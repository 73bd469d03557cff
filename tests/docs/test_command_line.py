"""python -m fastmlp, as a user runs it."""

import re
import subprocess
import sys

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from fastmlp import MLPClassifier, MLPRegressor, __version__, show_config
from fastmlp._core import _config


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "fastmlp", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120
    )


def test_info(tmp_path):
    result = run("info", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert __version__ in result.stdout
    assert "BLAS" in result.stdout
    assert re.search(rf"kernels in use +{_config.chosen_isa()} ", result.stdout)


@pytest.mark.parametrize(("isa", "products"), [("generic", "BLAS"), ("avx2", "own kernels")])
def test_info_follows_the_choice(monkeypatch, capsys, isa, products):
    if isa not in _config.available_isas():
        pytest.skip(f"this CPU has no {isa}")
    monkeypatch.setenv("FASTMLP_ISA", isa)
    show_config()
    text = capsys.readouterr().out
    assert re.search(rf"kernels in use +{isa} ", text)
    assert re.search(rf"matrix products +{products}", text)


def test_info_follows_the_choice_of_products(monkeypatch, capsys):
    monkeypatch.setenv("FASTMLP_PRODUCTS", "blas")
    show_config()
    assert re.search(r"matrix products +BLAS ", capsys.readouterr().out)


@pytest.mark.parametrize(("isa", "products"), [("", "MKL"), ("generic", "own")])
def test_products_that_are_not_there(monkeypatch, isa, products):
    monkeypatch.setenv("FASTMLP_ISA", isa)
    monkeypatch.setenv("FASTMLP_PRODUCTS", products)
    with pytest.raises(ValueError, match=f"FASTMLP_PRODUCTS is '{products}', which the .* kernels do not offer; unset"):
        show_config()


def test_demo(tmp_path):
    result = run("demo", "--output", "pictures", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    rows = {line.split("  ")[0]: line.split()[1:] for line in result.stdout.splitlines()}
    ours, theirs = (float(rows[name][0]) for name in ("fastmlp", "scikit-learn"))
    assert ours > 0.93
    assert abs(ours - theirs) < 0.02
    assert "60/60" in result.stderr  # the progress bar reached its end
    for name in ("loss_curve.png", "digits.png"):
        assert (tmp_path / "pictures" / name).read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path / "pictures") in result.stdout


def test_demo_says_what_is_missing(tmp_path):
    (tmp_path / "tqdm.py").write_text("raise ModuleNotFoundError(\"No module named 'tqdm'\", name='tqdm')")
    result = run("demo", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == "The demo needs tqdm, which is not installed; pip install 'fastmlp[demo]' brings it.\n"


def test_unknown_command(tmp_path):
    result = run("demon", cwd=tmp_path)
    assert result.returncode == 2
    assert "invalid choice: 'demon'" in result.stderr


def test_inspect(tmp_path):
    pytest.importorskip("safetensors")
    y = np.array(["no", "yes"])[[0, 1, 0, 1]]
    model = MLPClassifier((3,), max_iter=2, random_state=0, activation="tanh")
    with pytest.warns(ConvergenceWarning):
        model.fit([[0.0, 1.0], [1.0, 2.0], [0.5, 1.0], [2.0, 2.0]], y)
    model.save(tmp_path / "model")
    result = run("inspect", "model", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for line in [
        r"model \(\S+ bytes\)",
        r"inputs +2 features, float64",
        r"  dense +2 x 3, float64",
        r"  activate +tanh",
        r"outputs +classes no, yes",
        r"estimator +MLPClassifier",
        r"stop_reason +max_iter",
    ]:
        assert re.search(f"^{line}$", result.stdout, re.MULTILINE), line


def test_inspect_of_what_is_no_model_file(tmp_path):
    (tmp_path / "other").write_text("x" * 100)
    result = run("inspect", "other", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("'other' is no model file that can be read")
    result = run("inspect", "nowhere", cwd=tmp_path)
    assert result.returncode == 1
    assert "nowhere" in result.stderr
    assert "Traceback" not in result.stderr


def test_inspect_prints_nothing_that_a_terminal_obeys(tmp_path):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame([[0.0, 1.0], [1.0, 0.0]], columns=["\x1b[2J", "b"])
    MLPRegressor(hidden_layer_sizes=(), solver="lbfgs").fit(table, [0.0, 1.0]).save(tmp_path / "model")
    result = run("inspect", "model", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "\x1b" not in result.stdout
    assert r"\x1b[2J, b" in result.stdout
