/* Batch normalization (S13): z = scale * (x - mean) / sqrt(variance + epsilon) + shift, column by column.
 * Ioffe and Szegedy (2015), arXiv:1502.03167. */

static void FM_NAME(column_moments)(void *mean_out, void *variance_out, const void *x_in, ptrdiff_t rows,
                                    ptrdiff_t cols) {
  REAL *restrict mean = mean_out, *restrict variance = variance_out;
  const REAL *restrict x = x_in;
  const REAL share = 1 / (REAL)rows;
  FM_NAME(column_sums)(mean, x, rows, cols);
  for (ptrdiff_t j = 0; j < cols; j++) mean[j] *= share, variance[j] = 0;
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < cols; j++) {
      const REAL off = x[i * cols + j] - mean[j];
      variance[j] += off * off;
    }
  for (ptrdiff_t j = 0; j < cols; j++) variance[j] *= share;
}

static void FM_NAME(inverse_deviation)(void *inverse_out, const void *variance_in, ptrdiff_t cols,
                                       double epsilon) {
  REAL *inverse = inverse_out;
  const REAL *variance = variance_in;
  for (ptrdiff_t j = 0; j < cols; j++) inverse[j] = 1 / FM_SQRT(variance[j] + (REAL)epsilon);
}

static void FM_NAME(batch_norm_forward)(void *z_out, void *x_inout, const void *mean_in,
                                        const void *inverse_in, const void *scale_in, const void *shift_in,
                                        ptrdiff_t rows, ptrdiff_t cols) {
  REAL *z = z_out, *x = x_inout;
  const REAL *mean = mean_in, *inverse = inverse_in, *scale = scale_in, *shift = shift_in;
  for (ptrdiff_t i = 0; i < rows; i++, z += cols, x += cols) {
#pragma omp simd
    for (ptrdiff_t j = 0; j < cols; j++) {
      const REAL normalized = (x[j] - mean[j]) * inverse[j];
      x[j] = normalized;
      z[j] = scale[j] * normalized + shift[j];
    }
  }
}

/* With means over the rows written as < >: scale * inverse * (delta - <delta> - normalized <delta
 * normalized>), without the two means where the statistics are constants. */
static void FM_NAME(batch_norm_backward)(void *delta_inout, void *gradient_out, const void *normalized_in,
                                         const void *inverse_in, const void *scale_in, ptrdiff_t rows,
                                         ptrdiff_t cols, int statistics_vary) {
  REAL *restrict delta = delta_inout;
  REAL *restrict shift_gradient = gradient_out, *restrict scale_gradient = shift_gradient + cols;
  const REAL *restrict normalized = normalized_in;
  const REAL *restrict inverse = inverse_in, *restrict scale = scale_in;
  const REAL share = statistics_vary ? 1 / (REAL)rows : 0;
  for (ptrdiff_t j = 0; j < cols; j++) shift_gradient[j] = scale_gradient[j] = 0;
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < cols; j++) {
      shift_gradient[j] += delta[i * cols + j];
      scale_gradient[j] += delta[i * cols + j] * normalized[i * cols + j];
    }
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < cols; j++) {
      const ptrdiff_t k = i * cols + j;
      delta[k] = scale[j] * inverse[j] *
                 (delta[k] - share * (shift_gradient[j] + normalized[k] * scale_gradient[j]));
    }
}

static void FM_NAME(running_update)(void *running_inout, const void *value_in, ptrdiff_t cols,
                                    double momentum, double factor) {
  REAL *restrict running = running_inout;
  const REAL *restrict value = value_in;
  for (ptrdiff_t j = 0; j < cols; j++) running[j] += (REAL)momentum * ((REAL)factor * value[j] - running[j]);
}
