"""What importing fastmlp imports, and what it does without."""

import subprocess
import sys
import textwrap

import pytest

import fastmlp
import fastmlp.training

BLOCK = """
    import sys

    class Blocked:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in {blocked!r}:
                raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

    sys.meta_path.insert(0, Blocked())
"""


def run_without(blocked, code):
    program = textwrap.dedent(BLOCK.format(blocked=blocked)) + textwrap.dedent(code)
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_a_network_needs_numpy_only():
    run_without(
        ("sklearn", "scipy", "joblib", "threadpoolctl", "matplotlib", "pandas"),
        """
        import os

        os.environ.pop("FASTMLP_ISA", None)
        os.environ.pop("FASTMLP_PRODUCTS", None)
        import fastmlp.network
        from fastmlp._core import _config

        if _config.chosen_products() == "own":
            network = fastmlp.network.Network([2, 3, 1], activation="tanh", random_state=0)
            X, y = [[1.0, 2.0], [3.0, -4.0]], [0.5, 1.0]
            before = network.cost(X, y)
            network.step(X, y, learning_rate=0.01)
            assert network.cost(X, y) < before
            assert network.forward(X).shape == (2, 1)
            assert network.jacobian(X).shape == (2, 1, 2)
        """,
    )


def test_a_network_on_the_generic_table_needs_scipy_too():
    run_without(
        ("sklearn", "matplotlib", "pandas"),
        """
        import os
        os.environ["FASTMLP_ISA"] = "generic"
        from fastmlp import Network

        assert Network([2, 3, 1], random_state=0).forward([[1.0, 2.0]]).shape == (1, 1)
        """,
    )


def test_fastmlp_imports_its_parts_on_first_use():
    run_without(
        (),
        """
        import fastmlp

        assert not {"numpy", "scipy", "sklearn"} & set(sys.modules)
        assert {*fastmlp.__all__, "losses", "training"} <= set(dir(fastmlp))
        fastmlp.Network
        assert not {"scipy", "sklearn"} & set(sys.modules)
        fastmlp.training.callbacks.EarlyStopping
        fastmlp.MLPClassifier
        assert "sklearn" in sys.modules
        """,
    )


def test_names_that_are_not_there():
    with pytest.raises(AttributeError, match="module 'fastmlp' has no attribute 'MLP'"):
        fastmlp.MLP  # noqa: B018
    with pytest.raises(AttributeError, match=r"module 'fastmlp.training' has no attribute 'fit'"):
        fastmlp.training.fit  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'MLP' from 'fastmlp'"):
        from fastmlp import MLP  # noqa: F401


@pytest.mark.parametrize("package", [fastmlp, fastmlp.training], ids=lambda package: package.__name__)
def test_every_listed_name_is_there(package):
    assert all(hasattr(package, name) for name in dir(package))
