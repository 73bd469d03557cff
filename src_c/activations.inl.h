/* Activations and their vector-Jacobian products (S6, S7), with the subgradients of S8. */

#define FM_FORWARD(name)                                                                                     \
  static void FM_NAME(name##_forward)(void *a_out, const void *z_in, ptrdiff_t rows, ptrdiff_t units,        \
                                      const fm_activation_arguments *arguments)
#define FM_BACKWARD(name)                                                                                    \
  static void FM_NAME(name##_backward)(void *delta_out, const void *g_in, const void *a_in,                  \
                                       const void *z_in, ptrdiff_t rows, ptrdiff_t units,                    \
                                       const fm_activation_arguments *arguments)

/* A component-wise activation: `value` is h(z), `derivative` is h'(z) written in a = h(z) where that is
 * possible, so that a may overwrite z; c_0, c_1 and c_2 are its constants. */
#define FM_ELEMENTWISE(name, value, derivative)                                                              \
  FM_FORWARD(name) {                                                                                         \
    REAL *a_all = a_out;                                                                                     \
    const REAL *z_all = z_in;                                                                                \
    const REAL c_0 = (REAL)arguments->constants[0], c_1 = (REAL)arguments->constants[1];                     \
    (void)c_0, (void)c_1;                                                                                    \
    _Pragma("omp simd") for (ptrdiff_t i = 0; i < rows * units; i++) {                                       \
      const REAL z = z_all[i];                                                                               \
      a_all[i] = (value);                                                                                    \
    }                                                                                                        \
  }                                                                                                          \
  FM_BACKWARD(name) {                                                                                        \
    REAL *delta = delta_out;                                                                                 \
    const REAL *g = g_in, *a_all = a_in, *z_all = z_in;                                                      \
    const REAL c_0 = (REAL)arguments->constants[0], c_1 = (REAL)arguments->constants[1];                     \
    (void)c_0, (void)c_1, (void)a_all, (void)z_all;                                                          \
    _Pragma("omp simd") for (ptrdiff_t i = 0; i < rows * units; i++) {                                       \
      const REAL a = a_all[i], z = z_all[i];                                                                 \
      (void)a, (void)z;                                                                                      \
      delta[i] = g[i] * (derivative);                                                                        \
    }                                                                                                        \
  }

/* z < 0 ? 0 : z lets a NaN through, so that a diverging network is seen in its loss. */
FM_ELEMENTWISE(relu, z < 0 ? 0 : z, a > 0 ? 1 : 0)
FM_ELEMENTWISE(leaky_relu, z < 0 ? c_0 * z : z, a > 0 ? 1 : c_0)
FM_ELEMENTWISE(hard_limit, z < 0 ? 0 : z >= 0 ? 1 : z, 0)
/* c_0 = alpha, c_1 = scale; selu is one choice of them. */
FM_ELEMENTWISE(elu, c_1 *(z > 0 ? z : c_0 * FM_NAME(expm1)(z)), a > 0 ? c_1 : a + c_0 * c_1)
FM_ELEMENTWISE(softplus, FM_NAME(softplus)(z), -FM_NAME(expm1)(-a))
FM_ELEMENTWISE(gelu, FM_NAME(gelu)(z), FM_NAME(gelu_derivative)(z))
FM_ELEMENTWISE(silu, FM_NAME(silu)(z), FM_NAME(silu_derivative)(z))
FM_ELEMENTWISE(mish, FM_NAME(mish)(z), FM_NAME(mish_derivative)(z))
FM_ELEMENTWISE(logistic, FM_NAME(logistic)(z), a * (1 - a))
FM_ELEMENTWISE(tanh, FM_NAME(tanh)(z), 1 - a * a)
FM_ELEMENTWISE(hard_tanh, z < -1 ? -1 : z > 1 ? 1 : z, a > -1 && a < 1 ? 1 : 0)
/* 1 from where z + 1 is z on, infinity included. */
FM_ELEMENTWISE(softsign, FM_FABS(z) > (REAL)1e18 ? FM_COPYSIGN(1, z) : z / (1 + FM_FABS(z)),
               (1 - FM_FABS(a)) * (1 - FM_FABS(a)))
FM_ELEMENTWISE(hard_sigmoid,
               z <= -3  ? 0
               : z >= 3 ? 1
                        : z * (REAL)(1.0 / 6) + (REAL)0.5,
               a > 0 && a < 1 ? (REAL)(1.0 / 6) : 0)
FM_ELEMENTWISE(exp, FM_NAME(exp)(z), a)

FM_FORWARD(identity) {
  (void)arguments;
  if (a_out != z_in) memcpy(a_out, z_in, (size_t)(rows * units) * sizeof(REAL));
}

FM_BACKWARD(identity) {
  (void)a_in, (void)z_in, (void)arguments;
  if (delta_out != g_in) memcpy(delta_out, g_in, (size_t)(rows * units) * sizeof(REAL));
}

/* Where z < 0 the slope of element i is uniform between constants 1 and 2. They are read before the loops,
 * because the compiler cannot know that a store into the output leaves them as they are. */
#define FM_RANDOM_SLOPES                                                                                     \
  const REAL lower = (REAL)arguments->constants[1], range = (REAL)arguments->constants[2] - lower;           \
  const uint32_t key = arguments->key, first = (uint32_t)(arguments->first_row * units)

FM_FORWARD(randomized_leaky_relu) {
  REAL *a = a_out;
  const REAL *z = z_in;
  FM_RANDOM_SLOPES;
#pragma omp simd
  for (ptrdiff_t i = 0; i < rows * units; i++) {
    const REAL slope = lower + range * FM_NAME(uniform)(key, first + (uint32_t)i);
    a[i] = z[i] < 0 ? slope * z[i] : z[i];
  }
}

FM_BACKWARD(randomized_leaky_relu) {
  REAL *delta = delta_out;
  const REAL *g = g_in, *z = z_in;
  FM_RANDOM_SLOPES;
  (void)a_in;
#pragma omp simd
  for (ptrdiff_t i = 0; i < rows * units; i++) {
    const REAL slope = lower + range * FM_NAME(uniform)(key, first + (uint32_t)i);
    delta[i] = g[i] * (z[i] > 0 ? 1 : slope);
  }
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

/* A body for each group of each row, whose first element is `place`. */
#define FM_EACH_GROUP(groups, rows, cols)                                                                    \
  for (ptrdiff_t row = 0, place = 0; row < (rows); row++, place = row * (cols))                              \
    for (ptrdiff_t group = 0; group < (groups).n; place += (groups).sizes[group], group++)

static inline __attribute__((always_inline)) void FM_NAME(softmax_rows)(REAL *a, const REAL *z,
                                                                        ptrdiff_t rows, ptrdiff_t units) {
  FM_NAME(shifted_exp)(a, z, rows, units);
  for (ptrdiff_t i = 0; i < rows; i++, a += units) {
    const REAL factor = 1 / FM_NAME(sum)(a, units);
    for (ptrdiff_t j = 0; j < units; j++) a[j] *= factor;
  }
}

FM_FORWARD(softmax) {
  REAL *a = a_out;
  const REAL *z = z_in;
  if (!arguments->groups.n) FM_NAME(softmax_rows)(a, z, rows, units);
  FM_EACH_GROUP(arguments->groups, rows, units)
  FM_NAME(softmax_rows)(a + place, z + place, 1, arguments->groups.sizes[group]);
}

/* J = diag(a) - a a^T, so J^T g = a * (g - g.a). */
static inline __attribute__((always_inline)) void FM_NAME(softmax_rows_backward)(REAL *delta, const REAL *g,
                                                                                 const REAL *a,
                                                                                 ptrdiff_t rows,
                                                                                 ptrdiff_t units) {
  for (ptrdiff_t i = 0; i < rows; i++, delta += units, g += units, a += units) {
    REAL dot = 0;
#pragma omp simd reduction(+ : dot)
    for (ptrdiff_t j = 0; j < units; j++) dot += g[j] * a[j];
#pragma omp simd
    for (ptrdiff_t j = 0; j < units; j++) delta[j] = a[j] * (g[j] - dot);
  }
}

FM_BACKWARD(softmax) {
  REAL *delta = delta_out;
  const REAL *g = g_in, *a = a_in;
  (void)z_in;
  if (!arguments->groups.n) FM_NAME(softmax_rows_backward)(delta, g, a, rows, units);
  FM_EACH_GROUP(arguments->groups, rows, units)
  FM_NAME(softmax_rows_backward)(delta + place, g + place, a + place, 1, arguments->groups.sizes[group]);
}

/* The first of the largest of a group, which alone gets the gradient (S9). */
static inline ptrdiff_t FM_NAME(first_largest)(const REAL *z, ptrdiff_t n) {
  ptrdiff_t largest = 0;
  for (ptrdiff_t j = 1; j < n; j++)
    if (z[j] > z[largest]) largest = j;
  return largest;
}

FM_FORWARD(maxout) {
  REAL *a = a_out;
  const REAL *z = z_in;
  const ptrdiff_t group = units / arguments->outputs;
  for (ptrdiff_t i = 0; i < rows * arguments->outputs; i++, z += group)
    a[i] = z[FM_NAME(first_largest)(z, group)];
}

FM_BACKWARD(maxout) {
  REAL *delta = delta_out;
  const REAL *g = g_in, *z = z_in;
  const ptrdiff_t group = units / arguments->outputs;
  (void)a_in;
  memset(delta, 0, (size_t)(rows * units) * sizeof(REAL));
  for (ptrdiff_t i = 0; i < rows * arguments->outputs; i++, z += group, delta += group)
    delta[FM_NAME(first_largest)(z, group)] = g[i];
}

FM_FORWARD(product) {
  REAL *a = a_out;
  const REAL *z = z_in;
  (void)arguments;
  for (ptrdiff_t i = 0; i < rows * units / 2; i++) a[i] = z[2 * i] * z[2 * i + 1];
}

FM_BACKWARD(product) {
  REAL *restrict delta = delta_out;
  const REAL *restrict g = g_in, *restrict z = z_in;
  (void)a_in, (void)arguments;
  for (ptrdiff_t i = 0; i < rows * units / 2; i++) {
    delta[2 * i] = g[i] * z[2 * i + 1];
    delta[2 * i + 1] = g[i] * z[2 * i];
  }
}

/* a_i = prod_l z_l^exponent[l, i]; NaN or infinite outside its domain, which the caller asks about. */
FM_FORWARD(power_product) {
  REAL *a = a_out;
  const REAL *z = z_in;
  const ptrdiff_t outputs = arguments->outputs;
  for (ptrdiff_t row = 0; row < rows; row++, a += outputs, z += units)
    for (ptrdiff_t i = 0; i < outputs; i++) {
      double product = 1;
      for (ptrdiff_t l = 0; l < units; l++) product *= pow(z[l], arguments->exponents[l * outputs + i]);
      a[i] = (REAL)product;
    }
}

/* da_i / dz_l = exponent z_l^(exponent - 1) prod_{m != l} z_m^exponent[m, i], by the products themselves
 * because a_i / z_l is undefined at 0; 0 where z_l = 0 makes the slope infinite. */
FM_BACKWARD(power_product) {
  REAL *delta = delta_out;
  const REAL *g = g_in, *z = z_in;
  const ptrdiff_t outputs = arguments->outputs;
  (void)a_in;
  for (ptrdiff_t row = 0; row < rows; row++, delta += units, g += outputs, z += units)
    for (ptrdiff_t l = 0; l < units; l++) {
      double sum = 0;
      for (ptrdiff_t i = 0; i < outputs; i++) {
        const double exponent = arguments->exponents[l * outputs + i];
        if (exponent == 0 || (z[l] == 0 && exponent < 1)) continue;
        double slope = exponent * pow(z[l], exponent - 1);
        for (ptrdiff_t m = 0; m < units; m++)
          if (m != l) slope *= pow(z[m], arguments->exponents[m * outputs + i]);
        sum += g[i] * slope;
      }
      delta[l] = (REAL)sum;
    }
}

/* In each group of constants[0] units, a_1 = z_1 and a_k = a_{k-1} + softplus(z_k): outputs in order. */
FM_FORWARD(increasing) {
  REAL *a = a_out;
  const REAL *z = z_in;
  const ptrdiff_t group = (ptrdiff_t)arguments->constants[0];
  for (ptrdiff_t i = 0; i < rows * units; i += group) {
    a[i] = z[i];
    for (ptrdiff_t k = i + 1; k < i + group; k++) a[k] = a[k - 1] + FM_NAME(softplus)(z[k]);
  }
}

FM_BACKWARD(increasing) {
  REAL *delta = delta_out;
  const REAL *g = g_in, *z = z_in;
  const ptrdiff_t group = (ptrdiff_t)arguments->constants[0];
  (void)a_in;
  for (ptrdiff_t i = 0; i < rows * units; i += group) {
    REAL sum = 0;
    for (ptrdiff_t k = i + group - 1; k > i; k--) {
      sum += g[k];
      delta[k] = sum * FM_NAME(logistic)(z[k]);
    }
    delta[i] = sum + g[i];
  }
}
