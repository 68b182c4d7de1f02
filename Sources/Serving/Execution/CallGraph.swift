import Locks

/// Which models call which others. There is never a circle in it, so that no two calls wait for each other; a chain
/// of calls has a limit too, since they may all lie on one thread's stack.
final class CallGraph: Sendable {
  /// Models that one call may go through, the first caller included.
  static let depthLimit = 8

  private let callees = Lock<[String: Set<String>]>([:])

  /// Takes a call in; throws if it may not be.
  ///
  /// - Returns: whether the caller has never called this one before.
  func admit(_ caller: String, calling callee: String) throws(ServingError) -> Bool {
    let outcome: Result<Bool, ServingError> = callees.withLock { callees in
      if callees[caller]?.contains(callee) == true { return .success(false) }
      if let way = Self.way(from: callee, to: caller, in: callees) {
        return .failure(
          ServingError(
            .unsupported,
            "'\(caller)' calls '\(callee)', and that calls it: \(([caller] + way).joined(separator: " → ")). Calls that "
              + "wait for each other would never end"))
      }
      let backward = Self.reversed(callees)
      let models = Self.depth(of: caller, in: backward) + Self.depth(of: callee, in: callees)
      guard models <= Self.depthLimit else {
        return .failure(
          ServingError(
            .unsupported,
            "'\(caller)' calls '\(callee)' in a chain of \(models) models; at most \(Self.depthLimit) are possible"
          ))
      }
      callees[caller, default: []].insert(callee)
      return .success(true)
    }
    return try outcome.get()
  }

  /// Forgets what a model called that is loaded anew or is gone.
  func forget(_ caller: String) { callees.withLock { $0[caller] = nil } }

  private static func way(
    from start: String, to end: String, in callees: [String: Set<String>]
  ) -> [String]? {
    if start == end { return [end] }
    var predecessors: [String: String] = [start: start]
    var open = [start]
    while let next = open.popLast() {
      for callee in callees[next] ?? [] where predecessors[callee] == nil {
        predecessors[callee] = next
        if callee == end { return way(of: predecessors, from: start, to: end) }
        open.append(callee)
      }
    }
    return nil
  }

  private static func way(of predecessors: [String: String], from start: String, to end: String) -> [String] {
    var way = [end]
    while let last = way.last, last != start, let earlier = predecessors[last] { way.append(earlier) }
    return way.reversed()
  }

  private static func reversed(_ callees: [String: Set<String>]) -> [String: Set<String>] {
    var callers: [String: Set<String>] = [:]
    for (caller, called) in callees { for callee in called { callers[callee, default: []].insert(caller) } }
    return callers
  }

  /// Models on the longest way from `start`, itself included. Precondition: there is no circle.
  private static func depth(of start: String, in graph: [String: Set<String>]) -> Int {
    var known: [String: Int] = [:]
    func depth(_ name: String) -> Int {
      if let depth = known[name] { return depth }
      let deepest = (graph[name] ?? []).map(depth).max() ?? 0
      known[name] = deepest + 1
      return deepest + 1
    }
    return depth(start)
  }
}
