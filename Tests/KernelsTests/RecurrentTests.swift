import Kernels
import Testing

private let cells: [RecurrentCell] = [
  .rnn(), .rnn(.relu), .gru(), .gru(linearBeforeReset: true),
  .gru(gates: .hardSigmoid(slope: 0.2, offset: 0.5), candidate: .leakyRelu(slope: 0.1)), .lstm(),
  .lstm(gates: .sigmoid, candidate: .relu, output: .tanh), .lstm(coupled: true),
]

/// A layer and its input, drawn by chance.
private struct Case {
  let cell: RecurrentCell
  let inputSize: Int
  let hiddenSize: Int
  let clip: Float?
  let steps: Int
  let batch: Int
  let isBatchFirst: Bool
  let isReversed: Bool
  private let x: Floats
  private let w: Floats
  private let r: Floats
  private let bias: Floats?
  private let peepholes: Floats?
  private let lengths: Integers?
  private let hidden: Floats
  private let memory: Floats

  init(_ random: inout Randomness, cell: RecurrentCell) {
    self.cell = cell
    (inputSize, hiddenSize) = (random.pick([1, 5, 16, 33]), random.pick([1, 7, 16, 32, 40]))
    clip = random.int(0...3) == 0 ? 0.5 : nil
    // More rows than one block of a product holds, now and then.
    (steps, batch) = random.int(0...4) == 0 ? (9, 60) : (random.int(0...6), random.int(0...5))
    (isBatchFirst, isReversed) = (random.bool(), random.bool())
    x = Floats(steps * batch * inputSize, &random)
    let width = cell.gateCount * hiddenSize
    w = Floats(width * inputSize, &random, -0.4...0.4)
    r = Floats(width * hiddenSize, &random, -0.3...0.3)
    bias = random.bool() ? Floats(2 * width, &random) : nil
    peepholes = cell.gateCount == 4 && random.bool() ? Floats(3 * hiddenSize, &random) : nil
    lengths = random.bool() ? Integers(batch, &random, 0...steps) : nil
    hidden = Floats(batch * hiddenSize, &random)
    memory = Floats(batch * hiddenSize, &random)
  }

  var weights: RecurrentWeights {
    RecurrentWeights(
      input: w.base, recurrent: r.base, bias: bias.map { UnsafePointer($0.base) },
      peepholes: peepholes.map { UnsafePointer($0.base) })
  }

  var sequences: RecurrentInput {
    RecurrentInput(
      x.base, steps: steps, batch: batch, lengths: lengths.map { UnsafePointer($0.base) },
      isBatchFirst: isBatchFirst, isReversed: isReversed)
  }

  /// The outputs (those of a second direction lie between), the last state and the last cells.
  func run(_ layer: (RecurrentState) -> Void) -> (Floats, Floats, Floats) {
    let output = Floats(2 * steps * batch * hiddenSize) { _ in 7 }
    let (hidden, memory) = (Floats(copying: hidden), Floats(copying: memory))
    layer(
      RecurrentState(
        hidden: hidden.base, cell: memory.base, output: output.base,
        outputStepStride: isBatchFirst ? 2 * hiddenSize : 2 * batch * hiddenSize,
        outputBatchStride: isBatchFirst ? 2 * steps * hiddenSize : hiddenSize))
    return (output, hidden, memory)
  }
}

@Suite struct RecurrentTests {
  @Test func layersEqualTheReferenceAtEveryLevel() {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 1)
    for round in 0..<60 {
      let test = Case(&random, cell: cells[round % cells.count])
      let expected = test.run { state in
        Reference.recurrent(
          test.cell, inputSize: test.inputSize, hiddenSize: test.hiddenSize, weights: test.weights,
          clip: test.clip, test.sequences, state)
      }
      for table in tables {
        let layer = RecurrentLayer(
          test.cell, inputSize: test.inputSize, hiddenSize: test.hiddenSize, weights: test.weights,
          clip: test.clip, table: table)
        let team = random.bool() ? ThreadTeam.single : ThreadTeam(pool)
        let scratch = Scratch(layer.scratchByteCount(steps: test.steps, batch: test.batch, team: team))
        let result = test.run { state in
          layer.run(test.sequences, state, scratch: scratch.pointer, team: team)
        }
        let name: Comment = "\(table.instructionSet), \(test.cell), clip \(String(describing: test.clip))"
        #expect(difference(result.0, expected.0, tolerance: 2e-5) == nil, name)
        #expect(difference(result.1, expected.1, tolerance: 2e-5) == nil, name)
        #expect(difference(result.2, expected.2, tolerance: 4e-5) == nil, name)
      }
    }
  }
}
