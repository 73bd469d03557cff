/* A row by weights of fewer bytes: where a single row is predicted, reading the weights is what takes the
 * time. float only.
 *
 *   c (n,) = end(init + a (k,) W)
 *
 * W is packed in blocks of FM_COMPACT_COLUMNS columns, the last one padded with zeros; the sums of a block
 * stay in registers.
 */
#define FM_COMPACT_COLUMNS (8 * LANES)

typedef uint32_t FM_NAME(words) __attribute__((vector_size(FM_VECTOR_BYTES), aligned(4)));

/* What comes after the sums of `columns` columns. */
static inline __attribute__((always_inline)) void FM_NAME(end_of_block)(REAL *c, VEC *sum, const REAL *init,
                                                                        ptrdiff_t columns, int relu) {
#pragma GCC unroll 8
  for (int v = 0; v < 8; v++) {
    const ptrdiff_t left = columns - v * LANES;
    if (left <= 0) return;
    const int partial = left < LANES ? (int)left : 0;
    if (init)
      sum[v] +=
          partial ? (VEC)FM_NAME(load_first)(init + v * LANES, partial) : *(const VEC *)(init + v * LANES);
    if (relu) sum[v] = (VEC)((FM_NAME(lanes))sum[v] & ~(sum[v] < 0));
    if (partial)
      FM_NAME(store_first)(c + v * LANES, sum[v], partial);
    else
      *(VEC *)(c + v * LANES) = sum[v];
  }
}

/* bfloat16 is the upper half of a float. A word holds those of two columns that lie LANES apart, so that a
 * shift and a mask make floats of them: [block][k][4][LANES]. */
static void FM_NAME(pack_bfloat16)(void *packed_out, const void *w_in, ptrdiff_t k, ptrdiff_t n) {
  uint16_t *packed = packed_out;
  const REAL *w = w_in;
  for (ptrdiff_t j = 0; j < n; j += FM_COMPACT_COLUMNS)
    for (ptrdiff_t p = 0; p < k; p++)
      for (ptrdiff_t i = 0; i < FM_COMPACT_COLUMNS; i++) {
        const ptrdiff_t pair = i / 2, column = j + pair / LANES * 2 * LANES + pair % LANES + i % 2 * LANES;
        uint32_t bits = 0;
        if (column < n) memcpy(&bits, w + p * n + column, sizeof bits);
        *packed++ = (uint16_t)(bits >> 16);
      }
}

static void FM_NAME(row_bfloat16)(void *c_out, const void *a_in, const void *packed, const void *scales,
                                  const void *init_in, ptrdiff_t n, ptrdiff_t k, int relu, void *scratch) {
  REAL *c = c_out;
  const REAL *a = a_in, *init = init_in;
  const uint32_t *w = packed;
  (void)scales, (void)scratch;
  for (ptrdiff_t j = 0; j < n; j += FM_COMPACT_COLUMNS) {
    VEC sum[8] = {{0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}};
    for (ptrdiff_t p = 0; p < k; p++, w += 4 * LANES)
#pragma GCC unroll 4
      for (int v = 0; v < 4; v++) {
        const FM_NAME(words) pair = *(const FM_NAME(words) *)(w + v * LANES);
        sum[2 * v] += a[p] * (VEC)(pair << 16);
        sum[2 * v + 1] += a[p] * (VEC)(pair & 0xffff0000u);
      }
    FM_NAME(end_of_block)(c + j, sum, init ? init + j : NULL, n - j, relu);
  }
}

/* int8 times a scale for each column. The row is made int16, by a scale of its own that is as large as the
 * sums in int32 allow, so that its rounding is hundreds of times smaller than that of the weights. Bytes of
 * two rows of W lie side by side, because the instruction adds their products: [block][k / 2][columns][2]. */
static void FM_NAME(pack_int8)(void *packed_out, const void *w_in, ptrdiff_t k, ptrdiff_t n) {
  int8_t *packed = packed_out;
  const int8_t *w = w_in;
  for (ptrdiff_t j = 0; j < n; j += FM_COMPACT_COLUMNS)
    for (ptrdiff_t p = 0; p < k; p += 2)
      for (ptrdiff_t i = 0; i < FM_COMPACT_COLUMNS; i++, packed += 2) {
        packed[0] = j + i < n ? w[p * n + j + i] : 0;
        packed[1] = j + i < n && p + 1 < k ? w[(p + 1) * n + j + i] : 0;
      }
}

/* a (k,) times a factor, as int16, with a zero behind it; returns 1 / factor, which is NaN if an element of a
 * is NaN or infinite, so that the row's outputs are. Sizes are compared as integers, which vectorizes. */
static inline REAL FM_NAME(to_int16)(int16_t *out, const REAL *a, ptrdiff_t k) {
  const REAL most = (REAL)(INT32_MAX / 128) / (REAL)(k + 1);
  const REAL range = most < 32767 ? most : 32767;
  uint32_t largest = 0;
  for (ptrdiff_t p = 0; p < k; p++) {
    uint32_t bits;
    memcpy(&bits, a + p, sizeof bits);
    bits &= 0x7fffffffu;
    largest = bits > largest ? bits : largest;
  }
  REAL size;
  memcpy(&size, &largest, sizeof size);
  const REAL factor = largest < 0x7f800000u && size > 0x1p-100f ? range / size : 0;
  for (ptrdiff_t p = 0; p < k; p++)
    out[p] = factor > 0 ? (int16_t)(int32_t)(a[p] * factor + FM_COPYSIGN(0.5f, a[p])) : 0;
  out[k] = 0;
  return largest < 0x7f800000u ? (factor > 0 ? 1 / factor : 0) : (REAL)NAN;
}

static void FM_NAME(row_int8)(void *c_out, const void *a_in, const void *packed, const void *scales_in,
                              const void *init_in, ptrdiff_t n, ptrdiff_t k, int relu, void *scratch) {
  REAL *c = c_out;
  const REAL *scales = scales_in, *init = init_in;
  const int8_t *w = packed;
  int16_t *a = scratch;
  const REAL back = FM_NAME(to_int16)(a, a_in, k);
  for (ptrdiff_t j = 0; j < n; j += FM_COMPACT_COLUMNS) {
    FM_NAME(sums) whole[8];
    VEC sum[8];
#pragma GCC unroll 8
    for (int v = 0; v < 8; v++) whole[v] = FM_NAME(no_sums)();
    for (ptrdiff_t p = 0; p < k; p += 2) {
      int32_t pair;
      memcpy(&pair, a + p, sizeof pair);
#pragma GCC unroll 8
      for (int v = 0; v < 8; v++, w += 2 * LANES) whole[v] = FM_NAME(add_products)(whole[v], w, pair);
    }
#pragma GCC unroll 8
    for (int v = 0; v < 8; v++) {
      const ptrdiff_t left = n - j - v * LANES;
      const VEC scale = left >= LANES ? *(const VEC *)(scales + j + v * LANES)
                        : left > 0    ? (VEC)FM_NAME(load_first)(scales + j + v * LANES, (int)left)
                                      : (VEC){0};
      sum[v] = (VEC)FM_NAME(as_floats)(whole[v]) * scale * back;
    }
    FM_NAME(end_of_block)(c + j, sum, init ? init + j : NULL, n - j, relu);
  }
}
