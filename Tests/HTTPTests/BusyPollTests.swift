import Bytes
import Testing

@testable import HTTP

@Suite struct BusyPollTests {
  private static func proven() -> BusyPoll {
    var poll = BusyPoll(limit: 100)
    for _ in 0..<8 { poll.waited(100, isAlone: true) }
    return poll
  }

  @Test func eightQuickReturnsAreTheProof() {
    var poll = BusyPoll(limit: 100)
    for _ in 0..<7 { poll.waited(100, isAlone: true) }
    #expect(!poll.isWorthwhile)
    poll.waited(0, isAlone: true)
    #expect(poll.isWorthwhile)
  }

  @Test func aSlowReturnEndsIt() {
    var poll = Self.proven()
    #expect(poll.isWorthwhile)
    poll.waited(101, isAlone: true)
    #expect(!poll.isWorthwhile)
  }

  @Test func anotherClientEndsIt() {
    var poll = Self.proven()
    poll.waited(1, isAlone: false)
    #expect(!poll.isWorthwhile)
    for _ in 0..<7 { poll.waited(1, isAlone: true) }
    #expect(!poll.isWorthwhile, "the proof begins anew")
  }

  @Test func withoutALimitNothingIsPolled() {
    var poll = BusyPoll(limit: 0)
    for _ in 0..<20 { poll.waited(1, isAlone: true) }
    #expect(!poll.isWorthwhile)
  }

  /// One client after another in a row, then a pause, then an answer that comes from another thread.
  @Test func aPollingLoopServesAndIsWoken() throws {
    try withServer(
      { exchange in
        let held = exchange
        guard held.path == "/later" else { return held.respond(status: 200) { $0.append("now") } }
        held.loop.run { held.respond(status: 200) { $0.append("later") } }
      },
      configure: {
        $0.loopCount = 2
        $0.busyPollTime = 5_000_000
      },
      run: { _, port in
        let client = try Client(port: port)
        for turn in 0..<200 {
          let path = turn % 3 == 2 ? "/later" : "/"
          #expect(try client.exchange("GET", path).text == (turn % 3 == 2 ? "later" : "now"))
        }
      })
  }
}
