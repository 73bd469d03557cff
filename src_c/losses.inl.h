/* Losses (S10): the sum of weight * loss, and its derivative.
 *
 * Matched with their output activation (S2) they start from its input z, so that no log(0) and no overflow
 * can arise, and the derivative by z is h(z) - y. With any other activation they start from its value a. */

#define FM_LOSS(name)                                                                                        \
  static double FM_NAME(name)(void *d_out, const void *x_in, const void *y_in, const void *weight_in,        \
                              double scale, ptrdiff_t rows, ptrdiff_t cols,                                  \
                              const fm_loss_arguments *arguments)

/* `loss` and `derivative` of one component, from its x, y and what `prepare` makes of them, e. */
#define FM_LOSS_ELEMENTWISE(name, prepare, loss, derivative)                                                 \
  static inline REAL FM_NAME(name##_range)(REAL *restrict d, const REAL *restrict x_all,                     \
                                           const REAL *restrict y_all, REAL scale, ptrdiff_t n,              \
                                           REAL threshold) {                                                 \
    REAL sum = 0;                                                                                            \
    (void)threshold;                                                                                         \
    _Pragma("omp simd reduction(+ : sum)") for (ptrdiff_t i = 0; i < n; i++) {                               \
      const REAL x = x_all[i], y = y_all[i], e = (prepare);                                                  \
      sum += (loss);                                                                                         \
      d[i] = scale * (derivative);                                                                           \
    }                                                                                                        \
    return sum;                                                                                              \
  }                                                                                                          \
  FM_LOSS(name) {                                                                                            \
    REAL *d = d_out;                                                                                         \
    const REAL *x = x_in, *y = y_in, *weight = weight_in, threshold = (REAL)arguments->threshold;            \
    if (!weight) return FM_NAME(name##_range)(d, x, y, (REAL)scale, rows * cols, threshold);                 \
    double sum = 0;                                                                                          \
    for (ptrdiff_t i = 0; i < rows; i++, d += cols, x += cols, y += cols)                                    \
      sum += weight[i] * FM_NAME(name##_range)(d, x, y, (REAL)(scale * weight[i]), cols, threshold);         \
    return sum;                                                                                              \
  }

FM_LOSS_ELEMENTWISE(squared_error, x - y, (REAL)0.5 * e * e, e)
FM_LOSS_ELEMENTWISE(log_loss_logistic, FM_NAME(exp)(-FM_FABS(x)), (x < 0 ? 0 : x) - y * x + FM_NAME(log1p)(e),
                    FM_NAME(logistic_from)(x, e) - y)
/* Half the Poisson deviance, y log(y / a) - y + a with a = exp(x). */
FM_LOSS_ELEMENTWISE(poisson_exp, FM_NAME(exp)(x), (y > 0 ? y * (FM_NAME(log)(y) - x) : 0) - y + e, e - y)

/* softplus(x) = exp(x) (1 - exp(x) / 2 + ...) in the left tail, where it and its derivative, the logistic
 * function, underflow, but its logarithm and their quotient do not. */
FM_INLINE REAL FM_NAME(log_softplus)(REAL x, REAL e) {
  return x < -20 ? x - (REAL)0.5 * e : FM_NAME(log)(FM_NAME(softplus)(x));
}
FM_INLINE REAL FM_NAME(logistic_by_softplus)(REAL x, REAL e) {
  return x < -20 ? 1 - (REAL)0.5 * e : FM_NAME(logistic_from)(x, e) / FM_NAME(softplus)(x);
}
FM_LOSS_ELEMENTWISE(poisson_softplus, FM_NAME(exp)(-FM_FABS(x)),
                    (y > 0 ? y * (FM_NAME(log)(y) - FM_NAME(log_softplus)(x, e)) : 0) - y +
                        FM_NAME(softplus)(x),
                    FM_NAME(logistic_from)(x, e) - y * FM_NAME(logistic_by_softplus)(x, e))

FM_INLINE REAL FM_NAME(not_zero)(REAL a) {
  return a < FM_SMALLEST_OUTPUT ? FM_SMALLEST_OUTPUT : a;
}
FM_LOSS_ELEMENTWISE(poisson, FM_NAME(not_zero)(x),
                    (y > 0 ? y * (FM_NAME(log)(y) - FM_NAME(log)(e)) : 0) - y + x, 1 - y / e)
FM_LOSS_ELEMENTWISE(log_loss, FM_NAME(not_zero)(x),
                    -y *FM_NAME(log)(e) - (1 - y) * FM_NAME(log)(FM_NAME(not_zero)(1 - x)),
                    (1 - y) / FM_NAME(not_zero)(1 - x) - y / e)

FM_LOSS_ELEMENTWISE(log_loss_distribution, FM_NAME(not_zero)(x), -y *FM_NAME(log)(e), -y / e)

/* The slope is 0 where a loss has a kink (S8). */
FM_LOSS_ELEMENTWISE(absolute_error, x - y, FM_FABS(e), e > 0 ? 1 : e < 0 ? -1 : e)
FM_LOSS_ELEMENTWISE(huber, x - y,
                    FM_FABS(e) <= threshold ? (REAL)0.5 * e * e
                                            : threshold * (FM_FABS(e) - (REAL)0.5 * threshold),
                    e > threshold    ? threshold
                    : e < -threshold ? -threshold
                                     : e)
/* log cosh e = |e| + log(1 + (exp(-2 |e|) - 1) / 2): exp cannot overflow, and a small e keeps its digits. */
FM_LOSS_ELEMENTWISE(log_cosh, x - y, FM_FABS(e) + FM_NAME(log1p)((REAL)0.5 * FM_NAME(expm1)(-2 * FM_FABS(e))),
                    FM_NAME(tanh)(e))
FM_LOSS_ELEMENTWISE(hinge, 1 - y * x, e < 0 ? 0 : e, e > 0 ? -y : 0)

/* Outputs target by target, in each the levels; e = y - a costs level * e above and (level - 1) * e below. */
FM_LOSS(quantile) {
  REAL *d = d_out;
  const REAL *a = x_in, *y = y_in, *weight = weight_in;
  const ptrdiff_t targets = cols / arguments->n_levels;
  double sum = 0;
  for (ptrdiff_t i = 0; i < rows; i++) {
    const double w = weight ? weight[i] : 1;
    for (ptrdiff_t target = 0; target < targets; target++, y++)
      for (ptrdiff_t k = 0; k < arguments->n_levels; k++, a++, d++) {
        const double level = arguments->levels[k], e = (double)*y - *a;
        const double slope = e > 0 ? level : e < 0 ? level - 1 : e;
        sum += w * slope * e;
        *d = (REAL)(-scale * w * slope);
      }
  }
  return sum;
}

static inline __attribute__((always_inline)) double FM_NAME(log_loss_softmax_rows)(
    REAL *delta, const REAL *z, const REAL *y, const REAL *weight, double scale, ptrdiff_t rows,
    ptrdiff_t cols) {
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

FM_LOSS(log_loss_softmax) {
  REAL *d = d_out;
  const REAL *z = x_in, *y = y_in, *weight = weight_in;
  if (!arguments->groups.n) return FM_NAME(log_loss_softmax_rows)(d, z, y, weight, scale, rows, cols);
  double sum = 0;
  FM_EACH_GROUP(arguments->groups, rows, cols)
  sum += FM_NAME(log_loss_softmax_rows)(d + place, z + place, y + place, weight ? weight + row : NULL, scale,
                                        1, arguments->groups.sizes[group]);
  return sum;
}

/* y log y, 0 at 0. */
FM_INLINE REAL FM_NAME(xlogx)(REAL y) {
  return y > 0 ? y * FM_NAME(log)(y) : 0;
}

/* KL divergence is cross-entropy less the entropy of the targets, which no weight can change. */
#define FM_KL_DIVERGENCE_OF(name, cross_entropy, minus_entropy)                                              \
  FM_LOSS(name) {                                                                                            \
    const REAL *y_all = y_in, *weight = weight_in;                                                           \
    double sum = FM_NAME(cross_entropy)(d_out, x_in, y_in, weight_in, scale, rows, cols, arguments);         \
    for (ptrdiff_t i = 0; i < rows; i++)                                                                     \
      for (ptrdiff_t j = 0; j < cols; j++, y_all++) {                                                        \
        const REAL y = *y_all;                                                                               \
        sum += (weight ? weight[i] : 1) * (minus_entropy);                                                   \
      }                                                                                                      \
    return sum;                                                                                              \
  }

FM_KL_DIVERGENCE_OF(kl_divergence_softmax, log_loss_softmax, FM_NAME(xlogx)(y))
FM_KL_DIVERGENCE_OF(kl_divergence_logistic, log_loss_logistic, FM_NAME(xlogx)(y) + FM_NAME(xlogx)(1 - y))
FM_KL_DIVERGENCE_OF(kl_divergence_distribution, log_loss_distribution, FM_NAME(xlogx)(y))
FM_KL_DIVERGENCE_OF(kl_divergence, log_loss, FM_NAME(xlogx)(y) + FM_NAME(xlogx)(1 - y))
