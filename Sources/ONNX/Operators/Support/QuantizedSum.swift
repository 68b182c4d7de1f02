import Kernels
import Tensors

/// The sum of two tensors of 8-bit integers of one shape: an Add between DequantizeLinear and QuantizeLinear.
struct QuantizedSum: Operation, ChannelsLastCapable {
  let name = "QuantizedSum"
  let left: QuantizationScale
  let right: QuantizationScale
  let target: QuantizationScale

  /// Elements that are widened at a time: they stay in the first-level cache.
  private static let block = 2048

  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm? {
    inputs[0]?.rank == 4 ? ChannelsLastForm(operation: self, inputs: [true, true]) : nil
  }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let a = try node.input(0)
    return [TensorFact(target.datatype, a.dimensions, rows: a.rows)]
  }

  func step(_ node: StepRequest) throws -> Step {
    let (a, b, y) = (try node.input(0), try node.input(1), try node.output())
    guard a.shape == b.shape else { throw ONNXError(.invalid, "a sum of shapes \(a.shape) and \(b.shape)") }
    let (left, right, target) = (left.kernel, right.kernel, target.kernel)
    let parts = min(node.team.width * 2, y.count / (4 * Self.block) + 1)
    let partBytes = 2 * Self.block * MemoryLayout<Float>.stride
    return Step(scratchBytes: parts * partBytes, inPlaceInput: 0) { memory in
      let (x, z, result) = (memory[a], memory[b], memory[y])
      let (scratch, kernels) = (memory.scratch, memory.kernels)
      memory.team.parallelFor(parts) { part in
        let first = (scratch + part * partBytes).assumingMemoryBound(to: Float.self)
        let second = first + Self.block
        var index = y.count * part / parts
        let end = y.count * (part + 1) / parts
        while index < end {
          let count = min(Self.block, end - index)
          kernels.dequantize(x + index, first, count: count, left, team: .single)
          kernels.dequantize(z + index, second, count: count, right, team: .single)
          kernels.binary(.add, first, second, first, count: count, team: .single)
          kernels.quantize(first, result + index, count: count, target, team: .single)
          index += count
        }
      }
    }
  }
}
