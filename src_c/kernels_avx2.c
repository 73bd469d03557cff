/* x86-64 with AVX2 and FMA. The target is a literal: a macro inside the pragma would not be expanded. */
#if defined(__x86_64__) && defined(__GNUC__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#include <immintrin.h>

/* The first n lanes of a vector, 0 < n < all: the others are neither read nor written, and load as 0. */
static inline __m256i fm_first_f32(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline __m256i fm_first_f64(int n) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
static inline __m256 load_first_f32_avx2(const float *x, int n) {
  return _mm256_maskload_ps(x, fm_first_f32(n));
}
static inline __m256d load_first_f64_avx2(const double *x, int n) {
  return _mm256_maskload_pd(x, fm_first_f64(n));
}
static inline void store_first_f32_avx2(float *x, __m256 value, int n) {
  _mm256_maskstore_ps(x, fm_first_f32(n), value);
}
static inline void store_first_f64_avx2(double *x, __m256d value, int n) {
  _mm256_maskstore_pd(x, fm_first_f64(n), value);
}

/* Half a vector, and zeros above it. */
static inline __m256 widen_f32_avx2(__m128 x) {
  return _mm256_zextps128_ps256(x);
}
static inline __m256d widen_f64_avx2(__m128d x) {
  return _mm256_zextpd128_pd256(x);
}

/* Sums in int32, to which products of two bytes a lane with a pair of int16 are added. */
typedef __m256i sums_f32_avx2;
static inline __m256i no_sums_f32_avx2(void) {
  return _mm256_setzero_si256();
}
static inline __m256i add_products_f32_avx2(__m256i sums, const int8_t *bytes, int32_t pair) {
  const __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)bytes));
  return _mm256_add_epi32(sums, _mm256_madd_epi16(wide, _mm256_set1_epi32(pair)));
}
static inline __m256 as_floats_f32_avx2(__m256i sums) {
  return _mm256_cvtepi32_ps(sums);
}

/* 1 / sqrt(x) and 1 / x to 12 bits. */
static inline __m256 rsqrt_estimate_f32_avx2(__m256 x) {
  return _mm256_rsqrt_ps(x);
}
static inline __m256 reciprocal_estimate_f32_avx2(__m256 x) {
  return _mm256_rcp_ps(x);
}

#define FM_ISA avx2
#define FM_VECTOR_BYTES 32
#define FM_GEMM_ROWS 6 /* 6 x 2 sums, 2 of B, 1 of A: 15 of the 16 registers */
#include "isa.inl.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
