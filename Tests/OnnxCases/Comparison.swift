import Tensors

/// Compares a result with what is expected, as the onnx package's own runner does.
struct Comparison {
  let relative: Double
  let absolute: Double

  /// Where they differ first; nil where they agree.
  func difference(_ result: Tensor, _ expected: Tensor) -> String? {
    if result.datatype != expected.datatype {
      return "\(result.datatype.name), expected \(expected.datatype.name)"
    }
    if result.shape != expected.shape { return "shape \(result.shape), expected \(expected.shape)" }
    if result.datatype == .bytes { return textDifference(result, expected) }
    let tolerance = result.datatype == .bf16 ? max(relative, 0x1p-6) : relative
    for index in 0..<result.elementCount {
      let (a, b) = (Comparison.number(result, index), Comparison.number(expected, index))
      if a.isNaN && b.isNaN || a == b { continue }
      if !(abs(a - b) <= absolute + tolerance * abs(b)) || a.isInfinite != b.isInfinite {
        return "element \(index) is \(a), expected \(b)"
      }
    }
    return nil
  }

  private func textDifference(_ result: Tensor, _ expected: Tensor) -> String? {
    let (texts, others) = (Comparison.texts(result), Comparison.texts(expected))
    guard let index = texts.indices.first(where: { texts[$0] != others[$0] }) else { return nil }
    return "element \(index) is '\(texts[index])', expected '\(others[index])'"
  }

  private static func texts(_ tensor: Tensor) -> [String] {
    tensor.elements(as: BytesElement.self).map { String(decoding: $0.bytes, as: UTF8.self) }
  }

  private static func number(_ tensor: Tensor, _ index: Int) -> Double {
    switch tensor.datatype {
    case .bool, .uint8: Double(tensor.elements(as: UInt8.self)[index])
    case .uint16: Double(tensor.elements(as: UInt16.self)[index])
    case .uint32: Double(tensor.elements(as: UInt32.self)[index])
    case .uint64: Double(tensor.elements(as: UInt64.self)[index])
    case .int8: Double(tensor.elements(as: Int8.self)[index])
    case .int16: Double(tensor.elements(as: Int16.self)[index])
    case .int32: Double(tensor.elements(as: Int32.self)[index])
    case .int64: Double(tensor.elements(as: Int64.self)[index])
    case .fp16: Double(FP16(bits: tensor.elements(as: UInt16.self)[index]).float)
    case .bf16: Double(BF16(bits: tensor.elements(as: UInt16.self)[index]).float)
    case .fp32: Double(tensor.elements(as: Float.self)[index])
    case .fp64: tensor.elements(as: Double.self)[index]
    case .bytes: .nan
    }
  }
}
