import Kernels
import Locks
import Tensors

extension Session {
  /// Bytes between two steps of one image from which on a batch goes image by image: those of several
  /// would not stay in the cache.
  private static let largeRow = 1 << 20

  /// The plan for one row, and how many rows there are, where a batch is to be run row by row; nil elsewhere.
  func rowPlan(_ shapes: [Shape]) throws -> (plan: PreparedPlan, rows: Int)? {
    guard splitsRows, let rows = shapes.first?.first, rows > 1,
      shapes.allSatisfy({ $0.first == rows })
    else { return nil }
    let single = try prepared(shapes.map { $0.with(rows: 1) }, contents: [:], isSingle: true)
    guard single.plan.arenaBytes >= Session.largeRow,
      single.plan.outputs.allSatisfy({ $0.datatype != .bytes && $0.shape.first == 1 })
    else { return nil }
    return (single, rows)
  }

  func rowPlan(_ inputs: [InputView]) throws -> (plan: PreparedPlan, rows: Int)? {
    splitsRows ? try rowPlan(inputs.map(\.shape)) : nil
  }

  /// Each row by a thread of its own, with the same plan: large images meet their layers' results in the
  /// cache, and threads wait for one another only at the end.
  func runRows(
    _ single: (plan: PreparedPlan, rows: Int), _ inputs: [InputView],
    output: (Int, Datatype, Shape) throws -> UnsafeMutableRawPointer, _ recorder: RunRecorder?
  ) throws {
    let (prepared, rows) = single
    let plan = prepared.plan
    var targets: [UnsafeMutableRawPointer] = []
    for (index, planned) in plan.outputs.enumerated() {
      targets.append(try output(index, planned.datatype, planned.shape.with(rows: rows)))
    }
    let failure = Lock<(any Error)?>(nil)
    func run(_ row: Int) {
      do {
        try prepared.withMemory { memory in
          for (index, input) in inputs.enumerated() {
            let bytes = (input.shape.elementCount ?? 0) / rows * input.datatype.byteCount
            let data = UnsafeMutableRawPointer(mutating: input.data + row * bytes)
            for slot in plan.inputs[index] { memory.slots[slot] = data }
          }
          for (index, planned) in plan.outputs.enumerated() {
            for slot in planned.slots { memory.slots[slot] = targets[index] + row * planned.byteCount }
          }
          try plan.run(memory, engine.kernels, .single, recorder)
          for (index, planned) in plan.outputs.enumerated() {
            guard let slot = planned.copiedFrom else { continue }
            (targets[index] + row * planned.byteCount).copyMemory(
              from: memory.slots[slot], byteCount: planned.byteCount)
          }
        }
      } catch { failure.withLock { $0 = $0 ?? error } }
    }
    if recorder != nil || engine.team.width == 1 {
      for row in 0..<rows { run(row) }
    } else {
      engine.team.parallelFor(rows) { run($0) }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}

extension Plan {
  /// Runs the steps, one after the other.
  func run(
    _ memory: RunMemory, _ kernels: KernelTable, _ team: ThreadTeam, _ recorder: RunRecorder?
  ) throws {
    let step = StepMemory(slots: memory.slots, scratch: memory.scratch, kernels: kernels, team: team)
    if let recorder {
      for planned in steps { try recorder.record(planned.description) { try planned.run(step) } }
    } else {
      for planned in steps { try planned.run(step) }
    }
  }
}

extension Graph {
  /// Whether convolutions of images stand in the graph.
  var hasImages: Bool {
    nodes.contains { node in
      if let conv = node.operation as? Conv { return conv.layout == .channelsLast }
      return node.operation is QuantizedConv
    }
  }
}

extension Shape {
  /// The shape with another first dimension.
  fileprivate func with(rows: Int) -> Shape {
    var shape = self
    shape[0] = rows
    return shape
  }
}
