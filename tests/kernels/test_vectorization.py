"""Kernels are vector code: read off the machine code, because a compiler flag promises nothing."""

import re
import shutil
import subprocess
from collections import defaultdict
from functools import cache

import pytest

from fastmlp._core import _config

REGISTERS = {"avx2": "ymm", "avx512": "zmm"}
# Arithmetic on whole registers of floats or of doubles.
ARITHMETIC = r"v(?:add|sub|mul|div|max|min|sqrt|fmadd\d*|fmsub\d*|fnmadd\d*|fnmsub\d*|cmp\w*?)p{}\b.*%{}"
# Or, where a body only selects or copies, moves and blends of them.
MOVES = r"v(?:and|andn|blend|blendv|blendm|mov[au]|pand|pandn|pternlog|maskmov)\w*\b.*%{}"

COMPUTES = [
    *(
        f"{name}_{way}"
        for name in (
            *("leaky_relu", "randomized_leaky_relu", "elu", "softplus", "gelu", "silu", "mish", "logistic", "tanh"),
            *("hard_sigmoid", "exp", "softmax", "product"),
        )
        for way in ("forward", "backward")
    ),
    *("relu_backward", "hard_tanh_forward", "hard_tanh_backward"),
    *("squared_error", "log_loss_logistic", "log_loss_softmax", "log_loss", "log_loss_distribution", "poisson_exp"),
    *("poisson_softplus", "poisson", "absolute_error", "huber", "hinge", "shifted_exp"),
    *("sgd", "rmsprop", "adagrad", "adam", "add_l1_gradient"),
    *("dropout", "column_sums", "column_moments", "inverse_deviation", "batch_norm_forward", "batch_norm_backward"),
    *("running_update", "sum_of_squares", "scale", "all_finite", "dot", "sparse_row", "sparse_gradient"),
    *("tile_any", "gemv"),
]
MOVES_ONLY = ["relu_forward", "hard_limit_forward", "gather_rows"]
# Not here, because they stay scalar: in increasing and maxout elements depend on one another, powers are the C
# library's, and a quantile loss has as many levels as it has.


@cache
def disassembly():
    """{function: its instructions}."""
    functions, current = defaultdict(list), None
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", _config.__file__], capture_output=True, text=True, check=True
    ).stdout
    for line in listing.splitlines():
        if header := re.match(r"[0-9a-f]+ <(\w+)[^>]*>:", line):
            current = functions[header.group(1)]
        elif current is not None and "\t" in line:
            current.append(line.split("\t", 1)[1])
    return functions


pytestmark = [
    pytest.mark.skipif(shutil.which("objdump") is None, reason="objdump, of binutils, is not installed"),
    pytest.mark.skipif("avx512" not in _config.compiled_isas(), reason="this build has no vector kernels"),
]


def instructions(name, dtype, isa):
    suffix = {"float32": "f32", "float64": "f64"}[dtype]
    functions = disassembly()
    if f"{name}_{suffix}_{isa}" not in functions:
        pytest.skip("this build is stripped of the names of its functions")
    # A loss may call the loop over its elements, rather than hold it.
    return functions[f"{name}_{suffix}_{isa}"] + functions.get(f"{name}_range_{suffix}_{isa}", [])


@pytest.mark.parametrize("isa", REGISTERS)
@pytest.mark.parametrize("name", COMPUTES)
def test_computes_on_whole_registers(name, dtype, isa):
    in_float = dtype == "float32" and name != "sum_of_squares"  # which may be too large for a float
    pattern = re.compile(ARITHMETIC.format("s" if in_float else "d", REGISTERS[isa]))
    assert any(pattern.match(line) for line in instructions(name, dtype, isa))


@pytest.mark.parametrize("isa", REGISTERS)
@pytest.mark.parametrize("name", MOVES_ONLY)
def test_moves_whole_registers(name, dtype, isa):
    pattern = re.compile(MOVES.format(REGISTERS[isa]))
    assert any(pattern.match(line) for line in instructions(name, dtype, isa))


def test_generic_code_is_not():
    """Or these tests could not fail."""
    for name in COMPUTES:
        assert not any("%ymm" in line or "%zmm" in line for line in disassembly().get(f"{name}_f32_generic", []))
    assert disassembly().get("adam_update_f32_generic") or not disassembly().get("adam_update_f32_avx2")
