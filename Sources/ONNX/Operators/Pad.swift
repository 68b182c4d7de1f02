import Kernels
import Tensors

/// The ONNX operator Pad. Pads are an attribute before opset 11, an input since; negative ones cut.
struct Pad: Operation {
  enum Mode: String, Sendable {
    case constant
    case reflect
    case edge
    case wrap
  }

  static let description = OperatorDescription(
    "Pad", inputs: 1...4,
    support:
      "all datatypes but BYTES; constant, reflect, edge, wrap; negative pads; pads and axes known before the run"
  ) { reader in
    let word = try reader.string("mode") ?? "constant"
    guard let mode = Mode(rawValue: word) else {
      throw ONNXError(.unsupported, "mode '\(word)'; supported: constant, reflect, edge, wrap")
    }
    let isAttribute = reader.opset < 11
    return Pad(
      mode: mode, pads: isAttribute ? try reader.required("pads", try reader.ints("pads")) : nil,
      value: try reader.float("value", default: 0))
  }

  let name = "Pad"
  let mode: Mode
  /// Of an older opset; nil when they are an input.
  let pads: [Int]?
  let value: Float

  private static let largest = 1 << 32

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.datatype != .bytes else { throw ONNXError(.unsupported, "a pad of BYTES") }
    if pads != nil { try node.require(0, .fp32) }
    let given = try pads ?? node.integers(1)
    let axes = node.has(3) ? try node.integers(3) : Array(0..<x.rank)
    if let value = node.optional(2),
      value.datatype != x.datatype || value.dimensions.contains(where: { $0.known ?? 1 != 1 })
    {
      throw ONNXError(
        .invalid, "input 2 is \(value.datatype.name)\(value.shapeText), expected one \(x.datatype.name)")
    }
    guard let given, let axes else {
      return [
        TensorFact(x.datatype, node.freshDimensions(x.rank), rows: x.rows == .shared ? .shared : .mixed)
      ]
    }
    let amounts = try amounts(given, axes, rank: x.rank)
    let dimensions = try x.dimensions.indices.map { axis -> Dimension in
      let (before, after) = (amounts.before[axis], amounts.after[axis])
      if before == 0 && after == 0 { return x.dimensions[axis] }
      guard let extent = x.dimensions[axis].known else { return node.freshDimension() }
      return Dimension(try padded(extent, before, after, axis))
    }
    return [TensorFact(x.datatype, dimensions, rows: rows(x, amounts, value: node.optional(2)))]
  }

  private func rows(_ x: TensorFact, _ amounts: (before: [Int], after: [Int]), value: TensorFact?) -> Rows {
    if let value, value.rows != .shared { return .mixed }
    if case .axis(let axis) = x.rows, amounts.before[axis] != 0 || amounts.after[axis] != 0 { return .mixed }
    return x.rows
  }

  /// The padding of every axis.
  private func amounts(_ pads: [Int], _ axes: [Int], rank: Int) throws -> (before: [Int], after: [Int]) {
    guard pads.count == 2 * axes.count else {
      throw ONNXError(.invalid, "\(pads.count) pads for \(axes.count) axes")
    }
    var before = [Int](repeating: 0, count: rank)
    var after = before
    _ = try normalizedAxes(axes, rank: rank)
    for (index, axis) in axes.enumerated() {
      let place = try normalizedAxis(axis, rank: rank)
      before[place] = pads[index]
      after[place] = pads[index + axes.count]
    }
    for amount in before + after where abs(amount.clamped) > Pad.largest {
      throw ONNXError(.limit, "a pad of \(amount)")
    }
    return (before, after)
  }

  private func padded(_ extent: Int, _ before: Int, _ after: Int, _ axis: Int) throws -> Int {
    let (sum, overflow) = extent.addingReportingOverflow(before + after)
    guard !overflow, sum >= 0 else {
      throw ONNXError(.invalid, "pads \(before) and \(after) of axis \(axis), which has \(extent)")
    }
    switch mode {
    case .constant: break
    case .edge, .wrap:
      guard extent > 0 || sum == 0 else { throw ONNXError(.invalid, "a pad of axis \(axis), which is empty") }
    case .reflect:
      guard max(before, after) < max(extent, 1), extent > 0 || sum == 0 else {
        throw ONNXError(
          .invalid, "a reflection of \(max(before, after)) places of axis \(axis), which has \(extent)")
      }
    }
    return sum
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    if y.count == 0 { return Step { _ in } }
    let given = try pads ?? node.input(1).constant?.integers ?? []
    let axes = node.optional(3)?.constant?.integers ?? Array(0..<x.shape.rank)
    let amounts = try amounts(given, axes, rank: x.shape.rank)
    let fill = node.optional(2)
    let value = value
    let isAttribute = pads != nil
    if mode == .constant && (amounts.before + amounts.after).allSatisfy({ $0 >= 0 }) && x.count > 0 {
      let (before, after) = (Shape(amounts.before), Shape(amounts.after))
      return Step { memory in
        withFill(memory, fill, isAttribute ? value : nil) { pointer in
          memory.kernels.pad(
            elementSize: x.datatype.byteCount, shape: x.shape, before: before, after: after, value: pointer,
            memory[x], memory[y], team: memory.team)
        }
      }
    }
    let table = indexTable(x.shape, y.shape, amounts.before)
    let bytes = x.datatype.byteCount
    return Step { memory in
      withFill(memory, fill, isAttribute ? value : nil) { pointer in
        table.run(memory[x], memory[y], elementBytes: bytes, fill: pointer)
      }
    }
  }

  /// For each place of each axis of the output the place of the input that it shows; -1 for the fill.
  private func indexTable(_ x: Shape, _ y: Shape, _ before: [Int]) -> IndexTable {
    let places = y.indices.map { axis in
      (0..<y[axis]).map { source($0 - before[axis], extent: x[axis]) }
    }
    return IndexTable(places: places, source: x)
  }

  private func source(_ place: Int, extent: Int) -> Int {
    if place >= 0 && place < extent { return place }
    switch mode {
    case .constant: return -1
    case .edge: return min(max(place, 0), extent - 1)
    case .wrap: return (place % extent + extent) % extent
    case .reflect:
      if extent == 1 { return 0 }
      let period = 2 * (extent - 1)
      let phase = (place % period + period) % period
      return min(phase, period - phase)
    }
  }
}

extension Int {
  /// The same number with a magnitude that can be negated.
  fileprivate var clamped: Int { Swift.max(self, -Int.max) }
}

/// Gives the address of the value that fills: the input's, the attribute's, or zeros.
private func withFill(
  _ memory: borrowing StepMemory, _ fill: Operand?, _ attribute: Float?, _ body: (UnsafeRawPointer) -> Void
) {
  if let fill { return body(UnsafeRawPointer(memory[fill])) }
  if let attribute { return withUnsafeBytes(of: attribute) { if let base = $0.baseAddress { body(base) } } }
  withUnsafeBytes(of: UInt64(0)) { if let base = $0.baseAddress { body(base) } }
}

/// Builds a tensor from places of another, axis by axis.
private struct IndexTable: Sendable {
  let places: [[Int]]
  let source: Shape

  func run(
    _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, elementBytes: Int, fill: UnsafeRawPointer
  ) {
    var target = y
    let strides = StridedCopy.denseStrides(source)
    copy(x, &target, axis: 0, offset: 0, strides, elementBytes, fill)
  }

  /// `offset` is -1 once an axis shows the fill.
  private func copy(
    _ x: UnsafeRawPointer, _ target: inout UnsafeMutableRawPointer, axis: Int, offset: Int, _ strides: Shape,
    _ elementBytes: Int, _ fill: UnsafeRawPointer
  ) {
    if axis == places.count {
      target.copyMemory(from: offset < 0 ? fill : x + offset * elementBytes, byteCount: elementBytes)
      target += elementBytes
      return
    }
    for place in places[axis] {
      copy(
        x, &target, axis: axis + 1, offset: offset < 0 || place < 0 ? -1 : offset + place * strides[axis],
        strides,
        elementBytes, fill)
    }
  }
}
