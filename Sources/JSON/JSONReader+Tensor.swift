public import Tensors

extension JSONReader {
  /// Reads `data` of a v2 input (flat, or nested to match `shape`) straight into a new tensor.
  ///
  /// A scalar (shape []) may stand bare or in a list of one. Numbers are rounded once, to the nearest
  /// of the datatype, ties to even; one that rounds to infinity is refused. An integer datatype takes
  /// no fraction and no exponent. BOOL takes `true`, `false`, 1 and 0. BYTES takes strings and
  /// `{"b64": "…"}`.
  ///
  /// Errors carry the path `path` extended by the indices, e.g. `inputs[0].data[17][3]`. Nothing is
  /// allocated for a shape that the rest of the text cannot fill.
  ///
  /// - Parameter memory: where the elements are to lie; texts lie elsewhere.
  public mutating func readTensor(
    name: String, datatype: Datatype, shape: Shape, path: String,
    in memory: (_ byteCount: Int) -> TensorMemory? = { TensorMemory(byteCount: $0) }
  ) throws(JSONError) -> Tensor {
    let elements = try requireRoom(for: shape, datatype, path)
    guard let memory = memory(elements * datatype.byteCount) else {
      throw JSONError(message: "no memory for \(elements) elements", path: path, offset: offset)
    }
    let payload = try readTensorData(into: memory.base, datatype: datatype, shape: shape, path: path)
    return Tensor(name: name, datatype: datatype, shape: shape, memory: memory, payload: payload)
  }

  /// As `readTensor`, into memory that has room for the shape's elements. Returns what the records of
  /// a `bytes` tensor point into, nil for other datatypes. After an error the memory holds anything.
  public mutating func readTensorData(
    into memory: UnsafeMutableRawPointer, datatype: Datatype, shape: Shape, path: String
  ) throws(JSONError) -> TensorMemory? {
    let elements = try requireRoom(for: shape, datatype, path)
    var builder = TensorBuilder(datatype, into: memory, capacity: elements)
    var data = ShapedReader(shape: shape, elementCount: elements, path: path)
    try data.read(&self, into: &builder)
    return builder.finishPayload()
  }

  /// The number of elements, if the text that is left can hold them: each takes two bytes at least.
  private func requireRoom(
    for shape: Shape, _ datatype: Datatype, _ path: String
  ) throws(JSONError) -> Int {
    guard let elements = shape.elementCount else {
      throw JSONError(
        message: "expected a shape whose size fits in 64 bits, got \(shape)", path: path, offset: offset)
    }
    guard elements <= 1 || elements <= (end - cursor) / 2 else {
      throw try wrongCount(datatype, shape, elements, path)
    }
    return elements
  }

  /// The error that the value at the cursor holds another number of elements than `expected`.
  func wrongCount(
    _ datatype: Datatype, _ shape: Shape, _ expected: Int, _ path: String
  ) throws(JSONError) -> JSONError {
    var values = self
    let got = try values.countLeaves(path)
    let message = "expected \(expected) \(datatype.plural) for shape \(shape), got \(got)"
    return JSONError(message: message, path: path, offset: offset)
  }

  /// Skips the value at the cursor and counts what in it is no list.
  private mutating func countLeaves(_ path: String) throws(JSONError) -> Int {
    var leaves = 0
    var level = 0
    do throws(JSONError) {
      repeat {
        if try peekKind() == .array {
          try beginArray()
          level += 1
        } else {
          _ = try skipValue()
          leaves += 1
        }
        while level > 0, try !nextElement() { level -= 1 }
      } while level > 0
    } catch {
      throw JSONError(message: error.message, path: path, offset: error.offset)
    }
    return leaves
  }
}

extension Datatype {
  fileprivate var plural: String {
    switch self {
    case .bool: "booleans"
    case .bytes: "strings"
    default: "numbers"
    }
  }
}

/// Reads a value whose shape is known: a flat list, or lists nested to match.
private struct ShapedReader {
  let shape: Shape
  let elementCount: Int
  let path: String
  /// Where each open list stands in the one around it.
  private var indices = InlineArray<8, Int>(repeating: 0)
  /// The open lists.
  private var level = 0

  init(shape: Shape, elementCount: Int, path: String) {
    self.shape = shape
    self.elementCount = elementCount
    self.path = path
  }

  mutating func read(_ reader: inout JSONReader, into builder: inout TensorBuilder) throws(JSONError) {
    reader.skipWhitespace()
    let first = reader
    guard reader.next == UInt8(ascii: "[") else {
      guard shape.rank == 0 else { throw failed(reader, "a list") }
      let end = reader.readRun(into: &builder, upTo: 1, inList: false)
      if case .closed = end { return }
      throw fault(reader, end, builder, runStart: nil)
    }
    reader.cursor += 1
    reader.skipWhitespace()
    if shape.rank > 1, reader.next == UInt8(ascii: "[") {
      reader = first
      try readNested(&reader, into: &builder)
    } else {
      try readFlat(&reader, from: first, into: &builder)
    }
  }

  private func readFlat(
    _ reader: inout JSONReader, from first: JSONReader, into builder: inout TensorBuilder
  ) throws(JSONError) {
    if reader.next == UInt8(ascii: "]") {
      reader.cursor += 1
    } else {
      switch reader.readRun(into: &builder, upTo: elementCount) {
      case .closed: break
      case .full: throw try first.wrongCount(builder.datatype, shape, elementCount, path)
      case let end: throw fault(reader, end, builder, runStart: 0)
      }
    }
    if builder.count != elementCount {
      throw try first.wrongCount(builder.datatype, shape, elementCount, path)
    }
  }

  private mutating func readNested(
    _ reader: inout JSONReader, into builder: inout TensorBuilder
  ) throws(JSONError) {
    guard reader.allows(levels: shape.rank) else { throw reader.tooDeep() }
    repeat {
      try openList(&reader)
      if reader.next == UInt8(ascii: "]") {
        reader.cursor += 1
        try closeList(reader, length: 0)
      } else if level == shape.rank {
        try readInnermost(&reader, into: &builder)
      } else {
        guard shape[level - 1] > 0 else { throw wrongLength(reader, "more") }
        indices[level - 1] = 0
        continue
      }
      try leaveLists(&reader)
    } while level > 0
  }

  private mutating func openList(_ reader: inout JSONReader) throws(JSONError) {
    reader.skipWhitespace()
    guard reader.next == UInt8(ascii: "[") else { throw failed(reader, "a list") }
    reader.cursor += 1
    reader.skipWhitespace()
    level += 1
  }

  private mutating func readInnermost(
    _ reader: inout JSONReader, into builder: inout TensorBuilder
  ) throws(JSONError) {
    let runStart = builder.count
    let length = shape[level - 1]
    let end = reader.readRun(into: &builder, upTo: runStart + length)
    switch end {
    case .closed: try closeList(reader, length: builder.count - runStart)
    case .full: throw wrongLength(reader, "more")
    default: throw fault(reader, end, builder, runStart: runStart)
    }
  }

  /// Behind a list: moves to the list that comes next, closing those that end here.
  private mutating func leaveLists(_ reader: inout JSONReader) throws(JSONError) {
    while level > 0 {
      indices[level - 1] += 1
      switch JSONReader.separator(&reader.cursor, reader.end) {
      case UInt8(ascii: ","):
        guard indices[level - 1] < shape[level - 1] else { throw wrongLength(reader, "more") }
        return
      case UInt8(ascii: "]"): try closeList(reader, length: indices[level - 1])
      default: throw failed(reader, "',' or ']'")
      }
    }
  }

  private mutating func closeList(_ reader: JSONReader, length: Int) throws(JSONError) {
    guard length == shape[level - 1] else { throw wrongLength(reader, "\(length)") }
    level -= 1
  }

  private func wrongLength(_ reader: JSONReader, _ got: String) -> JSONError {
    let message =
      "expected \(shape[level - 1]) elements in dimension \(level - 1) of shape \(shape), got \(got)"
    return JSONError(message: message, path: place(of: level - 1), offset: reader.offset)
  }

  private func failed(_ reader: JSONReader, _ what: StaticString) -> JSONError {
    let error = reader.expected(what)
    return JSONError(message: error.message, path: place(of: level), offset: error.offset)
  }

  private func fault(
    _ reader: JSONReader, _ end: RunEnd, _ builder: TensorBuilder, runStart: Int?
  ) -> JSONError {
    var place = place(of: max(level - 1, 0))
    if let runStart { place += "[\(builder.count - runStart)]" }
    return reader.runFault(end, builder.datatype, path: place)
  }

  /// The path with the indices of the outermost `levels` lists.
  private func place(of levels: Int) -> String {
    (0..<levels).reduce(path) { "\($0)[\(indices[$1])]" }
  }
}

extension JSONReader {
  /// The byte at the cursor; 0, which stands in no valid text, at the end.
  var next: UInt8 { cursor < end ? cursor.pointee : 0 }

  /// The error for a run that ended in a fault; `path` names the element that was due.
  func runFault(_ end: RunEnd, _ datatype: Datatype, path: String) -> JSONError {
    switch end {
    case .closed, .full, .element: return elementFault(datatype, path: path)
    case .separator:
      var error = expected("',' or ']'")
      error.path = path
      return error
    case .string(let fault):
      return JSONError(message: "\(fault.message)", path: path, offset: self.end - start - fault.remaining)
    case .base64:
      return JSONError(
        message: "expected base64 of the standard alphabet in 'b64'", path: path, offset: offset)
    case .noMemory: return JSONError(message: "no memory for the elements", path: path, offset: offset)
    }
  }
}
