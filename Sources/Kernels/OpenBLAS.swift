internal import CKernels
internal import COpenBLAS

/// The entry of the table that is Debian's OpenBLAS, on the calling thread only.
enum OpenBLAS {
  /// Its own threads would stand beside ours: once, before the first call, it is told to use none.
  private static let isSingleThreaded: Bool = {
    openblas_set_num_threads(1)
    return true
  }()

  /// C = epilogue(op(A) · op(B)), where the epilogue has no residual. Every size and stride must fit in 32 bits.
  static func multiply(
    _ shape: MatmulShape, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>,
    _ epilogue: kernels_epilogue, _ level: any LevelKernels.Type
  ) {
    precondition(isSingleThreaded)
    cblas_sgemm(
      CblasRowMajor, shape.transposeA ? CblasTrans : CblasNoTrans,
      shape.transposeB ? CblasTrans : CblasNoTrans,
      blasint(shape.m), blasint(shape.n), blasint(shape.k), epilogue.alpha, a, blasint(max(shape.strideA, 1)),
      b,
      blasint(max(shape.strideB, 1)), epilogue.beta, c, blasint(max(shape.strideC, 1)))
    var rest = epilogue
    rest.alpha = 1
    rest.beta = 0
    if rest.column_bias == nil, rest.row_bias == nil, rest.activation == .identity { return }
    level.finish(&rest, c, sourceRow: shape.strideC, c, cRow: shape.strideC, rows: shape.m, columns: shape.n)
  }
}
