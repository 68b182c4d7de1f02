import Glibc
import Tensors

/// The ONNX operator MelWeightMatrix: triangles over the bins of a spectrum, even on the mel scale.
struct MelWeightMatrix: Evaluation {
  static let description = OperatorDescription("MelWeightMatrix", inputs: 5...5, support: "all numbers") {
    reader in
    let number = try reader.int("output_datatype", default: 1)
    guard let datatype = ElementType.datatype(number), datatype != .bytes, datatype != .bool else {
      throw ONNXError(.unsupported, "elements of \(ElementType.name(number))")
    }
    return MelWeightMatrix(datatype: datatype)
  }

  let name = "MelWeightMatrix"
  let datatype: Datatype

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    guard let bands = try node.integer(0), let length = try node.integer(1), let rate = try node.integer(2),
      let lowest = try node.number(3), let highest = try node.number(4)
    else { throw ONNXError(.invalid, "an input is missing") }
    guard bands >= 0, bands < 1 << 24, length >= 0, length < 1 << 40, rate > 0 else {
      throw ONNXError(.argument, "\(bands) bands of a spectrum of \(length) at \(rate) Hz")
    }
    let bins = length / 2 + 1
    let shape = try node.shape([bins, bands])
    func mel(_ frequency: Double) -> Double { 2595 * log10(1 + frequency / 700) }
    let step = (mel(highest) - mel(lowest)) / Double(bands + 2)
    let edges = (0..<bands + 2).map { index -> Int in
      let frequency = 700 * (pow(10, (mel(lowest) + Double(index) * step) / 2595) - 1)
      return Int((Double(length + 1) * frequency / Double(rate)).rounded(.down))
    }
    var values = [Double](repeating: 0, count: try node.count(shape))
    for band in 0..<bands {
      let (low, centre, high) = (edges[band], edges[band + 1], edges[band + 2])
      guard low >= 0, high <= bins else { throw ONNXError(.argument, "frequencies beyond the spectrum") }
      if low == centre, centre < bins { values[centre * bands + band] = 1 }
      for bin in low..<max(centre + 1, low) where low < centre && bin < bins {
        values[bin * bands + band] = Double(bin - low) / Double(centre - low)
      }
      for bin in centre..<max(high, centre) where bin < bins {
        values[bin * bands + band] = Double(high - bin) / Double(high - centre)
      }
    }
    return [try node.tensor(datatype, shape, values)]
  }
}
