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
#if FM_MANTISSA_BITS == 23
#include "compact.inl.h"
#endif
#endif

#define FM_FORWARD_ENTRY(name) FM_NAME(name##_forward),
#define FM_BACKWARD_ENTRY(name) FM_NAME(name##_backward),
#define FM_LOSS_ENTRY(name) FM_NAME(name),
#define FM_UPDATE_ENTRY(name) FM_NAME(name##_update),
#define FM_COMPACT_PACK_ENTRY(name) FM_NAME(pack_##name),
#define FM_COMPACT_ROW_ENTRY(name) FM_NAME(row_##name),

const fm_kernels FM_NAME(fm_kernels) = {
    .itemsize = sizeof(REAL),
    .activation_forward = {FM_ACTIVATIONS(FM_FORWARD_ENTRY)},
    .activation_backward = {FM_ACTIVATIONS(FM_BACKWARD_ENTRY)},
    .loss = {FM_LOSSES(FM_LOSS_ENTRY)},
    .update = {FM_OPTIMIZERS(FM_UPDATE_ENTRY)},
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
#if FM_MANTISSA_BITS == 23
    .compact_columns = FM_COMPACT_COLUMNS,
    .compact_pack = {FM_COMPACTS(FM_COMPACT_PACK_ENTRY)},
    .compact_row = {FM_COMPACTS(FM_COMPACT_ROW_ENTRY)},
#endif
#endif
};
