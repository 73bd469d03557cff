"""The C functions that steps are made of, of which a file gets those that it calls.

In their text ``@`` stands for the name of the model, ``@@`` for it in capitals. Rows lie one behind the other. Kernels
of one value or of a row's groups work in place. NaN goes through all of them as in NumPy.
"""

from typing import NamedTuple


class Kernel(NamedTuple):
    """A static function.

    Attributes
    ----------
    text : str
    needs : tuple of str
        Kernels that it calls.
    """

    text: str
    needs: tuple[str, ...] = ()


def _elementwise(name, value, needs=(), parameters=""):
    """An activation of single values: `value` of ``z``."""
    text = f"""static void @_{name}(float *x, int n{parameters}) {{
  int i;
  for (i = 0; i < n; i++) {{
    const float z = x[i];
    x[i] = {value};
  }}
}}
"""
    return Kernel(text, needs)


# exp and its relatives are straight lines, which compilers turn into vector instructions, within some units of the last
# place; those of libm are not.
MATHEMATICS = {
    "power_of_two": Kernel("""/* 2^n for a whole n from -126 to 127. */
static inline float @_power_of_two(float n) {
  /* In the low bits of this sum there is n + 127, the exponent of 2^n. */
  const float sum = n + (12582912.0f + 127.0f);
  unsigned int bits;
  float power;
  memcpy(&bits, &sum, sizeof bits);
  bits <<= 23;
  memcpy(&power, &bits, sizeof power);
  return power;
}
"""),
    "reduced": Kernel("""/* Writes n = round(x / log(2)), and returns exp(x - n log(2)) - 1. */
static inline float @_reduced(float x, float *n) {
  const float sum = x * 1.44269504f + 12582912.0f, whole = sum - 12582912.0f; /* which has no room for a fraction */
  const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
  float p = 1.0f / 5040.0f;
  p = p * r + 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  *n = whole;
  return p * (r * r) + r;
}
"""),
    "exp_of": Kernel(
        """/* exp(x), infinite where it is too large; no less than 2e-38. */
static inline float @_exp_of(float x) {
  float n, e, half;
  x = x < -86.5f ? -86.5f : x > 89.0f ? 89.0f : x;
  e = @_reduced(x, &n);
  half = @_power_of_two(n - 1.0f);
  return (e * half + half) * 2.0f;
}
""",
        ("power_of_two", "reduced"),
    ),
    "expm1": Kernel(
        """/* exp(x) - 1 for x up to 80, with all digits near 0. */
static inline float @_expm1(float x) {
  float n, e, power;
  x = x < -20.0f ? -20.0f : x;
  e = @_reduced(x, &n);
  power = @_power_of_two(n);
  return e * power + (power - 1.0f);
}
""",
        ("power_of_two", "reduced"),
    ),
    "tanh_of": Kernel(
        """static inline float @_tanh_of(float x) {
  const float size = fabsf(x), t = @_expm1(size > 10.0f ? 20.0f : 2.0f * size);
  return copysignf(t / (t + 2.0f), x);
}
""",
        ("expm1",),
    ),
    "logistic_of": Kernel(
        """/* 1 / (1 + exp(-x)), by the exponential that cannot overflow. */
static inline float @_logistic_of(float x) {
  const float e = @_exp_of(-fabsf(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}
""",
        ("exp_of",),
    ),
    "softplus_of": Kernel(
        """/* log(1 + exp(x)) = max(x, 0) + log(1 + e), and log(1 + e) = 2 atanh(s). */
static inline float @_softplus_of(float x) {
  const float e = @_exp_of(-fabsf(x)), s = e / (2.0f + e), s2 = s * s;
  float p = 1.0f / 15.0f;
  p = p * s2 + 1.0f / 13.0f;
  p = p * s2 + 1.0f / 11.0f;
  p = p * s2 + 1.0f / 9.0f;
  p = p * s2 + 1.0f / 7.0f;
  p = p * s2 + 1.0f / 5.0f;
  p = p * s2 + 1.0f / 3.0f;
  return (x < 0.0f ? 0.0f : x) + (2.0f * s + 2.0f * s * s2 * p);
}
""",
        ("exp_of",),
    ),
}

# By the names of `fastmlp.runtime._activations.FORMULAS`; constants are parameters.
ACTIVATIONS = {
    "hard_limit": _elementwise("hard_limit", "z >= 0.0f ? 1.0f : 0.0f"),
    "relu": _elementwise("relu", "z < 0.0f ? 0.0f : z"),
    "leaky_relu": _elementwise("leaky_relu", "z < 0.0f ? slope * z : z", parameters=", float slope"),
    "elu": _elementwise(
        "elu",
        "scale * (z > 0.0f ? z : alpha * @_expm1(z > 0.0f ? 0.0f : z))",
        ("expm1",),
        ", float alpha, float scale",
    ),
    "softplus": _elementwise("softplus", "@_softplus_of(z)", ("softplus_of",)),
    "gelu": _elementwise("gelu", "0.5f * z * erfcf(-0.707106781f * z)"),
    "silu": _elementwise("silu", "z * @_logistic_of(z)", ("logistic_of",)),
    "mish": _elementwise("mish", "z * @_tanh_of(@_softplus_of(z))", ("tanh_of", "softplus_of")),
    "logistic": _elementwise("logistic", "@_logistic_of(z)", ("logistic_of",)),
    "tanh": _elementwise("tanh", "@_tanh_of(z)", ("tanh_of",)),
    "hard_tanh": _elementwise("hard_tanh", "z < -1.0f ? -1.0f : z > 1.0f ? 1.0f : z"),
    "softsign": _elementwise("softsign", "z / (1.0f + fabsf(z))"),
    "hard_sigmoid": _elementwise("hard_sigmoid", "z < -3.0f ? 0.0f : z > 3.0f ? 1.0f : z / 6.0f + 0.5f"),
    "exp": _elementwise("exp", "@_exp_of(z)", ("exp_of",)),
    "softmax": Kernel(
        """/* Of `width` columns in each of n rows, which are `stride` apart. */
static void @_softmax(float *x, int n, int stride, int width) {
  int r, j;
  for (r = 0; r < n; r++, x += stride) {
    float largest = x[0], sum = 0.0f;
    for (j = 1; j < width; j++) largest = x[j] > largest ? x[j] : largest;
    for (j = 0; j < width; j++) x[j] = @_exp_of(x[j] - largest);
    for (j = 0; j < width; j++) sum += x[j];
    for (j = 0; j < width; j++) x[j] /= sum;
  }
}
""",
        ("exp_of",),
    ),
    "maxout": Kernel("""/* The largest of each `size` values. */
static void @_maxout(const float *x, int n, int size, float *out) {
  int i, j;
  for (i = 0; i < n; i++, x += size) {
    float largest = x[0];
    for (j = 1; j < size; j++)
      if (x[j] > largest || x[j] != x[j]) largest = x[j];
    out[i] = largest;
  }
}
"""),
    "product": Kernel("""/* Products of neighbours. */
static void @_product(const float *x, int n, float *out) {
  int i;
  for (i = 0; i < n; i++) out[i] = x[2 * i] * x[2 * i + 1];
}
"""),
    "power_product": Kernel("""/* For each output the product of all inputs, each to its power. */
static void @_power_product(const float *x, int n, int n_in, int n_out, const float *powers, float *out) {
  int r, i, j;
  for (r = 0; r < n; r++, x += n_in)
    for (j = 0; j < n_out; j++) {
      double product = 1.0;
      for (i = 0; i < n_in; i++) product *= pow((double)x[i], (double)powers[i * n_out + j]);
      *out++ = (float)product;
    }
}
"""),
    "increasing": Kernel(
        """/* In each group of `size` values, each lies above the one before by a softplus. */
static void @_increasing(float *x, int n, int size) {
  int i, j;
  for (i = 0; i < n; i += size)
    for (j = i + 1; j < i + size; j++) x[j] = x[j - 1] + @_softplus_of(x[j]);
}
""",
        ("softplus_of",),
    ),
}

TABLES = {
    "affine": Kernel("""/* (x - center) * scale + shift, a column each. */
static void @_affine(const float *@@_RESTRICT x, int n, int width, const float *@@_RESTRICT center,
                     const float *@@_RESTRICT scale, const float *@@_RESTRICT shift, float *@@_RESTRICT out) {
  int r, j;
  for (r = 0; r < n; r++, x += width, out += width)
    for (j = 0; j < width; j++) out[j] = (x[j] - center[j]) * scale[j] + shift[j];
}
"""),
    "clip": Kernel("""static void @_clip(float *x, int n, float low, float high) {
  int i;
  for (i = 0; i < n; i++) x[i] = x[i] < low ? low : x[i] > high ? high : x[i];
}
"""),
    "impute": Kernel("""/* Values in place of what is missing: NaN, or what equals `missing`. */
static void @_impute(float *x, int n, int width, float missing, const float *values) {
  int r, j;
  for (r = 0; r < n; r++, x += width)
    for (j = 0; j < width; j++)
      if (x[j] == missing || (x[j] != x[j] && missing != missing)) x[j] = values[j];
}
"""),
    "indicate": Kernel("""/* 1 where a value is missing (NaN, or what equals `missing`), else 0. */
static void @_indicate(float *x, int n, float missing) {
  int i;
  for (i = 0; i < n; i++) x[i] = x[i] == missing || (x[i] != x[i] && missing != missing) ? 1.0f : 0.0f;
}
"""),
    "take": Kernel("""/* Some of `n_in` columns. */
static void @_take(const float *x, int n, int n_in, const int *columns, int n_out, float *out) {
  int r, j;
  for (r = 0; r < n; r++, x += n_in)
    for (j = 0; j < n_out; j++) *out++ = x[columns[j]];
}
"""),
    "put": Kernel("""/* Columns to a place among others: rows of `width` values into rows that are `stride` apart. */
static void @_put(const float *x, int n, int width, float *out, int stride) {
  int r, j;
  for (r = 0; r < n; r++, x += width, out += stride)
    for (j = 0; j < width; j++) out[j] = x[j];
}
"""),
    "weigh": Kernel("""static void @_weigh(const float *x, int n, float weight, float *out) {
  int i;
  for (i = 0; i < n; i++) out[i] = weight * x[i];
}
"""),
    "add": Kernel("""static void @_add(const float *x, int n, float weight, float *out) {
  int i;
  for (i = 0; i < n; i++) out[i] += weight * x[i];
}
"""),
    "normalize": Kernel("""/* `width` columns divided by their sum, in each of n rows, which are `stride` apart. */
static void @_normalize(float *x, int n, int stride, int width) {
  int r, j;
  for (r = 0; r < n; r++, x += stride) {
    float sum = 0.0f;
    for (j = 0; j < width; j++) sum += x[j];
    for (j = 0; j < width; j++) x[j] = sum > 0.0f ? x[j] / sum : 1.0f / (float)width;
  }
}
"""),
    "find": Kernel("""/* The place of a value in a list, in which NaN is one, or -1. */
static int @_find(float value, const float *list, int n) {
  int i;
  for (i = 0; i < n; i++)
    if (list[i] == value || (list[i] != list[i] && value != value)) return i;
  return -1;
}
"""),
    "place": Kernel(
        """/* One column of rows `n_in` wide as the place in a list; what is NaN, or not in it, as given. */
static void @_place(const float *x, int n, int n_in, const float *list, int length, float nan, float unknown,
                    float *out, int n_out) {
  int r;
  for (r = 0; r < n; r++, x += n_in, out += n_out) {
    const int place = @_find(*x, list, length);
    *out = place < 0 ? unknown : *x != *x ? nan : (float)place;
  }
}
""",
        ("find",),
    ),
    "one_hot": Kernel(
        """/* One column as one for each value of a list but the dropped one; all are `unknown` for what it lacks. */
static void @_one_hot(const float *x, int n, int n_in, const float *list, int length, int dropped, float unknown,
                      float *out, int n_out) {
  int r, i;
  for (r = 0; r < n; r++, x += n_in, out += n_out) {
    const int place = @_find(*x, list, length);
    float *next = out;
    for (i = 0; i < length; i++)
      if (i != dropped) *next++ = place < 0 ? unknown : i == place ? 1.0f : 0.0f;
  }
}
""",
        ("find",),
    ),
    "embed": Kernel("""/* A code's row of a table; NaN for a code that has none. */
static void @_embed(const float *x, int n, int n_in, const float *rows, int n_codes, int width, float *out, int n_out) {
  int r, j;
  for (r = 0; r < n; r++, x += n_in, out += n_out) {
    const int code = *x >= 0.0f && *x < (float)n_codes ? (int)*x : -1;
    const int known = code >= 0 && (float)code == *x;
    for (j = 0; j < width; j++) out[j] = known ? rows[code * width + j] : NAN;
  }
}
"""),
}

DECISIONS = {
    "above": Kernel("""/* 1 where a score is above the threshold, else 0; -1 for NaN. */
static void @_above(const float *raw, int n, float threshold, int *out) {
  int i;
  for (i = 0; i < n; i++) out[i] = raw[i] != raw[i] ? -1 : raw[i] > threshold;
}
"""),
    "largest": Kernel("""/* The place of the largest of `width` scores, the first of equal ones; -1 if there is NaN. */
static void @_largest(const float *raw, int n, int stride, int width, int *out, int n_out) {
  int r, j;
  for (r = 0; r < n; r++, raw += stride, out += n_out) {
    *out = 0;
    for (j = 1; j < width; j++)
      if (raw[j] > raw[*out]) *out = j;
    for (j = 0; j < width; j++)
      if (raw[j] != raw[j]) *out = -1;
  }
}
"""),
}
