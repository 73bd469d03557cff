/* Every kernel of one instruction set in one dtype, and the table of them. Included by isa.inl.h once for
 * each dtype, with REAL and what depends on it defined. */
#include "math.inl.h"
#ifdef FM_VECTOR_BYTES
#include "vectors.inl.h"
#endif
/* The order matters: activations draw random numbers, losses use the functions of activations. */
#include "random.inl.h"
#include "activations.inl.h"
#include "losses.inl.h"
#include "optimizers.inl.h"
#include "reductions.inl.h"
#include "batch_norm.inl.h"
#include "column_scale.inl.h"
#include "embedding.inl.h"
#include "perceptron.inl.h"
#include "sparse.inl.h"
#include "gather.inl.h"
#ifdef FM_VECTOR_BYTES
#include "gemm.inl.h"
#endif

const fm_kernels FM_NAME(fm_kernels) = {
    .itemsize = sizeof(REAL),
    .activation_forward =
        {
            [FM_IDENTITY] = FM_NAME(identity_forward),
            [FM_HARD_LIMIT] = FM_NAME(hard_limit_forward),
            [FM_RELU] = FM_NAME(relu_forward),
            [FM_LEAKY_RELU] = FM_NAME(leaky_relu_forward),
            [FM_RANDOMIZED_LEAKY_RELU] = FM_NAME(randomized_leaky_relu_forward),
            [FM_ELU] = FM_NAME(elu_forward),
            [FM_SOFTPLUS] = FM_NAME(softplus_forward),
            [FM_GELU] = FM_NAME(gelu_forward),
            [FM_SILU] = FM_NAME(silu_forward),
            [FM_MISH] = FM_NAME(mish_forward),
            [FM_LOGISTIC] = FM_NAME(logistic_forward),
            [FM_TANH] = FM_NAME(tanh_forward),
            [FM_HARD_TANH] = FM_NAME(hard_tanh_forward),
            [FM_HARD_SIGMOID] = FM_NAME(hard_sigmoid_forward),
            [FM_EXP] = FM_NAME(exp_forward),
            [FM_SOFTMAX] = FM_NAME(softmax_forward),
            [FM_MAXOUT] = FM_NAME(maxout_forward),
            [FM_PRODUCT] = FM_NAME(product_forward),
            [FM_POWER_PRODUCT] = FM_NAME(power_product_forward),
            [FM_INCREASING] = FM_NAME(increasing_forward),
        },
    .activation_backward =
        {
            [FM_IDENTITY] = FM_NAME(identity_backward),
            [FM_HARD_LIMIT] = FM_NAME(hard_limit_backward),
            [FM_RELU] = FM_NAME(relu_backward),
            [FM_LEAKY_RELU] = FM_NAME(leaky_relu_backward),
            [FM_RANDOMIZED_LEAKY_RELU] = FM_NAME(randomized_leaky_relu_backward),
            [FM_ELU] = FM_NAME(elu_backward),
            [FM_SOFTPLUS] = FM_NAME(softplus_backward),
            [FM_GELU] = FM_NAME(gelu_backward),
            [FM_SILU] = FM_NAME(silu_backward),
            [FM_MISH] = FM_NAME(mish_backward),
            [FM_LOGISTIC] = FM_NAME(logistic_backward),
            [FM_TANH] = FM_NAME(tanh_backward),
            [FM_HARD_TANH] = FM_NAME(hard_tanh_backward),
            [FM_HARD_SIGMOID] = FM_NAME(hard_sigmoid_backward),
            [FM_EXP] = FM_NAME(exp_backward),
            [FM_SOFTMAX] = FM_NAME(softmax_backward),
            [FM_MAXOUT] = FM_NAME(maxout_backward),
            [FM_PRODUCT] = FM_NAME(product_backward),
            [FM_POWER_PRODUCT] = FM_NAME(power_product_backward),
            [FM_INCREASING] = FM_NAME(increasing_backward),
        },
    .loss =
        {
            [FM_SQUARED_ERROR_IDENTITY] = FM_NAME(squared_error),
            [FM_LOG_LOSS_LOGISTIC] = FM_NAME(log_loss_logistic),
            [FM_LOG_LOSS_SOFTMAX] = FM_NAME(log_loss_softmax),
            [FM_KL_DIVERGENCE_LOGISTIC] = FM_NAME(kl_divergence_logistic),
            [FM_KL_DIVERGENCE_SOFTMAX] = FM_NAME(kl_divergence_softmax),
            [FM_POISSON_EXP] = FM_NAME(poisson_exp),
            [FM_POISSON_SOFTPLUS] = FM_NAME(poisson_softplus),
            [FM_SQUARED_ERROR] = FM_NAME(squared_error),
            [FM_LOG_LOSS] = FM_NAME(log_loss),
            [FM_LOG_LOSS_DISTRIBUTION] = FM_NAME(log_loss_distribution),
            [FM_KL_DIVERGENCE] = FM_NAME(kl_divergence),
            [FM_KL_DIVERGENCE_DISTRIBUTION] = FM_NAME(kl_divergence_distribution),
            [FM_POISSON] = FM_NAME(poisson),
            [FM_ABSOLUTE_ERROR] = FM_NAME(absolute_error),
            [FM_HUBER] = FM_NAME(huber),
            [FM_QUANTILE] = FM_NAME(quantile),
            [FM_HINGE] = FM_NAME(hinge),
        },
    .update =
        {
            [FM_SGD] = FM_NAME(sgd_update),
            [FM_RMSPROP] = FM_NAME(rmsprop_update),
            [FM_ADAGRAD] = FM_NAME(adagrad_update),
            [FM_ADAM] = FM_NAME(adam_update),
        },
    .add_l1_gradient = FM_NAME(add_l1_gradient),
    .scale = FM_NAME(scale),
    .sum_of_squares = FM_NAME(sum_of_squares),
    .column_sums = FM_NAME(column_sums),
    .dropout = FM_NAME(dropout),
    .column_moments = FM_NAME(column_moments),
    .inverse_deviation = FM_NAME(inverse_deviation),
    .batch_norm_forward = FM_NAME(batch_norm_forward),
    .batch_norm_backward = FM_NAME(batch_norm_backward),
    .running_update = FM_NAME(running_update),
    .all_finite = FM_NAME(all_finite),
    .perceptron_net = FM_NAME(perceptron_net),
    .perceptron_epoch = FM_NAME(perceptron_epoch),
    .scale_columns = FM_NAME(scale_columns),
    .column_products = FM_NAME(column_products),
    .embed = FM_NAME(embed),
    .embedding_gradient = FM_NAME(embedding_gradient),
    .embed_backward = FM_NAME(embed_backward),
    .gather_rows = FM_NAME(gather_rows),
    .sparse_row = FM_NAME(sparse_row),
    .sparse_gradient = FM_NAME(sparse_gradient),
#ifdef FM_VECTOR_BYTES
    .panel_columns = NR,
    .gemm = FM_NAME(gemm),
    .pack = FM_NAME(pack),
#endif
};
