# src_c/kernels.h as Cython sees it. Function pointers need `noexcept nogil` one by one.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint8_t, uint32_t


cdef extern from "kernels.h" nogil:
    enum fm_activation:
        FM_RELU "FM_ACTIVATION_relu"
        FM_RANDOMIZED_LEAKY_RELU "FM_ACTIVATION_randomized_leaky_relu"
        FM_POWER_PRODUCT "FM_ACTIVATION_power_product"
        FM_N_ACTIVATIONS

    enum fm_loss:
        FM_N_LOSSES

    enum fm_optimizer:
        FM_N_OPTIMIZERS

    enum fm_compact:
        FM_N_COMPACTS

    const char *const *fm_activation_names
    const char *const *fm_loss_names
    const char *const *fm_optimizer_names
    const char *const *fm_compact_names

    enum fm_isa:
        FM_GENERIC
        FM_AVX2
        FM_AVX512
        FM_N_ISAS

    enum fm_dtype:
        FM_FLOAT32
        FM_FLOAT64
        FM_N_DTYPES

    const size_t FM_GEMM_SCRATCH_BYTES
    const Py_ssize_t FM_FAR_BYTES

    ctypedef struct fm_groups:
        const ptrdiff_t *sizes
        ptrdiff_t n

    ctypedef struct fm_activation_arguments:
        double constants[3]
        const double *exponents
        fm_groups groups
        ptrdiff_t outputs
        uint32_t key
        ptrdiff_t first_row

    ctypedef struct fm_loss_arguments:
        double threshold
        const double *levels
        ptrdiff_t n_levels
        fm_groups groups

    ctypedef struct fm_step:
        double learning_rate
        double decay_1
        double decay_2
        double epsilon
        int nesterov

    ctypedef struct fm_product:
        void *c
        const void *a
        const void *b
        ptrdiff_t a_row
        ptrdiff_t a_col
        ptrdiff_t b_row
        ptrdiff_t b_col
        ptrdiff_t m
        ptrdiff_t n
        ptrdiff_t k
        const void *packed
        const void *init
        int relu
        const void *mask

    ctypedef struct fm_kernels:
        size_t itemsize
        void (**activation_forward)(
            void *, const void *, ptrdiff_t, ptrdiff_t, const fm_activation_arguments *
        ) noexcept nogil
        void (**activation_backward)(
            void *, const void *, const void *, const void *, ptrdiff_t, ptrdiff_t,
            const fm_activation_arguments *
        ) noexcept nogil
        double (**loss)(
            void *, const void *, const void *, const void *, double, ptrdiff_t, ptrdiff_t,
            const fm_loss_arguments *
        ) noexcept nogil
        double (**update)(
            void *, void *, void *, const void *, ptrdiff_t, ptrdiff_t, double, const fm_step *
        ) noexcept nogil
        double (*add_l1_gradient)(void *, const void *, ptrdiff_t, double) noexcept nogil
        void (*scale)(void *, ptrdiff_t, double) noexcept nogil
        double (*sum_of_squares)(const void *, ptrdiff_t) noexcept nogil
        void (*column_sums)(void *, const void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*dropout)(
            void *, const void *, ptrdiff_t, ptrdiff_t, double, uint32_t, ptrdiff_t
        ) noexcept nogil
        void (*column_moments)(void *, void *, const void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*inverse_deviation)(void *, const void *, ptrdiff_t, double) noexcept nogil
        void (*batch_norm_forward)(
            void *, void *, const void *, const void *, const void *, const void *, ptrdiff_t, ptrdiff_t
        ) noexcept nogil
        void (*batch_norm_backward)(
            void *, void *, const void *, const void *, const void *, ptrdiff_t, ptrdiff_t, int
        ) noexcept nogil
        void (*running_update)(void *, const void *, ptrdiff_t, double, double) noexcept nogil
        int (*all_finite)(const void *, ptrdiff_t) noexcept nogil
        void (*perceptron_net)(
            void *, const void *, const void *, const void *, ptrdiff_t, ptrdiff_t, ptrdiff_t
        ) noexcept nogil
        ptrdiff_t (*perceptron_epoch)(
            void *, void *, const void *, const uint8_t *, const ptrdiff_t *, ptrdiff_t, ptrdiff_t, ptrdiff_t, double
        ) noexcept nogil
        void (*scale_columns)(void *, const void *, const void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*column_products)(void *, const void *, const void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*embed)(void *, const void *, const void *, ptrdiff_t, const ptrdiff_t *) noexcept nogil
        void (*embedding_gradient)(
            void *, const void *, const void *, ptrdiff_t, const ptrdiff_t *, ptrdiff_t, ptrdiff_t, ptrdiff_t
        ) noexcept nogil
        void (*embed_backward)(void *, const void *, ptrdiff_t, const ptrdiff_t *) noexcept nogil
        ptrdiff_t panel_columns
        void (*gemm)(const fm_product *, void *) noexcept nogil
        void (*pack)(
            void *, ptrdiff_t, const void *, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t
        ) noexcept nogil
        ptrdiff_t compact_columns
        void (**compact_pack)(void *, const void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (**compact_row)(
            void *, const void *, const void *, const void *, const void *, ptrdiff_t, ptrdiff_t, int, void *
        ) noexcept nogil
        void (*gather_rows)(
            void *, const void *, const ptrdiff_t *, ptrdiff_t, size_t
        ) noexcept nogil
        void (*sparse_row)(
            void *, const void *, const void *, int, ptrdiff_t, const void *, const void *, ptrdiff_t, int
        ) noexcept nogil
        void (*sparse_gradient)(
            void *, const void *, const void *, const void *, int, ptrdiff_t, ptrdiff_t, ptrdiff_t
        ) noexcept nogil

    const fm_kernels *fm_kernels_for(fm_isa isa, fm_dtype dtype)
    int fm_isa_available(fm_isa isa)


cdef inline dict numbers_of(const char *const *names, int n):
    """The kernels' places in their table, by name."""
    return {names[number].decode(): number for number in range(n)}
