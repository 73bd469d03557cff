/* x86-64 with AVX-512 (F, DQ, BW, VL). The target is a literal: a macro inside the pragma would not be
 * expanded. prefer-vector-width makes the compiler use the full registers. */
#if defined(__x86_64__) && defined(__GNUC__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))),         \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,prefer-vector-width=512")
#endif
#include <immintrin.h>

/* The first n lanes of a vector, 0 < n < all: the others are neither read nor written, and load as 0. */
static inline __m512 load_first_f32_avx512(const float *x, int n) {
  return _mm512_maskz_loadu_ps((__mmask16)((1 << n) - 1), x);
}
static inline __m512d load_first_f64_avx512(const double *x, int n) {
  return _mm512_maskz_loadu_pd((__mmask8)((1 << n) - 1), x);
}
static inline void store_first_f32_avx512(float *x, __m512 value, int n) {
  _mm512_mask_storeu_ps(x, (__mmask16)((1 << n) - 1), value);
}
static inline void store_first_f64_avx512(double *x, __m512d value, int n) {
  _mm512_mask_storeu_pd(x, (__mmask8)((1 << n) - 1), value);
}

/* Half a vector, and zeros above it. */
static inline __m512 widen_f32_avx512(__m256 x) {
  return _mm512_zextps256_ps512(x);
}
static inline __m512d widen_f64_avx512(__m256d x) {
  return _mm512_zextpd256_pd512(x);
}

/* Sums in int32, to which products of two bytes a lane with a pair of int16 are added. */
typedef __m512i sums_f32_avx512;
static inline __m512i no_sums_f32_avx512(void) {
  return _mm512_setzero_si512();
}
static inline __m512i add_products_f32_avx512(__m512i sums, const int8_t *bytes, int32_t pair) {
  const __m512i wide = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)bytes));
  return _mm512_add_epi32(sums, _mm512_madd_epi16(wide, _mm512_set1_epi32(pair)));
}
static inline __m512 as_floats_f32_avx512(__m512i sums) {
  return _mm512_cvtepi32_ps(sums);
}

/* 1 / sqrt(x) and 1 / x to 14 bits. */
static inline __m512 rsqrt_estimate_f32_avx512(__m512 x) {
  return _mm512_rsqrt14_ps(x);
}
static inline __m512 reciprocal_estimate_f32_avx512(__m512 x) {
  return _mm512_rcp14_ps(x);
}

#define FM_ISA avx512
#define FM_VECTOR_BYTES 64
#define FM_GEMM_ROWS 14 /* 14 x 2 sums, 2 of B: 30 of the 32 registers, A straight from memory */
#include "isa.inl.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
