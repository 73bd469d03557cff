/* The only file that knows CPUs: which tables exist, and which of them can run here. */
#include "kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define FM_X86 1
#endif

extern const fm_kernels fm_kernels_f32_generic, fm_kernels_f64_generic;
#ifdef FM_X86
extern const fm_kernels fm_kernels_f32_avx2, fm_kernels_f64_avx2;
extern const fm_kernels fm_kernels_f32_avx512, fm_kernels_f64_avx512;
#endif

static const fm_kernels *const tables[FM_N_ISAS][FM_N_DTYPES] = {
    [FM_GENERIC] = {[FM_FLOAT32] = &fm_kernels_f32_generic, [FM_FLOAT64] = &fm_kernels_f64_generic},
#ifdef FM_X86
    [FM_AVX2] = {[FM_FLOAT32] = &fm_kernels_f32_avx2, [FM_FLOAT64] = &fm_kernels_f64_avx2},
    [FM_AVX512] = {[FM_FLOAT32] = &fm_kernels_f32_avx512, [FM_FLOAT64] = &fm_kernels_f64_avx512},
#endif
};

const fm_kernels *fm_kernels_for(enum fm_isa isa, enum fm_dtype dtype) {
  return tables[isa][dtype];
}

int fm_isa_available(enum fm_isa isa) {
  switch (isa) {
  case FM_GENERIC: return 1;
#ifdef FM_X86
  /* These builtins also ask whether the operating system saves the wide registers. */
  case FM_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  case FM_AVX512:
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("fma");
#endif
  default: return 0;
  }
}
