import Kernels
import Tensors

/// The ONNX operators Resize and Upsample.
struct Resize: Evaluation {
  static let description = OperatorDescription(
    "Resize", inputs: 1...4, support: "all numbers; nearest, linear, cubic; all coordinate modes; antialias"
  ) { reader in
    let old = reader.opset < 11
    var rule = ResizeAxis.Rule(
      mode: try mode(reader), coordinates: old ? .asymmetric : .halfPixel,
      rounding: old ? .floor : .preferFloor,
      cubicCoefficient: Double(try reader.float("cubic_coeff_a", default: -0.75)),
      excludesOutside: try reader.flag("exclude_outside", default: false),
      antialiases: try reader.flag("antialias", default: false))
    if let word = try reader.string("coordinate_transformation_mode") {
      guard let coordinates = ResizeAxis.Coordinates(rawValue: word) else {
        throw ONNXError(.unsupported, "coordinate_transformation_mode '\(word)'")
      }
      rule.coordinates = coordinates
    }
    if let word = try reader.string("nearest_mode") {
      guard let rounding = ResizeAxis.Rounding(rawValue: word) else {
        throw ONNXError(.unsupported, "nearest_mode '\(word)'")
      }
      rule.rounding = rounding
    }
    return Resize(
      name: "Resize", rule: rule, axes: try reader.ints("axes"),
      policy: try reader.word("keep_aspect_ratio_policy", "stretch", "not_larger", "not_smaller"),
      extrapolation: Double(try reader.float("extrapolation_value", default: 0)),
      scalesInput: old ? 1 : 2, sizesInput: old ? nil : 3, regionInput: old ? nil : 1)
  }

  static let upsampleDescription = OperatorDescription(
    "Upsample", inputs: 1...2, support: "all numbers; nearest, linear"
  ) { reader in
    Resize(
      name: "Upsample",
      rule: ResizeAxis.Rule(
        mode: try mode(reader), coordinates: .asymmetric, rounding: .floor, cubicCoefficient: -0.75,
        excludesOutside: false, antialiases: false), axes: nil, policy: "stretch", extrapolation: 0,
      scalesInput: reader.opset >= 9 ? 1 : nil, sizesInput: nil, regionInput: nil,
      fixedScales: try upsampleScales(reader))
  }

  private static func upsampleScales(_ reader: NodeReader) throws -> [Double]? {
    if reader.opset >= 9 { return nil }
    if let scales = try reader.floats("scales") { return scales.map { Double($0) } }
    let height = Double(try reader.float("height_scale", default: 1))
    return [1, 1, height, Double(try reader.float("width_scale", default: 1))]
  }

  private static func mode(_ reader: NodeReader) throws -> ResizeAxis.Mode {
    let word = try reader.string("mode") ?? "nearest"
    guard let mode = ResizeAxis.Mode(rawValue: word == "bilinear" ? "linear" : word) else {
      throw ONNXError(.unsupported, "mode '\(word)'")
    }
    return mode
  }

  let name: String
  let rule: ResizeAxis.Rule
  let axes: [Int]?
  let policy: String
  let extrapolation: Double
  let scalesInput: Int?
  let sizesInput: Int?
  let regionInput: Int?
  var fixedScales: [Double]?
  /// Of the input and the output.
  var layout = ImageLayout.channelsFirst

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.datatype != .bytes, x.datatype != .bool else {
      throw ONNXError(.unsupported, "elements of \(x.datatype.name)")
    }
    let scales = try given(scalesInput, node).map { try $0.tensor().doubles() } ?? fixedScales
    let sizes = try given(sizesInput, node).map { try $0.tensor().integers() }
    let isOpen = x.dimensions.contains { $0.known == nil }
    guard scales != nil || sizes != nil else {
      return [TensorFact(x.datatype, node.freshDimensions(x.rank), rows: node.rowsOfMixture)]
    }
    if isOpen { return [try openFact(x, scales, sizes, node)] }
    let shape = Shape(x.dimensions.compactMap(\.known))
    let plan = try plan(shape, scales: scales, sizes: sizes, region: nil)
    return [TensorFact(x.datatype, plan.map { Dimension($0.output) }, rows: rows(x, plan.map { $0.isWhole }))]
  }

  /// The contents of an input that is there and not empty; noted when they come with the tensors.
  private func given(_ index: Int?, _ node: NodeFacts) throws -> Constant? {
    guard let index, let fact = node.optional(index), fact.dimensions.first?.known != 0 else { return nil }
    return try node.constant(index)
  }

  /// The fact of an input of open size: what is not resized is known.
  private func openFact(_ x: TensorFact, _ scales: [Double]?, _ sizes: [Int]?, _ node: NodeFacts) throws
    -> TensorFact
  {
    let list = try (axes ?? Array(0..<x.rank)).map { try normalizedAxis($0, rank: x.rank) }
    var dimensions = x.dimensions
    var isWhole = [Bool](repeating: true, count: x.rank)
    for (place, axis) in list.enumerated() {
      if let scales, place < scales.count, scales[place] == 1 { continue }
      isWhole[axis] = false
      if let sizes, place < sizes.count, policy == "stretch" {
        dimensions[axis] = Dimension(max(sizes[place], 0))
      } else if let scales, place < scales.count, let factor = Int(exactly: scales[place]), factor > 0 {
        dimensions[axis] = dimensions[axis].multiplied(by: Dimension(factor)) ?? node.freshDimension()
      } else {
        dimensions[axis] = node.freshDimension()
      }
    }
    return TensorFact(x.datatype, dimensions, rows: rows(x, isWhole))
  }

  private func rows(_ x: TensorFact, _ isWhole: [Bool]) -> Rows {
    if case .axis(let axis) = x.rows, !isWhole[axis] { return .mixed }
    return x.rows
  }

  /// One axis of a resize.
  struct AxisPlan {
    var input: Int
    var output: Int
    var scale: Double
    var region = (start: 0.0, end: 1.0)
    var isWhole: Bool
  }

  func plan(_ shape: Shape, scales: [Double]?, sizes: [Int]?, region: [Double]?) throws -> [AxisPlan] {
    let list = try (axes ?? Array(0..<shape.rank)).map { try normalizedAxis($0, rank: shape.rank) }
    guard (scales ?? []).isEmpty || scales?.count == list.count,
      sizes.map({ $0.count == list.count }) ?? true,
      region.map({ $0.count == 2 * list.count }) ?? true
    else { throw ONNXError(.invalid, "scales, sizes or roi of another length than \(list.count) axes") }
    var plans = shape.map { AxisPlan(input: $0, output: $0, scale: 1, isWhole: true) }
    let ratio = sizes.flatMap { sizes -> Double? in
      let ratios = zip(sizes, list).map { Double($0) / Double(max(shape[$1], 1)) }
      return policy == "not_larger" ? ratios.min() : policy == "not_smaller" ? ratios.max() : nil
    }
    for (place, axis) in list.enumerated() {
      let extent = Double(shape[axis])
      if let region {
        plans[axis].region = (region[place], region[place + list.count])
      }
      let isCrop = rule.coordinates == .cropAndResize
      if let sizes {
        let size = ratio.map { Int((extent * $0).rounded(.toNearestOrAwayFromZero)) } ?? sizes[place]
        guard size >= 0, size < 1 << 40 else { throw ONNXError(.invalid, "a size of \(size)") }
        plans[axis].output = size
        plans[axis].scale = ratio ?? Double(size) / max(extent, 1)
      } else if let scales, !scales.isEmpty {
        let part = isCrop ? plans[axis].region.end - plans[axis].region.start : 1
        guard scales[place] > 0, let size = Int(exactly: (extent * part * scales[place]).rounded(.down)),
          size < 1 << 40
        else { throw ONNXError(.invalid, "a scale of \(scales[place])") }
        plans[axis].output = size
        plans[axis].scale = scales[place]
      }
      plans[axis].isWhole = plans[axis].output == shape[axis] && plans[axis].scale == 1 && !isCrop
    }
    return plans
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireNumber(0)
    let x = try node.input(0)
    func list(_ index: Int?) throws -> Tensor? {
      guard let index, let tensor = try node.optional(index), tensor.elementCount > 0 else { return nil }
      return tensor
    }
    let scales = try list(scalesInput)?.doubles() ?? fixedScales
    let sizes = try list(sizesInput)?.integers()
    guard scales != nil || sizes != nil else { throw ONNXError(.invalid, "neither scales nor sizes") }
    let region = rule.coordinates == .cropAndResize ? try list(regionInput)?.doubles() : nil
    let plans = try plan(x.shape, scales: scales, sizes: sizes, region: region)
    let shape = try node.shape(plans.map(\.output))
    let resized = plans.indices.filter { !plans[$0].isWhole }
    guard x.elementCount > 0 || shape.elementCount == 0 else { throw ONNXError(.argument, "an empty tensor") }
    if shape.elementCount == 0 { return [try node.tensor(x.datatype, shape, [])] }
    let places = resized.map { axis in
      ResizeAxis(
        input: plans[axis].input, output: plans[axis].output, scale: plans[axis].scale,
        region: plans[axis].region,
        rule: rule
      ).places()
    }
    let hasOutside = places.contains { $0.contains { $0.isOutside } }
    if rule.mode == .nearest && !hasOutside { return [try nearest(node, x, shape, resized, places)] }
    var values = x.floats()
    var current = x.shape
    for (axis, places) in zip(resized, places) {
      values = Self.resized(values, AxisLayout(current, axis), places)
      current[axis] = places.count
    }
    if hasOutside { extrapolate(&values, shape, resized, places) }
    if !x.isFloat { values = values.map { $0.rounded(.toNearestOrEven) } }
    return [try node.tensor(x.datatype, shape, floats: values)]
  }

  private func nearest(
    _ node: EvaluationRequest, _ x: Tensor, _ shape: Shape, _ resized: [Int], _ places: [[ResizeAxis.Place]]
  ) throws -> Value {
    var sources = shape.map { Array(0..<$0) }
    for (axis, places) in zip(resized, places) { sources[axis] = places.map { $0.sources[0] } }
    let strides = x.shape.strides
    var selected: [Int] = [0]
    for axis in 0..<shape.rank {
      let steps = sources[axis].map { $0 * strides[axis] }
      selected = selected.flatMap { start in steps.map { start + $0 } }
    }
    return try node.selection(of: x, at: selected, shape: shape)
  }

  private static func resized(_ x: [Float], _ layout: AxisLayout, _ places: [ResizeAxis.Place]) -> [Float] {
    var y = [Float](repeating: 0, count: layout.outer * places.count * layout.inner)
    for block in 0..<layout.outer {
      for (index, place) in places.enumerated() {
        let target = (block * places.count + index) * layout.inner
        for (source, weight) in zip(place.sources, place.weights) where weight != 0 {
          let start = (block * layout.length + source) * layout.inner
          let factor = Float(weight)
          for lane in 0..<layout.inner { y[target + lane] += x[start + lane] * factor }
        }
      }
    }
    return y
  }

  private func extrapolate(
    _ values: inout [Float], _ shape: Shape, _ resized: [Int], _ places: [[ResizeAxis.Place]]
  ) {
    shape.forEachPlace { place, index in
      for (axis, places) in zip(resized, places) where places[index[axis]].isOutside {
        values[place] = Float(extrapolation)
      }
    }
  }
}
