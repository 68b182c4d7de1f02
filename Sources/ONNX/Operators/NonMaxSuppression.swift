import Tensors

/// The ONNX operator NonMaxSuppression: the best boxes of each class that do not overlap better ones.
struct NonMaxSuppression: Evaluation {
  static let description = OperatorDescription("NonMaxSuppression", inputs: 2...5, support: "FP32") {
    reader in
    NonMaxSuppression(hasCentres: try reader.flag("center_point_box", default: false))
  }

  let name = "NonMaxSuppression"
  /// Whether boxes are centre and size, and not two corners.
  let hasCentres: Bool

  private struct Box {
    let top: Double
    let left: Double
    let bottom: Double
    let right: Double

    var area: Double { (bottom - top) * (right - left) }

    func overlap(_ other: Box) -> Double {
      let height = min(bottom, other.bottom) - max(top, other.top)
      let width = min(right, other.right) - max(left, other.left)
      if height <= 0 || width <= 0 { return 0 }
      let union = area + other.area - height * width
      return union <= 0 ? 0 : height * width / union
    }
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let (boxes, scores) = (try node.input(0), try node.input(1))
    guard boxes.shape.rank == 3, boxes.shape[2] == 4, scores.shape.rank == 3,
      scores.shape[0] == boxes.shape[0],
      scores.shape[2] == boxes.shape[1]
    else { throw ONNXError(.invalid, "boxes of shape \(boxes.shape), scores of shape \(scores.shape)") }
    let most = max(try node.integer(2) ?? 0, 0)
    let threshold = try node.number(3) ?? 0
    let lowest = try node.number(4)
    let (corners, values) = (boxes.doubles(), scores.doubles())
    let (count, classes) = (boxes.shape[1], scores.shape[1])
    var found: [Int] = []
    for batch in 0..<boxes.shape[0] {
      let all = (0..<count).map {
        box(Array(corners[(batch * count + $0) * 4..<(batch * count + $0) * 4 + 4]))
      }
      for kind in 0..<classes {
        let first = (batch * classes + kind) * count
        let order = (0..<count).filter { lowest == nil || values[first + $0] > lowest ?? 0 }
          .sorted { (values[first + $0], $1) > (values[first + $1], $0) }
        var kept: [Int] = []
        for candidate in order where kept.count < most {
          if kept.allSatisfy({ all[$0].overlap(all[candidate]) <= threshold }) { kept.append(candidate) }
        }
        for index in kept { found += [batch, kind, index] }
      }
    }
    return [try node.tensor(.int64, [found.count / 3, 3], integers: found)]
  }

  private func box(_ numbers: [Double]) -> Box {
    if hasCentres {
      let (x, y, width, height) = (numbers[0], numbers[1], numbers[2] / 2, numbers[3] / 2)
      return Box(top: y - height, left: x - width, bottom: y + height, right: x + width)
    }
    return Box(
      top: min(numbers[0], numbers[2]), left: min(numbers[1], numbers[3]),
      bottom: max(numbers[0], numbers[2]),
      right: max(numbers[1], numbers[3]))
  }
}
