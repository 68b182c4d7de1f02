import Tensors

/// The ONNX operator DFT. The axis is an attribute before opset 20, an input since.
struct DFT: Evaluation {
  static let description = OperatorDescription(
    "DFT", inputs: 1...3, support: "FP16, BF16, FP32, FP64; inverse, onesided, any length"
  ) { reader in
    DFT(
      axis: reader.opset < 20 ? try reader.int("axis", default: 1) : nil,
      isInverse: try reader.flag("inverse", default: false),
      isOnesided: try reader.flag("onesided", default: false))
  }

  let name = "DFT"
  let axis: Int?
  let isInverse: Bool
  let isOnesided: Bool

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    guard x.shape.rank >= 2, let parts = x.shape.last, parts == 1 || parts == 2 else {
      throw ONNXError(
        .invalid, "a signal of shape \(x.shape), expected real or complex numbers in the last axis")
    }
    let place = try normalizedAxis(try axis ?? node.integer(2) ?? -2, rank: x.shape.rank)
    guard place < x.shape.rank - 1 else { throw ONNXError(.invalid, "the axis of real and imaginary parts") }
    let isRealResult = isInverse && isOnesided
    let stored = x.shape[place]
    let length = try node.integer(1) ?? (isRealResult ? 2 * (stored - 1) : stored)
    guard length >= 1, length <= 1 << 24 else { throw ONNXError(.argument, "a length of \(length)") }
    let count = isRealResult ? length : isOnesided ? length / 2 + 1 : length
    let layout = AxisLayout(Shape(x.shape.dropLast()), place)
    var sizes = Array(x.shape)
    sizes[place] = count
    sizes[sizes.count - 1] = isRealResult ? 1 : 2
    let shape = try node.shape(sizes)
    let transform = FourierTransform(length: length, isInverse: isInverse)
    let values = x.doubles()
    let width = isRealResult ? 1 : 2
    var result = [Double](repeating: 0, count: try node.count(shape))
    layout.forEachLine { line, start in
      let sums = transform.run(
        self.line(values, start, layout, length: length, parts: parts, isMirrored: isRealResult), count: count
      )
      let first = (line / layout.inner * count * layout.inner + line % layout.inner) * width
      for index in 0..<count {
        for part in 0..<width { result[first + index * layout.inner * width + part] = sums[2 * index + part] }
      }
    }
    return [try node.tensor(x.datatype, shape, result)]
  }

  /// A line of the signal, cut or filled with zeros; a half spectrum is mirrored into a whole one.
  private func line(
    _ values: [Double], _ start: Int, _ layout: AxisLayout, length: Int, parts: Int, isMirrored: Bool
  ) -> [Double] {
    var line = [Double](repeating: 0, count: 2 * length)
    for index in 0..<min(length, layout.length) {
      let source = (start + index * layout.inner) * parts
      line[2 * index] = values[source]
      line[2 * index + 1] = parts == 2 ? values[source + 1] : 0
    }
    if isMirrored {
      for index in length / 2 + 1..<max(length, length / 2 + 1) {
        line[2 * index] = line[2 * (length - index)]
        line[2 * index + 1] = -line[2 * (length - index) + 1]
      }
    }
    return line
  }
}
