import Kernels
import Tensors

/// Makes one product of DynamicQuantizeLinear, MatMulInteger with constant weights, Cast, and the product
/// with both scales: what dynamic quantisation writes for a MatMul.
struct DynamicQuantizationFusion: SimplificationPass {
  let name = "fusion of dynamic quantization"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    let matcher = ExpressionMatcher(inferred.graph)
    for index in inferred.graph.nodes.indices {
      guard let (a, b) = matcher.operands(inferred.graph.nodes[index], .multiply) else { continue }
      for (sums, scales) in [(a, b), (b, a)] {
        guard let (x, weights) = try product(sums, scales, matcher, engine.kernels) else { continue }
        inferred.graph.nodes[index].operation = MatMul(packed: weights)
        inferred.graph.nodes[index].inputs = [x, nil]
        break
      }
    }
  }

  private func product(
    _ sums: ValueID, _ scales: ValueID, _ matcher: ExpressionMatcher, _ kernels: KernelTable
  ) throws -> (ValueID, MatrixWeights)? {
    guard let cast = matcher.inner(sums), (cast.operation as? Cast)?.target == .fp32,
      let product = cast.inputs[0].flatMap({ matcher.inner($0) }), product.operation is MatMulInteger,
      product.inputs.count >= 3, let activations = product.inputs[0],
      let quantize = matcher.node(activations), quantize.operation is DynamicQuantizeLinear,
      quantize.outputs.count == 3, quantize.outputs[0] == activations,
      quantize.outputs[2] == product.inputs[2],
      let x = quantize.inputs[0], let (left, right) = matcher.operands(matcher.node(scales), .multiply)
    else { return nil }
    let other = left == quantize.outputs[1] ? right : right == quantize.outputs[1] ? left : nil
    guard let other, let scale = matcher.graph.constants[other],
      let values = product.inputs[1].flatMap({ matcher.graph.constants[$0] }), values.shape.rank == 2
    else { return nil }
    var zeroPoint: Constant?
    if product.inputs.count > 3, let value = product.inputs[3] {
      guard let constant = matcher.graph.constants[value] else { return nil }
      zeroPoint = constant
    }
    let (k, n) = (values.shape[0], values.shape[1])
    guard let weights = try QuantizedWeights(values, scale: scale, zeroPoint: zeroPoint, channels: n) else {
      return nil
    }
    let packed = weights.withMatrix { PackedIntegerMatrix($0, k: k, n: n, table: kernels) }
    return (x, .dynamic(packed, scales: try Constant.make(floats: weights.scales)))
  }
}
