/* Products with the rows of a sparse X: each stored value touches one row of the weights. */

/* Units whose sums stay in registers while all values of a row are walked through. */
#ifdef FM_VECTOR_BYTES
#define FM_SPARSE_UNITS (4 * LANES)
#else
#define FM_SPARSE_UNITS 16
#endif

static inline ptrdiff_t FM_NAME(column)(const void *columns, int index_bytes, ptrdiff_t i) {
  return index_bytes == 4 ? (ptrdiff_t)((const int32_t *)columns)[i]
                          : (ptrdiff_t)((const int64_t *)columns)[i];
}

/* sum (FM_SPARSE_UNITS) += x w. */
static inline void FM_NAME(sparse_block)(REAL *restrict sum, const REAL *values, const void *columns,
                                         int index_bytes, ptrdiff_t count, const REAL *w_all,
                                         ptrdiff_t units) {
#ifdef FM_VECTOR_BYTES
  VEC s[4];
#pragma GCC unroll 4
  for (int v = 0; v < 4; v++) s[v] = *(const VEC *)(sum + v * LANES);
  for (ptrdiff_t i = 0; i < count; i++) {
    const REAL *w = w_all + FM_NAME(column)(columns, index_bytes, i) * units;
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) s[v] += values[i] * *(const VEC *)(w + v * LANES);
  }
#pragma GCC unroll 4
  for (int v = 0; v < 4; v++) *(VEC *)(sum + v * LANES) = s[v];
#else
  for (ptrdiff_t i = 0; i < count; i++) {
    const REAL *w = w_all + FM_NAME(column)(columns, index_bytes, i) * units;
    for (int j = 0; j < FM_SPARSE_UNITS; j++) sum[j] += values[i] * w[j];
  }
#endif
}

static void FM_NAME(sparse_row)(void *z_out, const void *values_in, const void *columns, int index_bytes,
                                ptrdiff_t count, const void *w_in, const void *init_in, ptrdiff_t units,
                                int relu) {
  REAL *z = z_out;
  const REAL *values = values_in, *w = w_in, *init = init_in;
  for (ptrdiff_t j = 0; j < units; j++) z[j] = init ? init[j] : 0;
  ptrdiff_t first = 0;
  for (; first + FM_SPARSE_UNITS <= units; first += FM_SPARSE_UNITS)
    FM_NAME(sparse_block)(z + first, values, columns, index_bytes, count, w + first, units);
  for (ptrdiff_t i = 0; first < units && i < count; i++) {
    const REAL *row = w + FM_NAME(column)(columns, index_bytes, i) * units;
    for (ptrdiff_t j = first; j < units; j++) z[j] += values[i] * row[j];
  }
  if (relu)
    for (ptrdiff_t j = 0; j < units; j++) z[j] = z[j] < 0 ? 0 : z[j];
}

static void FM_NAME(sparse_gradient)(void *gradient_inout, const void *delta_in, const void *values_in,
                                     const void *columns, int index_bytes, ptrdiff_t count,
                                     ptrdiff_t first_column, ptrdiff_t units) {
  const REAL *restrict delta = delta_in, *values = values_in;
  for (ptrdiff_t i = 0; i < count; i++) {
    REAL *restrict gradient =
        (REAL *)gradient_inout + (FM_NAME(column)(columns, index_bytes, i) - first_column) * units;
    const REAL value = values[i];
    for (ptrdiff_t j = 0; j < units; j++) gradient[j] += value * delta[j];
  }
}
