/* double, as the bodies see it; f32.h explains the constants. */
#define REAL double
#define FM_DOUBLE
#define FM_DTYPE f64
#define FM_INT int64_t
#define FM_UINT uint64_t
#define FM_FABS fabs
#define FM_COPYSIGN copysign
#define FM_SQRT sqrt
#define FM_LOG log
#define FM_ROUND 6755399441055744.0 /* 1.5 * 2^52 */
#define FM_EXPONENT_BIAS 1023
#define FM_MANTISSA_BITS 52
#define FM_LN2_HIGH 0.69314718036912381649
#define FM_LN2_LOW 1.9082149292705877e-10
#define FM_EXP_MIN -800.0
#define FM_EXP_MAX 710.0
#define FM_SMALLEST_OUTPUT 1e-300
#define FM_MIN_NORMAL 0x1p-1022
#define FM_SQRT_HALF_BITS 0x3fe6a09e667f3bcdull
#define FM_NORMAL_MAX 39.0
