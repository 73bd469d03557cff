/* Optimizer steps (S11), with the gradient of the L2 penalty (S12) added on the way; that of the L1 penalty
 * is added before, where there is one. */

static double FM_NAME(sgd_update)(void *parameter_inout, void *velocity_inout, void *unused,
                                  const void *gradient_in, ptrdiff_t n, double l2_in, const fm_step *step) {
  REAL *restrict parameter = parameter_inout, *restrict velocity = velocity_inout;
  const REAL *restrict gradient = gradient_in;
  const REAL l2 = (REAL)l2_in;
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
/* numerator / (sqrt(v) + epsilon) within 3 ULP, from estimates and one Newton step each: square root and
 * division take twice as long as all the rest of an update. v below the smallest normal number counts as 0.
 */
static inline VEC FM_NAME(over_root)(VEC numerator, VEC v, REAL epsilon) {
  const VEC floor = (VEC){0} + FM_MIN_NORMAL;
  const VEC positive = (VEC)(((FM_NAME(lanes))v & (v > floor)) | ((FM_NAME(lanes))floor & ~(v > floor)));
  const VEC r = (VEC)FM_NAME(rsqrt_estimate)(positive);
  const VEC t = v * r;
  const VEC root = t + ((REAL)0.5 * t) * (1 - t * r);
  const VEC d = root + epsilon, q = (VEC)FM_NAME(reciprocal_estimate)(d);
  return numerator * (q + q * (1 - d * q));
}
#endif

/* m = beta_1 m + rest_1 g, v = beta_2 v + rest_2 g^2, p = p - learning_rate m / (sqrt(v) + epsilon), where
 * without an array of means m is g. */
static inline __attribute__((always_inline)) double FM_NAME(scaled_update)(
    REAL *restrict parameter, REAL *restrict mean, REAL *restrict square, const REAL *restrict gradient,
    ptrdiff_t n, REAL l2, REAL beta_1, REAL rest_1, REAL beta_2, REAL rest_2, const fm_step *step) {
  const REAL learning_rate = (REAL)step->learning_rate, epsilon = (REAL)step->epsilon;
  REAL squares = 0;
  ptrdiff_t done = 0;
#ifdef FM_ESTIMATES
  VEC vector_squares = {0};
  for (; done + LANES <= n; done += LANES) {
    const VEC p = *(const VEC *)(parameter + done);
    const VEC g = *(const VEC *)(gradient + done) + l2 * p;
    const VEC v = beta_2 * *(const VEC *)(square + done) + rest_2 * (g * g);
    VEC m = g;
    if (mean) {
      m = beta_1 * *(const VEC *)(mean + done) + rest_1 * g;
      *(VEC *)(mean + done) = m;
    }
    vector_squares += p * p;
    *(VEC *)(square + done) = v;
    *(VEC *)(parameter + done) = p - FM_NAME(over_root)(learning_rate * m, v, epsilon);
  }
  squares = FM_NAME(sum_of_lanes)(vector_squares);
#endif
#pragma omp simd reduction(+ : squares)
  for (ptrdiff_t i = done; i < n; i++) {
    const REAL p = parameter[i], g = gradient[i] + l2 * p;
    const REAL v = beta_2 * square[i] + rest_2 * (g * g);
    REAL m = g;
    if (mean) {
      m = beta_1 * mean[i] + rest_1 * g;
      mean[i] = m;
    }
    squares += p * p;
    square[i] = v;
    parameter[i] = p - learning_rate * m / (FM_SQRT(v) + epsilon);
  }
  return squares;
}

static double FM_NAME(rmsprop_update)(void *parameter, void *mean_of_squares, void *unused,
                                      const void *gradient, ptrdiff_t n, double l2, const fm_step *step) {
  (void)unused;
  return FM_NAME(scaled_update)(parameter, NULL, mean_of_squares, gradient, n, (REAL)l2, 0, 1,
                                (REAL)step->decay_2, (REAL)(1 - step->decay_2), step);
}

static double FM_NAME(adagrad_update)(void *parameter, void *sum_of_squares, void *unused,
                                      const void *gradient, ptrdiff_t n, double l2, const fm_step *step) {
  (void)unused;
  return FM_NAME(scaled_update)(parameter, NULL, sum_of_squares, gradient, n, (REAL)l2, 0, 1, 1, 1, step);
}

static double FM_NAME(adam_update)(void *parameter, void *mean, void *variance, const void *gradient,
                                   ptrdiff_t n, double l2, const fm_step *step) {
  return FM_NAME(scaled_update)(parameter, mean, variance, gradient, n, (REAL)l2, (REAL)step->decay_1,
                                (REAL)(1 - step->decay_1), (REAL)step->decay_2, (REAL)(1 - step->decay_2),
                                step);
}

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
