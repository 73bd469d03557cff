/* Activations and their derivatives (S7), the derivative from the activation's own value. */

/* An element-wise activation: `value` is h(z), `derivative` is h'(z) written in a = h(z). */
#define FM_ELEMENTWISE(name, value, derivative)                                                        \
  static void FM_NAME(name##_forward)(void *z_inout, ptrdiff_t rows, ptrdiff_t cols) {                 \
    REAL *restrict z_all = z_inout;                                                                    \
    for (ptrdiff_t i = 0; i < rows * cols; i++) {                                                      \
      const REAL z = z_all[i];                                                                         \
      z_all[i] = (value);                                                                              \
    }                                                                                                  \
  }                                                                                                    \
  static void FM_NAME(name##_backward)(void *delta_inout, const void *a_in, ptrdiff_t rows,            \
                                       ptrdiff_t cols) {                                               \
    REAL *restrict delta = delta_inout;                                                                \
    const REAL *restrict a_all = a_in;                                                                 \
    for (ptrdiff_t i = 0; i < rows * cols; i++) {                                                      \
      const REAL a = a_all[i];                                                                         \
      delta[i] *= (derivative);                                                                        \
    }                                                                                                  \
  }

/* z < 0 ? 0 : z lets a NaN through, so that a diverging network is seen in its loss. */
FM_ELEMENTWISE(relu, z < 0 ? 0 : z, a > 0 ? 1 : 0)
FM_ELEMENTWISE(tanh, FM_NAME(tanh)(z), 1 - a * a)
FM_ELEMENTWISE(logistic, FM_NAME(logistic)(z), a * (1 - a))
FM_ELEMENTWISE(exp, FM_NAME(exp)(z), a)

static void FM_NAME(identity_forward)(void *z, ptrdiff_t rows, ptrdiff_t cols) {
  (void)z, (void)rows, (void)cols;
}

static void FM_NAME(identity_backward)(void *delta, const void *a, ptrdiff_t rows, ptrdiff_t cols) {
  (void)delta, (void)a, (void)rows, (void)cols;
}

/* out = exp(z - max z) and its sum; returns max z. out may be z. A NaN in z gives a NaN sum. */
static inline REAL FM_NAME(shifted_exp)(REAL *out, REAL *sum_out, const REAL *z, ptrdiff_t cols) {
  REAL max = z[0], sum = 0;
#pragma omp simd reduction(max : max)
  for (ptrdiff_t j = 1; j < cols; j++) max = z[j] > max ? z[j] : max;
#pragma omp simd reduction(+ : sum)
  for (ptrdiff_t j = 0; j < cols; j++) {
    out[j] = FM_NAME(exp)(z[j] - max);
    sum += out[j];
  }
  *sum_out = sum;
  return max;
}

static void FM_NAME(softmax_forward)(void *z_inout, ptrdiff_t rows, ptrdiff_t cols) {
  REAL *z = z_inout;
  for (ptrdiff_t i = 0; i < rows; i++, z += cols) {
    REAL sum;
    FM_NAME(shifted_exp)(z, &sum, z, cols);
    const REAL factor = 1 / sum;
    for (ptrdiff_t j = 0; j < cols; j++) z[j] *= factor;
  }
}
