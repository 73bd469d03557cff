/* exp, tanh, logistic and log1p as straight-line code that compilers turn into vector instructions.
 *
 * exp(x) = 2^n exp(r) with n = round(x / ln 2), |r| <= ln(2) / 2, and exp(r) - 1 by its Taylor series, whose
 * first left-out term is below half an ULP at the ends of that interval. No fast-math: infinities, NaN and
 * subnormal results come out as IEEE 754 says.
 */

/* Round to the nearest integer: adding 1.5 * 2^(mantissa bits) leaves no room for a fraction, and puts the
 * integer into the low bits, from where 2^n is a shift away. */
static inline FM_INT FM_NAME(low_bits)(REAL x) {
  union {
    REAL real;
    FM_INT bits;
  } u = {.real = x + FM_ROUND};
  return u.bits;
}

/* 2^n for an integral n within the exponents of normal numbers. */
static inline REAL FM_NAME(power_of_two)(REAL n) {
  union {
    FM_INT bits;
    REAL real;
  } u = {.bits = (FM_INT)(((FM_UINT)FM_NAME(low_bits)(n) + FM_EXPONENT_BIAS) << FM_MANTISSA_BITS)};
  return u.real;
}

/* x = n ln 2 + r; returns exp(r) - 1 and writes n. */
static inline REAL FM_NAME(reduced_expm1)(REAL x, REAL *n_out) {
  const REAL n = (x * (REAL)1.4426950408889634074 + FM_ROUND) - FM_ROUND;
  const REAL r = (x - n * FM_LN2_HIGH) - n * FM_LN2_LOW;
#ifdef FM_DOUBLE
  REAL p = (REAL)(1.0 / 6227020800.0);
  p = p * r + (REAL)(1.0 / 479001600.0);
  p = p * r + (REAL)(1.0 / 39916800.0);
  p = p * r + (REAL)(1.0 / 3628800.0);
  p = p * r + (REAL)(1.0 / 362880.0);
  p = p * r + (REAL)(1.0 / 40320.0);
  p = p * r + (REAL)(1.0 / 5040.0);
#else
  REAL p = (REAL)(1.0 / 5040.0);
#endif
  p = p * r + (REAL)(1.0 / 720.0);
  p = p * r + (REAL)(1.0 / 120.0);
  p = p * r + (REAL)(1.0 / 24.0);
  p = p * r + (REAL)(1.0 / 6.0);
  p = p * r + (REAL)0.5;
  *n_out = n;
  return p * (r * r) + r;
}

static inline REAL FM_NAME(exp)(REAL x) {
  x = x < FM_EXP_MIN ? FM_EXP_MIN : x;
  x = x > FM_EXP_MAX ? FM_EXP_MAX : x;
  REAL n;
  const REAL e = FM_NAME(reduced_expm1)(x, &n) + 1;
  /* Two factors, because the result may be subnormal or overflow where 2^n itself is no normal number. */
  REAL n_normal = n < 1 - FM_EXPONENT_BIAS ? 1 - FM_EXPONENT_BIAS : n;
  n_normal = n_normal > FM_EXPONENT_BIAS ? FM_EXPONENT_BIAS : n_normal;
  return e * FM_NAME(power_of_two)(n_normal) * FM_NAME(power_of_two)(n - n_normal);
}

/* tanh |x| = t / (t + 2) with t = exp(2|x|) - 1, which keeps its digits near 0. */
static inline REAL FM_NAME(tanh)(REAL x) {
  REAL y = 2 * FM_FABS(x);
  y = y > 44 ? 44 : y; /* tanh(22) rounds to 1 in both dtypes */
  REAL n;
  const REAL e = FM_NAME(reduced_expm1)(y, &n), scale = FM_NAME(power_of_two)(n);
  const REAL t = e * scale + (scale - 1);
  return FM_COPYSIGN(t / (t + 2), x);
}

/* 1 / (1 + exp(-x)), from e = exp(-|x|), which cannot overflow. */
static inline REAL FM_NAME(logistic_from)(REAL x, REAL e) {
  return (x < 0 ? e : 1) / (1 + e);
}

static inline REAL FM_NAME(logistic)(REAL x) {
  return FM_NAME(logistic_from)(x, FM_NAME(exp)(-FM_FABS(x)));
}

/* log(1 + e) for 0 <= e <= 1, as 2 atanh(s) = 2 (s + s^3/3 + s^5/5 + ...) with s = e / (2 + e) <= 1/3. */
static inline REAL FM_NAME(log1p)(REAL e) {
  const REAL s = e / (2 + e), s2 = s * s;
#ifdef FM_DOUBLE
  REAL p = (REAL)(1.0 / 35);
  p = p * s2 + (REAL)(1.0 / 33);
  p = p * s2 + (REAL)(1.0 / 31);
  p = p * s2 + (REAL)(1.0 / 29);
  p = p * s2 + (REAL)(1.0 / 27);
  p = p * s2 + (REAL)(1.0 / 25);
  p = p * s2 + (REAL)(1.0 / 23);
  p = p * s2 + (REAL)(1.0 / 21);
  p = p * s2 + (REAL)(1.0 / 19);
  p = p * s2 + (REAL)(1.0 / 17);
  p = p * s2 + (REAL)(1.0 / 15);
#else
  REAL p = (REAL)(1.0 / 15);
#endif
  p = p * s2 + (REAL)(1.0 / 13);
  p = p * s2 + (REAL)(1.0 / 11);
  p = p * s2 + (REAL)(1.0 / 9);
  p = p * s2 + (REAL)(1.0 / 7);
  p = p * s2 + (REAL)(1.0 / 5);
  p = p * s2 + (REAL)(1.0 / 3);
  return 2 * s + 2 * s * s2 * p;
}
