import Tensors

/// The ONNX operator STFT: the transforms of frames of a signal under a window.
struct STFT: Evaluation {
  static let description = OperatorDescription(
    "STFT", inputs: 2...4, support: "FP16, BF16, FP32, FP64; onesided"
  ) { reader in STFT(isOnesided: try reader.flag("onesided", default: true)) }

  let name = "STFT"
  let isOnesided: Bool

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    guard x.shape.rank == 3 || x.shape.rank == 2, let step = try node.integer(1), step > 0 else {
      throw ONNXError(.invalid, "a signal of shape \(x.shape), or no positive frame_step")
    }
    let parts = x.shape.rank == 3 ? x.shape[2] : 1
    let window = try node.optional(2)?.doubles()
    guard let length = try node.integer(3) ?? window?.count, length >= 1, length <= 1 << 24,
      parts == 1 || parts == 2,
      window.map({ $0.count == length }) ?? true
    else { throw ONNXError(.invalid, "frame_length and window do not agree") }
    guard x.shape[1] >= length else {
      throw ONNXError(.argument, "a signal shorter than a frame of \(length)")
    }
    let frames = (x.shape[1] - length) / step + 1
    let count = isOnesided && parts == 1 ? length / 2 + 1 : length
    let shape = try node.shape([x.shape[0], frames, count, 2])
    let transform = FourierTransform(length: length, isInverse: false)
    let values = x.doubles()
    var result: [Double] = []
    result.reserveCapacity(try node.count(shape))
    for batch in 0..<x.shape[0] {
      for frame in 0..<frames {
        var line = [Double](repeating: 0, count: 2 * length)
        for index in 0..<length {
          let source = (batch * x.shape[1] + frame * step + index) * parts
          for part in 0..<parts { line[2 * index + part] = values[source + part] * (window?[index] ?? 1) }
        }
        result += transform.run(line, count: count)
      }
    }
    return [try node.tensor(x.datatype, shape, result)]
  }
}
