import Bytes
import Glibc
import PluginHost
import Tensors

/// The `classification` extension asked of one output: its largest elements, as text.
struct Classification: Sendable {
  /// Elements that an output may have to be classified: each one's text takes time on the event loop.
  static let maximumElements = 1_000_000

  /// How many of the largest elements are wanted of each row, one or more.
  var count: Int
  /// Names of the elements of the last dimension; empty if they have none.
  var labels: [String] = []
  /// Whether dimension 0 counts rows that are classified each on their own.
  var hasRows = false

  /// The same for an output of a model; refused if no order of its elements is known.
  func prepared(
    for spec: TensorSpec, hasRows: Bool, path: String
  ) throws(APIFailure) -> Classification {
    guard spec.datatype != .bytes else {
      throw .badRequest(
        "class result not available for output due to unsupported type 'BYTES' (\(path) '\(spec.name)'); ask for "
          + "it without 'classification'")
    }
    return Classification(count: count, labels: spec.labels, hasRows: hasRows && spec.shape.rank > 0)
  }

  /// BYTES of the shape `[rows, count]`, or `[count]` without rows: `"value:index"` or `"value:index:label"`, the
  /// largest first; equal ones and NaN in the order of the output, NaN last.
  func classes(of output: Tensor) throws(APIFailure) -> Tensor {
    guard output.elementCount <= Classification.maximumElements else {
      throw .badRequest(
        "classification output tensor too large: '\(output.name)' \(output.shape) has \(output.elementCount) "
          + "elements; at most \(Classification.maximumElements) can be classified")
    }
    let rows = hasRows ? output.shape[0] : 1
    let width = rows == 0 ? 0 : output.elementCount / rows
    let texts = BytesTensorBuilder()
    let elements = OrderedElements(output)
    for row in 0..<rows {
      for index in elements.largest(count, in: row * width..<(row + 1) * width) {
        let label = label(of: index, in: output.shape)
        texts.append { write(elements.text(at: row * width + index), index, label, to: $0) }
      }
    }
    let found = min(count, width)
    guard let tensor = texts.tensor(name: output.name, shape: hasRows ? [rows, found] : [found]) else {
      throw APIFailure(503, "no memory for the classes of output '\(output.name)'")
    }
    return tensor
  }

  /// The name of an element of a row; nil where there are fewer labels than places.
  private func label(of index: Int, in shape: Shape) -> String? {
    let place = index % max(shape.last ?? 1, 1)
    return place < labels.count ? labels[place] : nil
  }

  private func write(_ value: String, _ index: Int, _ label: String?, to text: ByteBuffer) {
    text.append(value)
    text.append(":")
    text.append(decimal: index)
    guard let label else { return }
    text.append(":")
    text.append(label)
  }
}

/// The elements of a tensor of numbers in an order that is total, and as text.
private struct OrderedElements {
  private enum Keys {
    case signed([Int64])
    case unsigned([UInt64])
    case floating([Double])
  }

  private let keys: Keys

  init(_ tensor: Tensor) {
    keys =
      switch tensor.datatype {
      case .bool, .uint8: .unsigned(tensor.elements(as: UInt8.self).map(UInt64.init))
      case .uint16: .unsigned(tensor.elements(as: UInt16.self).map(UInt64.init))
      case .uint32: .unsigned(tensor.elements(as: UInt32.self).map(UInt64.init))
      case .uint64: .unsigned(Array(tensor.elements(as: UInt64.self)))
      case .int8: .signed(tensor.elements(as: Int8.self).map(Int64.init))
      case .int16: .signed(tensor.elements(as: Int16.self).map(Int64.init))
      case .int32: .signed(tensor.elements(as: Int32.self).map(Int64.init))
      case .int64: .signed(Array(tensor.elements(as: Int64.self)))
      case .fp16: .floating(tensor.elements(as: FP16.self).map { Double($0.float) })
      case .bf16: .floating(tensor.elements(as: BF16.self).map { Double($0.float) })
      case .fp32: .floating(tensor.elements(as: Float.self).map(Double.init))
      case .fp64: .floating(Array(tensor.elements(as: Double.self)))
      case .bytes: .unsigned([])
      }
  }

  /// Where in `range` the largest elements are, counted from its begin.
  func largest(_ count: Int, in range: Range<Int>) -> [Int] {
    switch keys {
    case .signed(let keys): Self.largest(count, of: keys[range])
    case .unsigned(let keys): Self.largest(count, of: keys[range])
    case .floating(let keys): Self.largest(count, of: keys[range].map { $0.isNaN ? -.infinity : $0 }[...])
    }
  }

  /// As the C library's `%f` has it for floating numbers.
  func text(at index: Int) -> String {
    switch keys {
    case .signed(let keys): String(keys[index])
    case .unsigned(let keys): String(keys[index])
    case .floating(let keys): Self.fixed(keys[index])
    }
  }

  private static func largest<Key: Comparable>(_ count: Int, of keys: ArraySlice<Key>) -> [Int] {
    let first = keys.startIndex
    let precedes = { (a: Int, b: Int) in
      keys[first + a] > keys[first + b] || (keys[first + a] == keys[first + b] && a < b)
    }
    guard count <= maximumKept else { return Array((0..<keys.count).sorted(by: precedes).prefix(count)) }
    var kept: [Int] = []
    for index in 0..<keys.count {
      if kept.count == count {
        guard precedes(index, kept[count - 1]) else { continue }
        kept.removeLast()
      }
      kept.insert(index, at: kept.firstIndex { precedes(index, $0) } ?? kept.count)
    }
    return kept
  }

  /// Up to so many, the largest are found by one pass that keeps them in order; sorting wins beyond.
  private static let maximumKept = 64

  private static func fixed(_ value: Double) -> String {
    // The longest is -DBL_MAX: 309 digits, a sign, a point and six digits.
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 320) { text in
      let count = withVaList([value]) { vsnprintf(text.baseAddress, text.count, "%f", $0) }
      return String(decoding: UnsafeRawBufferPointer(text).prefix(max(0, Int(count))), as: UTF8.self)
    }
  }
}
