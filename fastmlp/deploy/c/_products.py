"""Dense layers in C: the order of their weights, and the loops over them.

Units are summed `PANEL` at a time over all inputs, several rows of them where there are rows, in arrays that compilers
keep in vector registers. The weights of a panel lie in the order in which they are read: those of an input for all its
units, one input after the other. Units that are left are sums of products one by one, so that small layers take no
more memory than their weights; each unit's weights lie together.
"""

import numpy as np

from fastmlp.deploy.c._kernels import Kernel

PANEL = 32
# Up to so many weights, formulas are shorter than loops.
FEW_WEIGHTS = 4


def packed(weights: np.ndarray) -> np.ndarray:
    """Weights (n_inputs, n_units) in the order in which C reads them."""
    n_inputs, n_units = weights.shape
    in_panels = n_units - n_units % PANEL
    panels = weights[:, :in_panels].reshape(n_inputs, -1, PANEL).transpose(1, 0, 2)
    return np.concatenate([panels.ravel(), weights[:, in_panels:].T.ravel()])


def dense_kernels(kind: str) -> dict[str, Kernel]:
    """Kernels of dense layers with weights of a kind, "float" or "int8".

    "dense_float" is for any number of units, "few_float" for fewer than `PANEL`.
    """
    words = {
        "KIND": kind,
        "TYPE": TYPES[kind],
        **(WHOLE_NUMBERS if kind == "int8" else dict.fromkeys(WHOLE_NUMBERS, "")),
    }
    kernels = {}
    for name, (text, needs) in KERNELS.items():
        for word, replacement in words.items():
            text = text.replace(f"${word}$", replacement)
        kernels[f"{name}_{kind}"] = Kernel(text, tuple(f"{need}_{kind}" for need in needs))
    return kernels


TYPES = {"float": "float", "int8": "signed char"}
# What int8 weights have besides.
WHOLE_NUMBERS = {
    "CAST": "(float)",
    "SCALES": "const float *@@_RESTRICT scales, ",
    "BEHIND": "scales + in_panels, ",
    "SCALED": "scales[j] * ",
}

# Told once in a file.
SETTINGS = """/* Rows that are summed at once: as many as there are registers for their sums. */
#if defined(__AVX512F__)
#define @@_TILE 8
#elif defined(__AVX__)
#define @@_TILE 4
#else
#define @@_TILE 2
#endif

/* Whether loops become vector instructions; without them, few sums at a time stay in registers. */
#if defined(__SSE__) || defined(__ARM_NEON) || defined(_M_X64) || defined(_M_ARM64)
#define @@_VECTORS 1
#else
#define @@_VECTORS 0
#endif

/* Within other loops, gcc lets go of some of the registers. */
#if defined(__GNUC__)
#define @@_NOINLINE __attribute__((noinline))
#else
#define @@_NOINLINE
#endif
"""

DOT = """/* The sum of n products. */
static float @_dot_$KIND$(const float *@@_RESTRICT x, const $TYPE$ *@@_RESTRICT w, int n) {
  int i = 0;
#if @@_VECTORS
  float sums[32];
  int j, k;
  for (j = 0; j < 32; j++) sums[j] = 0.0f;
  for (; i + 32 <= n; i += 32)
    for (j = 0; j < 32; j++) sums[j] += x[i + j] * $CAST$w[i + j];
  for (k = 16; k > 0; k /= 2)
    for (j = 0; j < k; j++) sums[j] += sums[j + k];
  for (; i < n; i++) sums[0] += x[i] * $CAST$w[i];
  return sums[0];
#else
  float a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
  for (; i + 4 <= n; i += 4) {
    a += x[i] * $CAST$w[i];
    b += x[i + 1] * $CAST$w[i + 1];
    c += x[i + 2] * $CAST$w[i + 2];
    d += x[i + 3] * $CAST$w[i + 3];
  }
  for (; i < n; i++) a += x[i] * $CAST$w[i];
  return (a + b) + (c + d);
#endif
}
"""

PANEL_OF_ROW = """/* The sums of 32 units of a row. */
static @@_NOINLINE void @_panel_$KIND$(const float *@@_RESTRICT x, int n_in, const $TYPE$ *@@_RESTRICT w,
                                     float *@@_RESTRICT out) {
  int i, j;
#if @@_VECTORS
  float even[32], odd[32];
  for (j = 0; j < 32; j++) even[j] = odd[j] = 0.0f;
  for (i = 0; i + 2 <= n_in; i += 2)
    for (j = 0; j < 32; j++) {
      even[j] += x[i] * $CAST$w[i * 32 + j];
      odd[j] += x[i + 1] * $CAST$w[(i + 1) * 32 + j];
    }
  if (i < n_in)
    for (j = 0; j < 32; j++) even[j] += x[i] * $CAST$w[i * 32 + j];
  for (j = 0; j < 32; j++) out[j] = even[j] + odd[j];
#else
  for (j = 0; j < 32; j += 4) {
    float a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
    for (i = 0; i < n_in; i++) {
      a += x[i] * $CAST$w[i * 32 + j];
      b += x[i] * $CAST$w[i * 32 + j + 1];
      c += x[i] * $CAST$w[i * 32 + j + 2];
      d += x[i] * $CAST$w[i * 32 + j + 3];
    }
    out[j] = a;
    out[j + 1] = b;
    out[j + 2] = c;
    out[j + 3] = d;
  }
#endif
}
"""

PANEL_OF_ROWS = """/* The same of several rows, with each weight read once; the rows of `out` are `stride` apart. */
static @@_NOINLINE void @_tile_$KIND$(const float *@@_RESTRICT x, int n_in, const $TYPE$ *@@_RESTRICT w,
                                    float *@@_RESTRICT out, int stride) {
  float sums[@@_TILE][32], v[@@_TILE];
  int i, j, r;
  for (r = 0; r < @@_TILE; r++)
    for (j = 0; j < 32; j++) sums[r][j] = 0.0f;
  for (i = 0; i < n_in; i++) {
    for (r = 0; r < @@_TILE; r++) v[r] = x[r * n_in + i]; /* apart, so that gcc leaves the order of the loops */
    for (r = 0; r < @@_TILE; r++)
      for (j = 0; j < 32; j++) sums[r][j] += v[r] * $CAST$w[i * 32 + j];
  }
  for (r = 0; r < @@_TILE; r++)
    for (j = 0; j < 32; j++) out[r * stride + j] = sums[r][j];
}
"""

FEW = """/* x W + b for n rows, where each unit's weights lie together; the rows of `out` are `stride` apart. */
static void @_few_$KIND$(const float *@@_RESTRICT x, int n, int n_in, int n_out, const $TYPE$ *@@_RESTRICT w,
                       $SCALES$const float *@@_RESTRICT bias, float *@@_RESTRICT out, int stride) {
  int r, j;
  for (j = 0; j < n_out; j++, w += n_in)
    for (r = 0; r < n; r++) out[r * stride + j] = bias[j] + $SCALED$@_dot_$KIND$(x + r * n_in, w, n_in);
}
"""

DENSE = """/* x W + b for n rows; `w` has panels of 32 units, and behind them the units that are left. */
static void @_dense_$KIND$(const float *@@_RESTRICT x, int n, int n_in, int n_out, const $TYPE$ *@@_RESTRICT w,
                         $SCALES$const float *@@_RESTRICT bias, float *@@_RESTRICT out) {
  const int in_panels = n_out - n_out % 32;
  int r, j;
  for (j = 0; j < in_panels; j += 32, w += 32 * n_in) {
    for (r = 0; r + @@_TILE <= n; r += @@_TILE) @_tile_$KIND$(x + r * n_in, n_in, w, out + r * n_out + j, n_out);
    for (; r < n; r++) @_panel_$KIND$(x + r * n_in, n_in, w, out + r * n_out + j);
  }
  for (r = 0; r < n; r++)
    for (j = 0; j < in_panels; j++) out[r * n_out + j] = bias[j] + $SCALED$out[r * n_out + j];
  @_few_$KIND$(x, n, n_in, n_out - in_panels, w, $BEHIND$bias + in_panels, out + in_panels, n_out);
}
"""

# Text and what it calls.
KERNELS = {
    "dot": (DOT, ()),
    "few": (FEW, ("dot",)),
    "panel": (PANEL_OF_ROW, ()),
    "tile": (PANEL_OF_ROWS, ()),
    "dense": (DENSE, ("panel", "tile", "few")),
}
