/* Shuffled rows, copied together. */

#define FM_LINE_BYTES 64
/* Rows lie anywhere in X, mostly not in any cache: this many are on their way while one is copied. */
#define FM_ROWS_AHEAD 4

static void FM_NAME(gather_rows)(void *out_out, const void *x_in, const ptrdiff_t *order, ptrdiff_t rows,
                                 size_t row_bytes) {
  char *restrict out = out_out;
  const char *restrict x = x_in;
  for (ptrdiff_t i = 0; i < rows; i++, out += row_bytes) {
    const char *row = x + (size_t)order[i] * row_bytes;
    if (i + FM_ROWS_AHEAD < rows) {
      const char *later = x + (size_t)order[i + FM_ROWS_AHEAD] * row_bytes;
      for (size_t byte = 0; byte < row_bytes; byte += FM_LINE_BYTES) __builtin_prefetch(later + byte);
    }
    size_t byte = 0;
#ifdef FM_VECTOR_BYTES
    for (; byte + FM_VECTOR_BYTES <= row_bytes; byte += FM_VECTOR_BYTES)
      *(VEC *)(out + byte) = *(const VEC *)(row + byte);
#endif
    for (; byte < row_bytes; byte += sizeof(REAL)) memcpy(out + byte, row + byte, sizeof(REAL));
  }
}
