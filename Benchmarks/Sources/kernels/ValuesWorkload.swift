import Kernels
import Tensors

// Operations whose time goes into moving values: their rates are values of the larger operand a second, and
// their ceiling is a copy of as many bytes.
extension Workload {
  static func values(_ request: Case, _ table: KernelTable, _ team: ThreadTeam) throws -> Workload {
    let name = try require(request.operation, "operation")
    let shape = Shape(try require(request.shape, "shape"))
    let count = shape.reduce(1, *)
    let (x, y) = (Floats(count), Floats(count))
    if let operation = unaryOperations[name] {
      return .values(count: count, byteCount: 8 * count) {
        table.unary(operation, x.base, y.base, count: count, team: team)
      }
    }
    if let operation = reductions[name] {
      return .values(count: count, byteCount: 4 * (count + count / shape[1])) {
        table.reduce(
          operation, x.base, y.base, outer: shape[0], length: shape[1], inner: shape[2], team: team)
      }
    }
    switch name {
    case "softmax", "log-softmax":
      return .values(count: count, byteCount: 8 * count) {
        table.softmax(
          x.base, y.base, outer: shape[0], length: shape[1], logarithm: name == "log-softmax", team: team)
      }
    case "add", "multiply": return try .binary(request, shape, x, y, table, team)
    case "transpose":
      let permutation = Shape(try require(request.other, "other"))
      return .values(count: count, byteCount: 8 * count) {
        table.transpose(
          elementSize: 4, shape: shape, permutation: permutation, x.base, y.base, team: team)
      }
    case "max-pool", "average-pool": return try .pooling(request, shape, x, y, table, team)
    default: return try .normalization(request, shape, x, y, table, team)
    }
  }

  private static let unaryOperations: [String: UnaryOperation] = [
    "gelu": .activation(.gelu), "gelu-tanh": .activation(.geluTanh), "silu": .activation(.silu),
    "sigmoid": .activation(.sigmoid), "tanh": .activation(.tanh), "exp": .exp, "log": .log, "erf": .erf,
  ]

  private static let reductions: [String: Reduction] = [
    "reduce-sum": .sum, "reduce-mean": .mean, "reduce-maximum": .maximum,
  ]

  private static func values(count: Int, byteCount: Int, _ body: @escaping () -> Void) -> Workload {
    Workload(method: "values", byteCount: byteCount) {
      body()
      return Double(count)
    }
  }

  private static func binary(
    _ request: Case, _ shape: Shape, _ x: Floats, _ y: Floats, _ table: KernelTable, _ team: ThreadTeam
  ) throws -> Workload {
    let other = Shape(try require(request.other, "other"))
    let (count, otherCount) = (shape.reduce(1, *), other.reduce(1, *))
    let operand = Floats(otherCount)
    let operation: BinaryOperation = request.operation == "add" ? .add : .multiply
    return .values(count: count, byteCount: 4 * (2 * count + otherCount)) {
      table.binary(
        operation, x.base, shape: shape, operand.base, shape: other, y.base, shape: shape, team: team)
    }
  }

  private static func pooling(
    _ request: Case, _ shape: Shape, _ x: Floats, _ y: Floats, _ table: KernelTable, _ team: ThreadTeam
  ) throws -> Workload {
    let rank = shape.rank - 1
    func each(_ value: Int) -> Shape { Shape(repeatElement(value, count: rank)) }
    let kind: Pooling.Kind = request.operation == "max-pool" ? .max : .average(countsPadding: false)
    var pooling = Pooling(kind, window: each(try require(request.kernel, "kernel")))
    pooling.strides = each(try require(request.stride, "stride"))
    pooling.padsBefore = each(try require(request.padding, "padding"))
    pooling.padsAfter = pooling.padsBefore
    let spatial = Shape(shape.dropFirst())
    let output = try require(pooling.outputShape(spatial), "padding")
    let (count, outputs) = (shape.reduce(1, *), shape[0] * output.reduce(1, *))
    return .values(count: count, byteCount: 4 * (count + outputs)) { [pooling] in
      table.pool(pooling, x.base, planes: shape[0], spatial: spatial, output: y.base, team: team)
    }
  }

  private static func normalization(
    _ request: Case, _ shape: Shape, _ x: Floats, _ y: Floats, _ table: KernelTable, _ team: ThreadTeam
  ) throws -> Workload {
    let count = shape.reduce(1, *)
    let (scale, bias) = (Floats(shape[1]), Floats(shape[1]))
    switch request.operation {
    case "layer-norm":
      return .values(count: count, byteCount: 8 * count) {
        table.layerNorm(
          x.base, scale: scale.base, bias: bias.base, y.base, rows: shape[0], columns: shape[1],
          epsilon: 1e-5, team: team)
      }
    case "rms-norm":
      return .values(count: count, byteCount: 8 * count) {
        table.rmsNorm(
          x.base, scale: scale.base, y.base, rows: shape[0], columns: shape[1], epsilon: 1e-5, team: team)
      }
    case "group-norm":
      let groups = try require(request.groups, "groups")
      return .values(count: count, byteCount: 8 * count) {
        table.groupNorm(
          x.base, scale: scale.base, bias: bias.base, y.base, batch: shape[0], channels: shape[1],
          inner: shape[2], groups: groups, epsilon: 1e-5, team: team)
      }
    case let name: throw UnknownOperation(name: name ?? "")
    }
  }
}
