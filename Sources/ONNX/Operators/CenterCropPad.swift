import Tensors

/// The ONNX operator CenterCropPad: cut or padded around the middle to a given size.
struct CenterCropPad: Evaluation {
  static let description = OperatorDescription("CenterCropPad", inputs: 2...2, support: "all datatypes") {
    reader in
    CenterCropPad(axes: try reader.ints("axes"))
  }

  let name = "CenterCropPad"
  let axes: [Int]?

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let x = try node.input(0)
    let target = try node.integers(1)
    let axes = try (axes ?? Array(0..<x.shape.rank)).map { try normalizedAxis($0, rank: x.shape.rank) }
    guard axes.count == target.count else {
      throw ONNXError(.invalid, "\(target.count) sizes for \(axes.count) axes")
    }
    var sizes = Array(x.shape)
    var offsets = [Int](repeating: 0, count: sizes.count)
    for (axis, size) in zip(axes, target) where size >= 0 {
      let difference = x.shape[axis] - size
      // The odd place is cut at the end, and padded at the end.
      offsets[axis] = difference >= 0 ? difference / 2 : -(-difference / 2)
      sizes[axis] = size
    }
    guard target.allSatisfy({ $0 >= 0 }) else { throw ONNXError(.argument, "sizes \(target)") }
    let shape = try node.shape(sizes)
    let strides = x.shape.strides
    var places: [Int] = []
    shape.forEachPlace { _, index in
      var source = 0
      for axis in index.indices {
        let place = index[axis] + offsets[axis]
        if place < 0 || place >= x.shape[axis] {
          source = -1
          break
        }
        source += place * strides[axis]
      }
      places.append(source)
    }
    return [try node.selection(of: x, at: places, shape: shape)]
  }
}
