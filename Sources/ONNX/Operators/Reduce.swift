import Glibc
import Kernels
import Tensors

/// The ONNX operators ReduceMean, ReduceSum, ReduceMax, ReduceMin, ReduceProd and ReduceSumSquare.
struct Reduce: Operation {
  static let mean = description("ReduceMean", .mean, axesInputSince: 18)
  static let sum = description("ReduceSum", .sum, axesInputSince: 13)
  static let maximum = description("ReduceMax", .maximum, axesInputSince: 18)
  static let minimum = description("ReduceMin", .minimum, axesInputSince: 18)
  static let product = description("ReduceProd", .product, axesInputSince: 18)
  static let sumOfSquares = description("ReduceSumSquare", .sumOfSquares, axesInputSince: 18)

  private static func description(
    _ type: String, _ reduction: Reduction, axesInputSince opset: Int
  ) -> OperatorDescription {
    OperatorDescription(
      type, inputs: 1...2, support: "all numbers; axes as attribute or input"
    ) { reader in try make(type, reduction, axesInputSince: opset, reader) }
  }

  static func make(
    _ type: String, _ reduction: Reduction, axesInputSince opset: Int, _ reader: NodeReader
  ) throws -> Reduce {
    Reduce(
      name: type, reduction: reduction, axes: try Axes(reader, input: 1, sinceOpset: opset),
      keepsAxes: try reader.flag("keepdims", default: true),
      noAxesIsIdentity: try reader.flag("noop_with_empty_axes", default: false))
  }

  let name: String
  let reduction: Reduction
  let axes: Axes
  let keepsAxes: Bool
  let noAxesIsIdentity: Bool
  /// Of the input; the axes are the spatial ones where it is channels-last.
  var layout = ImageLayout.channelsFirst

  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let datatypes = Datatype.integers + Datatype.floats
    try node.require(0, reduction == .maximum || reduction == .minimum ? datatypes + [.bool] : datatypes)
    let x = try node.input(0)
    guard let places = try places(node, x.rank) else {
      let rank = keepsAxes ? x.rank : max(x.rank - (try node.listLength(1)), 0)
      return [TensorFact(x.datatype, node.freshDimensions(rank), rows: .mixed)]
    }
    var rows = x.rows
    if case .axis(let axis) = x.rows {
      if places.contains(axis) {
        rows = .mixed
      } else if !keepsAxes {
        rows = .axis(axis - places.count { $0 < axis })
      }
    }
    let dimensions = x.dimensions.enumerated().compactMap { axis, dimension in
      places.contains(axis) ? (keepsAxes ? Dimension.one : nil) : dimension
    }
    return [TensorFact(x.datatype, dimensions, rows: rows)]
  }

  /// The axes to reduce, ascending; nil when they come with the tensors.
  private func places(_ node: NodeFacts, _ rank: Int) throws -> [Int]? {
    guard axes.isGiven(node) else { return noAxesIsIdentity ? [] : Array(0..<rank) }
    guard let known = try axes.known(node) else { return nil }
    return try places(known, rank: rank)
  }

  /// Of axes as they are given, those to reduce, ascending.
  func places(_ given: [Int], rank: Int) throws -> [Int] {
    if given.isEmpty { return noAxesIsIdentity ? [] : Array(0..<rank) }
    return try normalizedAxes(given, rank: rank)
  }

  private func places(_ node: StepRequest, _ rank: Int) throws -> [Int] {
    let known = axes.input.map { node.optional($0)?.constant?.integers ?? [] } ?? axes.attribute ?? []
    return try places(known, rank: rank)
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    if layout == .channelsLast { return spatialStep(x, y) }
    let plan = Layout(x, try places(node, x.shape.rank))
    switch x.datatype {
    case .fp32: return floatStep(x, y, plan)
    case .fp64: return loop(x, y, plan, Double.self, double)
    case .int32: return loop(x, y, plan, Int32.self, integer(Int32.self))
    case .int8: return loop(x, y, plan, Int8.self, integer(Int8.self))
    case .int16: return loop(x, y, plan, Int16.self, integer(Int16.self))
    case .bool, .uint8: return loop(x, y, plan, UInt8.self, integer(UInt8.self))
    case .uint16: return loop(x, y, plan, UInt16.self, integer(UInt16.self))
    case .uint32: return loop(x, y, plan, UInt32.self, integer(UInt32.self))
    case .uint64: return loop(x, y, plan, UInt64.self, integer(UInt64.self))
    default: return loop(x, y, plan, Int64.self, integer(Int64.self))
    }
  }

  /// A reduction as one of the middle axis of [outer, length, inner], after a transposition where the
  /// axes do not lie together.
  private struct Layout: Sendable {
    var outer = 1
    var length = 1
    var inner = 1
    var permutation: Shape?
    let shape: Shape
    let elementBytes: Int

    init(_ x: Operand, _ places: [Int]) {
      shape = x.shape
      elementBytes = x.datatype.byteCount
      let moving = x.shape.indices.filter { x.shape[$0] != 1 }
      let reduced = moving.filter { places.contains($0) }
      let kept = moving.filter { !places.contains($0) }
      length = reduced.reduce(1) { $0 * x.shape[$1] }
      let areTogether = !kept.contains { axis in
        (reduced.first.map { axis > $0 } ?? false) && (reduced.last.map { axis < $0 } ?? false)
      }
      if areTogether {
        outer = kept.filter { $0 < reduced.first ?? .max }.reduce(1) { $0 * x.shape[$1] }
        inner = kept.filter { $0 > reduced.last ?? .max }.reduce(1) { $0 * x.shape[$1] }
      } else {
        outer = kept.reduce(1) { $0 * x.shape[$1] }
        permutation = Shape(x.shape.indices.filter { !places.contains($0) } + places)
      }
    }

    /// The input with its reduced axes together.
    func source(_ memory: borrowing StepMemory, _ x: Operand) -> UnsafeMutableRawPointer {
      guard let permutation, x.count > 0 else { return memory[x] }
      memory.kernels.transpose(
        elementSize: elementBytes, shape: shape, permutation: permutation, memory[x], memory.scratch,
        team: memory.team)
      return memory.scratch
    }

    func scratchBytes(_ x: Operand) -> Int { permutation == nil ? 0 : x.byteCount }
  }

  private func floatStep(_ x: Operand, _ y: Operand, _ layout: Layout) -> Step {
    let reduction = reduction
    return Step(scratchBytes: layout.scratchBytes(x)) { memory in
      memory.kernels.reduce(
        reduction, layout.source(memory, x).assumingMemoryBound(to: Float.self), memory.floats(y),
        outer: layout.outer, length: layout.length, inner: layout.inner, team: memory.team)
    }
  }

  /// All pixels of channels-last images.
  private func spatialStep(_ x: Operand, _ y: Operand) -> Step {
    let reduction = reduction
    let (images, channels, pixels) = (x.shape[0], x.shape[1], x.shape.dropFirst(2).reduce(1, *))
    return Step { memory in
      memory.kernels.reduce(
        reduction, memory.floats(x), memory.floats(y), outer: images, length: pixels, inner: channels,
        team: memory.team)
    }
  }

  private typealias Fold<Element> =
    @Sendable (UnsafeMutablePointer<Element>, _ length: Int, _ stride: Int) -> Element

  private func loop<Element: Sendable>(
    _ x: Operand, _ y: Operand, _ layout: Layout, _: Element.Type, _ fold: @escaping Fold<Element>
  ) -> Step {
    Step(scratchBytes: layout.scratchBytes(x)) { memory in
      let source = layout.source(memory, x).assumingMemoryBound(to: Element.self)
      let target = memory.elements(y, as: Element.self)
      for block in 0..<layout.outer {
        for lane in 0..<layout.inner {
          target[block * layout.inner + lane] = fold(
            source + block * layout.length * layout.inner + lane, layout.length, layout.inner)
        }
      }
    }
  }

  private var double: Fold<Double> {
    let reduction = reduction
    return { values, length, stride in
      let indices = Swift.stride(from: 0, to: length * stride, by: max(stride, 1))
      switch reduction {
      case .sum: return indices.reduce(0) { $0 + values[$1] }
      case .mean: return indices.reduce(0) { $0 + values[$1] } / Double(length)
      case .maximum: return indices.reduce(-.infinity) { fmax($0, values[$1]) }
      case .minimum: return indices.reduce(.infinity) { fmin($0, values[$1]) }
      case .product: return indices.reduce(1) { $0 * values[$1] }
      case .sumOfSquares: return indices.reduce(0) { $0 + values[$1] * values[$1] }
      }
    }
  }

  private func integer<Element: FixedWidthInteger & Sendable>(_: Element.Type) -> Fold<Element> {
    let reduction = reduction
    return { values, length, stride in
      let indices = Swift.stride(from: 0, to: length * stride, by: max(stride, 1))
      switch reduction {
      case .sum: return indices.reduce(0) { $0 &+ values[$1] }
      case .mean:
        let sum: Element = indices.reduce(0) { $0 &+ values[$1] }
        return length == 0 ? 0 : Element(truncatingIfNeeded: Int(truncatingIfNeeded: sum) / length)
      case .maximum: return indices.reduce(.min) { max($0, values[$1]) }
      case .minimum: return indices.reduce(.max) { min($0, values[$1]) }
      case .product: return indices.reduce(1) { $0 &* values[$1] }
      case .sumOfSquares: return indices.reduce(0) { $0 &+ values[$1] &* values[$1] }
      }
    }
  }
}

extension Reduce: ChannelsLastCapable {
  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm? {
    guard let x = inputs[0], x.rank == 4, x.datatype == .fp32 else { return nil }
    let given = axes.input.map { inputs.count > $0 ? inputs[$0]?.constant?.integers : nil } ?? axes.attribute
    guard let given, let places = try? places(given, rank: 4), places == [2, 3] else { return nil }
    var operation = self
    operation.layout = .channelsLast
    return ChannelsLastForm(operation: operation, inputs: [true], writesChannelsLast: false)
  }
}
