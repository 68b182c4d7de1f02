import Tensors

/// The ONNX operator RoiAlign: regions of images, read at regular points and pooled to one size.
struct RoiAlign: Evaluation {
  static let description = OperatorDescription(
    "RoiAlign", inputs: 3...3, support: "FP16, BF16, FP32, FP64; avg and max"
  ) { reader in
    let (height, width) = (
      try reader.int("output_height", default: 1), try reader.int("output_width", default: 1)
    )
    let ratio = try reader.int("sampling_ratio", default: 0)
    guard height > 0, width > 0, ratio >= 0, max(height, width, ratio) < 1 << 16 else {
      throw ONNXError(.invalid, "an output of \(height) by \(width), sampling_ratio \(ratio)")
    }
    let word = try reader.word("coordinate_transformation_mode", "", "half_pixel", "output_half_pixel")
    return RoiAlign(
      isMaximum: try reader.word("mode", "avg", "max") == "max", height: height, width: width, ratio: ratio,
      scale: Double(try reader.float("spatial_scale", default: 1)),
      isHalfPixel: word.isEmpty ? reader.opset >= 16 : word == "half_pixel")
  }

  let name = "RoiAlign"
  let isMaximum: Bool
  let height: Int
  let width: Int
  let ratio: Int
  let scale: Double
  let isHalfPixel: Bool

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let (x, regions) = (try node.input(0), try node.input(1))
    let images = try node.indices(2).integers()
    guard x.shape.rank == 4, regions.shape == [images.count, 4] else {
      throw ONNXError(.invalid, "regions of shape \(regions.shape), \(images.count) images, shape \(x.shape)")
    }
    let (values, boxes) = (x.doubles(), regions.doubles())
    let plane = x.shape[2] * x.shape[3]
    let shape = try node.shape([images.count, x.shape[1], height, width])
    var result: [Double] = []
    result.reserveCapacity(try node.count(shape))
    for (region, image) in images.enumerated() {
      guard image >= 0, image < x.shape[0] else {
        throw ONNXError(.argument, "image \(image) of \(x.shape[0])")
      }
      let cells = try points(Array(boxes[region * 4..<region * 4 + 4]), node.engine.limits).map { cell in
        cell.map { taps($0.y, $0.x, x.shape[2], x.shape[3]) }
      }
      for channel in 0..<x.shape[1] {
        let first = (image * x.shape[1] + channel) * plane
        for cell in cells { result.append(pooled(cell, values, first)) }
      }
    }
    return [try node.tensor(x.datatype, shape, result)]
  }

  private func pooled(_ cell: [[(place: Int, weight: Double)]], _ values: [Double], _ first: Int) -> Double {
    if isMaximum {
      // The greatest of the weighted neighbours, not of the points.
      return cell.reduce(-.infinity) { best, taps in
        taps.isEmpty ? max(best, 0) : taps.reduce(best) { max($0, values[first + $1.place] * $1.weight) }
      }
    }
    let sum = cell.reduce(0) { sum, taps in taps.reduce(sum) { $0 + values[first + $1.place] * $1.weight } }
    return sum / Double(max(cell.count, 1))
  }

  /// For each cell of the output, the points where it reads the image.
  private func points(_ box: [Double], _ limits: Limits) throws -> [[(y: Double, x: Double)]] {
    let offset = isHalfPixel ? 0.5 : 0
    let (left, top) = (box[0] * scale - offset, box[1] * scale - offset)
    var (boxWidth, boxHeight) = (box[2] * scale - offset - left, box[3] * scale - offset - top)
    if !isHalfPixel { (boxWidth, boxHeight) = (max(boxWidth, 1), max(boxHeight, 1)) }
    let (stepX, stepY) = (boxWidth / Double(width), boxHeight / Double(height))
    guard stepX.isFinite, stepY.isFinite, abs(stepX) < 65536, abs(stepY) < 65536 else {
      throw ONNXError(.argument, "a region of \(boxWidth) by \(boxHeight)")
    }
    let rows = ratio > 0 ? ratio : max(Int(stepY.rounded(.up)), 0)
    let columns = ratio > 0 ? ratio : max(Int(stepX.rounded(.up)), 0)
    var cells: [[(y: Double, x: Double)]] = []
    for row in 0..<height {
      for column in 0..<width {
        var cell: [(y: Double, x: Double)] = []
        for inner in 0..<rows {
          let y = top + Double(row) * stepY + (Double(inner) + 0.5) * stepY / Double(rows)
          for across in 0..<columns {
            cell.append((y, left + Double(column) * stepX + (Double(across) + 0.5) * stepX / Double(columns)))
          }
        }
        cells.append(cell)
      }
    }
    return cells
  }

  private func taps(_ y: Double, _ x: Double, _ height: Int, _ width: Int) -> [(place: Int, weight: Double)] {
    if y < -1 || y > Double(height) || x < -1 || x > Double(width) { return [] }
    let (row, down) = split(y, height)
    let (column, across) = split(x, width)
    let (lower, right) = (min(row + 1, height - 1), min(column + 1, width - 1))
    return [
      (row * width + column, (1 - down) * (1 - across)), (row * width + right, (1 - down) * across),
      (lower * width + column, down * (1 - across)), (lower * width + right, down * across),
    ]
  }

  private func split(_ position: Double, _ size: Int) -> (place: Int, part: Double) {
    let inside = max(position, 0)
    let place = Int(inside)
    return place >= size - 1 ? (size - 1, 0) : (place, inside - Double(place))
  }
}
