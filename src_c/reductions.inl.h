/* Sums, scaling and checks over whole arrays. */

/* The bias gradient (S4). */
static void FM_NAME(column_sums)(void *sums_out, const void *x_in, ptrdiff_t rows, ptrdiff_t cols) {
  REAL *restrict sums = sums_out;
  const REAL *restrict x = x_in;
  if (cols == 1) {
    REAL sum = 0;
#pragma omp simd reduction(+ : sum)
    for (ptrdiff_t i = 0; i < rows; i++) sum += x[i];
    sums[0] = sum;
    return;
  }
#ifdef FM_VECTOR_BYTES
  FM_NAME(sum_rows)(sums, x, cols, NULL, 0, rows, cols);
#else
  for (ptrdiff_t j = 0; j < cols; j++) sums[j] = x[j];
  for (ptrdiff_t i = 1; i < rows; i++)
    for (ptrdiff_t j = 0; j < cols; j++) sums[j] += x[i * cols + j];
#endif
}

/* x - x is 0 for every finite x and NaN for the others. */
static int FM_NAME(all_finite)(const void *x_in, ptrdiff_t n) {
  const REAL *x = x_in;
  REAL sum = 0;
#pragma omp simd reduction(+ : sum)
  for (ptrdiff_t i = 0; i < n; i++) sum += x[i] - x[i];
  return sum == 0;
}

static double FM_NAME(sum_of_squares)(const void *x_in, ptrdiff_t n) {
  const REAL *x = x_in;
  double sum = 0; /* the square of a float may be too large for one */
#pragma omp simd reduction(+ : sum)
  for (ptrdiff_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
  return sum;
}

static void FM_NAME(scale)(void *x_inout, ptrdiff_t n, double factor_in) {
  REAL *x = x_inout;
  const REAL factor = (REAL)factor_in;
  for (ptrdiff_t i = 0; i < n; i++) x[i] *= factor;
}
