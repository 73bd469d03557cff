/* The baseline: plain C for whatever the compiler targets by default; matrix products by BLAS. */
#define FM_ISA generic
#include "isa.inl.h"
