/* All kernels of one instruction set, in both dtypes. Included once by each kernels_<isa>.c, which defines
 *
 *   FM_ISA           the suffix of its names
 *   FM_VECTOR_BYTES  the width of its registers, and FM_GEMM_ROWS, the rows of C that gemm keeps in them;
 *                    both left out where products are left to BLAS
 */
#include <math.h>
#include <string.h>

#include "kernels.h"

#define FM_PASTE(name, dtype, isa) name##_##dtype##_##isa
#define FM_PASTE_EXPANDED(name, dtype, isa) FM_PASTE(name, dtype, isa)
#define FM_NAME(name) FM_PASTE_EXPANDED(name, FM_DTYPE, FM_ISA)

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
#include "table.inl.h"
#undef FM_ESTIMATES
#undef REAL
#undef FM_DTYPE
#undef FM_INT
#undef FM_UINT
#undef FM_FABS
#undef FM_COPYSIGN
#undef FM_SQRT
#undef FM_LOG
#undef FM_ROUND
#undef FM_EXPONENT_BIAS
#undef FM_MANTISSA_BITS
#undef FM_LN2_HIGH
#undef FM_LN2_LOW
#undef FM_EXP_MIN
#undef FM_EXP_MAX
#undef FM_SMALLEST_OUTPUT
#undef FM_FORWARD
#undef FM_BACKWARD
#undef FM_MIN_NORMAL
#undef FM_SQRT_HALF_BITS
#undef FM_NORMAL_MAX
#undef FM_ELEMENTWISE
#undef FM_RANDOM_SLOPES
#undef FM_LOSS
#undef FM_LOSS_ELEMENTWISE
#undef FM_KL_DIVERGENCE_OF

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
#include "table.inl.h"
