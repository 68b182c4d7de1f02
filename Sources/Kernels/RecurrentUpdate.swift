internal import CKernels

/// One batch entry at one step.
struct CellRow {
  /// What the gates' activation functions are to read: products with the input and, but for the GRU whose
  /// product is reset, with the state.
  let gates: UnsafeMutablePointer<Float>
  let products: UnsafeMutablePointer<Float>
  let hidden: UnsafeMutablePointer<Float>
  let cell: UnsafeMutablePointer<Float>?
  let room: UnsafeMutablePointer<Float>
}

extension RecurrentLayer {
  /// The new state of one batch entry.
  func update(_ row: CellRow) {
    switch cell {
    case .rnn(let activation):
      activate(activation, row.gates, hiddenSize)
      row.hidden.update(from: row.gates, count: hiddenSize)
    case .gru(let gates, let candidate, let linearBeforeReset):
      if linearBeforeReset { addResetProduct(row, gates) }
      activate(candidate, row.gates + 2 * hiddenSize, hiddenSize)
      table.level.blend(
        row.gates + 2 * hiddenSize, row.hidden, gate: row.gates, row.hidden, count: hiddenSize)
    case .lstm(let gates, let candidate, let output, let coupled):
      updateMemory(row, gates, candidate, coupled: coupled, output)
    }
  }

  /// The gates z and r, and the candidate's r ∘ (h·Rᵀ + bias).
  private func addResetProduct(_ row: CellRow, _ activation: Activation) {
    let size = hiddenSize
    table.level.binary(
      .add, row.gates, aStep: 1, row.products, bStep: 1, row.gates, count: 2 * size)
    activate(activation, row.gates, 2 * size)
    table.level.multiplyAdd(
      row.gates + size, row.products + 2 * size, row.gates + 2 * size, row.gates + 2 * size, count: size)
  }

  private func updateMemory(
    _ row: CellRow, _ gateActivation: Activation, _ candidateActivation: Activation, coupled: Bool,
    _ outputActivation: Activation
  ) {
    guard let memory = row.cell else { return }
    let level = table.level
    let size = hiddenSize
    let (input, output, forget) = (row.gates, row.gates + size, row.gates + 2 * size)
    let candidate = row.gates + 3 * size
    if let peepholes {
      level.multiplyAdd(peepholes.floats, memory, input, input, count: size)
      level.multiplyAdd(peepholes.floats + 2 * size, memory, forget, forget, count: size)
      activate(gateActivation, input, size)
      activate(gateActivation, forget, size)
    } else {
      activate(gateActivation, input, 3 * size)
    }
    activate(candidateActivation, candidate, size)
    if coupled {
      level.blend(candidate, memory, gate: complement(input, forget), memory, count: size)
    } else {
      level.binary(.multiply, forget, aStep: 1, memory, bStep: 1, memory, count: size)
      level.multiplyAdd(input, candidate, memory, memory, count: size)
    }
    if let peepholes {
      level.multiplyAdd(peepholes.floats + size, memory, output, output, count: size)
      activate(gateActivation, output, size)
    }
    apply(outputActivation, memory, row.room, size)
    level.binary(.multiply, output, aStep: 1, row.room, bStep: 1, row.hidden, count: size)
  }

  /// 1 − the input gate, in the forget gate's place.
  private func complement(
    _ input: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>
  ) -> UnsafePointer<Float> {
    for index in 0..<hiddenSize { target[index] = 1 - input[index] }
    return UnsafePointer(target)
  }

  /// values = activation(clipped values)
  func activate(_ activation: Activation, _ values: UnsafeMutablePointer<Float>, _ count: Int) {
    if let clip { apply(.clip(low: -clip, high: clip), values, values, count) }
    apply(activation, values, values, count)
  }

  private func apply(
    _ activation: Activation, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    var epilogue = kernels_epilogue(activation.code)
    table.level.finish(&epilogue, x, sourceRow: 0, y, cRow: 0, rows: 1, columns: count)
  }
}
