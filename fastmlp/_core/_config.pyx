"""Which kernel tables exist, which run on this CPU, and which one is used."""

import os
from importlib import import_module

from fastmlp._core._kernels cimport (
    FM_AVX2,
    FM_AVX512,
    FM_FLOAT32,
    FM_FLOAT64,
    FM_GENERIC,
    FM_N_DTYPES,
    FM_N_ISAS,
    fm_dtype,
    fm_isa,
    fm_isa_available,
    fm_kernels_for,
)

# From the narrowest to the widest: the last available one is the default.
ISAS = {"generic": FM_GENERIC, "avx2": FM_AVX2, "avx512": FM_AVX512}
# By NumPy's names of them.
DTYPES = {"float32": FM_FLOAT32, "float64": FM_FLOAT64}


def compiled_isas():
    """Names of the instruction sets this build has kernels for."""
    return [name for name, isa in ISAS.items() if fm_kernels_for(isa, FM_FLOAT32) != NULL]


def available_isas():
    """Names of the instruction sets that can run here."""
    return [name for name in compiled_isas() if fm_isa_available(ISAS[name])]


def chosen_isa():
    """Name of the instruction set in use: the widest, or what FASTMLP_ISA names.

    Raises
    ------
    ValueError
        If FASTMLP_ISA names an instruction set that cannot run here.
    """
    available = available_isas()
    chosen = os.environ.get("FASTMLP_ISA") or available[-1]
    if chosen not in available:
        raise ValueError(
            f"The environment variable FASTMLP_ISA is {chosen!r}, which this build cannot run on this CPU; "
            f"unset it or use one of: {', '.join(available)}."
        )
    return chosen


def chosen_products():
    """Who multiplies matrices: "own" kernels, or "blas" through SciPy.

    That is BLAS where the table has no products of its own, or FASTMLP_PRODUCTS says so.

    Raises
    ------
    ValueError
        If FASTMLP_PRODUCTS names something else, or own kernels that the instruction set in use does not have.
    """
    cdef fm_isa isa = ISAS[chosen_isa()]
    has_own = fm_kernels_for(isa, FM_FLOAT32).gemm != NULL
    chosen = os.environ.get("FASTMLP_PRODUCTS") or ("own" if has_own else "blas")
    if chosen not in ("own", "blas") or (chosen == "own" and not has_own):
        raise ValueError(
            f"The environment variable FASTMLP_PRODUCTS is {chosen!r}, which the {chosen_isa()} kernels do not offer; "
            f"unset it or use {'own or ' if has_own else ''}blas."
        )
    return chosen


# The tables without products of their own, filled as they are first asked for: fits may read them without the GIL.
cdef fm_kernels[FM_N_ISAS][FM_N_DTYPES] tables_for_blas


cdef const fm_kernels *kernels_for(str dtype) except NULL:
    """The table in use for a dtype, by its name."""
    cdef:
        fm_isa isa = ISAS[chosen_isa()]
        fm_dtype number = DTYPES[dtype]
        const fm_kernels *own = fm_kernels_for(isa, number)
        fm_kernels *for_blas = &tables_for_blas[<int> isa][<int> number]
        fm_kernels copied
    if chosen_products() == "own":
        return own
    import_module("fastmlp._core._blas")  # which registers itself
    if for_blas.itemsize == 0:
        copied = own[0]
        copied.gemm, copied.pack, copied.panel_columns = NULL, NULL, 0
        for_blas[0] = copied
    return for_blas
