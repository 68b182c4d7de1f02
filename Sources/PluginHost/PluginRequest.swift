internal import Locks
internal import Synchronization
public import Tensors

/// Whoever waits for a request's answer. Called from any thread, one call at a time per request.
public protocol PluginRequestReceiver: AnyObject, Sendable {
  /// A streamed chunk; its memory is the receiver's. False: the client has gone, stop.
  func receive(chunk: [Tensor]) -> Bool
  /// The end, exactly once. `outputs` holds the request's own rows of what `execute` added; empty if
  /// the answer was streamed.
  func finish(status: PluginStatus, message: String, outputs: [Tensor])
}

/// One client's request as a plugin sees it. It is executed once.
public final class PluginRequest: Sendable {
  public let id: String
  /// A JSON object.
  public let parameters: String
  /// Nanoseconds of CLOCK_MONOTONIC; 0 for none.
  public let deadline: Int64
  public let receiver: any PluginRequestReceiver
  /// Rows of dimension 0 that are this request's.
  public let rows: Int

  private let cancelled = Atomic<Bool>(false)
  /// The handle the plugin knows the request by while it is open; 0 before and after.
  private let handle = Atomic<UInt>(0)
  /// How a worker that has the request is told.
  private let canceller = Lock<RequestCanceller?>(nil)

  public init(id: String, parameters: String, deadline: Int64, rows: Int, receiver: any PluginRequestReceiver)
  {
    self.id = id
    self.parameters = parameters
    self.deadline = deadline
    self.rows = rows
    self.receiver = receiver
  }

  /// Says that the client has gone. From any thread. The plugin is told if it has the request.
  public func cancel() {
    guard !cancelled.exchange(true, ordering: .sequentiallyConsistent) else { return }
    canceller.withLock { $0 }?.cancel()
    let handle = handle.load(ordering: .sequentiallyConsistent)
    guard handle != 0 else { return }
    RequestSlot.find(handle)?.cancel(handle)
  }

  public var isCancelled: Bool { cancelled.load(ordering: .sequentiallyConsistent) }

  /// Says how a worker is told that nobody waits any more; nil: no worker has the request.
  func attach(_ canceller: RequestCanceller?) {
    self.canceller.withLock { $0 = canceller }
    if isCancelled { canceller?.cancel() }
  }

  /// Says by which handle the plugin knows the request; 0 for by none.
  func bind(_ handle: UInt) { self.handle.store(handle, ordering: .sequentiallyConsistent) }
}
