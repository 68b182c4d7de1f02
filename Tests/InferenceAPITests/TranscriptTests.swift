import Foundation
import HTTP
import Locks
import PluginHost
import Serving
import Tensors
import Testing

@testable import InferenceAPI

/// Everything here goes through sockets, the parser, the router and the codecs to models in Swift.
@Suite(.serialized) final class TranscriptTests {
  private let server: TestServer

  init() throws { server = try TestServer(FakeModels.catalog) }

  deinit { server.stop() }

  @Test(arguments: GoldenTranscripts.tensorFlowServing)
  func answersAsTensorFlowServing(_ transcript: Transcript) throws {
    try check(transcript, on: server)
  }

  @Test(arguments: GoldenTranscripts.openInference)
  func answersAsTheOpenInferenceProtocolSays(_ transcript: Transcript) throws {
    try check(transcript, on: server)
  }

  @Test(arguments: GoldenTranscripts.binary) func speaksBinaryTensors(_ transcript: Transcript) throws {
    try check(transcript, on: server)
  }

  @Test func headHasTheHeadersOfGetAndNoBody() throws {
    let get = try server.ask("GET", "/v2")
    let head = try server.ask("HEAD", "/v2")
    #expect(head.status == 200)
    #expect(head.body.isEmpty)
    #expect(head.headers.filter { $0.hasPrefix("Content-Length") } == ["Content-Length: \(get.body.count)"])
  }

  @Test func wrongMethodsLearnTheRightOnes() throws {
    let answer = try server.ask("GET", "/v2/models/simple/infer")
    #expect(answer.status == 405)
    #expect(answer.headers.contains { $0.hasPrefix("Allow: ") && $0.contains("POST") })
    let options = try server.ask("OPTIONS", "/v2/models/simple/infer")
    #expect(options.status == 204)
    #expect(options.headers.contains { $0.hasPrefix("Allow: ") && $0.contains("POST") })
  }

  @Test func theServerAsAWholeHasOptions() throws {
    let answer = try server.ask("OPTIONS", "*")
    #expect(answer.status == 204)
    #expect(answer.headers.contains("Allow: GET, HEAD, POST, OPTIONS"))
  }

  @Test(arguments: ["/v2/models/simple/infer", "/v1/models/simple:predict"])
  func anInferenceWithoutABodyIsAskedForItsLength(path: String) throws {
    // `ask` sends a Content-Length of its own.
    let connection = try server.connect()
    defer { close(connection) }
    let request = "POST \(path) HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    try TestServer.send(Array(request.utf8), to: connection)
    let answer = String(decoding: try TestServer.receive(from: connection), as: UTF8.self)
    #expect(answer.hasPrefix("HTTP/1.1 411 Length Required\r\n"))
    #expect(answer.contains("send Content-Length"))
  }

  @Test func aFullQueueSaysWhenToTryAgain() throws {
    let body = Array(#"{"instances":[1]}"#.utf8)
    let answer = try server.ask("POST", "/v1/models/busy:predict", body: body)
    #expect(answer.status == 429)
    #expect(answer.headers.contains("Retry-After: 1"))
  }

  @Test func aBodyOverTheLimitIs413AndTheServerGoesOn() throws {
    let large = [UInt8](repeating: UInt8(ascii: " "), count: 3 << 20)
    let answer = try server.ask("POST", "/v2/models/simple/infer", body: large)
    #expect(answer.status == 413)
    #expect(errorMessage(answer.body) != nil)
    #expect(try server.ask("GET", "/livez").status == 200)
  }

  @Test func alargeBodyForNobodyIsRefusedUnread() throws {
    let connection = try server.connect()
    defer { close(connection) }
    let head = "POST /v2/models/nope/infer HTTP/1.1\r\nHost: t\r\nContent-Length: 900000\r\n\r\n"
    try TestServer.send(Array(head.utf8), to: connection)
    let answer = String(decoding: try TestServer.receive(from: connection), as: UTF8.self)
    #expect(answer.hasPrefix("HTTP/1.1 404 "))
    #expect(answer.contains("Request for unknown model: 'nope' is not found"))
  }

  @Test func namesArePercentDecoded() throws {
    let answer = try server.ask("GET", "/v2/models/half%5Fplus%5ftwo")
    #expect(answer.status == 200)
    #expect(try server.ask("GET", "/v2/models/a%2Fb%22").text.contains(#"'a/b\"'"#))
  }

  @Test func requestsAreCountedByModelAndStatus() throws {
    _ = try server.ask("POST", "/v1/models/half_plus_two:predict", body: Array(#"{"instances":[1]}"#.utf8))
    _ = try server.ask("POST", "/v1/models/half_plus_two:predict", body: Array("x".utf8))
    _ = try server.ask("POST", "/v1/models/\(String(repeating: "n", count: 99)):predict", body: [])
    let page = try server.ask("GET", "/metrics").text
    for (model, version, code) in [
      ("half_plus_two", "123", 200), ("half_plus_two", "123", 400), ("", "", 404),
    ] {
      #expect(
        page.contains(
          #"swerve_requests_total{model="\#(model)",version="\#(version)",protocol="v1",code="\#(code)"} 1"#),
        "\(page)")
    }
  }
}

/// A model that answers when it is told to.
private final class HeldModel: InferenceModel {
  let name = "held"
  let version = 1
  let platform = "fake"
  let state = ModelState.ready
  let description: ModelDescription? = describe(
    inputs: [spec("x", .fp32, [-1])], outputs: [spec("y", .fp32, [-1])])
  let receiver = Lock<(any InferenceReceiver)?>(nil)
  let inputs = Lock<[Tensor]>([])
  let submitted = DispatchSemaphore(value: 0)
  let cancelled = DispatchSemaphore(value: 0)

  private final class Work: CancellableInference {
    let cancelled: DispatchSemaphore
    init(_ cancelled: DispatchSemaphore) { self.cancelled = cancelled }
    func cancel() { cancelled.signal() }
  }

  func infer(
    _ arguments: InferenceArguments, receiver: any InferenceReceiver
  ) throws(ServingError) -> (any CancellableInference)? {
    self.receiver.withLock { $0 = receiver }
    inputs.withLock { $0 = arguments.inputs }
    submitted.signal()
    return Work(cancelled)
  }
}

@Suite struct CancellationTests {
  @Test func aClientThatLeavesCancelsItsInference() throws {
    let model = HeldModel()
    let server = try TestServer(FakeCatalog(allModels: [model]))
    defer { server.stop() }
    let connection = try server.connect()
    let json = #"{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","parameters":{"binary_data_size":8}}]}"#
    // White space brings the binary part to a multiple of 64, so that the tensor lies in the body.
    let head =
      "POST /v2/models/held/infer HTTP/1.1\r\nHost: t\r\nInference-Header-Content-Length: 128\r\n"
      + "Content-Length: 136\r\n\r\n"
    let padded = json + String(repeating: " ", count: 128 - json.utf8.count)
    try TestServer.send(Array(head.utf8) + Array(padded.utf8) + [0, 0, 128, 63, 0, 0, 0, 64], to: connection)
    #expect(model.submitted.wait(timeout: .now() + 30) == .success)
    // A reset: the client is gone for good.
    var reset = linger(l_onoff: 1, l_linger: 0)
    setsockopt(connection, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size))
    close(connection)
    #expect(model.cancelled.wait(timeout: .now() + 30) == .success)
    // The model still works on the body of the client that has gone.
    #expect(model.inputs.withLock { $0[0].floatValues } == [1, 2])
    model.receiver.withLock { $0 }?.finish(.failure(ServingError(.cancelled, "")), timing: InferenceTiming())
    model.receiver.withLock { $0 = nil }
    var page = ""
    for _ in 0..<300 where !page.contains(#"code="499"} 1"#) {
      page = try server.ask("GET", "/metrics").text
      usleep(10_000)
    }
    #expect(page.contains(#"swerve_requests_total{model="held",version="1",protocol="v2",code="499"} 1"#))
  }

  @Test func anAnswerInPiecesIsRefusedWhereOneIsExpected() throws {
    let model = HeldModel()
    let server = try TestServer(FakeCatalog(allModels: [model]))
    defer { server.stop() }
    Thread.detachNewThread {
      model.submitted.wait()
      let receiver = model.receiver.withLock { $0 }
      #expect(receiver?.receive(chunk: [floats("y", [1], [1])]) == false)
      receiver?.finish(.success([]), timing: InferenceTiming())
    }
    let answer = try server.ask("POST", "/v1/models/held:predict", body: Array(#"{"inputs":[1]}"#.utf8))
    #expect(answer.status == 501)
    #expect(answer.text.contains("HTTP end point doesn't support models with decoupled transaction policy"))
  }

  @Test func anOutputThatTheModelDidNotGiveIsTheModelsFault() throws {
    let model = FakeModel(
      "m", description: describe(inputs: [spec("x", .fp32, [-1])], outputs: [spec("y", .fp32, [-1])])
    ) { _ in .success([]) }
    let server = try TestServer(FakeCatalog(allModels: [model]))
    defer { server.stop() }
    let body = #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}],"outputs":[{"name":"y"}]}"#
    let answer = try server.ask("POST", "/v2/models/m/infer", body: Array(body.utf8))
    #expect(answer.status == 500)
    #expect(answer.text.contains("gave no output 'y'"))
  }
}
