import Glibc
import PluginHost
import Tensors

/// The values of one input over the rows of `instances`, to be stacked along a new dimension 0.
struct RowStack {
  let spec: TensorSpec
  private var rows: [Tensor] = []

  init(spec: TensorSpec) { self.spec = spec }

  var count: Int { rows.count }
  var isEmpty: Bool { rows.isEmpty }

  /// Adds the value of row `row`, which must have the shape of the first.
  mutating func append(_ value: Tensor, row: Int) throws(APIFailure) {
    if let first = rows.first, let fault = RowStack.mismatch(expected: first.shape, actual: value.shape) {
      throw .badRequest(RowStack.elementFault(row: row, key: spec.name, fault))
    }
    rows.append(value)
  }

  static func mismatch(expected: Shape, actual: Shape) -> String? {
    if expected == actual { return nil }
    let (wanted, got) = (expected.elementCount ?? 0, actual.elementCount ?? 0)
    return wanted == got
      ? "Expecting shape \(expected) but got: \(actual)" : "Expecting tensor size: \(wanted) but got: \(got)"
  }

  static func elementFault(row: Int, key: String?, _ fault: String) -> String {
    let key = key.map { " key: \($0)" } ?? ""
    return "Failed to process element: \(row)\(key) of 'instances' list. Error: INVALID_ARGUMENT: \(fault)"
  }

  /// All rows as one tensor. Precondition: not empty.
  func tensor() throws(APIFailure) -> Tensor {
    guard rows[0].shape.rank < Shape.maximumRank else {
      throw .badRequest(
        RowStack.elementFault(
          row: 0, key: spec.name, "a tensor has at most \(Shape.maximumRank) dimensions, its rows one less"))
    }
    var shape = Shape()
    shape.append(rows.count)
    for dimension in rows[0].shape { shape.append(dimension) }
    let payloadBytes = spec.datatype == .bytes ? rows.reduce(0) { $0 + RowStack.payloadBytes($1) } : 0
    guard let size = shape.elementCount?.multipliedReportingOverflow(by: spec.datatype.byteCount),
      !size.overflow,
      let memory = TensorMemory(byteCount: size.partialValue),
      let payload = TensorMemory(byteCount: payloadBytes)
    else { throw APIFailure(503, "no memory for the rows of input '\(spec.name)'") }
    let stacked = Tensor(
      name: spec.name, datatype: spec.datatype, shape: shape, memory: memory,
      payload: spec.datatype == .bytes ? payload : nil)
    spec.datatype == .bytes ? copyBytes(to: stacked, payload) : copyElements(to: stacked)
    return stacked
  }

  private func copyElements(to stacked: Tensor) {
    for (index, row) in rows.enumerated() {
      memcpy(stacked.data + index * row.byteCount, row.data, row.byteCount)
    }
  }

  private static func payloadBytes(_ tensor: Tensor) -> Int {
    tensor.elements(as: BytesElement.self).reduce(0) { $0 + $1.count }
  }

  private func copyBytes(to stacked: Tensor, _ payload: TensorMemory) {
    let slots = stacked.elements(as: BytesElement.self)
    var free = payload.base.assumingMemoryBound(to: UInt8.self)
    var slot = 0
    for row in rows {
      for element in row.elements(as: BytesElement.self) {
        if let data = element.data { memcpy(free, data, element.count) }
        slots[slot] = BytesElement(data: free, count: element.count)
        free += element.count
        slot += 1
      }
    }
  }
}
