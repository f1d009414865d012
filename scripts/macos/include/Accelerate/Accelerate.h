/* The one function of Apple's Accelerate that cpp/networks/kernels_accelerate.cc calls, as its
 * header declares it, for builds where that is missing: the wheel for macOS that Linux makes
 * (scripts/macos-wheel), and the same branch over another CBLAS (MLX_MUZERO_CBLAS). A Mac has the
 * real one.
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

enum CBLAS_ORDER { CblasRowMajor = 101, CblasColMajor = 102 };
enum CBLAS_TRANSPOSE { CblasNoTrans = 111, CblasTrans = 112, CblasConjTrans = 113 };

/* ACCELERATE_NEW_LAPACK takes the interface of macOS 13.3 and later, under names of its own. */
#if defined(__APPLE__)
#if !defined(ACCELERATE_NEW_LAPACK)
#error "the old interface of Accelerate is deprecated: define ACCELERATE_NEW_LAPACK"
#endif
#define MUZERO_NEW_LAPACK(name) __asm__("_" #name "$NEWLAPACK")
#else
#define MUZERO_NEW_LAPACK(name)
#endif

void cblas_sgemm(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE trans_a, enum CBLAS_TRANSPOSE trans_b,
                 int m, int n, int k, float alpha, const float* a, int lda, const float* b, int ldb,
                 float beta, float* c, int ldc) MUZERO_NEW_LAPACK(cblas_sgemm);

#ifdef __cplusplus
}
#endif
