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

/* The numbers are the table positions; fastmlp/_core/_kernels.pxd repeats the names. */
enum fm_activation { FM_IDENTITY, FM_RELU, FM_TANH, FM_LOGISTIC, FM_EXP, FM_SOFTMAX, FM_N_ACTIVATIONS };

/* A loss with its matched output activation, for which the output delta is (activation - target). */
enum fm_matched_loss {
  FM_SQUARED_ERROR_IDENTITY,
  FM_LOG_LOSS_LOGISTIC,
  FM_LOG_LOSS_SOFTMAX,
  FM_POISSON_EXP,
  FM_N_MATCHED_LOSSES
};

enum fm_optimizer { FM_SGD, FM_ADAM, FM_N_OPTIMIZERS };

/* The scalars of one optimizer step. */
typedef struct {
  double learning_rate; /* of this step, bias correction included */
  double decay_1;       /* sgd: momentum; adam: beta_1 */
  double decay_2;       /* adam: beta_2 */
  double epsilon;       /* adam: keeps the division finite */
  int nesterov;         /* sgd: look ahead along the velocity */
} fm_step;

typedef struct {
  size_t itemsize;

  /* z (rows, cols) -> h(z), in place. */
  void (*activation_forward[FM_N_ACTIVATIONS])(void *z, ptrdiff_t rows, ptrdiff_t cols);

  /* delta (rows, cols) *= h'(z), from the activation a = h(z). NULL: no hidden layer may use it yet. */
  void (*activation_backward[FM_N_ACTIVATIONS])(void *delta, const void *a, ptrdiff_t rows, ptrdiff_t cols);

  /* delta (rows, cols) = scale * weight * (h(z) - y); returns the sum over rows of weight * loss.
   * weight (rows,) may be NULL: all ones. */
  double (*matched_loss[FM_N_MATCHED_LOSSES])(void *delta, const void *z, const void *y, const void *weight,
                                              double scale, ptrdiff_t rows, ptrdiff_t cols);

  /* One optimizer step on n parameters, with l2 * parameter, the gradient of the penalty, added to the
   * gradient; returns the sum of the parameters' squares before the step. moment_2 is unused by sgd. */
  double (*update[FM_N_OPTIMIZERS])(void *parameter, void *moment_1, void *moment_2, const void *gradient,
                                    ptrdiff_t n, double l2, const fm_step *step);

  /* out (cols,) = sums over the rows of x (rows, cols). */
  void (*column_sums)(void *out, const void *x, ptrdiff_t rows, ptrdiff_t cols);

  /* 1 if no element of x (n,) is NaN or infinite. */
  int (*all_finite)(const void *x, ptrdiff_t n);

  /* c (m, n) = init + a (m, k) b (k, n); a and b by (row stride, column stride), one of them 1; init is a
   * row or NULL; scratch holds FM_GEMM_SCRATCH_BYTES. NULL: this table leaves products to BLAS. */
  void (*gemm)(void *c, ptrdiff_t ldc, const void *a, ptrdiff_t a_row, ptrdiff_t a_col, const void *b,
               ptrdiff_t b_row, ptrdiff_t b_col, const void *init, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
               void *scratch);
} fm_kernels;

/* The slab of packed operand that gemm keeps in the level-2 cache. */
#define FM_GEMM_SCRATCH_BYTES (512 * 1024)

enum fm_isa { FM_GENERIC, FM_AVX2, FM_AVX512, FM_N_ISAS };

/* The table for an instruction set and an itemsize (4 or 8); NULL where it is not compiled in. */
const fm_kernels *fm_kernels_for(enum fm_isa isa, size_t itemsize);

/* 1 if this CPU and its operating system can run the instruction set and it is compiled in. */
int fm_isa_available(enum fm_isa isa);

#endif
