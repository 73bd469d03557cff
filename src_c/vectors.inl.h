/* Vectors as types of the compiler's, for the few bodies that cannot be left to its vectorizer. */

typedef REAL FM_NAME(vec) __attribute__((vector_size(FM_VECTOR_BYTES), aligned(sizeof(REAL))));
typedef REAL FM_NAME(half_vec) __attribute__((vector_size(FM_VECTOR_BYTES / 2), aligned(sizeof(REAL))));
typedef FM_INT FM_NAME(lanes) __attribute__((vector_size(FM_VECTOR_BYTES)));
#define VEC FM_NAME(vec)
#define HALF FM_NAME(half_vec)
#define LANES ((ptrdiff_t)(FM_VECTOR_BYTES / sizeof(REAL)))
#define NR (2 * LANES) /* columns of a panel */

/* Lane i of the result is lane from[i] of the two vectors laid end to end. */
static inline __attribute__((always_inline)) VEC FM_NAME(shuffle)(VEC low, VEC high, FM_NAME(lanes) from) {
#ifdef __clang__
  VEC out; /* its __builtin_shufflevector wants literal lanes; this loop becomes the same instruction */
#pragma GCC unroll 16
  for (int i = 0; i < LANES; i++) out[i] = from[i] < LANES ? low[from[i]] : high[from[i] - LANES];
  return out;
#else
  return __builtin_shuffle(low, high, from);
#endif
}

/* In pairs, not one after the other: fewer steps, and smaller errors. */
static inline __attribute__((always_inline)) REAL FM_NAME(sum_of_lanes)(VEC x) {
  FM_NAME(lanes) lane;
#pragma GCC unroll 16
  for (int i = 0; i < LANES; i++) lane[i] = i;
#pragma GCC unroll 4
  for (int half = LANES / 2; half > 0; half /= 2) x += FM_NAME(shuffle)(x, x, lane + half);
  return x[0];
}

/* The sum of the rows of x, each times its factor, where there are factors: n_vectors of it, of the last one
 * `partial` lanes, or all for 0. Called with constant `n_vectors`. */
static inline __attribute__((always_inline)) void FM_NAME(sum_some_columns)(
    int n_vectors, int partial, REAL *sums, const REAL *x, ptrdiff_t stride, const REAL *factors,
    ptrdiff_t factors_stride, ptrdiff_t rows) {
  VEC sum[4] = {{0}, {0}, {0}, {0}};
  for (ptrdiff_t i = 0; i < rows; i++, x += stride)
#pragma GCC unroll 4
    for (int v = 0; v < n_vectors; v++) {
      const VEC part =
          partial ? (VEC)FM_NAME(load_first)(x + v * LANES, partial) : *(const VEC *)(x + v * LANES);
      sum[v] += factors ? factors[i * factors_stride] * part : part;
    }
#pragma GCC unroll 4
  for (int v = 0; v < n_vectors; v++)
    if (partial)
      FM_NAME(store_first)(sums + v * LANES, sum[v], partial);
    else
      *(VEC *)(sums + v * LANES) = sum[v];
}

/* sums (cols,) = sum over rows of factors[row] * x[row], or of x[row] where `factors` is NULL. */
static inline __attribute__((always_inline)) void FM_NAME(sum_rows)(REAL *sums, const REAL *x,
                                                                    ptrdiff_t stride, const REAL *factors,
                                                                    ptrdiff_t factors_stride, ptrdiff_t rows,
                                                                    ptrdiff_t cols) {
  ptrdiff_t j = 0;
  for (; j + 4 * LANES <= cols; j += 4 * LANES)
    FM_NAME(sum_some_columns)(4, 0, sums + j, x + j, stride, factors, factors_stride, rows);
  if (j + 2 * LANES <= cols) {
    FM_NAME(sum_some_columns)(2, 0, sums + j, x + j, stride, factors, factors_stride, rows);
    j += 2 * LANES;
  }
  if (j + LANES <= cols) {
    FM_NAME(sum_some_columns)(1, 0, sums + j, x + j, stride, factors, factors_stride, rows);
    j += LANES;
  }
  if (j < cols)
    FM_NAME(sum_some_columns)(1, (int)(cols - j), sums + j, x + j, stride, factors, factors_stride, rows);
}
