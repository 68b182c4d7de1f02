/// What of a queue each client holds.
///
/// A client may hold eight times what is left. So one client may fill eight ninths of a queue, more of them come to
/// equal shares of nearly all of it, and whoever has nothing waiting always finds room.
struct ClientShares {
  static let factor = 8

  private struct Holding {
    var requests = 0
    var bytes = 0

    mutating func add(requests: Int, bytes: Int) {
      self.requests += requests
      self.bytes += bytes
    }
  }

  private var holdings: [UInt64: Holding] = [:]

  /// How many requests `client` has waiting.
  func requests(of client: UInt64) -> Int { holdings[client]?.requests ?? 0 }

  /// Whether `client` has more than its share, where so many requests and bytes are left for all.
  func isOverShare(_ client: UInt64, requestsLeft: Int, bytesLeft: Int) -> Bool {
    guard client != 0, let holding = holdings[client] else { return false }
    return holding.requests / Self.factor > requestsLeft || holding.bytes / Self.factor > bytesLeft
  }

  mutating func add(_ job: some Schedulable) {
    guard job.client != 0 else { return }
    holdings[job.client, default: Holding()].add(requests: 1, bytes: job.byteCount)
  }

  mutating func remove(_ job: some Schedulable) {
    guard job.client != 0, let index = holdings.index(forKey: job.client) else { return }
    holdings.values[index].add(requests: -1, bytes: -job.byteCount)
    if holdings.values[index].requests == 0 { holdings.remove(at: index) }
  }
}
