import Locks
import Tensors

/// Sessions for inputs of single shapes, of a graph that cannot be planned for all shapes at once: with the
/// shapes known, conditions that depend on them are, and the branches that they choose.
final class ShapeSpecialization: Sendable {
  private struct Entry {
    let shapes: [Shape]
    let session: Session
  }

  private struct State {
    var entries: [Entry] = []
    /// The shapes do not tell everything: the graph runs node by node.
    var isRefused = false
  }

  /// Ifs within one another at most.
  private static let rounds = 16
  /// Bytes of weights that all sessions together hold, about.
  private static let weightBytes = 256 << 20

  private let graph: Graph
  private let options: SessionOptions
  private let kept: Int
  private let state = Lock(State())

  /// - Parameter graph: as it was built; its constants must not lie in the model's file.
  init(_ graph: Graph, _ options: SessionOptions) {
    self.graph = graph
    self.options = options
    let weights = graph.constants.values.reduce(0) { $0 + $1.bytes.count }
    kept = max(1, min(options.keptPlans, ShapeSpecialization.weightBytes / max(weights, 1)))
  }

  /// The session for inputs of these shapes; nil when shapes alone do not make the graph one that can be
  /// planned.
  func session(_ shapes: [Shape]) throws -> Session? {
    let (known, isRefused) = state.withLock { state in
      (state.entries.first { $0.shapes == shapes }?.session, state.isRefused)
    }
    if isRefused { return nil }
    if let known { return known }
    guard let session = try make(shapes) else {
      state.withLock { $0.isRefused = true }
      return nil
    }
    state.withLock { state in
      if state.entries.count >= kept { state.entries.removeFirst() }
      state.entries.append(Entry(shapes: shapes, session: session))
    }
    return session
  }

  private func make(_ shapes: [Shape]) throws -> Session? {
    var graph = graph
    for (place, shape) in shapes.enumerated() {
      graph.inputs[place].dimensions = shape.map { .known($0) }
    }
    for _ in 0..<ShapeSpecialization.rounds {
      let inferred = try ShapeInference.infer(graph, options.engine)
      if let inlined = BranchInlining.inlined(graph, inferred.facts) {
        graph = inlined
      } else {
        return inferred.isOpen ? nil : try Session(inferred, options: options)
      }
    }
    return nil
  }
}
