import Kernels
import Tensors

/// Packs constant weights for the kernels, once; the nodes then need the model's own copy no more.
struct WeightPacking: SimplificationPass {
  let name = "packing of weights"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    var matrices: [MatrixKey: MatrixWeights] = [:]
    for index in inferred.graph.nodes.indices {
      let node = inferred.graph.nodes[index]
      switch node.operation {
      case var conv as Conv:
        guard let packed = try pack(conv, node, inferred.graph, engine.kernels) else { continue }
        conv.packed = packed
        inferred.graph.nodes[index].operation = conv
        inferred.graph.nodes[index].inputs = [node.inputs[0], nil, nil] + node.inputs.dropFirst(3)
      case var product as MatMul where product.packed == nil:
        guard let packed = try pack(node, transposed: false, inferred, engine, &matrices) else { continue }
        product.packed = packed
        inferred.graph.nodes[index].operation = product
        inferred.graph.nodes[index].inputs[1] = nil
      case let product as Gemm where product.isProductWithBias(node, inferred):
        guard let packed = try pack(node, transposed: product.transposeB, inferred, engine, &matrices) else {
          continue
        }
        inferred.graph.nodes[index].operation = MatMul(activation: product.activation, packed: packed)
        inferred.graph.nodes[index].inputs[1] = nil
      case var product as Gemm:
        guard let packed = try pack(node, transposed: product.transposeB, inferred, engine, &matrices),
          case .floats(let matrix) = packed
        else { continue }
        product.packed = matrix
        inferred.graph.nodes[index].operation = product
        inferred.graph.nodes[index].inputs[1] = nil
      case let conv as ConvTranspose:
        guard let packed = try pack(conv, node, inferred.graph) else { continue }
        inferred.graph.nodes[index].operation = packed
        inferred.graph.nodes[index].inputs = [node.inputs[0]]
      default: continue
      }
    }
  }

  private func pack(_ conv: ConvTranspose, _ node: Graph.Node, _ graph: Graph) throws -> PackedConvTranspose?
  {
    guard let weights = node.inputs[1].flatMap({ graph.constants[$0] }), weights.datatype == .fp32,
      (3...4).contains(weights.shape.rank), weights.elementCount > 0
    else { return nil }
    var bias: Constant?
    if node.inputs.count > 2, let value = node.inputs[2] {
      guard let constant = graph.constants[value] else { return nil }
      bias = try constant.copied()
    }
    return PackedConvTranspose(base: conv, weights: try weights.copied(), bias: bias)
  }

  /// The same weights may serve several nodes.
  private struct MatrixKey: Hashable {
    let value: ValueID
    let transposed: Bool
  }

  private func pack(
    _ conv: Conv, _ node: Graph.Node, _ graph: Graph, _ kernels: KernelTable
  ) throws -> PackedConvolution? {
    guard let weights = node.inputs[1].flatMap({ graph.constants[$0] }), weights.datatype == .fp32 else {
      return nil
    }
    var bias: Constant?
    if node.inputs.count > 2, let value = node.inputs[2] {
      guard let constant = graph.constants[value] else { return nil }
      bias = constant
    }
    return try PackedConvolution(
      weights: weights, bias: bias, activation: conv.activation, layout: conv.layout,
      isPackedOnce: conv.window.hasFixedPads, kernels: kernels)
  }

  private func pack(
    _ node: Graph.Node, transposed: Bool, _ inferred: InferredGraph, _ engine: Engine,
    _ matrices: inout [MatrixKey: MatrixWeights]
  ) throws -> MatrixWeights? {
    guard let value = node.inputs[1], let weights = inferred.graph.constants[value],
      weights.datatype == .fp32,
      weights.shape.rank == 2, weights.elementCount > 0,
      node.inputs[0].flatMap({ inferred.fact($0)?.rank }) ?? 0 >= 2
    else { return nil }
    let key = MatrixKey(value: value, transposed: transposed)
    if let packed = matrices[key] { return packed }
    let (k, n) = transposed ? (weights.shape[1], weights.shape[0]) : (weights.shape[0], weights.shape[1])
    let aligned = try weights.aligned()
    defer { weights.forgetFile() }
    let packed = withExtendedLifetime(aligned) { () -> MatrixWeights in
      let floats = UnsafePointer(aligned.pointer.assumingMemoryBound(to: Float.self))
      if engine.precision == .bf16 {
        return .compressed(
          CompressedMatrix(
            floats, k: k, n: n, format: .bfloat16Products, transposed: transposed, table: engine.kernels))
      }
      return .floats(PackedMatrix(floats, k: k, n: n, transposed: transposed, table: engine.kernels))
    }
    matrices[key] = packed
    return packed
  }
}

extension Gemm {
  /// Nothing but a product and a bias for each column, which a MatMul with a bias is too.
  fileprivate func isProductWithBias(_ node: Graph.Node, _ inferred: InferredGraph) -> Bool {
    guard alpha == 1, !transposeA else { return false }
    guard node.inputs.count > 2, let bias = node.inputs[2] else { return true }
    guard beta == 1, let addend = inferred.fact(bias), addend.datatype == .fp32,
      let product = node.outputs[0],
      let columns = inferred.fact(product)?.dimensions.last, addend.dimensions.last == columns
    else { return false }
    return columns.known != nil && addend.dimensions.dropLast().allSatisfy { $0.known == 1 }
  }
}
