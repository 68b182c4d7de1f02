extension KernelTable {
  /// Bytes of scratch that `matmul` and `batchedMatmul` of this shape need; `packed` if B is a `PackedMatrix`.
  public func matmulScratchByteCount(_ shape: MatmulShape, packed: Bool, team: ThreadTeam) -> Int { 0 }

  /// C = activation(alpha · op(A) · B + beta · C + bias + residual) with B packed by this table.
  ///
  /// With `beta` 0, C is not read. `shape.k` and `shape.n` must be those of `b`.
  public func matmul(
    _ shape: MatmulShape, alpha: Float = 1, a: UnsafePointer<Float>, b: PackedMatrix, beta: Float = 0,
    c: UnsafeMutablePointer<Float>, epilogue: Epilogue = Epilogue(), scratch: UnsafeMutableRawPointer?,
    team: ThreadTeam
  ) {
    var shape = shape
    shape.transposeB = false
    shape.strideB = b.n
    Reference.matmul(shape, alpha: alpha, a: a, b: b.storage.floats, beta: beta, c: c, epilogue: epilogue)
  }

  /// As `matmul(_:alpha:a:b:beta:c:epilogue:scratch:team:)` with B as it is: for the product of two activations.
  public func matmul(
    _ shape: MatmulShape, alpha: Float = 1, a: UnsafePointer<Float>, b: UnsafePointer<Float>, beta: Float = 0,
    c: UnsafeMutablePointer<Float>, epilogue: Epilogue = Epilogue(), scratch: UnsafeMutableRawPointer?,
    team: ThreadTeam
  ) {
    Reference.matmul(shape, alpha: alpha, a: a, b: b, beta: beta, c: c, epilogue: epilogue)
  }

  /// A product for each of a batch of matrices; the epilogue's bias serves all, its residual follows C's strides.
  public func batchedMatmul(
    _ shape: MatmulShape, batch: MatmulBatch, alpha: Float = 1, a: UnsafePointer<Float>,
    b: UnsafePointer<Float>, beta: Float = 0, c: UnsafeMutablePointer<Float>, epilogue: Epilogue = Epilogue(),
    scratch: UnsafeMutableRawPointer?, team: ThreadTeam
  ) {
    for index in 0..<batch.count {
      var epilogue = epilogue
      epilogue.residual = epilogue.residual.map { $0 + index * batch.strideC }
      Reference.matmul(
        shape, alpha: alpha, a: a + index * batch.strideA, b: b + index * batch.strideB, beta: beta,
        c: c + index * batch.strideC, epilogue: epilogue)
    }
  }
}
