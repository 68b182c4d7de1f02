import Locks
import Synchronization

/// The counts that all loops share; touched when a connection opens or closes and when a large body
/// begins or ends, never for every request.
final class ConnectionLimits: Sendable {
  private let limit: Int
  private let limitPerAddress: Int?
  private let limitOfBodyBytes: Int
  private let open = Atomic<Int>(0)
  private let bodyBytes = Atomic<Int>(0)
  private let addresses = Lock<[UInt64: Int]>([:])

  init(_ configuration: ServerConfiguration) {
    limit = configuration.connections
    limitPerAddress = configuration.connectionsPerAddress
    limitOfBodyBytes = configuration.bodyBytesInAll
  }

  var openConnections: Int { open.load(ordering: .relaxed) }

  /// Counts a new connection; returns why not if a limit is reached, and then counts nothing.
  func admit(_ address: SocketAddress) -> StaticString? {
    guard open.add(1, ordering: .relaxed).newValue <= limit else {
      open.subtract(1, ordering: .relaxed)
      return "too many connections"
    }
    guard let limitPerAddress, let key = address.limitKey else { return nil }
    let fits = addresses.withLock { counts in
      let count = counts[key, default: 0]
      guard count < limitPerAddress else { return false }
      counts[key] = count + 1
      return true
    }
    if fits { return nil }
    open.subtract(1, ordering: .relaxed)
    return "too many connections from this address"
  }

  /// Takes back what `admit` counted.
  func release(_ address: SocketAddress) {
    open.subtract(1, ordering: .relaxed)
    guard limitPerAddress != nil, let key = address.limitKey else { return }
    addresses.withLock { counts in
      let count = counts[key, default: 0]
      counts[key] = count > 1 ? count - 1 : nil
    }
  }

  /// Counts memory for a body; false if that would exceed the limit.
  func takeBodyBytes(_ count: Int) -> Bool {
    if bodyBytes.add(count, ordering: .relaxed).newValue <= limitOfBodyBytes { return true }
    bodyBytes.subtract(count, ordering: .relaxed)
    return false
  }

  func giveBodyBytes(_ count: Int) { bodyBytes.subtract(count, ordering: .relaxed) }
}
