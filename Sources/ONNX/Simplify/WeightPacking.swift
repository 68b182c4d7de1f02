import Kernels
import Tensors

/// Packs constant weights for the kernels, once; the nodes then need the model's own copy no more.
struct WeightPacking: SimplificationPass {
  let name = "packing of weights"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    var matrices: [MatrixKey: PackedMatrix] = [:]
    for index in inferred.graph.nodes.indices {
      let node = inferred.graph.nodes[index]
      switch node.operation {
      case var conv as Conv:
        guard let packed = try pack(conv, node, inferred.graph, engine.kernels) else { continue }
        conv.packed = packed
        inferred.graph.nodes[index].operation = conv
        inferred.graph.nodes[index].inputs = [node.inputs[0], nil, nil] + node.inputs.dropFirst(3)
      case var product as MatMul:
        guard let packed = try pack(node, transposed: false, inferred, engine.kernels, &matrices) else {
          continue
        }
        product.packed = packed
        inferred.graph.nodes[index].operation = product
        inferred.graph.nodes[index].inputs[1] = nil
      case var product as Gemm:
        guard
          let packed = try pack(node, transposed: product.transposeB, inferred, engine.kernels, &matrices)
        else { continue }
        product.packed = packed
        inferred.graph.nodes[index].operation = product
        inferred.graph.nodes[index].inputs[1] = nil
      default: continue
      }
    }
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
      weights: weights, bias: bias, activation: conv.activation, isPackedOnce: conv.window.hasFixedPads,
      kernels: kernels)
  }

  private func pack(
    _ node: Graph.Node, transposed: Bool, _ inferred: InferredGraph, _ kernels: KernelTable,
    _ matrices: inout [MatrixKey: PackedMatrix]
  ) throws -> PackedMatrix? {
    guard let value = node.inputs[1], let weights = inferred.graph.constants[value],
      weights.datatype == .fp32,
      weights.shape.rank == 2, weights.elementCount > 0,
      node.inputs[0].flatMap({ inferred.fact($0)?.rank }) ?? 0 >= 2
    else { return nil }
    let key = MatrixKey(value: value, transposed: transposed)
    if let packed = matrices[key] { return packed }
    let (k, n) = transposed ? (weights.shape[1], weights.shape[0]) : (weights.shape[0], weights.shape[1])
    let aligned = try weights.aligned()
    let packed = withExtendedLifetime(aligned) {
      PackedMatrix(
        aligned.pointer.assumingMemoryBound(to: Float.self), k: k, n: n, transposed: transposed,
        table: kernels)
    }
    matrices[key] = packed
    return packed
  }
}
