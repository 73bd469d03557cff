import runpy
from pathlib import Path

import numpy as np
import pytest

# The sdist has tests, but not these.
FOLDER = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="without the examples")


@pytest.fixture(scope="module")
def load():
    """The names of an example, as a script of that folder sees them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        yield lambda name: runpy.run_path(str(FOLDER / f"{name}.py"))


@pytest.fixture(scope="module")
def results(load, tmp_path_factory):
    """What the example of a name returns; each is run once."""
    found = {}

    def run(name):
        if name not in found:
            example, output = load(name), tmp_path_factory.mktemp(name)
            found[name] = example["run"](example["main"], ["--output", str(output)]), output
        return found[name]

    return run


@pytest.mark.parametrize("name", NAMES)
def test_makes_its_picture_and_is_in_the_readme(name, results):
    _, output = results(name)
    assert (output / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    readme = (FOLDER / "README.md").read_text()
    assert f"[{name}.py]({name}.py)" in readme
    assert f"../docs/pictures/{name}.png" in readme
    assert 1000 < (FOLDER.parent / "docs" / "pictures" / f"{name}.png").stat().st_size < 70_000


def test_a_script_by_its_command_line(load, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("sys.argv", ["bias_as_weight.py", "--output", str(tmp_path / "new" / "folder")])
    runpy.run_path(str(FOLDER / "bias_as_weight.py"), run_name="__main__")
    assert (tmp_path / "new" / "folder" / "bias_as_weight.png").exists()
    assert "gradients of biases" in capsys.readouterr().out


def test_logic_gates(results):
    numbers, _ = results("logic_gates")
    assert numbers["separated"] == {"AND": True, "OR": True, "XOR": False}
    assert numbers["n_solved"] >= 95
    np.testing.assert_array_equal(numbers["given"].forward([[0, 0], [0, 1], [1, 0], [1, 1]]), [[0], [1], [1], [0]])


def test_digits(results):
    numbers, _ = results("digits")
    assert numbers["two"] > 0.97
    assert min(numbers["accuracy"]) > 0.95
    for kind, most_by_ten, least_rejected in (("letters never seen", 0.3, 0.75), ("noise", 0.3, 0.95)):
        by_ten, by_eleven, rejected = numbers["sure"][kind]
        assert by_ten > most_by_ten, "without the eleventh class, it is sure of much that is no digit"
        assert by_eleven < by_ten / 4
        assert rejected > least_rejected
    assert numbers["sure"]["digits"][2] < 0.02


def test_universal_approximation(results):
    errors, _ = results("universal_approximation")
    assert list(errors) == [4, 8, 16, 32, 64]
    assert errors[4] >= 5 * errors[64]
    assert errors[64] < 0.005


def test_multiplication_order(results):
    numbers, _ = results("multiplication_order")
    assert numbers["counts"][100] == [20_000, 1_010_000]
    times = np.array(numbers["seconds"])
    assert np.all(times[:, 0] < times[:, 1])
    assert max(numbers["differences"]) < 1e-10


def test_bias_as_weight(results):
    differences, _ = results("bias_as_weight")
    assert max(differences.values()) < 1e-14


def test_saliency(results):
    numbers, _ = results("saliency")
    assert numbers["jacobian_error"] < 1e-7
    everything, at_random, least, most = numbers["accuracies"].values()
    assert everything > 0.95
    assert most < 0.7 < 0.9 < min(at_random, least)


def test_adaptive_filter(results):
    table, _ = results("adaptive_filter")
    drifting = {name: row[2] for name, row in table.items()}
    goes_on = drifting.pop("MLP, goes on")
    assert goes_on < min(drifting.values()) / 5
    assert drifting["MLP, fixed"] > 50 * table["MLP, fixed"][0]


def test_backpropagation_by_hand(results):
    (by_hand, by_network), _ = results("backpropagation_by_hand")
    for name, value in by_network.items():
        np.testing.assert_array_equal(by_hand[name], value, err_msg=name)
    expected = {"D2": [[8]], "D1": [[8, 8]], "new_W1": [[0.2, 0.2]] * 2, "new_b1": [-0.8, -0.8]}
    expected |= {"new_W2": [[-0.6], [-0.6]], "new_b2": [-0.8]}
    for name, value in expected.items():
        np.testing.assert_allclose(by_network[name], value, rtol=1e-15, atol=1e-16, err_msg=name)


def test_activations_gallery(results):
    errors, _ = results("activations_gallery")
    assert max(errors.values()) < 1e-8
