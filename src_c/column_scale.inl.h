/* A learned factor for each column (diagonal weights): out = x diag(scale), and its gradient. */

/* out (rows, cols) = x with column j times scale[j]; out may be x. */
static void FM_NAME(scale_columns)(void *out_out, const void *x_in, const void *scale_in, ptrdiff_t rows,
                                   ptrdiff_t cols) {
  REAL *out = out_out;
  const REAL *x = x_in, *scale = scale_in;
  for (ptrdiff_t i = 0; i < rows; i++, out += cols, x += cols) {
#pragma omp simd
    for (ptrdiff_t j = 0; j < cols; j++) out[j] = x[j] * scale[j];
  }
}

/* sums (cols,) over the rows of delta * x, which is dC/dscale. */
static void FM_NAME(column_products)(void *sums_out, const void *delta_in, const void *x_in, ptrdiff_t rows,
                                     ptrdiff_t cols) {
  REAL *restrict sums = sums_out;
  const REAL *restrict delta = delta_in, *restrict x = x_in;
  for (ptrdiff_t j = 0; j < cols; j++) sums[j] = 0;
  for (ptrdiff_t i = 0; i < rows; i++, delta += cols, x += cols)
    for (ptrdiff_t j = 0; j < cols; j++) sums[j] += delta[j] * x[j];
}
