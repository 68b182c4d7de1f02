internal import CKernels

/// One direction of a recurrent layer (ONNX RNN, GRU, LSTM), prepared: its weights are packed once for a
/// table's kernels. A bidirectional layer is two of them, whose outputs interleave by their strides.
public final class RecurrentLayer: Sendable {
  public let cell: RecurrentCell
  public let inputSize: Int
  public let hiddenSize: Int
  /// What enters an activation function is held between −clip and clip; nil: it is not.
  public let clip: Float?
  let table: KernelTable
  let input: PackedMatrix
  /// The gates that read the state as it is, and the GRU's candidate that reads it after the reset.
  let recurrent: PackedMatrix
  let candidate: PackedMatrix?
  /// What is added to every step's gates, and to the product with the state.
  let inputBias: AlignedMemory
  let recurrentBias: AlignedMemory?
  let peepholes: AlignedMemory?

  /// - Parameter weights: copied.
  public init(
    _ cell: RecurrentCell, inputSize: Int, hiddenSize: Int, weights: RecurrentWeights, clip: Float? = nil,
    table: KernelTable
  ) {
    self.cell = cell
    self.inputSize = inputSize
    self.hiddenSize = hiddenSize
    self.clip = clip
    self.table = table
    let width = cell.gateCount * hiddenSize
    let resetsState = cell.resetsState
    input = PackedMatrix(weights.input, k: inputSize, n: width, transposed: true, table: table)
    recurrent = PackedMatrix(
      weights.recurrent, k: hiddenSize, n: resetsState ? 2 * hiddenSize : width, transposed: true,
      table: table)
    candidate =
      resetsState
      ? PackedMatrix(
        weights.recurrent + 2 * hiddenSize * hiddenSize, k: hiddenSize, n: hiddenSize, transposed: true,
        table: table) : nil
    inputBias = AlignedMemory(floatCount: width)
    recurrentBias = cell.resetsProduct ? AlignedMemory(floatCount: width) : nil
    peepholes = weights.peepholes.map { AlignedMemory(copying: $0, 3 * hiddenSize) }
    if let bias = weights.bias {
      for index in 0..<width {
        // A candidate whose product is reset keeps that product's bias apart.
        let isApart = recurrentBias != nil && index >= 2 * hiddenSize
        inputBias.floats[index] = bias[index] + (isApart ? 0 : bias[width + index])
        if isApart { recurrentBias?.floats[index] = bias[width + index] }
      }
    }
  }

  /// Elements of a step's gates.
  var gateWidth: Int { cell.gateCount * hiddenSize }

  /// Bytes of scratch that `run` needs.
  public func scratchByteCount(steps: Int, batch: Int, team: ThreadTeam) -> Int {
    let plan = RecurrentPlan(self, steps: steps, batch: batch)
    return plan.productOffset + plan.productByteCount(self, team)
  }

  /// Runs over all steps, from the state that `state` holds to the one that it leaves there.
  public func run(
    _ sequences: RecurrentInput, _ state: RecurrentState, scratch: UnsafeMutableRawPointer?, team: ThreadTeam
  ) {
    guard sequences.batch > 0, sequences.steps > 0, hiddenSize > 0, let scratch else { return }
    let plan = RecurrentPlan(self, steps: sequences.steps, batch: sequences.batch)
    let work = RecurrentWork(plan, scratch)
    var done = 0
    while done < sequences.steps {
      let count = min(plan.blockSteps, sequences.steps - done)
      let first = sequences.isReversed ? sequences.steps - done - count : done
      projectInput(sequences, first: first, count: count, work, team)
      for index in 0..<count {
        let step = sequences.isReversed ? count - 1 - index : index
        let gates = work.gates + step * sequences.batch * gateWidth
        advance(sequences, state, gates, step: first + step, work, team)
      }
      done += count
    }
  }

  /// gates[count, batch, gateWidth] = x · Wᵀ + bias for some steps.
  private func projectInput(
    _ sequences: RecurrentInput, first: Int, count: Int, _ work: RecurrentWork, _ team: ThreadTeam
  ) {
    let epilogue = Epilogue(columnBias: UnsafePointer(inputBias.floats))
    let batch = sequences.batch
    if !sequences.isBatchFirst {
      let shape = MatmulShape(m: count * batch, n: gateWidth, k: inputSize)
      table.matmul(
        shape, a: sequences.values + first * batch * inputSize, b: input, c: work.gates, epilogue: epilogue,
        scratch: work.product, team: team)
      return
    }
    var shape = MatmulShape(m: count, n: gateWidth, k: inputSize)
    shape.strideC = batch * gateWidth
    for entry in 0..<batch {
      table.matmul(
        shape, a: sequences.values + (entry * sequences.steps + first) * inputSize, b: input,
        c: work.gates + entry * gateWidth, epilogue: epilogue, scratch: work.product, team: team)
    }
  }

  private func advance(
    _ sequences: RecurrentInput, _ state: RecurrentState, _ gates: UnsafeMutablePointer<Float>, step: Int,
    _ work: RecurrentWork, _ team: ThreadTeam
  ) {
    let shape = MatmulShape(m: sequences.batch, n: recurrent.n, k: hiddenSize)
    if cell.resetsProduct {
      table.matmul(
        shape, a: state.hidden, b: recurrent, c: work.products,
        epilogue: Epilogue(columnBias: recurrentBias.map { UnsafePointer($0.floats) }),
        backward: step % 2 == 1, scratch: work.product, team: team)
    } else {
      var wide = shape
      wide.strideC = gateWidth
      table.matmul(
        wide, a: state.hidden, b: recurrent, c: gates, epilogue: Epilogue(residual: gates),
        backward: step % 2 == 1, scratch: work.product, team: team)
    }
    if let candidate { addCandidate(candidate, sequences, state, gates, work, team) }
    for entry in 0..<sequences.batch {
      let isActive = sequences.lengths.map { step < Int($0[entry]) } ?? true
      let hidden = state.hidden + entry * hiddenSize
      if isActive {
        let row = CellRow(
          gates: gates + entry * gateWidth, products: work.products + entry * gateWidth, hidden: hidden,
          cell: state.cell.map { $0 + entry * hiddenSize }, room: work.room)
        update(row)
      }
      guard let output = state.output else { continue }
      let target = output + step * state.outputStepStride + entry * state.outputBatchStride
      for index in 0..<hiddenSize { target[index] = isActive ? hidden[index] : 0 }
    }
  }

  /// The GRU's candidate gate, which reads the state after the reset: the gates z and r are finished first.
  private func addCandidate(
    _ candidate: PackedMatrix, _ sequences: RecurrentInput, _ state: RecurrentState,
    _ gates: UnsafeMutablePointer<Float>, _ work: RecurrentWork, _ team: ThreadTeam
  ) {
    guard case .gru(let activation, _, _) = cell else { return }
    for entry in 0..<sequences.batch {
      let row = gates + entry * gateWidth
      activate(activation, row, 2 * hiddenSize)
      table.level.binary(
        .multiply, row + hiddenSize, aStep: 1, state.hidden + entry * hiddenSize, bStep: 1,
        work.products + entry * hiddenSize, count: hiddenSize)
    }
    var shape = MatmulShape(m: sequences.batch, n: hiddenSize, k: hiddenSize)
    shape.strideC = gateWidth
    table.matmul(
      shape, a: work.products, b: candidate, beta: 1, c: gates + 2 * hiddenSize, scratch: work.product,
      team: team)
  }
}

extension RecurrentCell {
  /// The GRU whose candidate reads r ∘ h.
  fileprivate var resetsState: Bool {
    if case .gru(_, _, let linearBeforeReset) = self { return !linearBeforeReset }
    return false
  }

  /// The GRU whose candidate adds r ∘ (h·Rᵀ + bias).
  fileprivate var resetsProduct: Bool {
    if case .gru(_, _, let linearBeforeReset) = self { return linearBeforeReset }
    return false
  }
}

/// How a run is cut into blocks of steps whose input is projected at once, and where its scratch lies.
struct RecurrentPlan {
  /// Rows of a block's product: enough to reach its full speed, few enough to stay in the cache.
  private static let blockRows = 256

  let blockSteps: Int
  let batch: Int
  let gateCount: Int
  let stateCount: Int
  private let layerWidth: Int
  private let hiddenSize: Int

  init(_ layer: RecurrentLayer, steps: Int, batch: Int) {
    self.batch = batch
    blockSteps = max(1, min(steps, RecurrentPlan.blockRows / max(batch, 1)))
    layerWidth = layer.gateWidth
    hiddenSize = layer.hiddenSize
    gateCount = (blockSteps * batch * layerWidth + 15) / 16 * 16
    stateCount = (batch * layerWidth + 15) / 16 * 16
  }

  var productsOffset: Int { gateCount * MemoryLayout<Float>.stride }
  var roomOffset: Int { productsOffset + stateCount * MemoryLayout<Float>.stride }
  var productOffset: Int { roomOffset + (hiddenSize + 15) / 16 * 64 }

  /// Scratch of the largest product.
  func productByteCount(_ layer: RecurrentLayer, _ team: ThreadTeam) -> Int {
    let shapes = [
      MatmulShape(m: blockSteps * batch, n: layerWidth, k: layer.inputSize),
      MatmulShape(m: blockSteps, n: layerWidth, k: layer.inputSize),
      MatmulShape(m: batch, n: layerWidth, k: hiddenSize),
      MatmulShape(m: batch, n: layer.recurrent.n, k: hiddenSize),
      MatmulShape(m: batch, n: hiddenSize, k: hiddenSize),
    ]
    return shapes.map { layer.table.matmulScratchByteCount($0, packed: true, team: team) }.max() ?? 0
  }
}

/// The scratch of a run.
struct RecurrentWork {
  /// [blockSteps, batch, gateWidth]
  let gates: UnsafeMutablePointer<Float>
  /// [batch, gateWidth]: products with the state, or states after the reset.
  let products: UnsafeMutablePointer<Float>
  /// [hidden]
  let room: UnsafeMutablePointer<Float>
  let product: UnsafeMutableRawPointer

  init(_ plan: RecurrentPlan, _ scratch: UnsafeMutableRawPointer) {
    gates = scratch.assumingMemoryBound(to: Float.self)
    products = (scratch + plan.productsOffset).assumingMemoryBound(to: Float.self)
    room = (scratch + plan.roomOffset).assumingMemoryBound(to: Float.self)
    product = scratch + plan.productOffset
  }
}
