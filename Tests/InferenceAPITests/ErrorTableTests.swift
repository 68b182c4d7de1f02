import Serving
import Testing

@testable import InferenceAPI

@Suite struct ErrorTableTests {
  static let statuses: [(ServingError.Code, Int)] = [
    (.unknownModel, 404), (.unknownVersion, 404), (.notReady, 503), (.invalidArgument, 400),
    (.queueFull, 429),
    (.deadlineExceeded, 504), (.cancelled, 499), (.unsupported, 501), (.outOfMemory, 503),
    (.pluginFault, 500),
    (.shuttingDown, 503),
  ]

  @Test(arguments: statuses) func everyFaultHasOneStatusInBothDialects(
    _ code: ServingError.Code, _ status: Int
  ) {
    for dialect in Dialect.allCases {
      let failure = APIFailure(
        ServingError(code, "why"), dialect: dialect, model: ModelReference(name: "m", version: 7))
      #expect(failure.status == status)
      #expect(!failure.message.isEmpty)
    }
  }

  @Test func aFullQueueSaysWhenToTryAgain() {
    let failure = APIFailure(
      ServingError(.queueFull, "full"), dialect: .openInference, model: ModelReference(name: "m"))
    #expect(failure.headers.map { "\($0.0): \($0.1)" } == ["Retry-After: 1"])
  }

  @Test(arguments: [(1, "1"), (1_000_000_000, "1"), (1_000_000_001, "2"), (Int64.max, "3600")])
  func whenToTryAgainIsTheExpectedWait(_ nanoseconds: Int64, _ seconds: String) {
    var error = ServingError(.queueFull, "full")
    error.retryAfter = nanoseconds
    let failure = APIFailure(error, dialect: .openInference, model: ModelReference(name: "m"))
    #expect(failure.headers.map(\.1) == [seconds])
  }

  @Test func unknownServablesAreNamedAsTensorFlowServingDoes() {
    func message(_ version: Int?) -> String {
      APIFailure(
        ServingError(.unknownModel, ""), dialect: .tensorFlowServing,
        model: ModelReference(name: "half", version: version)
      ).message
    }
    #expect(message(nil) == "Servable not found for request: Latest(half)")
    #expect(message(7) == "Servable not found for request: Specific(half, 7)")
  }

  @Test func positionsCountLinesAndColumnsFromOne() {
    withBytes(of: "ab\ncd\n\ne") { bytes in
      let text = UnsafeRawBufferPointer(bytes)
      #expect(TextPosition(offset: 0, in: text).description == "offset 0 (line 1, column 1)")
      #expect(TextPosition(offset: 4, in: text).description == "offset 4 (line 2, column 2)")
      #expect(TextPosition(offset: 7, in: text).description == "offset 7 (line 4, column 1)")
      #expect(TextPosition(offset: 99, in: text).description == "offset 8 (line 4, column 2)")
      #expect(TextPosition(offset: -1, in: text).offset == 0)
    }
  }
}

@Suite struct APILimitsTests {
  @Test func deadlinesAreTheSmallerOfWhatIsAskedAndAllowed() {
    var limits = APILimits()
    #expect(limits.deadline(now: 100, timeout: 0) == 0)
    #expect(limits.deadline(now: 100, timeout: 5) == 105)
    limits.defaultTimeout = 50
    #expect(limits.deadline(now: 100, timeout: 0) == 150)
    #expect(limits.deadline(now: 100, timeout: 500) == 600)
    limits.maximumTimeout = 40
    #expect(limits.deadline(now: 100, timeout: 0) == 140)
    #expect(limits.deadline(now: 100, timeout: 500) == 140)
    #expect(limits.deadline(now: 100, timeout: Int64.max) == 140)
  }
}
