/* Products with the rows of a sparse X: each stored value touches one row of the weights. */

/* Units whose sums stay in registers while all values of a row are walked through. */
#define FM_SPARSE_UNITS 64

static inline ptrdiff_t FM_NAME(column)(const void *columns, int index_bytes, ptrdiff_t i) {
  return index_bytes == 4 ? (ptrdiff_t)((const int32_t *)columns)[i]
                          : (ptrdiff_t)((const int64_t *)columns)[i];
}

static void FM_NAME(sparse_row)(void *z_out, const void *values_in, const void *columns, int index_bytes,
                                ptrdiff_t count, const void *w_in, const void *init_in, ptrdiff_t units,
                                int relu) {
  REAL *z = z_out;
  const REAL *values = values_in, *w_all = w_in, *init = init_in;
  for (ptrdiff_t first = 0; first < units; first += FM_SPARSE_UNITS) {
    const ptrdiff_t n = units - first < FM_SPARSE_UNITS ? units - first : FM_SPARSE_UNITS;
    REAL sum[FM_SPARSE_UNITS];
    for (ptrdiff_t j = 0; j < n; j++) sum[j] = init ? init[first + j] : 0;
    if (n == FM_SPARSE_UNITS) {
      for (ptrdiff_t i = 0; i < count; i++) {
        const REAL *w = w_all + FM_NAME(column)(columns, index_bytes, i) * units + first;
        for (int j = 0; j < FM_SPARSE_UNITS; j++) sum[j] += values[i] * w[j];
      }
    } else {
      for (ptrdiff_t i = 0; i < count; i++) {
        const REAL *w = w_all + FM_NAME(column)(columns, index_bytes, i) * units + first;
        for (ptrdiff_t j = 0; j < n; j++) sum[j] += values[i] * w[j];
      }
    }
    for (ptrdiff_t j = 0; j < n; j++) z[first + j] = relu && sum[j] < 0 ? 0 : sum[j];
  }
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
