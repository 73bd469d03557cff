/* Vectors as types of the compiler's, for the few bodies that cannot be left to its vectorizer. */

typedef REAL FM_NAME(vec) __attribute__((vector_size(FM_VECTOR_BYTES), aligned(sizeof(REAL))));
typedef REAL FM_NAME(half_vec) __attribute__((vector_size(FM_VECTOR_BYTES / 2), aligned(sizeof(REAL))));
typedef FM_INT FM_NAME(lanes) __attribute__((vector_size(FM_VECTOR_BYTES)));
#define VEC FM_NAME(vec)
#define HALF FM_NAME(half_vec)
#define LANES ((ptrdiff_t)(FM_VECTOR_BYTES / sizeof(REAL)))
#define NR (2 * LANES) /* columns of a panel */

/* In pairs, not one after the other: fewer steps, and smaller errors. */
static inline REAL FM_NAME(sum_of_lanes)(VEC x) {
  REAL sum[FM_VECTOR_BYTES / sizeof(REAL)];
  memcpy(sum, &x, sizeof(sum));
#pragma GCC unroll 4
  for (int half = LANES / 2; half > 0; half /= 2)
#pragma GCC unroll 8
    for (int i = 0; i < half; i++) sum[i] += sum[i + half];
  return sum[0];
}
