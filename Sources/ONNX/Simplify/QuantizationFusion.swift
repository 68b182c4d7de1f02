import Kernels
import Tensors

/// Lets a Conv, Gemm, MatMul or Add between DequantizeLinear and QuantizeLinear compute on the integers, and
/// packs the weights of the operators that do so by themselves.
///
/// Runs before constants are folded, while weights are still integers.
struct QuantizationFusion: SimplificationPass {
  let name = "fusion of quantization"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    let reader = QuantizedReader(inferred)
    for index in inferred.graph.nodes.indices {
      let node = inferred.graph.nodes[index]
      switch node.operation {
      case let operation as QLinearConv:
        if let fused = try reader.convolution(node, operation) {
          inferred.graph.nodes[index].operation = fused
          inferred.graph.nodes[index].inputs = [node.inputs[0]]
        }
      case is QuantizeLinear:
        guard let target = reader.scale(node), let value = node.inputs[0],
          let fused = try reader.fused(value, target, engine.kernels)
        else { continue }
        inferred.graph.nodes[index].operation = fused.operation
        inferred.graph.nodes[index].inputs = fused.inputs
      default: continue
      }
    }
  }
}

/// Reads what is quantised around the nodes of a graph.
private struct QuantizedReader {
  private let graph: Graph
  private let facts: [TensorFact?]
  private let matcher: ExpressionMatcher

  init(_ inferred: InferredGraph) {
    graph = inferred.graph
    facts = inferred.facts
    matcher = ExpressionMatcher(inferred.graph)
  }

  private func constant(_ node: Graph.Node, _ place: Int) -> Constant? {
    guard place < node.inputs.count, let value = node.inputs[place] else { return nil }
    return graph.constants[value] ?? (value < facts.count ? facts[value]?.constant : nil)
  }

  private func isMissing(_ node: Graph.Node, _ place: Int) -> Bool {
    place >= node.inputs.count || node.inputs[place] == nil
  }

  private func datatype(_ value: ValueID?) -> Datatype? {
    guard let value, value < facts.count else { return nil }
    return facts[value]?.datatype
  }

  /// The scale of a QuantizeLinear's result or of a DequantizeLinear's input; nil if there are several.
  func scale(_ node: Graph.Node) -> QuantizationScale? {
    let isQuantize = node.operation is QuantizeLinear
    guard let datatype = datatype(isQuantize ? node.outputs[0] : node.inputs[0]),
      isMissing(node, 2) || constant(node, 2) != nil
    else { return nil }
    return QuantizationScale(scale: constant(node, 1), zeroPoint: constant(node, 2), datatype)
  }

  /// The integers that a value is made from, and their scale.
  private func source(_ value: ValueID?) -> (ValueID, QuantizationScale)? {
    guard let value, let node = matcher.node(value), node.operation is DequantizeLinear,
      let input = node.inputs[0], let scale = scale(node)
    else { return nil }
    return (input, scale)
  }

  private func weights(_ value: ValueID?, channels axis: Int) throws -> QuantizedWeights? {
    guard let value, let node = matcher.node(value), let operation = node.operation as? DequantizeLinear,
      operation.block == 0, let values = constant(node, 0), values.shape.rank > axis,
      isMissing(node, 2) || constant(node, 2) != nil, let scale = constant(node, 1),
      scale.elementCount == 1 || operation.axis == axis
        || operation.axis == axis - values.shape.rank
    else { return nil }
    return try QuantizedWeights(
      values, scale: scale, zeroPoint: constant(node, 2), channels: values.shape[axis])
  }

  /// What gives `value`, computed on integers up to those of `target`.
  func fused(_ value: ValueID, _ target: QuantizationScale, _ kernels: KernelTable) throws
    -> (operation: any Operation, inputs: [ValueID?])?
  {
    guard var node = matcher.inner(value) else { return nil }
    var activation = Activation.none
    if let bounds = bounds(node), let input = node.inputs[0], let before = matcher.inner(input) {
      (activation, node) = (bounds, before)
    }
    switch node.operation {
    case let conv as Conv where conv.activation == .none:
      guard let (x, input) = source(node.inputs[0]),
        let fused = try convolution(conv, node, input, activation, target)
      else { return nil }
      return (fused, [x])
    case let gemm as Gemm where gemm.alpha == 1 && gemm.beta == 1 && !gemm.transposeA:
      guard let (x, input) = source(node.inputs[0]),
        let fused = try product(node, transposed: gemm.transposeB, input, activation, target, kernels)
      else { return nil }
      return (fused, [x])
    case let arithmetic as BinaryArithmetic where arithmetic.operation == .add && activation == .none:
      guard let (a, left) = source(node.inputs[0]), let (b, right) = source(node.inputs[1]),
        facts[a]?.dimensions == facts[b]?.dimensions
      else { return nil }
      return (QuantizedSum(left: left, right: right, target: target), [a, b])
    default: return nil
    }
  }

  private func bounds(_ node: Graph.Node) -> Activation? {
    switch node.operation {
    case let function as UnaryFunction where function.activation == .relu: return .relu
    case let clip as Clip:
      guard (1...2).allSatisfy({ isMissing(node, $0) || constant(node, $0) != nil }) else { return nil }
      return clip.activation(low: constant(node, 1), high: constant(node, 2))
    default: return nil
    }
  }

  private func bias(_ node: Graph.Node, _ place: Int, channels: Int) -> (values: [Float]?, isKnown: Bool) {
    if isMissing(node, place) { return (nil, true) }
    guard let values = constant(node, place)?.floats, values.count == channels else { return (nil, false) }
    return (values, true)
  }

  private func convolution(
    _ conv: Conv, _ node: Graph.Node, _ input: QuantizationScale, _ activation: Activation,
    _ target: QuantizationScale
  ) throws -> QuantizedConv? {
    guard let weights = try weights(node.inputs[1], channels: 0), (3...4).contains(weights.values.shape.rank)
    else { return nil }
    let bias = bias(node, 2, channels: weights.scales.count)
    guard bias.isKnown, node.inputs.count <= 3 else { return nil }
    return QuantizedConv(
      window: conv.window, groups: conv.groups, input: input, weights: weights, activation: activation,
      output: try QuantizedOutput(
        input: input, weights: weights, bias: bias.values, target: target, activation: activation),
      packed: PackedIntegerConvolution())
  }

  private func product(
    _ node: Graph.Node, transposed: Bool, _ input: QuantizationScale, _ activation: Activation,
    _ target: QuantizationScale, _ kernels: KernelTable
  ) throws -> QuantizedProduct? {
    guard let weights = try weights(node.inputs[1], channels: transposed ? 0 : 1),
      weights.values.shape.rank == 2
    else { return nil }
    let shape = weights.values.shape
    let (k, n) = transposed ? (shape[1], shape[0]) : (shape[0], shape[1])
    let bias = bias(node, 2, channels: n)
    guard bias.isKnown else { return nil }
    let packed = weights.withMatrix {
      PackedIntegerMatrix($0, k: k, n: n, transposed: transposed, table: kernels)
    }
    return QuantizedProduct(
      input: input, packed: packed, activation: activation,
      output: try QuantizedOutput(
        input: input, weights: weights, bias: bias.values, target: target, activation: activation))
  }

  /// The operator that computes on integers by itself, with its constants packed.
  func convolution(_ node: Graph.Node, _ operation: QLinearConv) throws -> QuantizedConv? {
    guard let datatype = datatype(node.inputs[0]), let result = resultDatatype(node),
      let input = QuantizationScale(scale: constant(node, 1), zeroPoint: constant(node, 2), datatype),
      let target = QuantizationScale(scale: constant(node, 6), zeroPoint: constant(node, 7), result),
      let values = constant(node, 3), (3...4).contains(values.shape.rank),
      let weights = try QuantizedWeights(
        values, scale: constant(node, 4), zeroPoint: constant(node, 5), channels: values.shape[0])
    else { return nil }
    var bias: [Float]?
    if !isMissing(node, 8) {
      guard let levels = constant(node, 8)?.integers, levels.count == weights.scales.count,
        levels.allSatisfy({ abs($0) < 1 << 24 })
      else { return nil }
      bias = levels.enumerated().map { Float($1) * (input.scale * weights.scales[$0]) }
    }
    return QuantizedConv(
      window: operation.window, groups: operation.groups, input: input, weights: weights, activation: .none,
      output: try QuantizedOutput(
        input: input, weights: weights, bias: bias, target: target, activation: .none),
      packed: PackedIntegerConvolution())
  }

  private func resultDatatype(_ node: Graph.Node) -> Datatype? {
    node.inputs.count > 7 ? datatype(node.inputs[7]) : nil
  }
}
