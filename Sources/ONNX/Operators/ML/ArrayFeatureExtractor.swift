import Tensors

/// The operator ArrayFeatureExtractor of ai.onnx.ml: some places of the last axis.
struct ArrayFeatureExtractor: Evaluation {
  static let description = OperatorDescription(
    "ArrayFeatureExtractor", domain: "ai.onnx.ml", inputs: 2...2, support: "all datatypes"
  ) { _ in ArrayFeatureExtractor() }

  let name = "ArrayFeatureExtractor"

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let (x, indices) = (try node.input(0), try node.indices(1).integers())
    guard let width = x.shape.last else { throw ONNXError(.invalid, "a scalar") }
    let rows = width == 0 ? 0 : x.elementCount / width
    var places: [Int] = []
    for row in 0..<rows {
      for index in indices {
        guard index >= 0, index < width else {
          throw ONNXError(.argument, "index \(index) of \(width) places")
        }
        places.append(row * width + index)
      }
    }
    let sizes = (x.shape.rank == 1 ? [1] : Array(x.shape.dropLast())) + [indices.count]
    return [try node.selection(of: x, at: places, shape: try node.shape(sizes))]
  }
}
