/* What the C core offers: one table of kernels for each dtype and instruction set.
 *
 * Kernels know nothing of Python, of memory management or of threads. Matrices are row-major and
 * contiguous unless a leading dimension is given; outputs come first; REAL is the table's dtype. Pointers
 * are void so that both dtypes share one table type and the code above it is written once.
 */
#ifndef FM_KERNELS_H
#define FM_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* The kernels by their names. Enums, tables and the names that Python knows come from these lists, whose
 * order means nothing. */

/* name_forward and name_backward in activations.inl.h. */
#define FM_ACTIVATIONS(X)                                                                                    \
  X(identity)                                                                                                \
  X(hard_limit)                                                                                              \
  X(relu)                                                                                                    \
  X(leaky_relu)                                                                                              \
  X(randomized_leaky_relu)                                                                                   \
  X(elu)                                                                                                     \
  X(softplus)                                                                                                \
  X(gelu)                                                                                                    \
  X(silu)                                                                                                    \
  X(mish)                                                                                                    \
  X(logistic)                                                                                                \
  X(tanh)                                                                                                    \
  X(hard_tanh)                                                                                               \
  X(softsign)                                                                                                \
  X(hard_sigmoid)                                                                                            \
  X(exp)                                                                                                     \
  X(softmax)                                                                                                 \
  X(maxout)                                                                                                  \
  X(product)                                                                                                 \
  X(power_product)                                                                                           \
  X(increasing)

/* In losses.inl.h. A loss by itself goes from outputs a to the derivative by a, with "_distribution" for
 * outputs that sum to 1; with the name of an output activation, the loss is matched: it goes from that one's
 * input z to the derivative by z. */
#define FM_LOSSES(X)                                                                                         \
  X(squared_error)                                                                                           \
  X(log_loss)                                                                                                \
  X(log_loss_distribution)                                                                                   \
  X(kl_divergence)                                                                                           \
  X(kl_divergence_distribution)                                                                              \
  X(poisson)                                                                                                 \
  X(absolute_error)                                                                                          \
  X(huber)                                                                                                   \
  X(log_cosh)                                                                                                \
  X(quantile)                                                                                                \
  X(hinge)                                                                                                   \
  X(log_loss_logistic)                                                                                       \
  X(log_loss_softmax)                                                                                        \
  X(kl_divergence_logistic)                                                                                  \
  X(kl_divergence_softmax)                                                                                   \
  X(poisson_exp)                                                                                             \
  X(poisson_softplus)

/* In optimizers.inl.h. */
#define FM_OPTIMIZERS(X)                                                                                     \
  X(sgd)                                                                                                     \
  X(rmsprop)                                                                                                 \
  X(adagrad)                                                                                                 \
  X(adam)                                                                                                    \
  X(lion)

/* Weights of fewer bytes, in compact.inl.h. */
#define FM_COMPACTS(X)                                                                                       \
  X(bfloat16)                                                                                                \
  X(int8)

#define FM_NUMBER_ACTIVATION(name) FM_ACTIVATION_##name,
#define FM_NUMBER_LOSS(name) FM_LOSS_##name,
#define FM_NUMBER_COMPACT(name) FM_COMPACT_##name,
#define FM_NUMBER_OPTIMIZER(name) FM_OPTIMIZER_##name,
enum fm_activation { FM_ACTIVATIONS(FM_NUMBER_ACTIVATION) FM_N_ACTIVATIONS };
enum fm_loss { FM_LOSSES(FM_NUMBER_LOSS) FM_N_LOSSES };
enum fm_optimizer { FM_OPTIMIZERS(FM_NUMBER_OPTIMIZER) FM_N_OPTIMIZERS };
enum fm_compact { FM_COMPACTS(FM_NUMBER_COMPACT) FM_N_COMPACTS };

#define FM_QUOTED(name) #name,
static const char *const fm_activation_names[] = {FM_ACTIVATIONS(FM_QUOTED)};
static const char *const fm_loss_names[] = {FM_LOSSES(FM_QUOTED)};
static const char *const fm_optimizer_names[] = {FM_OPTIMIZERS(FM_QUOTED)};
static const char *const fm_compact_names[] = {FM_COMPACTS(FM_QUOTED)};

/* Consecutive outputs, each group of them a distribution of its own; n = 0 where all of them are one. */
typedef struct {
  const ptrdiff_t *sizes;
  ptrdiff_t n;
} fm_groups;

/* What an activation needs beside its input. */
typedef struct {
  double constants[3];     /* slopes, scales, sizes: each kernel says which */
  const double *exponents; /* power_product: (units, outputs) */
  fm_groups groups;        /* softmax */
  ptrdiff_t outputs;       /* columns of a, where a kernel changes the width */
  uint32_t key;            /* of the random numbers of one layer in one pass */
  ptrdiff_t first_row;     /* place in the batch of the first row, for those numbers */
} fm_activation_arguments;

/* What a loss needs beside outputs and targets. */
typedef struct {
  double threshold;     /* huber: where it turns from quadratic to linear */
  const double *levels; /* quantile */
  ptrdiff_t n_levels;   /* quantile: outputs a target */
  fm_groups groups;     /* log_loss_softmax */
} fm_loss_arguments;

/* The scalars of one optimizer step; an optimizer reads those it has. */
typedef struct {
  double learning_rate; /* of this step, bias correction included */
  double decay_1;       /* momentum, or beta_1 */
  double decay_2;       /* beta_2 */
  double epsilon;       /* keeps a division finite */
  int nesterov;         /* look ahead along the velocity */
} fm_step;

/* c (m, n) = end(init + a (m, k) b (k, n)), row-major; a and b by (row stride, column stride), one of them 1.
 */
typedef struct {
  void *c;
  const void *a, *b;
  ptrdiff_t a_row, a_col, b_row, b_col;
  ptrdiff_t m, n, k;
  const void *packed; /* b in panels of size k * panel_columns, or NULL */
  const void *init;   /* a row that is added to all of c, or NULL */
  int relu;           /* end: negative values become 0 */
  const void *mask;   /* end: (m, n), values become 0 unless this is positive; or NULL */
} fm_product;

typedef struct {
  size_t itemsize;

  /* z (rows, units) -> a = h(z) (rows, outputs). a may be z where the way back needs a only, which is
   * `overwrites` in fastmlp/activations.py. */
  void (*activation_forward[FM_N_ACTIVATIONS])(void *a, const void *z, ptrdiff_t rows, ptrdiff_t units,
                                               const fm_activation_arguments *arguments);

  /* delta (rows, units) = J^T g of each row, J the Jacobian of h and g (rows, outputs) the derivative by a.
   * delta may be g where `backward_in_place` says so. */
  void (*activation_backward[FM_N_ACTIVATIONS])(void *delta, const void *g, const void *a, const void *z,
                                                ptrdiff_t rows, ptrdiff_t units,
                                                const fm_activation_arguments *arguments);

  /* d (rows, outputs) = scale * weight * derivative of the loss, by z for the matched losses and by a for the
   * others (x is z or a); returns the sum over rows of weight * loss. weight (rows,) may be NULL: all ones.
   */
  double (*loss[FM_N_LOSSES])(void *d, const void *x, const void *y, const void *weight, double scale,
                              ptrdiff_t rows, ptrdiff_t outputs, const fm_loss_arguments *arguments);

  /* One optimizer step on n parameters, with l2 * parameter, the gradient of the penalty, added to the
   * gradient of the first n_penalized; returns the sum of their squares before it. moment_2 is NULL for an
   * optimizer of one moment. */
  double (*update[FM_N_OPTIMIZERS])(void *parameter, void *moment_1, void *moment_2, const void *gradient,
                                    ptrdiff_t n, ptrdiff_t n_penalized, double l2, const fm_step *step);

  /* gradient (n,) += l1 * sign(parameter); returns the sum of the parameters' absolute values. */
  double (*add_l1_gradient)(void *gradient, const void *parameter, ptrdiff_t n, double l1);

  /* x (n,) *= factor. */
  void (*scale)(void *x, ptrdiff_t n, double factor);

  /* Sum of the squares of x (n,). */
  double (*sum_of_squares)(const void *x, ptrdiff_t n);

  /* out (cols,) = sums over the rows of x (rows, cols). */
  void (*column_sums)(void *out, const void *x, ptrdiff_t rows, ptrdiff_t cols);

  /* out (rows, cols) = x with each element kept, times 1 / (1 - rate), or with probability rate set to 0. The
   * same key and first_row drop the same elements. out may be x. */
  void (*dropout)(void *out, const void *x, ptrdiff_t rows, ptrdiff_t cols, double rate, uint32_t key,
                  ptrdiff_t first_row);

  /* Mean and (biased) variance (cols,) of the columns of x (rows, cols). */
  void (*column_moments)(void *mean, void *variance, const void *x, ptrdiff_t rows, ptrdiff_t cols);

  /* inverse (cols,) = 1 / sqrt(variance + epsilon). */
  void (*inverse_deviation)(void *inverse, const void *variance, ptrdiff_t cols, double epsilon);

  /* x (rows, cols) = (x - mean) * inverse in place, and z = scale * x + shift. z may be x, which then is z.
   */
  void (*batch_norm_forward)(void *z, void *x, const void *mean, const void *inverse, const void *scale,
                             const void *shift, ptrdiff_t rows, ptrdiff_t cols);

  /* From the derivative by z to that by what was normalized, in place; gradient (2, cols) = derivatives by
   * shift and by scale. statistics_vary: whether mean and inverse depend on the rows. */
  void (*batch_norm_backward)(void *delta, void *gradient, const void *normalized, const void *inverse,
                              const void *scale, ptrdiff_t rows, ptrdiff_t cols, int statistics_vary);

  /* running (cols,) += momentum * (factor * value - running). */
  void (*running_update)(void *running, const void *value, ptrdiff_t cols, double momentum, double factor);

  /* 1 if no element of x (n,) is NaN or infinite. */
  int (*all_finite)(const void *x, ptrdiff_t n);

  /* net (rows, outputs) = x (rows, features) coef (outputs, features)^T + intercept (outputs,). */
  void (*perceptron_net)(void *net, const void *coef, const void *intercept, const void *x, ptrdiff_t rows,
                         ptrdiff_t features, ptrdiff_t outputs);

  /* The perceptron rule on rows order (rows,) of x, one after the other, for targets y of 0 and 1, a row of
   * outputs for each row of x; returns how many outputs were wrong. */
  ptrdiff_t (*perceptron_epoch)(void *coef, void *intercept, const void *x, const uint8_t *y,
                                const ptrdiff_t *order, ptrdiff_t rows, ptrdiff_t features, ptrdiff_t outputs,
                                double eta);

  /* out (rows, row_bytes) = rows order (rows,) of x. */
  void (*gather_rows)(void *out, const void *x, const ptrdiff_t *order, ptrdiff_t rows, size_t row_bytes);

  /* z (units,) = end(init + x w) for a sparse row x of `count` values in the numbered columns, w (columns,
   * units); column numbers have index_bytes bytes, 4 or 8; relu as in fm_product. */
  void (*sparse_row)(void *z, const void *values, const void *columns, int index_bytes, ptrdiff_t count,
                     const void *w, const void *init, ptrdiff_t units, int relu);

  /* gradient (columns from first_column on, units) += x^T delta (units,), for a sparse row x. */
  void (*sparse_gradient)(void *gradient, const void *delta, const void *values, const void *columns,
                          int index_bytes, ptrdiff_t count, ptrdiff_t first_column, ptrdiff_t units);

  /* out (rows, cols) = x with column j times scale[j]. */
  void (*scale_columns)(void *out, const void *x, const void *scale, ptrdiff_t rows, ptrdiff_t cols);

  /* sums (cols,) over the rows of delta * x, both (rows, cols). */
  void (*column_products)(void *sums, const void *delta, const void *x, ptrdiff_t rows, ptrdiff_t cols);

  /* Codes among the columns of x into rows of tables, and the other columns before them; embedding.inl.h
   * explains the layout. */
  void (*embed)(void *out, const void *x, const void *tables, ptrdiff_t rows, const ptrdiff_t *layout);

  /* gradient = that of rows `first` to `last` of one table. */
  void (*embedding_gradient)(void *gradient, const void *delta, const void *x, ptrdiff_t rows,
                             const ptrdiff_t *layout, ptrdiff_t table, ptrdiff_t first, ptrdiff_t last);

  /* dx = the derivatives by x, 0 by the codes. */
  void (*embed_backward)(void *dx, const void *delta, ptrdiff_t rows, const ptrdiff_t *layout);

  /* Columns of a packed panel; 0 where this table leaves products to BLAS, and the next two are NULL. */
  ptrdiff_t panel_columns;

  /* One product; scratch holds FM_GEMM_SCRATCH_BYTES. */
  void (*gemm)(const fm_product *product, void *scratch);

  /* b (k, n) into panels of panel_columns columns, panel_size elements apart, each (k, panel_columns), the
   * last one padded with zeros. */
  void (*pack)(void *packed, ptrdiff_t panel_size, const void *b, ptrdiff_t b_row, ptrdiff_t b_col,
               ptrdiff_t k, ptrdiff_t n);

  /* Columns of a block of compact weights; 0 where this table has none, and the next two are NULL. */
  ptrdiff_t compact_columns;

  /* w (k, n), bfloat16 as the floats that it stands for, int8 as itself, in blocks of compact_columns
   * columns, k rounded up to an even number. */
  void (*compact_pack[FM_N_COMPACTS])(void *packed, const void *w, ptrdiff_t k, ptrdiff_t n);

  /* c (n,) = end(init + scales * (a (k,) w)), w packed so; scales of int8 only; relu as in fm_product;
   * scratch holds FM_GEMM_SCRATCH_BYTES. */
  void (*compact_row[FM_N_COMPACTS])(void *c, const void *a, const void *packed, const void *scales,
                                     const void *init, ptrdiff_t n, ptrdiff_t k, int relu, void *scratch);
} fm_kernels;

/* What gemm keeps in the level-2 cache: a panel of B, and rows of A that lie badly. */
#define FM_GEMM_SCRATCH_BYTES (512 * 1024)

/* Rows of B this far apart lie in few sets of the cache and many pages: a panel of them is worth packing once
 * more than two tiles of rows read it. */
#define FM_FAR_BYTES 2048

enum fm_isa { FM_GENERIC, FM_AVX2, FM_AVX512, FM_N_ISAS };

/* What a table computes in. Not an item size, which two of them may share. */
enum fm_dtype { FM_FLOAT32, FM_FLOAT64, FM_N_DTYPES };

/* The table for an instruction set and a dtype; NULL where it is not compiled in. */
const fm_kernels *fm_kernels_for(enum fm_isa isa, enum fm_dtype dtype);

/* 1 if this CPU and its operating system can run the instruction set and it is compiled in. */
int fm_isa_available(enum fm_isa isa);

#endif
