/* Matrix products on register tiles, one body for both dtypes and every vector width.
 *
 *   C = init + A B        A (m, k), B (k, n), C (m, n) row-major, leading dimension ldc
 *
 * A and B are read through a (row stride, column stride) pair, so a transpose is a pair swapped, never
 * a copy of the matrix. B is packed, one slab of FM_K_BLOCK rows by FM_N_BLOCK columns at a time, into panels
 * of NR columns, zero-padded, so that the inner loop reads it forwards; A is read in place, one element
 * broadcast at a time. A tile of C, at most FM_GEMM_ROWS by NR, stays in registers for a whole slab.
 */

typedef REAL FM_NAME(vec) __attribute__((vector_size(FM_VECTOR_BYTES), aligned(sizeof(REAL))));
typedef FM_INT FM_NAME(lanes) __attribute__((vector_size(FM_VECTOR_BYTES)));
#define VEC FM_NAME(vec)
#define LANES ((ptrdiff_t)(FM_VECTOR_BYTES / sizeof(REAL)))
#define NR (2 * LANES)
#define FM_K_BLOCK 256
#define FM_STRIP 256
#define FM_N_BLOCK (FM_GEMM_SCRATCH_BYTES / FM_K_BLOCK / (ptrdiff_t)sizeof(REAL))

/* One tile: rows x (n_vectors * LANES) of C. Called with constant `rows`, `n_vectors` and one constant
 * stride of A, so that the loops over them unroll and `sum` lives in registers. */
static inline __attribute__((always_inline)) void FM_NAME(tile)(
    int rows, int n_vectors, REAL *c, ptrdiff_t ldc, ptrdiff_t columns, const REAL *a, ptrdiff_t a_row,
    ptrdiff_t a_col, const REAL *b, ptrdiff_t ldb, const REAL *init, int accumulate, ptrdiff_t k) {
  VEC sum[FM_GEMM_ROWS][2];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int v = 0; v < n_vectors; v++) sum[i][v] = (VEC){0};
  for (ptrdiff_t p = 0; p < k; p++) {
    VEC bp[2];
#pragma GCC unroll 2
    for (int v = 0; v < n_vectors; v++) bp[v] = *(const VEC *)(b + p * ldb + v * LANES);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const REAL ai = a[i * a_row + p * a_col];
#pragma GCC unroll 2
      for (int v = 0; v < n_vectors; v++) sum[i][v] += ai * bp[v];
    }
  }
  if (columns == n_vectors * LANES) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
      for (int v = 0; v < n_vectors; v++) {
        VEC *out = (VEC *)(c + i * ldc + v * LANES);
        if (accumulate)
          sum[i][v] += *out;
        else if (init)
          sum[i][v] += *(const VEC *)(init + v * LANES);
        *out = sum[i][v];
      }
  } else {
    for (int i = 0; i < rows; i++) {
      const REAL *row = (const REAL *)sum[i];
      for (ptrdiff_t j = 0; j < columns; j++)
        c[i * ldc + j] = row[j] + (accumulate ? c[i * ldc + j] : init ? init[j] : 0);
    }
  }
}

#define FM_TILE_CASE(r, n_vectors)                                                                           \
  case r:                                                                                                    \
    if (a_col == 1)                                                                                          \
      FM_NAME(tile)(r, n_vectors, c, ldc, columns, a, a_row, 1, b, ldb, init, accumulate, k);                \
    else                                                                                                     \
      FM_NAME(tile)(r, n_vectors, c, ldc, columns, a, 1, a_col, b, ldb, init, accumulate, k);                \
    break;
/* clang-format off */
#define FM_TILE_CASES_TO_6(v)                                                                                \
  FM_TILE_CASE(1, v) FM_TILE_CASE(2, v) FM_TILE_CASE(3, v) FM_TILE_CASE(4, v) FM_TILE_CASE(5, v)             \
  FM_TILE_CASE(6, v)
#if FM_GEMM_ROWS == 6
#define FM_TILE_CASES(v) FM_TILE_CASES_TO_6(v)
#else
#define FM_TILE_CASES(v)                                                                                     \
  FM_TILE_CASES_TO_6(v) FM_TILE_CASE(7, v) FM_TILE_CASE(8, v) FM_TILE_CASE(9, v) FM_TILE_CASE(10, v)         \
  FM_TILE_CASE(11, v) FM_TILE_CASE(12, v) FM_TILE_CASE(13, v) FM_TILE_CASE(14, v)
#endif
/* clang-format on */

static void FM_NAME(tile_any)(int rows, REAL *c, ptrdiff_t ldc, ptrdiff_t columns, const REAL *a,
                              ptrdiff_t a_row, ptrdiff_t a_col, const REAL *b, ptrdiff_t ldb,
                              const REAL *init, int accumulate, ptrdiff_t k) {
  if (columns > LANES) {
    switch (rows) { FM_TILE_CASES(2) }
  } else {
    switch (rows) { FM_TILE_CASES(1) }
  }
}

/* Lane i of the result is lane from[i] of the two vectors laid end to end. */
static inline __attribute__((always_inline)) VEC FM_NAME(shuffle)(VEC low, VEC high, FM_NAME(lanes) from) {
#ifdef __clang__
  VEC out; /* its __builtin_shufflevector wants literal lanes; this loop becomes the same instruction */
#pragma GCC unroll 16
  for (int i = 0; i < LANES; i++) out[i] = from[i] < LANES ? low[from[i]] : high[from[i] - LANES];
  return out;
#else
  return __builtin_shuffle(low, high, from);
#endif
}

/* Transpose a LANES x LANES block: rows `from + i * stride` become columns of `to`. Each round swaps
 * the off-diagonal halves of blocks half as wide as the round before. */
static inline __attribute__((always_inline)) void FM_NAME(transpose_block)(REAL *to, ptrdiff_t to_stride,
                                                                           const REAL *from,
                                                                           ptrdiff_t from_stride) {
  VEC x[FM_VECTOR_BYTES / sizeof(REAL)];
#pragma GCC unroll 16
  for (int i = 0; i < LANES; i++) x[i] = *(const VEC *)(from + i * from_stride);
  FM_NAME(lanes) lane;
#pragma GCC unroll 16
  for (int i = 0; i < LANES; i++) lane[i] = i;
#pragma GCC unroll 4
  for (int half = LANES / 2; half > 0; half /= 2) {
    const FM_NAME(lanes) keep = lane + (((lane & half) != 0) & (FM_INT)(LANES - half)), give = keep + half;
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++)
      if (!(i & half)) {
        const VEC low = x[i], high = x[i + half];
        x[i] = FM_NAME(shuffle)(low, high, keep);
        x[i + half] = FM_NAME(shuffle)(low, high, give);
      }
  }
#pragma GCC unroll 16
  for (int i = 0; i < LANES; i++) *(VEC *)(to + i * to_stride) = x[i];
}

/* One panel: columns 0 ... `columns` - 1 of B, the rest of the NR wide panel zero. */
static void FM_NAME(pack_panel)(REAL *panel, const REAL *b, ptrdiff_t b_row, ptrdiff_t b_col, ptrdiff_t k,
                                ptrdiff_t columns) {
  if (b_col == 1) {
    for (ptrdiff_t p = 0; p < k; p++, panel += NR, b += b_row) {
      if (columns == NR) {
        for (int v = 0; v < 2; v++) *(VEC *)(panel + v * LANES) = *(const VEC *)(b + v * LANES);
      } else {
        for (ptrdiff_t j = 0; j < columns; j++) panel[j] = b[j];
        for (ptrdiff_t j = columns; j < NR; j++) panel[j] = 0;
      }
    }
    return;
  }
  for (ptrdiff_t j = 0; j < NR; j += LANES) {
    ptrdiff_t p = 0;
    if (b_row == 1 && columns - j >= LANES)
      for (; p + LANES <= k; p += LANES)
        FM_NAME(transpose_block)(panel + p * NR + j, NR, b + p + j * b_col, b_col);
    for (ptrdiff_t q = j; q < j + LANES; q++)
      for (ptrdiff_t r = p; r < k; r++) panel[r * NR + q] = q < columns ? b[r * b_row + q * b_col] : 0;
  }
}

/* n = 1: a dot product for each row of A, or a sum of the columns of A, whichever A lies right for. */
static void FM_NAME(gemv)(REAL *restrict c, ptrdiff_t ldc, const REAL *restrict a, ptrdiff_t a_row,
                          ptrdiff_t a_col, const REAL *restrict b, ptrdiff_t b_row, const REAL *init,
                          ptrdiff_t m, ptrdiff_t k) {
  const REAL start = init ? *init : 0;
  if (a_col == 1 && b_row == 1) {
    for (ptrdiff_t i = 0; i < m; i++, a += a_row) {
      REAL sum = 0;
#pragma omp simd reduction(+ : sum)
      for (ptrdiff_t p = 0; p < k; p++) sum += a[p] * b[p];
      c[i * ldc] = start + sum;
    }
    return;
  }
  for (ptrdiff_t i = 0; i < m; i++) c[i * ldc] = start;
  for (ptrdiff_t p = 0; p < k; p++, a += a_col, b += b_row)
    for (ptrdiff_t i = 0; i < m; i++) c[i * ldc] += a[i * a_row] * *b;
}

/* The general case: slabs of B, tiles of C. */
static void FM_NAME(gemm_tiled)(REAL *c, ptrdiff_t ldc, const REAL *a, ptrdiff_t a_row, ptrdiff_t a_col,
                                const REAL *b, ptrdiff_t b_row, ptrdiff_t b_col, const REAL *init,
                                ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, REAL *packed) {
  const ptrdiff_t n_tiles = (m + FM_GEMM_ROWS - 1) / FM_GEMM_ROWS;
  const ptrdiff_t n_slabs = (k + FM_K_BLOCK - 1) / FM_K_BLOCK;
  for (ptrdiff_t j0 = 0; j0 < n; j0 += FM_N_BLOCK) {
    const ptrdiff_t nb = n - j0 < FM_N_BLOCK ? n - j0 : FM_N_BLOCK;
    for (ptrdiff_t s = 0; s < n_slabs; s++) {
      const ptrdiff_t p0 = s * k / n_slabs, kb = (s + 1) * k / n_slabs - p0;
      const REAL *slab = b + p0 * b_row + j0 * b_col;
      /* A panel read only once or twice is not worth copying, if its rows can be loaded as they are. */
      const ptrdiff_t in_place = b_col == 1 && n_tiles <= 2 ? nb - nb % NR : 0;
      for (ptrdiff_t j = in_place; j < nb; j += NR)
        FM_NAME(pack_panel)(packed + j * kb, slab + j * b_col, b_row, b_col, kb, nb - j < NR ? nb - j : NR);
      for (ptrdiff_t t = 0; t < n_tiles; t++) {
        const ptrdiff_t i = t * m / n_tiles, rows = (t + 1) * m / n_tiles - i;
        for (ptrdiff_t j = 0; j < nb; j += NR) {
          const int is_packed = j >= in_place;
          FM_NAME(tile_any)((int)rows, c + i * ldc + j0 + j, ldc, nb - j < NR ? nb - j : NR,
                            a + i * a_row + p0 * a_col, a_row, a_col, is_packed ? packed + j * kb : slab + j,
                            is_packed ? NR : b_row, init ? init + j0 + j : NULL, p0 > 0, kb);
        }
      }
    }
  }
}

/* A few columns of C would leave most of a register empty. Where the columns of A lie in one piece, its rows
 * can fill the register instead: C^T = B^T A^T, a strip of C at a time, turned over on its way out. */
static void FM_NAME(gemm_narrow)(REAL *c, ptrdiff_t ldc, const REAL *a, ptrdiff_t a_col, const REAL *b,
                                 ptrdiff_t b_row, ptrdiff_t b_col, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                                 REAL *packed) {
  REAL strip[LANES / 2 * FM_STRIP];
  for (ptrdiff_t i = 0; i < m; i += FM_STRIP) {
    const ptrdiff_t rows = m - i < FM_STRIP ? m - i : FM_STRIP;
    FM_NAME(gemm_tiled)(strip, FM_STRIP, b, b_col, b_row, a + i, a_col, 1, NULL, n, rows, k, packed);
    for (ptrdiff_t r = 0; r < rows; r++)
      for (ptrdiff_t j = 0; j < n; j++) c[(i + r) * ldc + j] = strip[j * FM_STRIP + r];
  }
}

static void FM_NAME(gemm)(void *c_out, ptrdiff_t ldc, const void *a_in, ptrdiff_t a_row, ptrdiff_t a_col,
                          const void *b_in, ptrdiff_t b_row, ptrdiff_t b_col, const void *init_in,
                          ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, void *scratch) {
  REAL *c = c_out, *packed = scratch;
  const REAL *a = a_in, *b = b_in, *init = init_in;
  if (n == 1) {
    FM_NAME(gemv)(c, ldc, a, a_row, a_col, b, b_row, init, m, k);
    return;
  }
  ptrdiff_t narrow = 0;
  if (a_row == 1 && !init && m >= NR && n % LANES <= LANES / 2) narrow = n % LANES;
  if (n > narrow)
    FM_NAME(gemm_tiled)(c, ldc, a, a_row, a_col, b, b_row, b_col, init, m, n - narrow, k, packed);
  if (narrow)
    FM_NAME(gemm_narrow)(c + n - narrow, ldc, a, a_col, b + (n - narrow) * b_col, b_row, b_col, m, narrow, k,
                         packed);
}
