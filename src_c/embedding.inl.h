/* Embeddings: integer codes among the columns of x become rows of tables, the other columns stay as they are.
 *
 * A layout says which is which: {columns of x, columns of out, n_plain, n_tables, plain columns ...,
 * (code's column, n_codes, width) of each table ...}. out is the plain columns, then a row of each table.
 * A code that is no whole number from 0 to n_codes - 1 gets zeros, and no gradient.
 */

#define FM_PLAIN(layout) ((layout) + 4)
#define FM_TABLES(layout) ((layout) + 4 + (layout)[2])

/* The row of a table that a code names, or -1. */
static inline ptrdiff_t FM_NAME(code_row)(REAL code, ptrdiff_t n_codes) {
  if (!(code >= 0 && code < (REAL)n_codes)) return -1;
  const ptrdiff_t row = (ptrdiff_t)code;
  return (REAL)row == code ? row : -1;
}

static void FM_NAME(embed)(void *out_out, const void *x_in, const void *tables_in, ptrdiff_t rows,
                           const ptrdiff_t *layout) {
  REAL *out = out_out;
  const REAL *x = x_in;
  for (ptrdiff_t i = 0; i < rows; i++, x += layout[0]) {
    for (ptrdiff_t j = 0; j < layout[2]; j++) *out++ = x[FM_PLAIN(layout)[j]];
    const REAL *table = tables_in;
    const ptrdiff_t *of_table = FM_TABLES(layout);
    for (ptrdiff_t t = 0; t < layout[3]; t++, of_table += 3) {
      const ptrdiff_t width = of_table[2], row = FM_NAME(code_row)(x[of_table[0]], of_table[1]);
      for (ptrdiff_t j = 0; j < width; j++) *out++ = row < 0 ? 0 : table[row * width + j];
      table += of_table[1] * width;
    }
  }
}

/* gradient (last - first, width) of rows `first` to `last` of one table. */
static void FM_NAME(embedding_gradient)(void *gradient_out, const void *delta_in, const void *x_in,
                                        ptrdiff_t rows, const ptrdiff_t *layout, ptrdiff_t table,
                                        ptrdiff_t first, ptrdiff_t last) {
  REAL *restrict gradient = gradient_out;
  const REAL *restrict delta = delta_in, *restrict x = x_in;
  const ptrdiff_t *of_table = FM_TABLES(layout);
  delta += layout[2];
  for (ptrdiff_t t = 0; t < table; t++, of_table += 3) delta += of_table[2];
  const ptrdiff_t width = of_table[2];
  for (ptrdiff_t j = 0; j < (last - first) * width; j++) gradient[j] = 0;
  for (ptrdiff_t i = 0; i < rows; i++, x += layout[0], delta += layout[1]) {
    const ptrdiff_t row = FM_NAME(code_row)(x[of_table[0]], of_table[1]);
    if (row < first || row >= last) continue;
    for (ptrdiff_t j = 0; j < width; j++) gradient[(row - first) * width + j] += delta[j];
  }
}

/* dx (rows, columns of x): the plain columns' derivatives; those of codes are 0. */
static void FM_NAME(embed_backward)(void *dx_out, const void *delta_in, ptrdiff_t rows,
                                    const ptrdiff_t *layout) {
  REAL *dx = dx_out;
  const REAL *delta = delta_in;
  for (ptrdiff_t i = 0; i < rows; i++, dx += layout[0], delta += layout[1]) {
    for (ptrdiff_t j = 0; j < layout[0]; j++) dx[j] = 0;
    for (ptrdiff_t j = 0; j < layout[2]; j++) dx[FM_PLAIN(layout)[j]] = delta[j];
  }
}
