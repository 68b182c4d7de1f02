import Glibc
import Tensors

/// The ONNX operators HannWindow, HammingWindow and BlackmanWindow: sums of cosines.
struct CosineWindow: Evaluation {
  let name: String
  /// Of the cosines of 0, 1 and 2 turns.
  let coefficients: [Double]
  let isPeriodic: Bool
  let datatype: Datatype

  static func description(_ type: String, _ coefficients: [Double]) -> OperatorDescription {
    OperatorDescription(type, inputs: 1...1, support: "all numbers") { reader in
      let number = try reader.int("output_datatype", default: 1)
      guard let datatype = ElementType.datatype(number), datatype != .bytes, datatype != .bool else {
        throw ONNXError(.unsupported, "elements of \(ElementType.name(number))")
      }
      return CosineWindow(
        name: type, coefficients: coefficients, isPeriodic: try reader.flag("periodic", default: true),
        datatype: datatype)
    }
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    guard let size = try node.integer(0) else { throw ONNXError(.invalid, "the size is missing") }
    let shape = try node.shape([size])
    let turns = Double(isPeriodic ? size : size - 1)
    let values = (0..<size).map { index in
      let angle = turns > 0 ? 2 * Double.pi * Double(index) / turns : 0
      return coefficients.enumerated().reduce(0) { $0 + $1.element * cos(angle * Double($1.offset)) }
    }
    return [try node.tensor(datatype, shape, values)]
  }
}
