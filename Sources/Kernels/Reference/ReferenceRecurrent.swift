extension Reference {
  /// As `RecurrentLayer.run`.
  public static func recurrent(
    _ cell: RecurrentCell, inputSize: Int, hiddenSize: Int, weights: RecurrentWeights, clip: Float? = nil,
    _ sequences: RecurrentInput, _ state: RecurrentState
  ) {
    for entry in 0..<sequences.batch {
      let hidden = state.hidden + entry * hiddenSize
      let memory = state.cell.map { $0 + entry * hiddenSize }
      for index in 0..<sequences.steps {
        let step = sequences.isReversed ? sequences.steps - 1 - index : index
        let isActive = sequences.lengths.map { step < Int($0[entry]) } ?? true
        if isActive {
          let row = sequences.isBatchFirst ? entry * sequences.steps + step : step * sequences.batch + entry
          ReferenceCell(cell, inputSize, hiddenSize, weights, clip).advance(
            sequences.values + row * inputSize, hidden, memory)
        }
        guard let output = state.output else { continue }
        let target = output + step * state.outputStepStride + entry * state.outputBatchStride
        for element in 0..<hiddenSize { target[element] = isActive ? hidden[element] : 0 }
      }
    }
  }
}

/// One step of a recurrent layer for one batch entry, as ONNX's formulas read.
private struct ReferenceCell {
  let cell: RecurrentCell
  let inputSize: Int
  let size: Int
  let weights: RecurrentWeights
  let clip: Float?

  init(
    _ cell: RecurrentCell, _ inputSize: Int, _ size: Int, _ weights: RecurrentWeights, _ clip: Float?
  ) {
    self.cell = cell
    self.inputSize = inputSize
    self.size = size
    self.weights = weights
    self.clip = clip
  }

  func advance(
    _ x: UnsafePointer<Float>, _ hidden: UnsafeMutablePointer<Float>, _ memory: UnsafeMutablePointer<Float>?
  ) {
    let before = (0..<size).map { hidden[$0] }
    switch cell {
    case .rnn(let activation):
      for unit in 0..<size {
        hidden[unit] = apply(activation, fromInput(0, unit, x) + fromState(0, unit, before))
      }
    case .gru(let gates, let candidate, let linearBeforeReset):
      let reset = (0..<size).map {
        apply(gates, fromInput(1, $0, x) + fromState(1, $0, before))
      }
      for unit in 0..<size {
        let update = apply(gates, fromInput(0, unit, x) + fromState(0, unit, before))
        let product =
          linearBeforeReset
          ? Double(reset[unit]) * fromState(2, unit, before)
          : fromState(2, unit, zip(reset, before).map { $0 * $1 })
        let new = apply(candidate, fromInput(2, unit, x) + product)
        hidden[unit] = (1 - update) * new + update * before[unit]
      }
    case .lstm(let gates, let candidate, let output, let coupled):
      guard let memory else { return }
      for unit in 0..<size {
        func gate(_ number: Int, _ peephole: Int?) -> Double {
          let peep = peephole.flatMap { place in
            weights.peepholes.map { Double($0[place * size + unit]) * Double(memory[unit]) }
          }
          return fromInput(number, unit, x) + fromState(number, unit, before) + (peep ?? 0)
        }
        let input = apply(gates, gate(0, 0))
        let forget = coupled ? 1 - input : apply(gates, gate(2, 2))
        memory[unit] = forget * memory[unit] + input * apply(candidate, gate(3, nil))
        hidden[unit] = apply(gates, gate(1, 1)) * Reference.apply(output, memory[unit])
      }
    }
  }

  private func apply(_ activation: Activation, _ value: Double) -> Float {
    let bound = clip.map { Double($0) } ?? .infinity
    return Reference.apply(activation, Float(min(max(value, -bound), bound)))
  }

  private func fromInput(_ gate: Int, _ unit: Int, _ x: UnsafePointer<Float>) -> Double {
    let row = gate * size + unit
    var sum = Double(weights.bias?[row] ?? 0)
    for index in 0..<inputSize { sum += Double(weights.input[row * inputSize + index]) * Double(x[index]) }
    return sum
  }

  private func fromState(_ gate: Int, _ unit: Int, _ state: [Float]) -> Double {
    let row = gate * size + unit
    var sum = Double(weights.bias?[cell.gateCount * size + row] ?? 0)
    for index in 0..<size { sum += Double(weights.recurrent[row * size + index]) * Double(state[index]) }
    return sum
  }
}
