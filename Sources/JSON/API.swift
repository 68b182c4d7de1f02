public import Bytes
public import Tensors

/// A fault in a JSON text: what was expected, what came, and where (`inputs[0].data[17]`).
public struct JSONError: Error, Sendable {
  public var message: String
  public var path: String
  public var offset: Int
  public init(message: String, path: String = "", offset: Int = 0) {
    self.message = message
    self.path = path
    self.offset = offset
  }
}

/// A strict pull reader over UTF-8 bytes that never builds a tree.
///
/// Nothing is recursive; depth is limited. The bytes must outlive the reader.
public struct JSONReader {
  public enum Kind: Sendable { case object, array, string, number, bool, null }

  public init(_ bytes: UnsafeRawBufferPointer, maximumDepth: Int = 64) { fatalError() }
  public var offset: Int { fatalError() }
  /// The kind of the value that comes next.
  public mutating func peekKind() throws(JSONError) -> Kind { fatalError() }
  public mutating func beginObject() throws(JSONError) { fatalError() }
  /// The next member's name, or nil at the object's end (which is consumed).
  public mutating func nextKey() throws(JSONError) -> String? { fatalError() }
  public mutating func beginArray() throws(JSONError) { fatalError() }
  /// Whether another element follows; at the array's end it is consumed and the answer is false.
  public mutating func nextElement() throws(JSONError) -> Bool { fatalError() }
  public mutating func readString() throws(JSONError) -> String { fatalError() }
  public mutating func readBool() throws(JSONError) -> Bool { fatalError() }
  public mutating func readInt() throws(JSONError) -> Int64 { fatalError() }
  public mutating func readUInt() throws(JSONError) -> UInt64 { fatalError() }
  public mutating func readDouble() throws(JSONError) -> Double { fatalError() }
  public mutating func readNull() throws(JSONError) { fatalError() }
  /// Skips one value, checking its grammar, and returns its bytes.
  public mutating func skipValue() throws(JSONError) -> UnsafeRawBufferPointer { fatalError() }
  /// Requires that only white space is left.
  public mutating func finish() throws(JSONError) { fatalError() }

  /// Reads `data` of a v2 input (flat, or nested to match `shape`) straight into a new tensor.
  /// Errors carry the path `path` extended by the indices, e.g. `inputs[0].data[17][3]`.
  public mutating func readTensor(
    name: String, datatype: Datatype, shape: Shape, path: String
  ) throws(JSONError) -> Tensor { fatalError() }

  /// Reads nested lists whose shape is the nesting of the first elements (TensorFlow Serving's
  /// rule): scalars give shape []. `{"b64": "…"}` stands for a bytes element.
  public mutating func readNested(name: String, datatype: Datatype, path: String) throws(JSONError) -> Tensor {
    fatalError()
  }
}

/// Writes JSON into a byte buffer.
public struct JSONWriter {
  public let buffer: ByteBuffer
  public init(_ buffer: ByteBuffer) { self.buffer = buffer }
  /// A quoted, escaped string.
  public func write(_ text: String) { fatalError() }
  /// A quoted, escaped string from bytes; bytes that are not UTF-8 are replaced by U+FFFD.
  public func write(stringBytes: UnsafeRawBufferPointer) { fatalError() }
  /// Shortest text that reads back to the same number; NaN, Infinity and -Infinity as bare words.
  public func write(_ value: Double) { fatalError() }
  public func write(_ value: Float) { fatalError() }
  /// The elements as one flat array: `[1.0,2.0]`.
  public func writeFlat(_ tensor: Tensor) { fatalError() }
  /// The elements as arrays nested by the shape; a scalar as a bare value.
  public func writeNested(_ tensor: Tensor) { fatalError() }
}

/// A JSON value for documents (configuration, metadata, small replies), read and written by jansson.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int64)
  case double(Double)
  case string(String)
  case array([JSONValue])
  /// Members in order.
  case object([(String, JSONValue)])

  public init(parsing bytes: UnsafeRawBufferPointer) throws(JSONError) { fatalError() }
  public func write(to buffer: ByteBuffer, pretty: Bool = false) { fatalError() }
  public subscript(_ key: String) -> JSONValue? { fatalError() }
  public static func == (a: JSONValue, b: JSONValue) -> Bool { fatalError() }
}
