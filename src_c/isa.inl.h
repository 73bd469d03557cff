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

/* Functions of one element. A compiler that leaves a call in a loop does not vectorize it, and its own limits
 * of growth would let one kernel decide on that for another. */
#define FM_INLINE static inline __attribute__((always_inline))

#include "f32.h"
#include "table.inl.h"

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
#undef FM_MIN_NORMAL
#undef FM_SQRT_HALF_BITS
#undef FM_NORMAL_MAX
#undef FM_ESTIMATES

#include "f64.h"
#include "table.inl.h"
