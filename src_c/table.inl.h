/* Every kernel of one instruction set in one dtype, and the table of them. Included by isa.inl.h once for
 * each dtype, with REAL and what depends on it defined. */
#include "math.inl.h"
/* The order matters: losses use the functions of activations. */
#include "activations.inl.h"
#include "losses.inl.h"
#include "optimizers.inl.h"
#include "reductions.inl.h"
#ifdef FM_VECTOR_BYTES
#include "gemm.inl.h"
#endif

const fm_kernels FM_NAME(fm_kernels) = {
    .itemsize = sizeof(REAL),
    .activation_forward =
        {
            [FM_IDENTITY] = FM_NAME(identity_forward),
            [FM_RELU] = FM_NAME(relu_forward),
            [FM_TANH] = FM_NAME(tanh_forward),
            [FM_LOGISTIC] = FM_NAME(logistic_forward),
            [FM_EXP] = FM_NAME(exp_forward),
            [FM_SOFTMAX] = FM_NAME(softmax_forward),
        },
    .activation_backward =
        {
            [FM_IDENTITY] = FM_NAME(identity_backward),
            [FM_RELU] = FM_NAME(relu_backward),
            [FM_TANH] = FM_NAME(tanh_backward),
            [FM_LOGISTIC] = FM_NAME(logistic_backward),
            [FM_EXP] = FM_NAME(exp_backward),
            [FM_SOFTMAX] = NULL,
        },
    .matched_loss =
        {
            [FM_SQUARED_ERROR_IDENTITY] = FM_NAME(squared_error_identity),
            [FM_LOG_LOSS_LOGISTIC] = FM_NAME(log_loss_logistic),
            [FM_LOG_LOSS_SOFTMAX] = FM_NAME(log_loss_softmax),
            [FM_POISSON_EXP] = FM_NAME(poisson_exp),
        },
    .update =
        {
            [FM_SGD] = FM_NAME(sgd_update),
            [FM_ADAM] = FM_NAME(adam_update),
        },
    .column_sums = FM_NAME(column_sums),
    .all_finite = FM_NAME(all_finite),
#ifdef FM_VECTOR_BYTES
    .gemm = FM_NAME(gemm),
#else
    .gemm = NULL,
#endif
};
