/* float, as the bodies see it; isa.inl.h undefines all of this before double. */
#define REAL float
#define FM_DTYPE f32
#define FM_INT int32_t
#define FM_UINT uint32_t
#define FM_FABS fabsf
#define FM_COPYSIGN copysignf
#define FM_SQRT sqrtf
#define FM_LOG logf
#define FM_ROUND 12582912.0f /* 1.5 * 2^23 */
#define FM_EXPONENT_BIAS 127
#define FM_MANTISSA_BITS 23
#define FM_LN2_HIGH 0.693359375f /* few bits: n * FM_LN2_HIGH is exact */
#define FM_LN2_LOW -2.12194440054690583e-4f
#define FM_EXP_MIN -125.0f /* exp is 0 from here down, also 2^20 exp; infinite from FM_EXP_MAX up */
#define FM_EXP_MAX 89.0f
#define FM_SMALLEST_OUTPUT 1e-30f /* in place of 0 under a logarithm or a fraction bar */
#define FM_MIN_NORMAL 0x1p-126f
#define FM_SQRT_HALF_BITS 0x3f3504f3u /* sqrt(1/2) */
#define FM_NORMAL_MAX 15.0f /* the normal distribution's tail, its density times x too, is 0 from here on */
#ifdef FM_VECTOR_BYTES
#define FM_ESTIMATES /* of 1 / sqrt(x) and 1 / x: float only */
#endif
