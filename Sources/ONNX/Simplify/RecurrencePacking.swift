import Kernels
import Tensors

/// Packs the constant weights of recurrent operators for the kernels.
struct RecurrencePacking: SimplificationPass {
  let name = "packing of recurrent weights"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    for index in inferred.graph.nodes.indices {
      let node = inferred.graph.nodes[index]
      guard let operation = node.operation as? any RecurrentOperator, let x = node.inputs[0],
        inferred.fact(x)?.datatype == .fp32,
        let layers = try layers(operation, node, inferred.graph, engine.kernels)
      else { continue }
      inferred.graph.nodes[index].operation = PackedRecurrence(
        name: operation.name, recurrence: operation.recurrence, layers: layers)
      for place in [1, 2, 3, 7] where place < node.inputs.count {
        inferred.graph.nodes[index].inputs[place] = nil
      }
    }
  }

  /// A layer a direction; nil when a weight comes with the tensors or a kernel is missing.
  private func layers(
    _ operation: any RecurrentOperator, _ node: Graph.Node, _ graph: Graph, _ kernels: KernelTable
  ) throws -> [RecurrentLayer]? {
    func constant(_ place: Int) -> Constant? {
      place < node.inputs.count ? node.inputs[place].flatMap { graph.constants[$0] } : nil
    }
    func isMissing(_ place: Int) -> Bool { place >= node.inputs.count || node.inputs[place] == nil }
    guard let w = try constant(1)?.aligned(), let r = try constant(2)?.aligned(), w.datatype == .fp32,
      r.datatype == .fp32
    else { return nil }
    let (bias, peepholes) = (try constant(3)?.aligned(), try constant(7)?.aligned())
    guard bias?.datatype == .fp32 || isMissing(3), peepholes?.datatype == .fp32 || isMissing(7) else {
      return nil
    }
    let recurrence = operation.recurrence
    let (directions, gates) = (recurrence.directionCount, recurrence.gateCount)
    guard w.shape.rank == 3, r.shape.rank == 3, w.shape[0] == directions, r.shape[0] == directions else {
      return nil
    }
    let (hidden, inputs) = (r.shape[2], w.shape[2])
    guard hidden > 0, w.shape[1] == gates * hidden, r.shape[1] == gates * hidden,
      recurrence.hiddenSize ?? hidden == hidden,
      bias.map({ $0.elementCount == directions * 2 * gates * hidden }) ?? true,
      peepholes.map({ $0.elementCount == directions * 3 * hidden }) ?? true
    else { return nil }
    var layers: [RecurrentLayer] = []
    for direction in 0..<directions {
      guard let cell = operation.cell(direction) else { return nil }
      let weights = RecurrentWeights(
        input: w.floatPointer + direction * gates * hidden * inputs,
        recurrent: r.floatPointer + direction * gates * hidden * hidden,
        bias: bias.map { $0.floatPointer + direction * 2 * gates * hidden },
        peepholes: peepholes.map { $0.floatPointer + direction * 3 * hidden })
      layers.append(
        withExtendedLifetime((w, r, bias, peepholes)) {
          RecurrentLayer(
            cell, inputSize: inputs, hiddenSize: hidden, weights: weights, clip: recurrence.clip,
            table: kernels)
        })
    }
    return layers
  }
}

extension Constant {
  /// Precondition: aligned elements of FP32.
  fileprivate var floatPointer: UnsafePointer<Float> {
    UnsafePointer(pointer.assumingMemoryBound(to: Float.self))
  }
}
