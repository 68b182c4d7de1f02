internal import CSwervePlugin
internal import Glibc
internal import Synchronization

/// The place of an open request. A plugin knows the request by a handle that holds the slot's number
/// and a generation, so that a handle used after its request was finished, or one that never was, is
/// found out instead of followed. Slots live as long as the process and are used again.
///
/// Unchecked: everything but `state` and `isCancelled` is touched under the lock in `state` only, or
/// while the slot is closed by the execution that owns it.
final class RequestSlot: @unchecked Sendable {
  private static let indexBits: UInt64 = 20
  private static let all = ImmortalTable<RequestSlot>(capacity: 1 << indexBits)

  private static let locked: UInt64 = 1
  private static let sending: UInt64 = 2
  private static let open: UInt64 = 4
  private static let generationShift: UInt64 = 3

  private let index: UInt64
  private let owner: Unmanaged<BatchExecution>
  /// Generation, open, sending and locked in one word.
  private let state = Atomic<UInt64>(0)
  private let cancelled = Atomic<Bool>(false)
  private var request: PluginRequest?
  private var rows = 0..<0
  private var hasStreamed = false
  private let information: UnsafeMutablePointer<swerve_request_info>
  private var isInformed = false

  private init(index: Int, owner: BatchExecution) {
    self.index = UInt64(index)
    self.owner = Unmanaged.passUnretained(owner)
    information = .allocate(capacity: 1)
    information.initialize(to: swerve_request_info())
    information.pointee.struct_size = MemoryLayout<swerve_request_info>.size
  }

  /// A slot more for `owner`, which is immortal too; nil when there are a million of them.
  static func make(for owner: BatchExecution) -> RequestSlot? {
    all.add { RequestSlot(index: $0, owner: owner) }
  }

  /// The slot whose number is in `handle`; whether the handle is alive shows under its lock.
  static func find(_ handle: UInt) -> RequestSlot? {
    all[Int(UInt64(handle) & ((1 << indexBits) - 1))]
  }

  /// Opens the slot for `request`, and returns the handle. Called by the owner, of a closed slot.
  func open(_ request: PluginRequest, rows: Range<Int>) -> UInt {
    self.request = request
    self.rows = rows
    hasStreamed = false
    isInformed = false
    cancelled.store(false, ordering: .relaxed)
    let generation = (state.load(ordering: .relaxed) >> Self.generationShift) + 1
    state.store(generation << Self.generationShift | Self.open, ordering: .releasing)
    let handle = UInt(generation << Self.indexBits | index)
    request.bind(handle)
    if request.isCancelled { cancelled.store(true, ordering: .relaxed) }
    return handle
  }

  /// Whether the request is cancelled; nil for a dead handle. Takes no lock.
  func isCancelled(_ handle: UInt) -> Bool? {
    let now = state.load(ordering: .acquiring)
    guard isAlive(handle, now) else { return nil }
    return cancelled.load(ordering: .relaxed)
  }

  /// The request; nil for a dead handle.
  func request(_ handle: UInt) -> PluginRequest? {
    guard lock(handle) else { return nil }
    defer { unlock() }
    return request
  }

  /// Marks the request as cancelled, and tells the plugin.
  func cancel(_ handle: UInt) {
    guard lock(handle) else { return }
    cancelled.store(true, ordering: .relaxed)
    let model = owner.takeUnretainedValue().model
    unlock()
    model?.cancel(handle)
  }

  /// What is known of the request; nil for a dead handle. Valid until the slot is used again.
  func information(_ handle: UInt) -> UnsafePointer<swerve_request_info>? {
    guard lock(handle) else { return nil }
    defer { unlock() }
    if !isInformed, let request {
      free(UnsafeMutableRawPointer(mutating: information.pointee.id))
      free(UnsafeMutableRawPointer(mutating: information.pointee.parameters))
      information.pointee.id = UnsafePointer(strdup(request.id))
      information.pointee.parameters = UnsafePointer(strdup(request.parameters))
      information.pointee.deadline_ns = request.deadline
      isInformed = true
    }
    return UnsafePointer(information)
  }

  /// Claims the request's stream for one chunk; nil for a dead handle. Waits for another that is sent.
  func beginSending(_ handle: UInt) -> (request: PluginRequest, model: PluginModel)? {
    guard lock(handle, awaitingSend: true) else { return nil }
    guard let request, let model = owner.takeUnretainedValue().model else {
      unlock()
      return nil
    }
    state.bitwiseOr(Self.sending, ordering: .relaxed)
    unlock()
    return (request, model)
  }

  func endSending(streamed: Bool) {
    if streamed { hasStreamed = true }
    state.bitwiseAnd(~Self.sending, ordering: .releasing)
  }

  /// Takes the request out, which kills the handle; nil if it was dead. Waits for a chunk that is sent.
  func close(_ handle: UInt) -> ClosedRequest? {
    guard lock(handle, awaitingSend: true) else { return nil }
    guard let request else {
      unlock()
      return nil
    }
    let closed = ClosedRequest(
      request: request, rows: rows, hasStreamed: hasStreamed, execution: owner.takeUnretainedValue())
    self.request = nil
    request.bind(0)
    state.bitwiseAnd(~(Self.open | Self.locked), ordering: .releasing)
    return closed
  }

  private func isAlive(_ handle: UInt, _ state: UInt64) -> Bool {
    state & Self.open != 0 && state >> Self.generationShift == UInt64(handle) >> Self.indexBits
  }

  /// Locks the slot if the handle is alive. The lock is held for some dozen instructions.
  private func lock(_ handle: UInt, awaitingSend: Bool = false) -> Bool {
    var spins = 0
    while true {
      let now = state.load(ordering: .relaxed)
      guard isAlive(handle, now) else { return false }
      let isBusy = now & Self.locked != 0 || (awaitingSend && now & Self.sending != 0)
      if !isBusy,
        state.weakCompareExchange(
          expected: now, desired: now | Self.locked, successOrdering: .acquiring, failureOrdering: .relaxed
        ).exchanged
      {
        return true
      }
      spins += 1
      if spins > 1000 { usleep(50) } else if spins > 20 { sched_yield() }
    }
  }

  private func unlock() { state.bitwiseAnd(~Self.locked, ordering: .releasing) }
}

/// A request whose end has come.
struct ClosedRequest {
  let request: PluginRequest
  let rows: Range<Int>
  let hasStreamed: Bool
  let execution: BatchExecution
}
