"""Which kernel tables exist, which run on this CPU, and which one is used."""

import os

from fastmlp._core._kernels cimport (
    FM_AVX2,
    FM_AVX512,
    FM_FLOAT32,
    FM_FLOAT64,
    FM_GENERIC,
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


cdef const fm_kernels *kernels_for(str dtype) except NULL:
    """The table in use for a dtype, by its name."""
    cdef:
        fm_isa isa = ISAS[chosen_isa()]
        fm_dtype number = DTYPES[dtype]
    return fm_kernels_for(isa, number)


def has_own_gemm():
    """Whether the kernels in use multiply matrices themselves, rather than through BLAS."""
    return kernels_for("float32").gemm != NULL
