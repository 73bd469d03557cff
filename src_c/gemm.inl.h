/* Matrix products on register tiles, one body for both dtypes and every vector width.
 *
 *   C = init + A B        A (m, k), B (k, n), C (m, n) row-major, leading dimension ldc
 *
 * A and B are read through a (row stride, column stride) pair, so a transpose is a pair swapped. A tile of C,
 * at most FM_GEMM_ROWS by NR, stays in registers for a whole block of k, and what follows the product (ReLU,
 * or its derivative) is done before it is stored. B is read in panels of NR columns, [panel][k][NR],
 * zero-padded: packed beforehand, or here, one panel at a time; or in place, where its rows are whole and lie
 * close together. A is read in place, one element broadcast at a time, unless its rows lie so that they would
 * push each other out of the level-1 cache.
 */

#define FM_K_BLOCK ((ptrdiff_t)(2048 / sizeof(REAL))) /* rows of a panel that are used at once */
#define FM_STRIP 256
/* A copied row is this much longer than a block of k, so that rows do not start a multiple of a page apart.
 */
#define FM_A_STRIDE (FM_K_BLOCK + LANES)
/* The scratch memory: one panel of B, and as many rows of A as there is room for. */
#define FM_PANEL_SIZE (FM_K_BLOCK * NR)
#define FM_A_ROWS (((ptrdiff_t)(FM_GEMM_SCRATCH_BYTES / sizeof(REAL)) - FM_PANEL_SIZE) / FM_A_STRIDE)

/* What is done with a tile of sums before it is stored. */
typedef struct {
  const REAL *init; /* a row that is added first, or NULL */
  const REAL *mask; /* where C is to be 0 unless this is positive, or NULL; laid out as C */
  int accumulate;   /* C already holds the sums of earlier blocks of k */
  int relu;
} FM_NAME(ends);

/* The end of a tile: `rows` rows of `n_vectors` vectors of sums become C. */
static inline __attribute__((always_inline)) void FM_NAME(store_tile)(int rows, int n_vectors, REAL *c,
                                                                      ptrdiff_t ldc, int partial,
                                                                      VEC (*sum)[2],
                                                                      const FM_NAME(ends) * ends) {
#define FM_EACH_VECTOR                                                                                       \
  _Pragma("GCC unroll 16") for (int i = 0; i < rows; i++)                                                    \
      _Pragma("GCC unroll 2") for (int v = 0; v < n_vectors; v++)
#define FM_LOAD_LIKE_C(x)                                                                                    \
  (partial && v == n_vectors - 1 ? (VEC)FM_NAME(load_first)((x) + i * ldc + v * LANES, partial)              \
                                 : *(const VEC *)((x) + i * ldc + v * LANES))
  if (ends->accumulate) FM_EACH_VECTOR sum[i][v] += FM_LOAD_LIKE_C(c);
  if (ends->relu) FM_EACH_VECTOR sum[i][v] = (VEC)((FM_NAME(lanes))sum[i][v] & ~(sum[i][v] < 0));
  if (ends->mask)
    FM_EACH_VECTOR sum[i][v] = (VEC)((FM_NAME(lanes))sum[i][v] & (FM_LOAD_LIKE_C(ends->mask) > 0));
  FM_EACH_VECTOR {
    if (partial && v == n_vectors - 1)
      FM_NAME(store_first)(c + i * ldc + v * LANES, sum[i][v], partial);
    else
      *(VEC *)(c + i * ldc + v * LANES) = sum[i][v];
  }
}

/* One tile: rows x (n_vectors * LANES) of C. Called with constant `rows`, `n_vectors` and one constant stride
 * of A, so that the loops over them unroll and `sum` lives in registers. `partial` is how many lanes of the
 * last vector there are in C, or 0 for all of them. */
static inline __attribute__((always_inline)) void FM_NAME(tile)(int rows, int n_vectors, REAL *c,
                                                                ptrdiff_t ldc, int partial, const REAL *a,
                                                                ptrdiff_t a_row, ptrdiff_t a_col,
                                                                const REAL *b, ptrdiff_t ldb,
                                                                const FM_NAME(ends) * ends, ptrdiff_t k) {
  VEC sum[FM_GEMM_ROWS][2];
  VEC start[2] = {{0}, {0}};
  if (ends->init && !ends->accumulate)
#pragma GCC unroll 2
    for (int v = 0; v < n_vectors; v++)
      start[v] = partial && v == n_vectors - 1 ? (VEC)FM_NAME(load_first)(ends->init + v * LANES, partial)
                                               : *(const VEC *)(ends->init + v * LANES);
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int v = 0; v < n_vectors; v++) sum[i][v] = start[v];
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
  FM_NAME(store_tile)(rows, n_vectors, c, ldc, partial, sum, ends);
}

/* The same for the last few columns, which half a register holds: half the work on most CPUs. */
static inline __attribute__((always_inline)) void FM_NAME(half_tile)(
    int rows, REAL *c, ptrdiff_t ldc, int columns, const REAL *a, ptrdiff_t a_row, ptrdiff_t a_col,
    const REAL *b, ptrdiff_t ldb, const FM_NAME(ends) * ends, ptrdiff_t k) {
  HALF half[FM_GEMM_ROWS];
  VEC sum[FM_GEMM_ROWS][2];
  VEC start = {0};
  if (ends->init && !ends->accumulate) start = (VEC)FM_NAME(load_first)(ends->init, columns);
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) half[i] = (HALF){0};
  for (ptrdiff_t p = 0; p < k; p++) {
    const HALF bp = *(const HALF *)(b + p * ldb);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) half[i] += a[i * a_row + p * a_col] * bp;
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) sum[i][0] = start + (VEC)FM_NAME(widen)(half[i]);
  FM_NAME(store_tile)(rows, 1, c, ldc, columns, sum, ends);
}

#define FM_TILE_CASE(r, tile, ...)                                                                           \
  case r:                                                                                                    \
    if (a_col == 1)                                                                                          \
      FM_NAME(tile)(r, __VA_ARGS__, a, a_row, 1, b, ldb, ends, k);                                           \
    else                                                                                                     \
      FM_NAME(tile)(r, __VA_ARGS__, a, 1, a_col, b, ldb, ends, k);                                           \
    break;
/* clang-format off */
#define FM_TILE_CASES_TO_6(...)                                                                              \
  FM_TILE_CASE(1, __VA_ARGS__) FM_TILE_CASE(2, __VA_ARGS__) FM_TILE_CASE(3, __VA_ARGS__)                     \
  FM_TILE_CASE(4, __VA_ARGS__) FM_TILE_CASE(5, __VA_ARGS__) FM_TILE_CASE(6, __VA_ARGS__)
#if FM_GEMM_ROWS == 6
#define FM_TILE_CASES FM_TILE_CASES_TO_6
#else
#define FM_TILE_CASES(...)                                                                                   \
  FM_TILE_CASES_TO_6(__VA_ARGS__)                                                                            \
  FM_TILE_CASE(7, __VA_ARGS__) FM_TILE_CASE(8, __VA_ARGS__) FM_TILE_CASE(9, __VA_ARGS__)                     \
  FM_TILE_CASE(10, __VA_ARGS__) FM_TILE_CASE(11, __VA_ARGS__) FM_TILE_CASE(12, __VA_ARGS__)                  \
  FM_TILE_CASE(13, __VA_ARGS__) FM_TILE_CASE(14, __VA_ARGS__)
#endif
/* clang-format on */

static void FM_NAME(tile_any)(int rows, REAL *c, ptrdiff_t ldc, ptrdiff_t columns, const REAL *a,
                              ptrdiff_t a_row, ptrdiff_t a_col, const REAL *b, ptrdiff_t ldb,
                              const FM_NAME(ends) * ends, ptrdiff_t k) {
  const int last_lanes = (int)(columns % LANES);
  if (columns == NR) {
    switch (rows) { FM_TILE_CASES(tile, 2, c, ldc, 0) }
  } else if (columns > LANES) {
    switch (rows) { FM_TILE_CASES(tile, 2, c, ldc, last_lanes) }
  } else if (columns > LANES / 2) {
    switch (rows) { FM_TILE_CASES(tile, 1, c, ldc, last_lanes) }
  } else {
    switch (rows) { FM_TILE_CASES(half_tile, c, ldc, (int)columns) }
  }
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
    const int last_lanes = (int)(columns % LANES);
    for (ptrdiff_t p = 0; p < k; p++, panel += NR, b += b_row)
      for (ptrdiff_t j = 0; j < NR; j += LANES)
        *(VEC *)(panel + j) = j + LANES <= columns ? *(const VEC *)(b + j)
                              : j < columns        ? (VEC)FM_NAME(load_first)(b + j, last_lanes)
                                                   : (VEC){0};
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

static void FM_NAME(pack)(void *packed_out, ptrdiff_t panel_size, const void *b_in, ptrdiff_t b_row,
                          ptrdiff_t b_col, ptrdiff_t k, ptrdiff_t n) {
  REAL *packed = packed_out;
  const REAL *b = b_in;
  for (ptrdiff_t j = 0; j < n; j += NR, packed += panel_size)
    FM_NAME(pack_panel)(packed, b + j * b_col, b_row, b_col, k, n - j < NR ? n - j : NR);
}

/* sums (rows,) of the products of `rows` rows of A with b. Called with constant `rows`. */
static inline __attribute__((always_inline)) void FM_NAME(dots)(int rows, REAL *sums, const REAL *a,
                                                                ptrdiff_t a_row, const REAL *b, ptrdiff_t k) {
  VEC sum[4] = {{0}, {0}, {0}, {0}};
  ptrdiff_t p = 0;
  for (; p + LANES <= k; p += LANES) {
    const VEC bp = *(const VEC *)(b + p);
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++) sum[i] += *(const VEC *)(a + i * a_row + p) * bp;
  }
  if (p < k) {
    const VEC bp = (VEC)FM_NAME(load_first)(b + p, (int)(k - p));
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++) sum[i] += (VEC)FM_NAME(load_first)(a + i * a_row + p, (int)(k - p)) * bp;
  }
#pragma GCC unroll 4
  for (int i = 0; i < rows; i++) sums[i] = FM_NAME(sum_of_lanes)(sum[i]);
}

/* n = 1: a dot product for each row of A, four at a time, or a sum of A's columns, whichever A lies right
 * for.
 */
static void FM_NAME(gemv)(REAL *restrict c, ptrdiff_t ldc, const REAL *restrict a, ptrdiff_t a_row,
                          ptrdiff_t a_col, const REAL *restrict b, ptrdiff_t b_row, const REAL *init,
                          ptrdiff_t init_stride, ptrdiff_t m, ptrdiff_t k) {
  if (a_col == 1 && b_row == 1) {
    REAL sums[4];
    for (ptrdiff_t i = 0; i < m; i += 4, a += 4 * a_row) {
      const ptrdiff_t rows = m - i < 4 ? m - i : 4;
      if (rows == 4)
        FM_NAME(dots)(4, sums, a, a_row, b, k);
      else
        for (ptrdiff_t r = 0; r < rows; r++) FM_NAME(dots)(1, sums + r, a + r * a_row, a_row, b, k);
      for (ptrdiff_t r = 0; r < rows; r++)
        c[(i + r) * ldc] = sums[r] + (init ? init[(i + r) * init_stride] : 0);
    }
    return;
  }
  if (a_row == 1 && ldc == 1 && !init) {
    FM_NAME(sum_rows)(c, a, a_col, b, b_row, k, m);
    return;
  }
  for (ptrdiff_t i = 0; i < m; i++) c[i * ldc] = init ? init[i * init_stride] : 0;
  for (ptrdiff_t p = 0; p < k; p++, a += a_col, b += b_row)
    for (ptrdiff_t i = 0; i < m; i++) c[i * ldc] += a[i * a_row] * *b;
}

/* Rows of A whose distance is a multiple of this would share a few sets of the level-1 cache. */
#define FM_CONFLICT_BYTES 1024

/* The general case: blocks of k, panels of B, tiles of C. */
static void FM_NAME(gemm_tiled)(REAL *c, ptrdiff_t ldc, const REAL *a, ptrdiff_t a_row, ptrdiff_t a_col,
                                const REAL *b, ptrdiff_t b_row, ptrdiff_t b_col, const REAL *packed,
                                const FM_NAME(ends) * after, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                                REAL *scratch) {
  REAL *panel = scratch, *a_copy = scratch + FM_PANEL_SIZE;
  const ptrdiff_t n_blocks = (k + FM_K_BLOCK - 1) / FM_K_BLOCK;
  /* Rows that lie well, or are read for one or two panels only, are not worth a copy. */
  const int copies = a_col == 1 && a_row * (ptrdiff_t)sizeof(REAL) % FM_CONFLICT_BYTES == 0 && n > 2 * NR;
  const ptrdiff_t most_rows = copies && m > FM_A_ROWS ? FM_A_ROWS - FM_A_ROWS % FM_GEMM_ROWS : m;
  for (ptrdiff_t i0 = 0; i0 < m; i0 += most_rows) {
    const ptrdiff_t mb = m - i0 < most_rows ? m - i0 : most_rows;
    const ptrdiff_t n_tiles = (mb + FM_GEMM_ROWS - 1) / FM_GEMM_ROWS;
    for (ptrdiff_t s = 0; s < n_blocks; s++) {
      const ptrdiff_t p0 = s * k / n_blocks, kb = (s + 1) * k / n_blocks - p0;
      const REAL *a_block = a + i0 * a_row + p0 * a_col;
      ptrdiff_t block_row = a_row;
      if (copies) {
        for (ptrdiff_t i = 0; i < mb; i++)
          memcpy(a_copy + i * FM_A_STRIDE, a_block + i * a_row, (size_t)kb * sizeof(REAL));
        a_block = a_copy, block_row = FM_A_STRIDE;
      }
      for (ptrdiff_t j = 0; j < n; j += NR) {
        const ptrdiff_t columns = n - j < NR ? n - j : NR;
        const REAL *b_block = b + p0 * b_row + j * b_col;
        ptrdiff_t ldb = b_row;
        if (packed) {
          b_block = packed + j * k + p0 * NR, ldb = NR;
        } else if (b_col != 1 || columns < NR ||
                   (n_tiles > 2 && b_row * (ptrdiff_t)sizeof(REAL) >= FM_FAR_BYTES)) {
          FM_NAME(pack_panel)(panel, b_block, b_row, b_col, kb, columns);
          b_block = panel, ldb = NR;
        }
        FM_NAME(ends) ends = *after;
        ends.accumulate = s > 0;
        ends.relu = after->relu && s == n_blocks - 1;
        if (ends.init) ends.init += j;
        for (ptrdiff_t t = 0; t < n_tiles; t++) {
          const ptrdiff_t i = t * mb / n_tiles, rows = (t + 1) * mb / n_tiles - i;
          ends.mask = after->mask && s == n_blocks - 1 ? after->mask + (i0 + i) * ldc + j : NULL;
          FM_NAME(tile_any)((int)rows, c + (i0 + i) * ldc + j, ldc, columns, a_block + i * block_row,
                            block_row, a_col, b_block, ldb, &ends, kb);
        }
      }
    }
  }
}

/* A few columns of C would leave most of a register empty. Where the columns of A lie in one piece, its rows
 * can fill the register instead: C^T = B^T A^T, a strip of C at a time, turned over on its way out. */
static void FM_NAME(gemm_narrow)(REAL *c, ptrdiff_t ldc, const REAL *a, ptrdiff_t a_col, const REAL *b,
                                 ptrdiff_t b_row, ptrdiff_t b_col, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                                 REAL *scratch) {
  REAL strip[LANES / 2 * FM_STRIP];
  const FM_NAME(ends) nothing = {0};
  for (ptrdiff_t i = 0; i < m; i += FM_STRIP) {
    const ptrdiff_t rows = m - i < FM_STRIP ? m - i : FM_STRIP;
    FM_NAME(gemm_tiled)(strip, FM_STRIP, b, b_col, b_row, a + i, a_col, 1, NULL, &nothing, n, rows, k,
                        scratch);
    for (ptrdiff_t r = 0; r < rows; r++)
      for (ptrdiff_t j = 0; j < n; j++) c[(i + r) * ldc + j] = strip[j * FM_STRIP + r];
  }
}

/* m = 1: B is read in place, up to eight panels at a time, because a tile of one row would leave most
 * registers empty. Each element of C is summed as a tile sums it, so a row has the same bits alone and among
 * others: in half a tile init comes last. */
static inline __attribute__((always_inline)) void FM_NAME(row_tile)(int n_panels, int n_vectors, REAL *c,
                                                                    int partial, const REAL *a,
                                                                    ptrdiff_t a_col, const REAL *b,
                                                                    ptrdiff_t ldb, const FM_NAME(ends) * ends,
                                                                    ptrdiff_t k) {
  const int is_half = n_vectors == 1 && partial && partial <= LANES / 2;
  const REAL *init = ends->accumulate ? NULL : ends->init;
  VEC sum[8][2];
#define FM_EACH_PANEL                                                                                        \
  _Pragma("GCC unroll 8") for (int i = 0; i < n_panels; i++)                                                 \
      _Pragma("GCC unroll 2") for (int v = 0; v < n_vectors; v++)
#define FM_LOAD_OF_ROW(x)                                                                                    \
  (partial && v == n_vectors - 1 ? (VEC)FM_NAME(load_first)((x) + i * NR + v * LANES, partial)               \
                                 : *(const VEC *)((x) + i * NR + v * LANES))
  FM_EACH_PANEL sum[i][v] = init && !is_half ? FM_LOAD_OF_ROW(init) : (VEC){0};
  for (ptrdiff_t p = 0; p < k; p++) {
    const REAL ap = a[p * a_col];
    FM_EACH_PANEL sum[i][v] += ap * FM_LOAD_OF_ROW(b + p * ldb);
  }
  if (init && is_half) FM_EACH_PANEL sum[i][v] += FM_LOAD_OF_ROW(init);
  FM_NAME(store_tile)(n_panels, n_vectors, c, NR, partial, sum, ends);
}

static void FM_NAME(row)(REAL *c, const REAL *a, ptrdiff_t a_col, const REAL *b, ptrdiff_t ldb,
                         const FM_NAME(ends) * after, ptrdiff_t n, ptrdiff_t k) {
  const ptrdiff_t n_blocks = (k + FM_K_BLOCK - 1) / FM_K_BLOCK;
  const int last_lanes = (int)(n % LANES);
  for (ptrdiff_t s = 0; s < n_blocks; s++) {
    const ptrdiff_t p0 = s * k / n_blocks, kb = (s + 1) * k / n_blocks - p0;
    ptrdiff_t j = 0;
    while (j < n) {
      const REAL *a_block = a + p0 * a_col, *b_block = b + p0 * ldb + j;
      const ptrdiff_t n_panels = (n - j) / NR;
      FM_NAME(ends) ends = {.init = after->init ? after->init + j : NULL, .accumulate = s > 0};
      if (s == n_blocks - 1) ends.relu = after->relu, ends.mask = after->mask ? after->mask + j : NULL;
#define FM_ROW_TILE(n_panels, n_vectors, partial)                                                            \
  FM_NAME(row_tile)(n_panels, n_vectors, c + j, partial, a_block, a_col, b_block, ldb, &ends, kb)
      if (n_panels >= 8) {
        FM_ROW_TILE(8, 2, 0), j += 8 * NR;
      } else if (n_panels >= 4) {
        FM_ROW_TILE(4, 2, 0), j += 4 * NR;
      } else if (n_panels >= 2) {
        FM_ROW_TILE(2, 2, 0), j += 2 * NR;
      } else if (n_panels == 1) {
        FM_ROW_TILE(1, 2, 0), j += NR;
      } else {
        if (n - j > LANES)
          FM_ROW_TILE(1, 2, last_lanes);
        else
          FM_ROW_TILE(1, 1, last_lanes);
        j = n;
      }
    }
  }
}

/* The end of a product that gemv has computed. */
static void FM_NAME(finish_vector)(REAL *c, ptrdiff_t n, const fm_product *product) {
  const REAL *mask = product->mask;
  if (product->relu)
    for (ptrdiff_t i = 0; i < n; i++) c[i] = c[i] < 0 ? 0 : c[i];
  if (mask)
    for (ptrdiff_t i = 0; i < n; i++) c[i] = mask[i] > 0 ? c[i] : 0;
}

static void FM_NAME(gemm)(const fm_product *product, void *scratch_in) {
  const ptrdiff_t m = product->m, n = product->n, k = product->k;
  const ptrdiff_t a_row = product->a_row, a_col = product->a_col, b_row = product->b_row,
                  b_col = product->b_col;
  REAL *c = product->c, *scratch = scratch_in;
  const REAL *a = product->a, *b = product->b, *init = product->init;
  if (n == 1) {
    FM_NAME(gemv)(c, n, a, a_row, a_col, b, b_row, init, 0, m, k);
    FM_NAME(finish_vector)(c, m, product);
    return;
  }
  if (m == 1 && b_row == 1 &&
      k >= LANES) { /* C^T = B^T A^T: dot products with the rows of B^T, as they lie */
    FM_NAME(gemv)(c, 1, b, b_col, b_row, a, a_col, init, 1, n, k);
    FM_NAME(finish_vector)(c, n, product);
    return;
  }
  const FM_NAME(ends) ends = {.init = init, .mask = product->mask, .relu = product->relu};
  if (m == 1 && b_col == 1) {
    FM_NAME(row)(c, a, a_col, b, b_row, &ends, n, k);
    return;
  }
  ptrdiff_t narrow = 0;
  if (a_row == 1 && !product->packed && !init && !product->mask && !product->relu && m >= NR &&
      n % LANES <= LANES / 2)
    narrow = n % LANES;
  if (n > narrow)
    FM_NAME(gemm_tiled)(c, n, a, a_row, a_col, b, b_row, b_col, product->packed, &ends, m, n - narrow, k,
                        scratch);
  if (narrow)
    FM_NAME(gemm_narrow)(c + n - narrow, n, a, a_col, b + (n - narrow) * b_col, b_row, b_col, m, narrow, k,
                         scratch);
}
