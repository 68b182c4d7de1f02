extension Reference {
  /// C = activation(alpha · op(A) · op(B) + beta · C + bias + residual).
  public static func matmul(
    _ shape: MatmulShape, alpha: Float = 1, a: UnsafePointer<Float>, b: UnsafePointer<Float>, beta: Float = 0,
    c: UnsafeMutablePointer<Float>, epilogue: Epilogue = Epilogue()
  ) {
    for row in 0..<shape.m {
      for column in 0..<shape.n {
        var sum = 0.0
        for inner in 0..<shape.k {
          let left = shape.transposeA ? a[inner * shape.strideA + row] : a[row * shape.strideA + inner]
          let right = shape.transposeB ? b[column * shape.strideB + inner] : b[inner * shape.strideB + column]
          sum += Double(left) * Double(right)
        }
        var value = Double(alpha) * sum
        let target = row * shape.strideC + column
        if beta != 0 { value += Double(beta) * Double(c[target]) }
        if let bias = epilogue.columnBias { value += Double(bias[column]) }
        if let bias = epilogue.rowBias { value += Double(bias[row]) }
        if let residual = epilogue.residual {
          value += Double(residual[row * (epilogue.residualStride ?? shape.strideC) + column])
        }
        c[target] = apply(epilogue.activation, Float(value))
      }
    }
  }
}
