import Kernels
import Tensors

/// The ONNX operator Split. Sizes are an attribute before opset 13, an input since; else parts are equal.
struct Split: Operation {
  static let description = OperatorDescription(
    "Split", inputs: 1...2, outputs: 1...Int.max, support: "all datatypes; sizes known before the run"
  ) { reader in
    guard reader.opset >= 2 || reader.inputCount == 1 else {
      throw ONNXError(.unsupported, "sizes as an input before opset 2")
    }
    return Split(
      axis: try reader.int("axis", default: 0), sizes: try reader.ints("split"),
      sizesAreInput: reader.opset >= 13, partCount: reader.outputs.count)
  }

  let name = "Split"
  let axis: Int
  let sizes: [Int]?
  let sizesAreInput: Bool
  let partCount: Int

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    let place = try normalizedAxis(axis, rank: x.rank)
    let rows = x.rows == .axis(place) ? .mixed : x.rows
    let parts = try partSizes(node, x.dimensions[place])
    return parts.map { part in
      var dimensions = x.dimensions
      dimensions[place] = part
      return TensorFact(x.datatype, dimensions, rows: rows)
    }
  }

  private func partSizes(_ node: NodeFacts, _ extent: Dimension) throws -> [Dimension] {
    if sizesAreInput && node.has(1) || !sizesAreInput && sizes != nil {
      guard let given = sizesAreInput ? try node.integers(1) : sizes else {
        return node.freshDimensions(partCount)
      }
      let sum = given.reduce((0, false)) { total, size in
        let (next, overflow) = total.0.addingReportingOverflow(size)
        return (next, total.1 || overflow || size < 0)
      }
      guard given.count == partCount, !sum.1, extent.known ?? sum.0 == sum.0 else {
        throw ONNXError(.invalid, "parts \(given) of \(extent) into \(partCount) outputs")
      }
      return given.map { Dimension($0) }
    }
    guard let extent = extent.known else { return node.freshDimensions(partCount) }
    let part = (extent + partCount - 1) / partCount
    return (0..<partCount).map { Dimension(max(min(part, extent - $0 * part), 0)) }
  }

  private func sizes(_ node: StepRequest, extent: Int) throws -> [Int] {
    if let given = sizesAreInput ? node.optional(1)?.constant?.integers : sizes { return given }
    let part = (extent + partCount - 1) / partCount
    return (0..<partCount).map { max(min(part, extent - $0 * part), 0) }
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let place = try normalizedAxis(axis, rank: x.shape.rank)
    let outer = Shape(x.shape[..<place]).elementCount ?? 0
    let inner = (Shape(x.shape[(place + 1)...]).elementCount ?? 0) * x.datatype.byteCount
    var parts: [(target: Operand, offset: Int)] = []
    var offset = 0
    for (index, size) in try sizes(node, extent: x.shape[place]).enumerated() {
      if index < node.outputs.count, let target = node.outputs[index] { parts.append((target, offset)) }
      offset += size * inner
    }
    let stride = x.shape[place] * inner
    let taken = parts
    return Step { memory in
      for (target, offset) in taken where target.count > 0 {
        let rowBytes = target.byteCount / outer
        memory.kernels.copyRows(
          memory[x] + offset, sourceStride: stride, memory[target], targetStride: rowBytes,
          rowByteCount: rowBytes,
          rows: outer, team: memory.team)
      }
    }
  }
}
