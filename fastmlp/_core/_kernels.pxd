# src_c/kernels.h as Cython sees it. Function pointers need `noexcept nogil` one by one.

from libc.stddef cimport ptrdiff_t, size_t


cdef extern from "kernels.h" nogil:
    enum fm_activation:
        FM_IDENTITY
        FM_RELU
        FM_TANH
        FM_LOGISTIC
        FM_EXP
        FM_SOFTMAX

    enum fm_matched_loss:
        FM_SQUARED_ERROR_IDENTITY
        FM_LOG_LOSS_LOGISTIC
        FM_LOG_LOSS_SOFTMAX
        FM_POISSON_EXP

    enum fm_optimizer:
        FM_SGD
        FM_ADAM

    enum fm_isa:
        FM_GENERIC
        FM_AVX2
        FM_AVX512

    const size_t FM_GEMM_SCRATCH_BYTES

    ctypedef struct fm_step:
        double learning_rate
        double decay_1
        double decay_2
        double epsilon
        int nesterov

    ctypedef struct fm_kernels:
        size_t itemsize
        void (**activation_forward)(void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (**activation_backward)(void *, const void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        double (**matched_loss)(
            void *, const void *, const void *, const void *, double, ptrdiff_t, ptrdiff_t
        ) noexcept nogil
        double (**update)(
            void *, void *, void *, const void *, ptrdiff_t, double, const fm_step *
        ) noexcept nogil
        void (*column_sums)(void *, const void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        int (*all_finite)(const void *, ptrdiff_t) noexcept nogil
        void (*gemm)(
            void *, ptrdiff_t, const void *, ptrdiff_t, ptrdiff_t, const void *, ptrdiff_t, ptrdiff_t,
            const void *, ptrdiff_t, ptrdiff_t, ptrdiff_t, void *
        ) noexcept nogil

    const fm_kernels *fm_kernels_for(fm_isa isa, size_t itemsize)
    int fm_isa_available(fm_isa isa)
