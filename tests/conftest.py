import numpy as np
import pytest

from fastmlp._core import _config


@pytest.fixture(params=_config.available_isas())
def isa(request, monkeypatch):
    """Run a test with every kernel table that this CPU can run."""
    monkeypatch.setenv("FASTMLP_ISA", request.param)
    return request.param


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture
def rng():
    return np.random.default_rng(0)
