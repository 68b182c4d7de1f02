internal import CKernels
internal import Glibc
public import Tensors

/// A function of one value.
public enum UnaryOperation: Sendable, Hashable {
  /// Any function that can also follow a product.
  case activation(Activation)
  case exp
  case log
  case erf
  case sqrt
  case negate
  case absolute
  case reciprocal
  case floor
  case ceiling
  case sin
  case cos
}

/// A function of two values.
public enum BinaryOperation: Sendable, Hashable, CaseIterable {
  case add
  case subtract
  case multiply
  case divide
  /// The greater; NaN if either is.
  case maximum
  /// The less; NaN if either is.
  case minimum
  case power
}

extension KernelTable {
  /// y[i] = operation(x[i]). `y` may be `x`.
  public func unary(
    _ operation: UnaryOperation, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int,
    team: ThreadTeam
  ) {
    let epilogue = kernels_epilogue(operation.code)
    forEachSpan(count, team) { span in
      let isPeriodic = operation == .sin || operation == .cos
      var index = span.lowerBound
      while index < span.upperBound {
        let count = min(isPeriodic ? 256 : span.count, span.upperBound - index)
        if isPeriodic, hasWideAngles(x + index, count: count) {
          for place in index..<(index + count) { y[place] = Reference.apply(operation, x[place]) }
        } else {
          withUnsafePointer(to: epilogue) {
            level.finish($0, x + index, sourceRow: 0, y + index, cRow: 0, rows: 1, columns: count)
          }
        }
        index += count
      }
    }
  }

  /// Whether an angle is beyond what the vectors' sine takes.
  private func hasWideAngles(_ x: UnsafePointer<Float>, count: Int) -> Bool {
    var (least, greatest): (Float, Float) = (0, 0)
    level.range(x, count: count, &least, &greatest)
    return max(-least, greatest) >= 0x1p40
  }

  /// y = operation(a, b) over tensors of one shape. `y` may be `a` or `b`.
  public func binary(
    _ operation: BinaryOperation, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, count: Int, team: ThreadTeam
  ) {
    forEachSpan(count, team) { span in
      binarySpan(
        operation, a + span.lowerBound, aStep: 1, b + span.lowerBound, bStep: 1, y + span.lowerBound,
        count: span.count)
    }
  }

  /// y = operation(a, b) with NumPy's broadcasting. `y` may be that operand whose shape is `yShape`.
  ///
  /// - Parameter yShape: the broadcast shape of both; see `Shape.broadcast(with:)`.
  public func binary(
    _ operation: BinaryOperation, _ a: UnsafePointer<Float>, shape aShape: Shape, _ b: UnsafePointer<Float>,
    shape bShape: Shape, _ y: UnsafeMutablePointer<Float>, shape yShape: Shape, team: ThreadTeam
  ) {
    let plan = BroadcastPlan(aShape, bShape, yShape)
    if plan.rows == 0 || plan.rowLength == 0 { return }
    if plan.rows == 1, plan.aInner == 1, plan.bInner == 1 {
      binary(operation, a, b, y, count: plan.rowLength, team: team)
      return
    }
    let isLarge = plan.rows * plan.rowLength >= smallestShared
    let parts = Partition(plan.rows, parts: isLarge ? team.width * 2 : 1)
    team.parallelFor(parts.parts) { part in
      for row in parts[part] {
        let offsets = plan.offsets(row: row)
        binarySpan(
          operation, a + offsets.a, aStep: plan.aInner, b + offsets.b, bStep: plan.bInner,
          y + row * plan.rowLength,
          count: plan.rowLength)
      }
    }
  }

  private func binarySpan(
    _ operation: BinaryOperation, _ a: UnsafePointer<Float>, aStep: Int, _ b: UnsafePointer<Float>,
    bStep: Int,
    _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    if let code = operation.code {
      level.binary(code, a, aStep: aStep, b, bStep: bStep, y, count: count)
    } else if bStep == 0, b[0] == 2 {
      level.binary(.multiply, a, aStep: aStep, a, bStep: aStep, y, count: count)
    } else {
      for index in 0..<count { y[index] = powf(a[index * aStep], b[index * bStep]) }
    }
  }

  /// Calls `body` with ranges of 0 ..< count, on several threads if there is enough to do.
  func forEachSpan(_ count: Int, _ team: ThreadTeam, _ body: (Range<Int>) -> Void) {
    if count <= 0 { return }
    let parts = Partition(count, parts: count >= smallestShared ? team.width * 2 : 1)
    team.parallelFor(parts.parts) { body(parts[$0]) }
  }
}

/// Elements below which waking another thread takes longer than it saves.
let smallestShared = 32 * 1024

extension BinaryOperation {
  /// The code by which the kernels know it; nil for those that the C library computes.
  fileprivate var code: kernels_binary? {
    switch self {
    case .add: .add
    case .subtract: .subtract
    case .multiply: .multiply
    case .divide: .divide
    case .maximum: .maximum
    case .minimum: .minimum
    case .power: nil
    }
  }
}
