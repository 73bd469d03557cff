/* x86-64 with AVX2 and FMA. The target is a literal: a macro inside the pragma would not be expanded. */
#if defined(__x86_64__) && defined(__GNUC__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#define FM_ISA avx2
#define FM_VECTOR_BYTES 32
#define FM_GEMM_ROWS 6 /* 6 x 2 sums, 2 of B, 1 of A: 15 of the 16 registers */
#include "isa.inl.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
