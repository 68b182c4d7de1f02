import Kernels
import Tensors

/// The constant right-hand matrix of a product, packed once.
enum MatrixWeights: Sendable {
  case floats(PackedMatrix)
  /// Kept in 16 bits.
  case compressed(CompressedMatrix)
  /// 8-bit integers with a scale a column; the left-hand matrix is quantised by its own range in each run.
  case dynamic(PackedIntegerMatrix, scales: Constant)

  var k: Int {
    switch self {
    case .floats(let matrix): matrix.k
    case .compressed(let matrix): matrix.k
    case .dynamic(let matrix, _): matrix.k
    }
  }

  var n: Int {
    switch self {
    case .floats(let matrix): matrix.n
    case .compressed(let matrix): matrix.n
    case .dynamic(let matrix, _): matrix.n
    }
  }

  func scratchBytes(_ shape: MatmulShape, _ kernels: KernelTable, _ team: ThreadTeam) -> Int {
    switch self {
    case .floats: kernels.matmulScratchByteCount(shape, packed: true, team: team)
    case .compressed(let matrix): kernels.compressedMatmulScratchByteCount(shape, b: matrix, team: team)
    case .dynamic: kernels.integerMatmulScratchByteCount(shape, packed: true, team: team)
    }
  }

  func multiply(
    _ shape: MatmulShape, _ a: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>, _ epilogue: Epilogue,
    _ memory: borrowing StepMemory
  ) {
    switch self {
    case .floats(let matrix):
      memory.kernels.matmul(
        shape, a: a, b: matrix, c: c, epilogue: epilogue, scratch: memory.scratch, team: memory.team)
    case .compressed(let matrix):
      memory.kernels.compressedMatmul(
        shape, a: a, b: matrix, c: c, epilogue: epilogue, scratch: memory.scratch, team: memory.team)
    case .dynamic(let matrix, let scales):
      let scale = IntegerScale(
        1, columnScales: UnsafePointer(scales.pointer.assumingMemoryBound(to: Float.self)))
      memory.kernels.dynamicMatmul(
        shape, a: a, b: matrix, scale: scale, c: c, epilogue: epilogue, scratch: memory.scratch,
        team: memory.team)
    }
  }
}
