"""The compiled half of the build; everything else is in pyproject.toml."""

import os
from glob import glob

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

C_SOURCES = sorted(glob("src_c/*.c"))
C_HEADERS = sorted(glob("src_c/*.h"))

# No -ffast-math, which would also change the interpreter's own arithmetic when it reaches the link. These two only
# say that nobody reads errno or floating-point traps after a kernel, without which loops stay scalar.
# Hidden symbols: only each module's PyInit is called from outside.
COMPILE_ARGS = ["-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd", "-fvisibility=hidden"]
MACROS = {}
if os.environ.get("FASTMLP_DEBUG") == "1":
    # For sanitizers. -O1, because at -O3 the compiler's own vector code has accesses through masks, which are not
    # checked. The macro gives arrays memory of their own, without a byte to spare.
    COMPILE_ARGS += ["-O1", "-g1", "-fno-omit-frame-pointer"]
    LINK_ARGS = []
    MACROS["FASTMLP_DEBUG"] = "1"
else:
    COMPILE_ARGS += ["-O3"]
    # Python's own flags ask for debug information, which is four fifths of a wheel. Names of functions stay, for
    # profilers.
    LINK_ARGS = ["-Wl,--strip-debug"]

# The loops are in C and over pointers: Python's checks of indices cost nothing here, so they stay.
DIRECTIVES = {"language_level": 3, "cdivision": True}
if os.environ.get("FASTMLP_COVERAGE") == "1":  # each line of Cython reports itself, without the GIL too
    DIRECTIVES["linetrace"] = True
    MACROS["CYTHON_TRACE_NOGIL"] = "1"


def extension(name, c_sources=()):
    return Extension(
        f"fastmlp._core.{name}",
        [f"fastmlp/_core/{name}.pyx", *c_sources],
        include_dirs=["src_c", np.get_include()],
        depends=C_HEADERS,
        extra_compile_args=COMPILE_ARGS,
        extra_link_args=LINK_ARGS,
        define_macros=list(MACROS.items()),
    )


setup(
    ext_modules=cythonize(
        [
            # Holds the kernels; the others reach them through its kernels_for.
            extension("_config", C_SOURCES),
            extension("_memory"),
            *([extension("_exact_memory")] if "FASTMLP_DEBUG" in MACROS else []),
            extension("_blas"),
            extension("_products"),
            extension("_activations"),
            extension("_data"),
            extension("_plan"),
            extension("_workspace"),
            extension("_user_code"),
            extension("_layers"),
            extension("_passes"),
            extension("_network"),
            extension("_team"),
            extension("_predictor"),
            extension("_training"),
            extension("_perceptron"),
        ],
        compiler_directives=DIRECTIVES,
    ),
)
