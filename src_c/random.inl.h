/* Random numbers by counter: the i-th number of a key is a hash of both, so that nothing has to be stored for
 * the way back and no order of evaluation, and no number of threads, can change them. */

/* Two rounds of multiply and xor-shift, with the constants of Ellis' and Wellons' "lowbias32" search. */
FM_INLINE uint32_t FM_NAME(hash)(uint32_t x) {
  x ^= x >> 16;
  x *= 0x7feb352dU;
  x ^= x >> 15;
  x *= 0x846ca68bU;
  x ^= x >> 16;
  return x;
}

/* Uniform in [0, 1), a multiple of 2^-24 in both dtypes, so that both draw alike. */
FM_INLINE REAL FM_NAME(uniform)(uint32_t key, uint32_t i) {
  return (REAL)(int32_t)(FM_NAME(hash)(FM_NAME(hash)(i ^ key) + key) >> 8) * (REAL)(1.0 / 16777216);
}

static void FM_NAME(dropout)(void *out_out, const void *x_in, ptrdiff_t rows, ptrdiff_t cols, double rate_in,
                             uint32_t key, ptrdiff_t first_row) {
  REAL *out = out_out;
  const REAL *x = x_in, rate = (REAL)rate_in, kept = (REAL)(1 / (1 - rate_in));
  const uint32_t first = (uint32_t)(first_row * cols);
#pragma omp simd
  for (ptrdiff_t i = 0; i < rows * cols; i++)
    out[i] = FM_NAME(uniform)(key, first + (uint32_t)i) < rate ? 0 : x[i] * kept;
}
