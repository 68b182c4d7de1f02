import Glibc
import Kernels
import Tensors

/// The ONNX operators Softmax and LogSoftmax. Before opset 13 the tensor is seen as a matrix, split at
/// the axis; since then the softmax runs along the axis alone.
struct Softmax: Operation {
  static let description = make("Softmax", logarithm: false)
  static let logarithmDescription = make("LogSoftmax", logarithm: true)

  private static func make(_ type: String, logarithm: Bool) -> OperatorDescription {
    OperatorDescription(type, inputs: 1...1, support: "FP16, BF16, FP32, FP64") { reader in
      let isMatrix = reader.opset < 13
      return Softmax(
        name: type, axis: try reader.int("axis", default: isMatrix ? 1 : -1), isMatrix: isMatrix,
        logarithm: logarithm)
    }
  }

  let name: String
  let axis: Int
  let isMatrix: Bool
  let logarithm: Bool

  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, .fp32, .fp64)
    let x = try node.input(0)
    let place = try place(rank: x.rank)
    var rows = x.rows
    if case .axis(let row) = x.rows, isMatrix ? row >= place : row == place { rows = .mixed }
    return [TensorFact(x.datatype, x.dimensions, rows: rows)]
  }

  private func place(rank: Int) throws -> Int {
    // The older form allows the end as the place of the split, and a scalar.
    if isMatrix && axis == rank { return rank }
    if rank == 0 && (axis == 0 || axis == -1) { return 0 }
    return try normalizedAxis(axis, rank: rank)
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    let place = try place(rank: x.shape.rank)
    let outer = Shape(x.shape[..<place]).elementCount ?? 0
    let along = isMatrix || x.shape.rank == 0 ? Shape(x.shape[place...]).elementCount ?? 0 : x.shape[place]
    let inner = outer * along == 0 ? 0 : x.count / (outer * along)
    let logarithm = logarithm
    if x.datatype == .fp64 {
      return Step(inPlaceInput: 0) { memory in
        Softmax.run(
          memory.elements(x, as: Double.self), memory.elements(y, as: Double.self), outer, along, inner,
          logarithm)
      }
    }
    return Step(inPlaceInput: 0) { memory in
      memory.kernels.softmax(
        memory.floats(x), memory.floats(y), outer: outer, length: along, inner: inner, logarithm: logarithm,
        team: memory.team)
    }
  }

  private static func run(
    _ x: UnsafeMutablePointer<Double>, _ y: UnsafeMutablePointer<Double>, _ outer: Int, _ length: Int,
    _ inner: Int, _ logarithm: Bool
  ) {
    for block in 0..<outer {
      for lane in 0..<inner {
        let start = block * length * inner + lane
        var greatest = -Double.infinity
        for index in 0..<length { greatest = max(greatest, x[start + index * inner]) }
        var sum = 0.0
        for index in 0..<length { sum += exp(x[start + index * inner] - greatest) }
        for index in 0..<length {
          let shifted = x[start + index * inner] - greatest
          y[start + index * inner] = logarithm ? shifted - log(sum) : exp(shifted) / sum
        }
      }
    }
  }
}
