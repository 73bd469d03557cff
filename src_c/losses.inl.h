/* Losses with their matched output activation (S2, S10), from the pre-activations z, so that no log(0) and no
 * overflow can arise: delta = scale * weight * (h(z) - y) and the sum of weight * loss. */

/* `loss` and `activation` of one component, from its z, y. */
#define FM_MATCHED_ELEMENTWISE(name, prepare, loss, activation)                                              \
  static inline REAL FM_NAME(name##_range)(REAL *restrict delta, const REAL *restrict z_all,                 \
                                           const REAL *restrict y_all, REAL scale, ptrdiff_t n) {            \
    REAL sum = 0;                                                                                            \
    _Pragma("omp simd reduction(+ : sum)") for (ptrdiff_t i = 0; i < n; i++) {                               \
      const REAL z = z_all[i], y = y_all[i], e = (prepare);                                                  \
      sum += (loss);                                                                                         \
      delta[i] = scale * ((activation) - y);                                                                 \
    }                                                                                                        \
    return sum;                                                                                              \
  }                                                                                                          \
  static double FM_NAME(name)(void *delta_out, const void *z_in, const void *y_in, const void *weight_in,    \
                              double scale, ptrdiff_t rows, ptrdiff_t cols) {                                \
    REAL *delta = delta_out;                                                                                 \
    const REAL *z = z_in, *y = y_in, *weight = weight_in;                                                    \
    if (!weight) return FM_NAME(name##_range)(delta, z, y, (REAL)scale, rows * cols);                        \
    double sum = 0;                                                                                          \
    for (ptrdiff_t i = 0; i < rows; i++, delta += cols, z += cols, y += cols)                                \
      sum += weight[i] * FM_NAME(name##_range)(delta, z, y, (REAL)(scale * weight[i]), cols);                \
    return sum;                                                                                              \
  }

FM_MATCHED_ELEMENTWISE(squared_error_identity, z - y, (REAL)0.5 * e * e, z)
FM_MATCHED_ELEMENTWISE(log_loss_logistic, FM_NAME(exp)(-FM_FABS(z)),
                       (z < 0 ? 0 : z) - y * z + FM_NAME(log1p)(e), FM_NAME(logistic_from)(z, e))

/* Half the Poisson deviance, y log(y / a) - y + a with a = exp(z); its y log(y) - y needs a logarithm that
 * the gradient does not, so rows are summed in plain C. */
static double FM_NAME(poisson_exp)(void *delta_out, const void *z_in, const void *y_in, const void *weight_in,
                                   double scale, ptrdiff_t rows, ptrdiff_t cols) {
  REAL *delta = delta_out;
  const REAL *z = z_in, *y = y_in, *weight = weight_in;
  double sum = 0;
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < cols; j++, delta++, z++, y++) {
      const REAL w = weight ? weight[i] : 1, a = FM_NAME(exp)(*z);
      *delta = (REAL)(scale * w) * (a - *y);
      sum += w * ((*y > 0 ? *y * (FM_LOG(*y) - *z) : 0) - *y + a);
    }
  return sum;
}

static double FM_NAME(log_loss_softmax)(void *delta_out, const void *z_in, const void *y_in,
                                        const void *weight_in, double scale, ptrdiff_t rows, ptrdiff_t cols) {
  REAL *delta = delta_out;
  const REAL *z = z_in, *y = y_in, *weight = weight_in;
  double sum = 0;
  FM_NAME(shifted_exp)(delta, z, rows, cols);
  for (ptrdiff_t i = 0; i < rows; i++, delta += cols, z += cols, y += cols) {
    const REAL exp_sum = FM_NAME(sum)(delta, cols), log_sum = FM_NAME(max)(z, cols) + FM_LOG(exp_sum);
    const REAL w = weight ? weight[i] : 1, factor = (REAL)(scale * w), normalize = 1 / exp_sum;
    REAL loss = 0;
#pragma omp simd reduction(+ : loss)
    for (ptrdiff_t j = 0; j < cols; j++) {
      loss += y[j] * (log_sum - z[j]);
      delta[j] = factor * (delta[j] * normalize - y[j]);
    }
    sum += w * loss;
  }
  return sum;
}
