import Tensors

/// Numbers as decimal text and back.
enum TextConversion {
  /// Reads the numbers in texts; a text that holds none is an error of the caller.
  static func read(
    _ texts: UnsafePointer<BytesElement>, _ target: UnsafeMutableRawPointer, _ datatype: Datatype, count: Int
  ) throws {
    let size = datatype.byteCount
    for index in 0..<count {
      let text = String(decoding: texts[index].bytes, as: UTF8.self)
      let word = text.filter { !$0.isWhitespace }
      if !datatype.isFloat, let integer = Int(word) {
        var integer = integer
        ElementConversion.convert(&integer, .int64, target + index * size, datatype, count: 1)
      } else if var number = Double(word) {
        ElementConversion.convert(&number, .fp64, target + index * size, datatype, count: 1)
      } else {
        throw ONNXError(.argument, "element \(index) is '\(text.prefix(40))', expected a number")
      }
    }
  }

  /// The shortest decimal texts that read back as the elements of `x`.
  static func texts(_ x: Tensor) throws -> [[UInt8]] {
    switch x.datatype {
    case .fp32: return x.elements(as: Float.self).map { text($0.description) }
    case .fp64: return x.elements(as: Double.self).map { text($0.description) }
    case .fp16, .bf16: return x.doubles().map { text(Float($0).description) }
    case .uint64: return x.elements(as: UInt64.self).map { text($0.description) }
    case .bool, .bytes: throw ONNXError(.unsupported, "a cast from \(x.datatype.name) to BYTES")
    default: return x.integers().map { text($0.description) }
    }
  }

  private static func text(_ number: String) -> [UInt8] {
    switch number {
    case "nan", "-nan": Array("NaN".utf8)
    case "inf": Array("INF".utf8)
    case "-inf": Array("-INF".utf8)
    default: Array(number.utf8)
    }
  }
}
