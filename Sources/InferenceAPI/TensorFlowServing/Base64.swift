import Bytes
import Tensors

/// Base 64 with the standard alphabet and padding (RFC 4648, section 4).
enum Base64 {
  private static let alphabet: StaticString =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

  /// Appends `bytes`, encoded.
  static func write(_ bytes: UnsafeRawBufferPointer, to buffer: ByteBuffer) {
    let length = (bytes.count + 2) / 3 * 4
    let out = buffer.reserve(length)
    var (source, target) = (0, 0)
    while source < bytes.count {
      let left = bytes.count - source
      let first = UInt32(bytes[source]) << 16
      let second = left > 1 ? UInt32(bytes[source + 1]) << 8 : 0
      let group = first | second | (left > 2 ? UInt32(bytes[source + 2]) : 0)
      for digit in 0..<4 {
        let isPadding = digit > left
        let index = Int(group >> UInt32(18 - 6 * digit)) & 63
        out[target + digit] = isPadding ? UInt8(ascii: "=") : alphabet.utf8Start[index]
      }
      source += 3
      target += 4
    }
    buffer.advance(by: length)
  }

  /// Appends a BYTES tensor as arrays nested by its shape, each element as `{"b64": "…"}`.
  static func writeNested(_ tensor: Tensor, to buffer: ByteBuffer) {
    var next = 0
    writeNested(tensor, axis: 0, next: &next, to: buffer)
  }

  private static func writeNested(_ tensor: Tensor, axis: Int, next: inout Int, to buffer: ByteBuffer) {
    guard axis < tensor.shape.rank else {
      buffer.append("{\"b64\":\"")
      write(tensor.elements(as: BytesElement.self)[next].bytes, to: buffer)
      buffer.append("\"}")
      next += 1
      return
    }
    buffer.append("[")
    for index in 0..<tensor.shape[axis] {
      if index > 0 { buffer.append(",") }
      writeNested(tensor, axis: axis + 1, next: &next, to: buffer)
    }
    buffer.append("]")
  }
}
