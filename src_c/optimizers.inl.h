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

/* The gradient divided by the root of what is remembered of its squares: v = decay v + share g^2. */
static inline double FM_NAME(scaled_update)(REAL *restrict parameter, REAL *restrict squared_gradients,
                                            const REAL *restrict gradient, ptrdiff_t n, REAL l2, REAL decay,
                                            REAL share, const fm_step *step) {
  const REAL learning_rate = (REAL)step->learning_rate, epsilon = (REAL)step->epsilon;
  REAL squares = 0;
#pragma omp simd reduction(+ : squares)
  for (ptrdiff_t i = 0; i < n; i++) {
    const REAL p = parameter[i], g = gradient[i] + l2 * p;
    const REAL v = decay * squared_gradients[i] + share * (g * g);
    squares += p * p;
    squared_gradients[i] = v;
    parameter[i] = p - learning_rate * g / (FM_SQRT(v) + epsilon);
  }
  return squares;
}

static double FM_NAME(rmsprop_update)(void *parameter, void *mean_of_squares, void *unused,
                                      const void *gradient, ptrdiff_t n, double l2, const fm_step *step) {
  (void)unused;
  return FM_NAME(scaled_update)(parameter, mean_of_squares, gradient, n, (REAL)l2, (REAL)step->decay_2,
                                (REAL)(1 - step->decay_2), step);
}

static double FM_NAME(adagrad_update)(void *parameter, void *sum_of_squares, void *unused,
                                      const void *gradient, ptrdiff_t n, double l2, const fm_step *step) {
  (void)unused;
  return FM_NAME(scaled_update)(parameter, sum_of_squares, gradient, n, (REAL)l2, 1, 1, step);
}

static double FM_NAME(adam_update)(void *parameter_inout, void *mean_inout, void *variance_inout,
                                   const void *gradient_in, ptrdiff_t n, double l2_in, const fm_step *step) {
  REAL *restrict parameter = parameter_inout, *restrict mean = mean_inout,
                 *restrict variance = variance_inout;
  const REAL *restrict gradient = gradient_in;
  const REAL l2 = (REAL)l2_in;
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
