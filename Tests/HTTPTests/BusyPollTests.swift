import Bytes
import Testing

@testable import HTTP

private final class Somebody: Sendable {}

@Suite struct BusyPollTests {
  private let client = ObjectIdentifier(BusyPollTests.one)
  private let other = ObjectIdentifier(BusyPollTests.two)
  private static let one = Somebody()
  private static let two = Somebody()
  private var poll = BusyPoll(limit: 100)
  private var number = 0

  private mutating func turn(_ times: Int = 1, after time: Int64 = 100, by clients: [ObjectIdentifier]? = nil)
  {
    for _ in 0..<times {
      number += 1
      poll.beginTurn()
      for client in clients ?? [client] { poll.served(client) }
      poll.endTurn(after: time, number: number)
    }
  }

  @Test mutating func eightQuickReturnsAreTheProof() {
    turn()
    turn(7)
    #expect(!poll.isWorthwhile, "the first one was another client's")
    turn()
    #expect(poll.isWorthwhile)
    turn(after: 0)
    #expect(poll.isWorthwhile)
  }

  @Test mutating func aSlowReturnEndsIt() {
    turn(9)
    #expect(poll.isWorthwhile)
    turn(after: 101)
    #expect(!poll.isWorthwhile)
  }

  @Test mutating func anotherClientOfTheLoopEndsIt() {
    turn(9)
    turn(by: [other])
    #expect(!poll.isWorthwhile)
    turn(8)
    #expect(!poll.isWorthwhile, "the proof begins anew")
    turn()
    #expect(poll.isWorthwhile)
    turn(by: [client, other])
    #expect(!poll.isWorthwhile)
  }

  @Test mutating func anotherLoopEndsIt() {
    turn(9)
    number += 1
    turn()
    #expect(!poll.isWorthwhile)
  }

  @Test func aTurnIsEmptyUntilAnEventComes() {
    var poll = poll
    poll.beginTurn()
    #expect(poll.isTurnEmpty)
    poll.served(client)
    #expect(!poll.isTurnEmpty)
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
