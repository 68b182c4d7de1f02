import Kernels

extension Workload {
  static func attention(_ request: Case, _ table: KernelTable, _ team: ThreadTeam) throws -> Workload {
    let (heads, size) = (try require(request.heads, "heads"), try require(request.size, "size"))
    let length = try require(request.length, "length")
    let shape = AttentionShape(
      batch: 1, heads: heads, queries: length, keys: length, headSize: size, layout: .sequenceFirst)
    let count = heads * length * size
    let (query, key, value, output) = (Floats(count), Floats(count), Floats(count), Floats(count))
    let scratch = Floats(table.attentionScratchByteCount(shape, team: team) / 4)
    let operations = 4 * Double(count) * Double(length)
    return Workload(method: table.choice(shape).kernel) {
      table.attention(
        shape, query: query.base, key: key.base, value: value.base, output: output.base,
        scratch: scratch.base, team: team)
      return operations
    }
  }

  static func recurrent(_ request: Case, _ table: KernelTable, _ team: ThreadTeam) throws -> Workload {
    let (size, steps) = (try require(request.size, "size"), try require(request.length, "length"))
    let batch = try require(request.batch, "batch")
    let cell: RecurrentCell = request.cell == "GRU" ? .gru() : .lstm()
    let width = cell.gateCount * size
    let (input, recurrent, bias) = (Floats(width * size), Floats(width * size), Floats(2 * width))
    let layer = withExtendedLifetime((input, recurrent, bias)) {
      RecurrentLayer(
        cell, inputSize: size, hiddenSize: size,
        weights: RecurrentWeights(input: input.base, recurrent: recurrent.base, bias: bias.base), table: table
      )
    }
    let (x, y) = (Floats(steps * batch * size), Floats(steps * batch * size))
    let (hidden, memory) = (Floats(batch * size), Floats(batch * size))
    let scratch = Floats(layer.scratchByteCount(steps: steps, batch: batch, team: team) / 4 + 16)
    let operations = 4 * Double(width * size) * Double(steps * batch)
    return Workload(method: "\(request.cell ?? "LSTM")") {
      layer.run(
        RecurrentInput(x.base, steps: steps, batch: batch),
        RecurrentState(
          hidden: hidden.base, cell: memory.base, output: y.base, outputStepStride: batch * size,
          outputBatchStride: size), scratch: scratch.base, team: team)
      return operations
    }
  }
}
