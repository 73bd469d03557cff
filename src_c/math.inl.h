/* exp and log and what is built of them, as straight-line code that compilers turn into vector instructions.
 *
 * exp(x) = 2^n exp(r) with n = round(x / ln 2), |r| <= ln(2) / 2, and exp(r) - 1 by its Taylor series, whose
 * first left-out term is below half an ULP at the ends of that interval. No fast-math: infinities, NaN and
 * subnormal results come out as IEEE 754 says. Right with and without contraction of a * b + c to one fma.
 */

FM_INLINE FM_UINT FM_NAME(bits_of)(REAL x) {
  union {
    REAL real;
    FM_UINT bits;
  } u = {.real = x};
  return u.bits;
}

FM_INLINE REAL FM_NAME(real_of)(FM_UINT bits) {
  union {
    FM_UINT bits;
    REAL real;
  } u = {.bits = bits};
  return u.real;
}

/* 2^n for an integral n within the exponents of normal numbers. Adding 1.5 * 2^(mantissa bits) leaves no room
 * for a fraction, and puts the integer into the low bits, from where 2^n is a shift away. */
FM_INLINE REAL FM_NAME(power_of_two)(REAL n) {
  return FM_NAME(real_of)((FM_NAME(bits_of)(n + FM_ROUND) + FM_EXPONENT_BIAS) << FM_MANTISSA_BITS);
}

/* x + low = n ln 2 + r; returns exp(r) - 1 and writes n. low holds digits of the argument beyond those of x.
 */
FM_INLINE REAL FM_NAME(reduced_expm1)(REAL x, REAL low, REAL *n_out) {
  const REAL n = (x * (REAL)1.4426950408889634074 + FM_ROUND) - FM_ROUND;
  const REAL r = (x - n * FM_LN2_HIGH) - (n * FM_LN2_LOW - low);
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

/* factor * exp(x + low), with factor far from overflow; a subnormal result is not rounded before the factor.
 */
FM_INLINE REAL FM_NAME(times_exp)(REAL factor, REAL x, REAL low) {
  x = x < FM_EXP_MIN ? FM_EXP_MIN : x;
  x = x > FM_EXP_MAX ? FM_EXP_MAX : x;
  REAL n;
  const REAL e = FM_NAME(reduced_expm1)(x, low, &n);
  /* Two factors, because the result may be subnormal or overflow where 2^n itself is no normal number. */
  REAL n_normal = n < 1 - FM_EXPONENT_BIAS ? 1 - FM_EXPONENT_BIAS : n;
  n_normal = n_normal > FM_EXPONENT_BIAS ? FM_EXPONENT_BIAS : n_normal;
  return (factor * e + factor) * FM_NAME(power_of_two)(n_normal) * FM_NAME(power_of_two)(n - n_normal);
}

FM_INLINE REAL FM_NAME(exp)(REAL x) {
  return FM_NAME(times_exp)(1, x, 0);
}

/* exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1), which for n = 0 is exp(r) - 1 itself and keeps its digits. */
FM_INLINE REAL FM_NAME(expm1)(REAL x) {
  REAL y = x < -44 ? -44 : x; /* expm1(-44) rounds to -1 in both dtypes */
  y = y > FM_EXP_MAX ? FM_EXP_MAX : y;
  REAL n;
  const REAL e = FM_NAME(reduced_expm1)(y, 0, &n);
  const REAL n_normal = n > FM_EXPONENT_BIAS ? FM_EXPONENT_BIAS : n, scale = FM_NAME(power_of_two)(n_normal);
  const REAL result = (e * scale + (scale - 1)) * FM_NAME(power_of_two)(n - n_normal);
  return FM_COPYSIGN(result, x); /* expm1(-0) is -0 */
}

/* tanh |x| = t / (t + 2) with t = exp(2|x|) - 1, which keeps its digits near 0. */
FM_INLINE REAL FM_NAME(tanh)(REAL x) {
  REAL y = 2 * FM_FABS(x);
  y = y > 44 ? 44 : y; /* tanh(22) rounds to 1 in both dtypes */
  REAL n;
  const REAL e = FM_NAME(reduced_expm1)(y, 0, &n), scale = FM_NAME(power_of_two)(n);
  const REAL t = e * scale + (scale - 1);
  return FM_COPYSIGN(t / (t + 2), x);
}

/* 1 / (1 + exp(-x)), from e = exp(-|x|), which cannot overflow. */
FM_INLINE REAL FM_NAME(logistic_from)(REAL x, REAL e) {
  return (x < 0 ? e : 1) / (1 + e);
}

FM_INLINE REAL FM_NAME(logistic)(REAL x) {
  return FM_NAME(logistic_from)(x, FM_NAME(exp)(-FM_FABS(x)));
}

/* log(1 + e) for -1/2 <= e <= 1, as 2 atanh(s) = 2 (s + s^3/3 + s^5/5 + ...), s = e / (2 + e), |s| <= 1/3. */
FM_INLINE REAL FM_NAME(log1p)(REAL e) {
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

/* log(1 + exp(x)), which for x > 0 is x + log(1 + exp(-x)). */
FM_INLINE REAL FM_NAME(softplus)(REAL x) {
  return (x < 0 ? 0 : x) + FM_NAME(log1p)(FM_NAME(exp)(-FM_FABS(x)));
}

/* log x = e ln 2 + log m with x = 2^e m, sqrt(1/2) <= m < sqrt(2), and log m = 2 atanh(s) as in log1p, with
 * s = (m - 1) / (m + 1), |s| < 0.172. Where e is not 0 the sum is above 0.34, so nothing cancels. */
FM_INLINE REAL FM_NAME(log)(REAL x) {
  const FM_UINT mantissa_mask = ((FM_UINT)1 << FM_MANTISSA_BITS) - 1;
  const REAL y = x < FM_MIN_NORMAL ? x * (REAL)((FM_UINT)1 << FM_MANTISSA_BITS) : x;
  const REAL e_bias = FM_EXPONENT_BIAS + (x < FM_MIN_NORMAL ? FM_MANTISSA_BITS : (REAL)0);
  /* Moves the borders between exponents from powers of two to sqrt(1/2) times these. */
  const FM_UINT shifted = FM_NAME(bits_of)(y) + (FM_NAME(bits_of)(1) - FM_SQRT_HALF_BITS);
  const REAL m = FM_NAME(real_of)((shifted & mantissa_mask) + FM_SQRT_HALF_BITS);
  /* As in power_of_two, backwards: FM_ROUND shows an integer put into its low bits as a number. */
  const REAL e =
      FM_NAME(real_of)((shifted >> FM_MANTISSA_BITS) + FM_NAME(bits_of)(FM_ROUND)) - (FM_ROUND + e_bias);
  const REAL s = (m - 1) / (m + 1), s2 = s * s;
#ifdef FM_DOUBLE
  REAL p = (REAL)(1.0 / 19);
  p = p * s2 + (REAL)(1.0 / 17);
  p = p * s2 + (REAL)(1.0 / 15);
  p = p * s2 + (REAL)(1.0 / 13);
  p = p * s2 + (REAL)(1.0 / 11);
  p = p * s2 + (REAL)(1.0 / 9);
#else
  REAL p = (REAL)(1.0 / 9);
#endif
  p = p * s2 + (REAL)(1.0 / 7);
  p = p * s2 + (REAL)(1.0 / 5);
  p = p * s2 + (REAL)(1.0 / 3);
  const REAL log_m = 2 * s + 2 * s * s2 * p, result = e * FM_LN2_HIGH + (e * FM_LN2_LOW + log_m);
  const REAL special = x == 0 ? -(REAL)INFINITY : (REAL)NAN; /* for x <= 0 and NaN */
  return x > 0 ? (x < (REAL)INFINITY ? result : x) : special;
}

/* For the normal distribution at -t, 0 <= t <= FM_NORMAL_MAX: returns h, writes its low digits l, p and s so
 * that exp(-t^2 / 2) = exp(h + l),  Phi(-t) = exp(h + l) p / s,  phi(t) = exp(h + l) / sqrt(2 pi).
 *
 * Phi(-t) exp(t^2 / 2) = erfcx(t / sqrt(2)) / 2 is smooth and falls like 1/t: times s = t + k it is a
 * polynomial p in t / s, as by Shepherd and Laframboise, Math. Comp. 36 (1981) 249-253. Coefficients:
 * Chebyshev interpolation over 0 <= t <= FM_NORMAL_MAX in 50 digits, cut off below a quarter of an ULP. k,
 * and the number around which the powers are taken, are where rounding errors came out least. */
FM_INLINE REAL FM_NAME(normal_tail)(REAL t, REAL *l_out, REAL *p_out, REAL *s_out) {
  /* t^2 = square + error. Both head^2 and square - head^2 are exact, with fma and without. */
  const REAL head = FM_NAME(real_of)(FM_NAME(bits_of)(t) & ~(((FM_UINT)1 << (FM_MANTISSA_BITS / 2 + 1)) - 1));
  const REAL rest = (t - head) * (t + head), square = head * head + rest;
  const REAL error = rest - (square - head * head);
#ifdef FM_DOUBLE
  const REAL s = t + (REAL)3.5, w = t / s - (REAL)0.375;
  REAL p = (REAL)0.0016180489014790175;
  p = p * w + (REAL)0.0093261306529089615;
  p = p * w - (REAL)0.014426780726007478;
  p = p * w - (REAL)0.01339675941647525;
  p = p * w + (REAL)0.013019916102822094;
  p = p * w + (REAL)0.017518724984990845;
  p = p * w + (REAL)0.0023488108718752627;
  p = p * w - (REAL)0.015382712289954139;
  p = p * w - (REAL)0.019607648167605709;
  p = p * w + (REAL)0.00064381904034743623;
  p = p * w + (REAL)0.02796225818719527;
  p = p * w + (REAL)0.023987638130589919;
  p = p * w - (REAL)0.021211048689294215;
  p = p * w - (REAL)0.052777255870036933;
  p = p * w - (REAL)0.0025260959842779932;
  p = p * w + (REAL)0.086166929912189355;
  p = p * w + (REAL)0.045187345624809659;
  p = p * w - (REAL)0.14546220798426471;
  p = p * w - (REAL)0.10980536199002161;
  p = p * w + (REAL)0.32984800872539866;
  p = p * w + (REAL)0.10695687938161109;
  p = p * w - (REAL)1.0279965301340632;
  p = p * w + (REAL)1.6312180922449144;
  p = p * w - (REAL)1.4919552925579695;
  p = p * w + (REAL)0.90739481626490581;
#else
  const REAL s = t + 3, w = t / s - (REAL)0.28125;
  REAL p = (REAL)0.0553416684;
  p = p * w - (REAL)0.0540894456;
  p = p * w - (REAL)0.0751869455;
  p = p * w + (REAL)0.0231611468;
  p = p * w + (REAL)0.151789963;
  p = p * w + (REAL)0.0532024652;
  p = p * w - (REAL)0.328834295;
  p = p * w - (REAL)0.147015154;
  p = p * w + (REAL)1.1001991;
  p = p * w - (REAL)1.46619475;
  p = p * w + (REAL)0.999415994;
#endif
  *l_out = (REAL)-0.5 * error;
  *p_out = p;
  *s_out = s;
  return (REAL)-0.5 * square;
}

/* x Phi(x) = max(x, 0) - |x| Phi(-|x|). */
FM_INLINE REAL FM_NAME(gelu)(REAL x) {
  REAL t = FM_FABS(x), l, p, s;
  t = t > FM_NORMAL_MAX ? FM_NORMAL_MAX : t;
  const REAL h = FM_NAME(normal_tail)(t, &l, &p, &s);
  return (x < 0 ? 0 : x) - FM_NAME(times_exp)(t / s * p, h, l);
}

/* Phi(x) + x phi(x): f(-t) = Phi(-t) - t phi(t) and f(t) = 1 - f(-t). */
FM_INLINE REAL FM_NAME(gelu_derivative)(REAL x) {
  REAL t = FM_FABS(x), l, p, s;
  t = t > FM_NORMAL_MAX ? FM_NORMAL_MAX : t;
  const REAL h = FM_NAME(normal_tail)(t, &l, &p, &s);
  const REAL left = FM_NAME(times_exp)(p / s - t * (REAL)0.39894228040143267794, h, l);
  return x < 0 ? left : 1 - left;
}

/* x logistic(x); below FM_EXP_MIN it is 0 in either dtype, and must not become infinity times 0. */
FM_INLINE REAL FM_NAME(silu)(REAL x) {
  return (x < FM_EXP_MIN ? FM_EXP_MIN : x) * FM_NAME(logistic)(x);
}

FM_INLINE REAL FM_NAME(silu_derivative)(REAL x) {
  const REAL s = FM_NAME(logistic)(x);
  return s + FM_NAME(silu)(x) * (1 - s);
}

/* tanh(softplus(x)) = (1 + 2q) / (1 + 2q + 2q^2) with q = exp(-x), and with p = exp(x) for negative x,
 * which cannot overflow, (p^2 + 2p) / (p^2 + 2p + 2). */
FM_INLINE REAL FM_NAME(tanh_softplus)(REAL x) {
  const REAL e = FM_NAME(exp)(-FM_FABS(x));
  const REAL numerator = x < 0 ? e * e + 2 * e : 1 + 2 * e;
  return numerator / (numerator + (x < 0 ? 2 : 2 * e * e));
}

FM_INLINE REAL FM_NAME(mish)(REAL x) {
  return (x < FM_EXP_MIN ? FM_EXP_MIN : x) * FM_NAME(tanh_softplus)(x);
}

FM_INLINE REAL FM_NAME(mish_derivative)(REAL x) {
  const REAL t = FM_NAME(tanh_softplus)(x);
  return t + (x < FM_EXP_MIN ? FM_EXP_MIN : x) * FM_NAME(logistic)(x) * (1 - t * t);
}
