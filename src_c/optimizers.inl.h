/* Optimizer steps (S11), with the gradient of the L2 penalty (S12) added on the way. */

static inline REAL FM_NAME(sgd_range)(REAL *restrict parameter, REAL *restrict velocity,
                                      const REAL *restrict gradient, ptrdiff_t n, REAL l2,
                                      const fm_step *step) {
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

static inline REAL FM_NAME(adam_range)(REAL *restrict parameter, REAL *restrict mean, REAL *restrict variance,
                                       const REAL *restrict gradient, ptrdiff_t n, REAL l2,
                                       const fm_step *step) {
  const REAL learning_rate = (REAL)step->learning_rate, epsilon = (REAL)step->epsilon;
  const REAL beta_1 = (REAL)step->decay_1, rest_1 = (REAL)(1 - step->decay_1);
  const REAL beta_2 = (REAL)step->decay_2, rest_2 = (REAL)(1 - step->decay_2);
  REAL squares = 0;
#pragma omp simd reduction(+ : squares)
  for (ptrdiff_t i = 0; i < n; i++) {
    const REAL p = parameter[i], g = gradient[i] + l2 * p;
    const REAL m = beta_1 * mean[i] + rest_1 * g;
    const REAL v = beta_2 * variance[i] + rest_2 * (g * g);
    squares += p * p;
    mean[i] = m;
    variance[i] = v;
    parameter[i] = p - learning_rate * m / (FM_SQRT(v) + epsilon);
  }
  return squares;
}

static double FM_NAME(sgd_update)(void *parameter_inout, void *velocity_inout, void *unused,
                                  const void *gradient_in, ptrdiff_t n, ptrdiff_t n_penalized,
                                  const fm_step *step) {
  REAL *parameter = parameter_inout, *velocity = velocity_inout;
  const REAL *gradient = gradient_in;
  const ptrdiff_t k = n_penalized;
  (void)unused;
  const double squares = FM_NAME(sgd_range)(parameter, velocity, gradient, k, (REAL)step->l2, step);
  FM_NAME(sgd_range)(parameter + k, velocity + k, gradient + k, n - k, 0, step);
  return squares;
}

static double FM_NAME(adam_update)(void *parameter_inout, void *mean_inout, void *variance_inout,
                                   const void *gradient_in, ptrdiff_t n, ptrdiff_t n_penalized,
                                   const fm_step *step) {
  REAL *parameter = parameter_inout, *mean = mean_inout, *variance = variance_inout;
  const REAL *gradient = gradient_in;
  const ptrdiff_t k = n_penalized;
  const double squares = FM_NAME(adam_range)(parameter, mean, variance, gradient, k, (REAL)step->l2, step);
  FM_NAME(adam_range)(parameter + k, mean + k, variance + k, gradient + k, n - k, 0, step);
  return squares;
}
