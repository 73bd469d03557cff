/* Optimizer steps (S11), with the gradient of the L2 penalty (S12) added on the way; that of the L1 penalty
 * is added before, where there is one. */

static double FM_NAME(sgd)(REAL *restrict parameter, REAL *restrict velocity, REAL *unused,
                           const REAL *restrict gradient, ptrdiff_t n, REAL l2, const fm_step *step) {
  (void)unused;
  const REAL learning_rate = (REAL)step->learning_rate, momentum = (REAL)step->decay_1;
  /* Nesterov adds the next step along the velocity instead of the velocity itself. */
  const REAL along = step->nesterov ? momentum : 1, down = step->nesterov ? 1 : 0;
  REAL squares = 0;
#pragma omp simd reduction(+ : squares)
  for (ptrdiff_t i = 0; i < n; i++) {
    const REAL p = parameter[i], move = learning_rate * (gradient[i] + l2 * p);
    const REAL v = momentum * velocity[i] - move;
    squares += p * p;
    velocity[i] = v;
    parameter[i] = p + (along * v - down * move);
  }
  return squares;
}

#ifdef FM_ESTIMATES
/* 1 / (sqrt(v) + epsilon) within 3 ULP, from estimates and one Newton step each: square root and division
 * take twice as long as all the rest of an update. v below the smallest normal number counts as 0. */
static inline VEC FM_NAME(over_root)(VEC v, REAL epsilon) {
  const VEC floor = (VEC){0} + FM_MIN_NORMAL;
  const VEC positive = (VEC)(((FM_NAME(lanes))v & (v > floor)) | ((FM_NAME(lanes))floor & ~(v > floor)));
  const VEC r = (VEC)FM_NAME(rsqrt_estimate)(positive);
  const VEC root = v * r, rough = root + epsilon;
  const VEC d = rough + root * ((REAL)0.5 - root * ((REAL)0.5 * r));
  const VEC q = (VEC)FM_NAME(reciprocal_estimate)(rough); /* of `rough`, to start before d is there */
  return q + q * (1 - d * q);
}
#endif

/* m += rest_1 (g - m), v += rest_2 (g^2 - v), p -= learning_rate m / (sqrt(v) + epsilon), where without an
 * array of means m is g, and a `sum` of squares is v += g^2. */
typedef struct {
  REAL l2, rest_1, rest_2, learning_rate, epsilon;
} FM_NAME(scaled_step);

static inline FM_NAME(scaled_step) FM_NAME(scalars)(REAL l2, const fm_step *step) {
  return (FM_NAME(scaled_step)){
      .l2 = l2,
      .rest_1 = (REAL)(1 - step->decay_1),
      .rest_2 = (REAL)(1 - step->decay_2),
      .learning_rate = (REAL)step->learning_rate,
      .epsilon = (REAL)step->epsilon,
  };
}

#ifdef FM_ESTIMATES
/* One vector of parameters, or its first `partial` lanes if that is not 0; returns p^2. */
static inline __attribute__((always_inline)) VEC FM_NAME(scaled_vector)(REAL *parameter, REAL *mean,
                                                                        REAL *square, const REAL *gradient,
                                                                        int sum, int partial,
                                                                        const FM_NAME(scaled_step) * step) {
#define FM_LOAD(x) (partial ? (VEC)FM_NAME(load_first)(x, partial) : *(const VEC *)(x))
#define FM_STORE(x, value)                                                                                   \
  if (partial)                                                                                               \
    FM_NAME(store_first)(x, value, partial);                                                                 \
  else                                                                                                       \
    *(VEC *)(x) = value
  const VEC p = FM_LOAD(parameter), g = FM_LOAD(gradient) + step->l2 * p;
  const VEC old_v = FM_LOAD(square), v = sum ? old_v + g * g : old_v + step->rest_2 * (g * g - old_v);
  VEC m = g;
  if (mean) {
    m = FM_LOAD(mean);
    m += step->rest_1 * (g - m);
    FM_STORE(mean, m);
  }
  FM_STORE(square, v);
  FM_STORE(parameter, p - (step->learning_rate * m) * FM_NAME(over_root)(v, step->epsilon));
#undef FM_LOAD
#undef FM_STORE
  return p * p;
}
#endif

static inline
    __attribute__((always_inline)) double FM_NAME(scaled)(REAL *restrict parameter, REAL *restrict mean,
                                                          REAL *restrict square,
                                                          const REAL *restrict gradient, ptrdiff_t n, int sum,
                                                          const FM_NAME(scaled_step) s) {
#ifdef FM_ESTIMATES
  VEC squares = {0};
  ptrdiff_t i = 0;
  for (; i + LANES <= n; i += LANES)
    squares +=
        FM_NAME(scaled_vector)(parameter + i, mean ? mean + i : NULL, square + i, gradient + i, sum, 0, &s);
  if (i < n)
    squares += FM_NAME(scaled_vector)(parameter + i, mean ? mean + i : NULL, square + i, gradient + i, sum,
                                      (int)(n - i), &s);
  return FM_NAME(sum_of_lanes)(squares);
#else
  REAL squares = 0;
#pragma omp simd reduction(+ : squares)
  for (ptrdiff_t i = 0; i < n; i++) {
    const REAL p = parameter[i], g = gradient[i] + s.l2 * p;
    const REAL old_v = square[i], v = sum ? old_v + g * g : old_v + s.rest_2 * (g * g - old_v);
    REAL m = g;
    if (mean) {
      m = mean[i] + s.rest_1 * (g - mean[i]);
      mean[i] = m;
    }
    squares += p * p;
    square[i] = v;
    parameter[i] = p - s.learning_rate * m / (FM_SQRT(v) + s.epsilon);
  }
  return squares;
#endif
}

static double FM_NAME(rmsprop)(REAL *parameter, REAL *mean_of_squares, REAL *unused, const REAL *gradient,
                               ptrdiff_t n, REAL l2, const fm_step *step) {
  (void)unused;
  return FM_NAME(scaled)(parameter, NULL, mean_of_squares, gradient, n, 0, FM_NAME(scalars)(l2, step));
}

static double FM_NAME(adagrad)(REAL *parameter, REAL *sum_of_squares, REAL *unused, const REAL *gradient,
                               ptrdiff_t n, REAL l2, const fm_step *step) {
  (void)unused;
  return FM_NAME(scaled)(parameter, NULL, sum_of_squares, gradient, n, 1, FM_NAME(scalars)(l2, step));
}

static double FM_NAME(adam)(REAL *parameter, REAL *mean, REAL *variance, const REAL *gradient, ptrdiff_t n,
                            REAL l2, const fm_step *step) {
  return FM_NAME(scaled)(parameter, mean, variance, gradient, n, 0, FM_NAME(scalars)(l2, step));
}

static double FM_NAME(lion)(REAL *restrict parameter, REAL *restrict mean, REAL *unused,
                            const REAL *restrict gradient, ptrdiff_t n, REAL l2, const fm_step *step) {
  (void)unused;
  const REAL learning_rate = (REAL)step->learning_rate;
  const REAL rest_1 = (REAL)(1 - step->decay_1), rest_2 = (REAL)(1 - step->decay_2);
  REAL squares = 0;
#pragma omp simd reduction(+ : squares)
  for (ptrdiff_t i = 0; i < n; i++) {
    const REAL p = parameter[i], g = gradient[i] + l2 * p, m = mean[i];
    const REAL ahead = m + rest_1 * (g - m);
    squares += p * p;
    mean[i] = m + rest_2 * (g - m);
    /* A NaN goes through, so that training that diverges is seen. */
    parameter[i] = p - (ahead > 0 ? learning_rate : ahead < 0 ? -learning_rate : ahead);
  }
  return squares;
}

/* The penalized parameters come first; what lies behind them, biases, takes the same step without. */
#define FM_UPDATE(optimizer)                                                                                 \
  static double FM_NAME(optimizer##_update)(void *parameter, void *moment_1, void *moment_2,                 \
                                            const void *gradient, ptrdiff_t n, ptrdiff_t n_penalized,        \
                                            double l2, const fm_step *step) {                                \
    REAL *p = parameter, *m_1 = moment_1, *m_2 = moment_2;                                                   \
    const REAL *g = gradient;                                                                                \
    const double squares = FM_NAME(optimizer)(p, m_1, m_2, g, n_penalized, (REAL)l2, step);                  \
    if (n > n_penalized)                                                                                     \
      FM_NAME(optimizer)(p + n_penalized, m_1 + n_penalized, m_2 ? m_2 + n_penalized : NULL,                 \
                         g + n_penalized, n - n_penalized, 0, step);                                         \
    return squares;                                                                                          \
  }
FM_OPTIMIZERS(FM_UPDATE)

static double FM_NAME(add_l1_gradient)(void *gradient_inout, const void *parameter_in, ptrdiff_t n,
                                       double l1_in) {
  REAL *restrict gradient = gradient_inout;
  const REAL *restrict parameter = parameter_in;
  const REAL l1 = (REAL)l1_in;
  REAL sum = 0;
#pragma omp simd reduction(+ : sum)
  for (ptrdiff_t i = 0; i < n; i++) {
    const REAL p = parameter[i];
    sum += FM_FABS(p);
    gradient[i] += p > 0 ? l1 : p < 0 ? -l1 : 0;
  }
  return sum;
}
