/* The single-layer perceptron (S14): units with a hard limit, which learn from one sample at a time. */

/* Not inlined: two copies could round differently, and a sample on the border that was right in training
 * would be wrong in prediction. */
#ifndef FM_NOINLINE
#ifdef __GNUC__
#define FM_NOINLINE __attribute__((noinline))
#else
#define FM_NOINLINE
#endif
#endif

static FM_NOINLINE REAL FM_NAME(dot)(const REAL *a, const REAL *b, ptrdiff_t n) {
  REAL sum = 0;
#pragma omp simd reduction(+ : sum)
  for (ptrdiff_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static void FM_NAME(perceptron_net)(void *net_out, const void *coef_in, const void *intercept_in,
                                    const void *x_in, ptrdiff_t rows, ptrdiff_t features, ptrdiff_t outputs) {
  REAL *restrict net = net_out;
  const REAL *coef = coef_in, *intercept = intercept_in, *x = x_in;
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t k = 0; k < outputs; k++)
      net[i * outputs + k] = FM_NAME(dot)(coef + k * features, x + i * features, features) + intercept[k];
}

static ptrdiff_t FM_NAME(perceptron_epoch)(void *coef_inout, void *intercept_inout, const void *x_in,
                                           const uint8_t *y, const ptrdiff_t *order, ptrdiff_t rows,
                                           ptrdiff_t features, ptrdiff_t outputs, double eta_in) {
  REAL *intercept = intercept_inout;
  const REAL eta = (REAL)eta_in;
  ptrdiff_t mistakes = 0;
  for (ptrdiff_t i = 0; i < rows; i++) {
    const REAL *restrict x = (const REAL *)x_in + order[i] * features;
    for (ptrdiff_t k = 0; k < outputs; k++) {
      REAL *restrict w = (REAL *)coef_inout + k * features;
      const REAL net = FM_NAME(dot)(w, x, features) + intercept[k];
      const int target = y[order[i] * outputs + k];
      /* Written so that a NaN is a mistake, whatever the target. */
      if (target ? net >= 0 : net < 0) continue;
      const REAL step = target ? eta : -eta; /* eta (y - yhat) */
#pragma omp simd
      for (ptrdiff_t j = 0; j < features; j++) w[j] += step * x[j];
      intercept[k] += step;
      mistakes++;
    }
  }
  return mistakes;
}
