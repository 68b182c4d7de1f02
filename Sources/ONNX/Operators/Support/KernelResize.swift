import Kernels
import Tensors

extension Resize {
  /// One axis after the other, where the kernels know the rule and the sizes are known before the run.
  func step(_ node: StepRequest) throws -> Step {
    let (x, y) = (try node.input(0), try node.output())
    guard x.datatype == .fp32, x.count > 0, y.count > 0, let rule = kernelRule,
      let plans = try knownPlans(node)
    else { return evaluationStep(node) }
    let order = layout == .channelsLast ? [0, 2, 3, 1] : Array(x.shape.indices)
    var current = order.map { x.shape[$0] }
    var passes: [Pass] = []
    for (place, axis) in order.enumerated() where !plans[axis].isWhole {
      let outer = current[..<place].reduce(1, *)
      let inner = current[(place + 1)...].reduce(1, *)
      current[place] = plans[axis].output
      passes.append(
        Pass(
          axis: Kernels.ResizeAxis(
            input: plans[axis].input, output: plans[axis].output, scale: Float(plans[axis].scale), rule: rule),
          outer: outer, inner: inner, count: current.reduce(1, *)))
    }
    if passes.isEmpty { return try .view(node) }
    return step(passes, x, y)
  }

  private struct Pass {
    let axis: Kernels.ResizeAxis
    let outer: Int
    let inner: Int
    /// Elements of the result.
    let count: Int
  }

  /// The passes with two rooms in turn between them.
  private func step(_ passes: [Pass], _ x: Operand, _ y: Operand) -> Step {
    let largest = passes.dropLast().map(\.count).max() ?? 0
    let room = (largest * MemoryLayout<Float>.stride + 63) / 64 * 64
    return Step(scratchBytes: 2 * room) { memory in
      var source = memory.floats(x)
      for (index, pass) in passes.enumerated() {
        let isLast = index == passes.count - 1
        let target =
          isLast ? memory.floats(y) : (memory.scratch + index % 2 * room).assumingMemoryBound(to: Float.self)
        memory.kernels.resize(
          pass.axis, source, target, outer: pass.outer, inner: pass.inner, team: memory.team)
        source = target
      }
    }
  }

  private func knownPlans(_ node: StepRequest) throws -> [AxisPlan]? {
    func list(_ place: Int?) -> (constant: Constant?, isOpen: Bool) {
      guard let place, let operand = node.optional(place), operand.count > 0 else { return (nil, false) }
      return (operand.constant, operand.constant == nil)
    }
    let (scales, sizes) = (list(scalesInput), list(sizesInput))
    guard !scales.isOpen, !sizes.isOpen else { return nil }
    let factors = try scales.constant.map { try $0.tensor().doubles() } ?? fixedScales
    guard factors != nil || sizes.constant != nil else { return nil }
    return try plan(try node.input(0).shape, scales: factors, sizes: sizes.constant?.integers, region: nil)
  }

  /// The rule as the kernels have it; nil for what they lack.
  private var kernelRule: ResizeRule? {
    let interpolation: ResizeRule.Interpolation
    switch rule.mode {
    case .linear: interpolation = .linear
    case .cubic: interpolation = .cubic(coefficient: Float(rule.cubicCoefficient))
    case .nearest:
      switch rule.rounding {
      case .preferFloor: interpolation = .nearest(.roundPreferFloor)
      case .preferCeiling: interpolation = .nearest(.roundPreferCeil)
      case .floor: interpolation = .nearest(.floor)
      case .ceil: interpolation = .nearest(.ceil)
      }
    }
    let coordinates: ResizeRule.Coordinates
    switch rule.coordinates {
    case .halfPixel: coordinates = .halfPixel
    case .halfPixelSymmetric: coordinates = .halfPixelSymmetric
    case .pytorchHalfPixel: coordinates = .pytorchHalfPixel
    case .alignCorners: coordinates = .alignCorners
    case .asymmetric: coordinates = .asymmetric
    case .cropAndResize, .halfPixelForNearest: return nil
    }
    return ResizeRule(
      interpolation, coordinates: coordinates, excludesOutside: rule.excludesOutside,
      antialiases: rule.antialiases)
  }
}

extension Resize: ChannelsLastCapable {
  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm? {
    guard let x = inputs[0], x.rank == 4, x.datatype == .fp32, kernelRule != nil,
      [scalesInput, sizesInput].allSatisfy({ place in
        guard let place, place < inputs.count, let fact = inputs[place] else { return true }
        return fact.constant != nil
      })
    else { return nil }
    var operation = self
    operation.layout = .channelsLast
    return ChannelsLastForm(operation: operation, inputs: [true] + inputs.dropFirst().map { _ in false })
  }
}
