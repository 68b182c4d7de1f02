public import Bytes

/// Writes JSON into a byte buffer.
public struct JSONWriter {
  public let buffer: ByteBuffer

  public init(_ buffer: ByteBuffer) { self.buffer = buffer }

  /// A quoted, escaped string.
  public func write(_ text: String) {
    var text = text
    text.withUTF8 { StringWriter(buffer).write(UnsafeRawBufferPointer($0)) }
  }

  /// A quoted, escaped string from bytes; bytes that are not UTF-8 are replaced by U+FFFD.
  public func write(stringBytes: UnsafeRawBufferPointer) { StringWriter(buffer).write(stringBytes) }

  /// Shortest text that reads back to the same number; NaN, Infinity and -Infinity as bare words.
  public func write(_ value: Double) {
    buffer.advance(by: FloatWriter().write(value, to: buffer.reserve(FloatWriter.maximumLength)))
  }

  /// Shortest text that reads back to the same number; NaN, Infinity and -Infinity as bare words.
  public func write(_ value: Float) {
    buffer.advance(by: FloatWriter().write(value, to: buffer.reserve(FloatWriter.maximumLength)))
  }

  public func write(_ value: Int) { buffer.append(decimal: value) }

  public func write(_ value: Bool) {
    if value { buffer.append("true" as StaticString) } else { buffer.append("false" as StaticString) }
  }
}
