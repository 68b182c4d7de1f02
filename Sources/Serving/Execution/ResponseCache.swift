import Locks
import Tensors

/// Answers that a model gave, by all of what it was asked: inputs and parameters, compared byte by byte. It holds
/// so many bytes at most, and lets go of what was asked for longest ago.
///
/// A question that is being computed is answered once for all who ask it meanwhile.
final class ResponseCache: Sendable {
  /// Unchecked: but for its constants, only touched under the cache's lock.
  final class Entry: @unchecked Sendable {
    let hash: Int
    let parameters: String
    /// While it is computed those of the first who asked, after that copies.
    fileprivate(set) var inputs: [Tensor]
    fileprivate var outputs: [Tensor]?
    fileprivate var byteCount = 0
    /// Who asked the same while it is computed.
    fileprivate var followers: [InferenceRequest] = []
    // The table owns the entries.
    fileprivate unowned(unsafe) var newer: Entry?
    fileprivate unowned(unsafe) var older: Entry?

    fileprivate init(hash: Int, of request: InferenceRequest) {
      self.hash = hash
      parameters = request.parameters
      inputs = request.inputs
    }
  }

  fileprivate struct State {
    var entries: [Int: [Entry]] = [:]
    var byteCount = 0
    var oldest: Entry?
    var newest: Entry?
  }

  /// What is to be done with a request.
  enum Question {
    case known([Tensor])
    /// It is answered along with another.
    case joined
    /// It is to be computed, and `finish` called with what comes of it.
    case new(Entry)
  }

  private let byteLimit: Int
  private let state = Lock(State())

  init(byteLimit: Int) { self.byteLimit = byteLimit }

  /// Bytes that are held.
  var byteCount: Int { state.withLock { $0.byteCount } }

  func ask(_ request: InferenceRequest) -> Question {
    var hasher = Hasher()
    hasher.combine(request.parameters)
    TensorSnapshot.hash(request.inputs, into: &hasher)
    let hash = hasher.finalize()
    return state.withLock { state in
      let known = state.entries[hash]?.first {
        $0.parameters == request.parameters && TensorSnapshot.areEqual($0.inputs, request.inputs)
      }
      guard let known else {
        let entry = Entry(hash: hash, of: request)
        state.entries[hash, default: []].append(entry)
        return .new(entry)
      }
      guard let outputs = known.outputs else {
        known.followers.append(request)
        return .joined
      }
      state.unlink(known)
      state.append(known)
      return .known(outputs)
    }
  }

  /// Keeps the answer, if it came to one that may be told again.
  ///
  /// - Returns: who else asked. Before `outputs` are answered with, which may end the life of the inputs.
  func finish(_ entry: Entry, outputs: [Tensor]?) -> [InferenceRequest] {
    let size = (entry.inputs + (outputs ?? [])).reduce(256) { $0 + TensorSnapshot.byteCount($1) }
    var copies: (inputs: [Tensor], outputs: [Tensor])?
    if let outputs, size <= byteLimit, let inputs = TensorSnapshot.copy(entry.inputs),
      let outputs = TensorSnapshot.copy(outputs)
    {
      copies = (inputs, outputs)
    }
    return state.withLock { state in
      if let copies {
        entry.inputs = copies.inputs
        entry.outputs = copies.outputs
        entry.byteCount = size
        state.append(entry)
        state.byteCount += size
        while state.byteCount > byteLimit, let oldest = state.oldest { state.remove(oldest) }
      } else {
        state.forget(entry)
      }
      defer { entry.followers = [] }
      return entry.followers
    }
  }
}

extension ResponseCache.State {
  fileprivate mutating func append(_ entry: ResponseCache.Entry) {
    entry.older = newest
    newest?.newer = entry
    newest = entry
    if oldest == nil { oldest = entry }
  }

  fileprivate mutating func unlink(_ entry: ResponseCache.Entry) {
    if oldest === entry { oldest = entry.newer }
    if newest === entry { newest = entry.older }
    entry.older?.newer = entry.newer
    entry.newer?.older = entry.older
    entry.newer = nil
    entry.older = nil
  }

  fileprivate mutating func remove(_ entry: ResponseCache.Entry) {
    unlink(entry)
    byteCount -= entry.byteCount
    forget(entry)
  }

  fileprivate mutating func forget(_ entry: ResponseCache.Entry) {
    entries[entry.hash]?.removeAll { $0 === entry }
    if entries[entry.hash]?.isEmpty == true { entries[entry.hash] = nil }
  }
}
