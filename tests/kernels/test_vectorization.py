"""Kernels are vector code: read off the machine code, because a compiler flag promises nothing."""

import re
import shutil
import subprocess
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from fastmlp._core import _config
from fastmlp._core._activations import ACTIVATION_KERNELS
from fastmlp._core._plan import LOSS_KERNELS
from fastmlp._core._training import OPTIMIZER_KERNELS

ROOT = Path(__file__).parents[2]
REGISTERS = {"avx2": "ymm", "avx512": "zmm"}
# Arithmetic on whole registers of floats or of doubles.
ARITHMETIC = r"v(?:add|sub|mul|div|max|min|sqrt|fmadd\d*|fmsub\d*|fnmadd\d*|fnmsub\d*|cmp\w*?)p{}\b.*%{}"
# Or, where a body only selects or copies, moves and blends of them.
MOVES = r"v(?:and|andn|blend|blendv|blendm|mov[au]|pand|pandn|pternlog|maskmov)\w*\b.*%{}"

MOVES_ONLY = ["relu_forward", "hard_limit_forward", "gather_rows"]
# Kernels that stay scalar, or only copy or call others.
SCALAR = [
    *("identity_forward", "identity_backward", "pack", "embed", "embed_backward"),  # copy
    *("increasing_forward", "increasing_backward", "maxout_forward", "maxout_backward"),  # elements depend on others
    *("power_product_forward", "power_product_backward"),  # powers are the C library's
    "quantile",  # has as many levels as it has
    *("kl_divergence", "kl_divergence_distribution", "kl_divergence_logistic", "kl_divergence_softmax"),
    "perceptron_net",
]
# Functions that kernels call, and that hold their arithmetic.
HELPERS = ["shifted_exp", "dot", "tile_any", "gemv"]


def names_of_kernels():
    """Every function of a table, by the lists of kernels.h and the rest of table.inl.h."""
    table = (ROOT / "src_c" / "table.inl.h").read_text()
    return [
        *(f"{name}_{way}" for name in ACTIVATION_KERNELS for way in ("forward", "backward")),
        *LOSS_KERNELS,
        *(f"{name}_update" for name in OPTIMIZER_KERNELS),
        *re.findall(r"= FM_NAME\((\w+)\)", table),
    ]


COMPUTES = [name for name in [*names_of_kernels(), *HELPERS] if name not in [*MOVES_ONLY, *SCALAR]]


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
    if not any(function.endswith(f"_{suffix}_{isa}") for function in functions):
        pytest.skip("this build is stripped of the names of its functions")
    assert f"{name}_{suffix}_{isa}" in functions, "no such function; is its name still right?"
    # A loss, or an optimizer, may call the loop over its elements rather than hold it.
    loops = (f"{name}_range", name.removesuffix("_update"))
    return [line for function in {name, *loops} for line in functions.get(f"{function}_{suffix}_{isa}", [])]


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


def test_functions_of_one_element_are_inlined():
    """Or the loops that call them stay scalar, in the generic table too."""
    bodies = "".join(path.read_text() for path in (ROOT / "src_c").glob("*.inl.h"))
    names = re.findall(r"^FM_INLINE .*FM_NAME\((\w+)\)\(", bodies, flags=re.MULTILINE)
    assert {"exp", "log", "uniform"} <= set(names)
    called = [re.fullmatch(r"(\w+)_f(?:32|64)_(?:generic|avx2|avx512)", function) for function in disassembly()]
    assert not {match[1] for match in called if match} & set(names)


def test_generic_code_is_not():
    """Or these tests could not fail."""
    for name in COMPUTES:
        assert not any("%ymm" in line or "%zmm" in line for line in disassembly().get(f"{name}_f32_generic", []))
    assert disassembly().get("adam_update_f32_generic") or not disassembly().get("adam_update_f32_avx2")
