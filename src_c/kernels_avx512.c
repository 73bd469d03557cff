/* x86-64 with AVX-512 (F, DQ, BW, VL). The target is a literal: a macro inside the pragma would not be
 * expanded. prefer-vector-width makes the compiler use the full registers. */
#if defined(__x86_64__) && defined(__GNUC__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))),         \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,prefer-vector-width=512")
#endif
#define FM_ISA avx512
#define FM_VECTOR_BYTES 64
#define FM_GEMM_ROWS 14 /* 14 x 2 sums, 2 of B: 30 of the 32 registers, A straight from memory */
#include "isa.inl.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
