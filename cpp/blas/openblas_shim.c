/* The three BLAS functions MLX calls on Linux, forwarded to the scipy-openblas32 wheel.
 *
 * mlx_muzero/blas.py loads this library into the global symbol scope before MLX: the dynamic linker
 * then binds MLX's cblas_* to these instead of to the reference BLAS inside MLX's wheel (ADR 12).
 * OpenBLAS itself stays out of that scope and is reached by pointers: NumPy has an OpenBLAS of its
 * own, whose inner functions would be bound to those of ours by their names.
 */

typedef void (*RealGemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                         const float* a, int lda, const float* b, int ldb, float beta, float* c,
                         int ldc);
typedef void (*DoubleGemm)(int order, int trans_a, int trans_b, int m, int n, int k, double alpha,
                           const double* a, int lda, const double* b, int ldb, double beta,
                           double* c, int ldc);
typedef void (*ComplexGemm)(int order, int trans_a, int trans_b, int m, int n, int k,
                            const void* alpha, const void* a, int lda, const void* b, int ldb,
                            const void* beta, void* c, int ldc);

static RealGemm sgemm;
static DoubleGemm dgemm;
static ComplexGemm cgemm;

#define EXPORT __attribute__((visibility("default")))

/* Where products are computed; has to be told before the first one. */
EXPORT void mlx_muzero_blas_use(RealGemm s, DoubleGemm d, ComplexGemm c) {
  sgemm = s;
  dgemm = d;
  cgemm = c;
}

EXPORT void cblas_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                        const float* a, int lda, const float* b, int ldb, float beta, float* c,
                        int ldc) {
  sgemm(order, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

EXPORT void cblas_dgemm(int order, int trans_a, int trans_b, int m, int n, int k, double alpha,
                        const double* a, int lda, const double* b, int ldb, double beta, double* c,
                        int ldc) {
  dgemm(order, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

EXPORT void cblas_cgemm(int order, int trans_a, int trans_b, int m, int n, int k, const void* alpha,
                        const void* a, int lda, const void* b, int ldb, const void* beta, void* c,
                        int ldc) {
  cgemm(order, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
