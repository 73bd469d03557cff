/* Activations and their derivatives (S7), the derivative from the activation's own value. */

/* An element-wise activation: `value` is h(z), `derivative` is h'(z) written in a = h(z). */
#define FM_ELEMENTWISE(name, value, derivative)                                                              \
  static void FM_NAME(name##_forward)(void *z_inout, ptrdiff_t rows, ptrdiff_t cols) {                       \
    REAL *restrict z_all = z_inout;                                                                          \
    for (ptrdiff_t i = 0; i < rows * cols; i++) {                                                            \
      const REAL z = z_all[i];                                                                               \
      z_all[i] = (value);                                                                                    \
    }                                                                                                        \
  }                                                                                                          \
  static void FM_NAME(name##_backward)(void *delta_inout, const void *a_in, ptrdiff_t rows,                  \
                                       ptrdiff_t cols) {                                                     \
    REAL *restrict delta = delta_inout;                                                                      \
    const REAL *restrict a_all = a_in;                                                                       \
    for (ptrdiff_t i = 0; i < rows * cols; i++) {                                                            \
      const REAL a = a_all[i];                                                                               \
      delta[i] *= (derivative);                                                                              \
    }                                                                                                        \
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

static inline REAL FM_NAME(max)(const REAL *z, ptrdiff_t n) {
  REAL max = z[0];
#pragma omp simd reduction(max : max)
  for (ptrdiff_t j = 1; j < n; j++) max = z[j] > max ? z[j] : max;
  return max;
}

static inline REAL FM_NAME(sum)(const REAL *z, ptrdiff_t n) {
  REAL sum = 0;
#pragma omp simd reduction(+ : sum)
  for (ptrdiff_t j = 0; j < n; j++) sum += z[j];
  return sum;
}

/* out = exp(z - max of the row), which cannot overflow. All rows in one loop of exponentials, because rows
 * are often shorter than a register. out may be z. */
static void FM_NAME(shifted_exp)(REAL *out, const REAL *z, ptrdiff_t rows, ptrdiff_t cols) {
  for (ptrdiff_t i = 0; i < rows; i++) {
    const REAL max = FM_NAME(max)(z + i * cols, cols);
    for (ptrdiff_t j = 0; j < cols; j++) out[i * cols + j] = z[i * cols + j] - max;
  }
  for (ptrdiff_t i = 0; i < rows * cols; i++) out[i] = FM_NAME(exp)(out[i]);
}

static void FM_NAME(softmax_forward)(void *z_inout, ptrdiff_t rows, ptrdiff_t cols) {
  REAL *z = z_inout;
  FM_NAME(shifted_exp)(z, z, rows, cols);
  for (ptrdiff_t i = 0; i < rows; i++, z += cols) {
    const REAL factor = 1 / FM_NAME(sum)(z, cols);
    for (ptrdiff_t j = 0; j < cols; j++) z[j] *= factor;
  }
}
