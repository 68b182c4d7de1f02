import Foundation
import Locks
import PluginHost
import Serving
import Tensors
import Testing

@testable import InferenceAPI

/// A model that streams as it is told, on a thread of its own.
private final class StreamingModel: InferenceModel {
  typealias Stream = @Sendable (any InferenceReceiver) -> Result<[Tensor], ServingError>

  let name = "stream"
  let version = 1
  let platform = "fake"
  let state = ModelState.ready
  let description: ModelDescription? = describe(
    inputs: [spec("text_input", .bytes, [1])], outputs: [spec("text_output", .bytes, [1])], maximumBatch: 1)
  let cancelled = DispatchSemaphore(value: 0)
  let ended = DispatchSemaphore(value: 0)
  private let stream: Stream

  init(_ stream: @escaping Stream) { self.stream = stream }

  private final class Work: CancellableInference {
    let cancelled: DispatchSemaphore
    init(_ cancelled: DispatchSemaphore) { self.cancelled = cancelled }
    func cancel() { cancelled.signal() }
  }

  func infer(
    _ arguments: InferenceArguments, receiver: any InferenceReceiver
  ) throws(ServingError) -> (any CancellableInference)? {
    Thread.detachNewThread { [stream, ended] in
      receiver.finish(stream(receiver), timing: InferenceTiming())
      ended.signal()
    }
    return Work(cancelled)
  }
}

private func piece(_ text: String) -> [Tensor] { [strings("text_output", [1], [text])] }

/// The events of a chunked answer, its chunks put together.
private func events(_ answer: TestServer.Answer) -> String {
  var text = ""
  var rest = answer.body[...]
  while let end = rest.firstIndex(of: 13),
    let size = Int(String(decoding: rest[..<end], as: UTF8.self), radix: 16),
    size > 0
  {
    text += String(decoding: rest[(end + 2)..<(end + 2 + size)], as: UTF8.self)
    rest = rest[(end + 4 + size)...]
  }
  return text
}

@Suite struct GenerateStreamTests {
  private static let body = Array(#"{"id":"7","text_input":"a"}"#.utf8)
  private static let start = #"data: {"id":"7","model_name":"stream","model_version":"1""#

  private func ask(
    _ verb: String = "generate_stream", _ stream: @escaping StreamingModel.Stream
  ) throws -> TestServer.Answer {
    let server = try TestServer(FakeCatalog(allModels: [StreamingModel(stream)]))
    defer { server.stop() }
    return try server.ask("POST", "/v2/models/stream/\(verb)", body: Self.body)
  }

  @Test func piecesAreEvents() throws {
    let answer = try ask { receiver in
      for word in ["to", "be\n"] where !receiver.receive(chunk: piece(word)) { return .success([]) }
      return .success([])
    }
    #expect(answer.status == 200)
    #expect(answer.headers.contains { $0.hasPrefix("Content-Type: text/event-stream") }, "\(answer.headers)")
    #expect(
      events(answer) == Self.start + #","text_output":"to"}"# + "\n\n" + Self.start
        + #","text_output":"be\n"}"# + "\n\n")
  }

  @Test func aModelThatDoesNotStreamHasOneEvent() throws {
    let answer = try ask { _ in .success(piece("all")) }
    #expect(events(answer) == Self.start + #","text_output":"all"}"# + "\n\n")
  }

  @Test func aFaultBeforeTheFirstPieceHasAStatus() throws {
    let answer = try ask { _ in .failure(ServingError(.invalidArgument, "bad text")) }
    #expect(answer.status == 400)
    #expect(answer.text == #"{"error":"bad text"}"#)
  }

  @Test func aFaultAfterItIsAnEvent() throws {
    let answer = try ask { receiver in
      _ = receiver.receive(chunk: piece("to"))
      return .failure(ServingError(.pluginFault, "out of words"))
    }
    #expect(answer.status == 200)
    #expect(
      events(answer) == Self.start + #","text_output":"to"}"# + "\n\n" + #"data: {"error":"out of words"}"#
        + "\n\n")
  }

  @Test func generateTakesOnePiece() throws {
    let one = try ask("generate") { receiver in
      #expect(receiver.receive(chunk: piece("to")))
      return .success([])
    }
    #expect(one.status == 200)
    #expect(one.text == #"{"id":"7","model_name":"stream","model_version":"1","text_output":"to"}"#)
    let two = try ask("generate") { receiver in
      #expect(receiver.receive(chunk: piece("to")))
      #expect(!receiver.receive(chunk: piece("be")))
      return .failure(ServingError(.cancelled, ""))
    }
    #expect(two.status == 400)
    #expect(two.text.contains("generate expects model to produce exactly 1 response"))
  }

  @Test func manyPiecesArriveInOrderAndWhole() throws {
    let count = 20_000
    let answer = try ask { receiver in
      for index in 0..<count where !receiver.receive(chunk: piece(String(index))) { return .success([]) }
      return .success([])
    }
    let found = events(answer).components(separatedBy: "\n\n").dropLast()
    #expect(found.count == count)
    #expect(found.enumerated().allSatisfy { $1 == Self.start + #","text_output":"\#($0)"}"# })
  }

  /// The client does not read: what the server and the sockets hold fills up, and then the model waits.
  @Test func aClientThatDoesNotReadHoldsItsModelAndOneThatLeavesFreesIt() throws {
    let sent = Lock(0)
    let model = StreamingModel { receiver in
      let large = String(repeating: "x", count: 100_000)
      while receiver.receive(chunk: piece(large)) { sent.withLock { $0 += 1 } }
      // Whatever is sent after is refused as well, and does not wait.
      for _ in 0..<100 { #expect(!receiver.receive(chunk: piece(large))) }
      return .failure(ServingError(.cancelled, ""))
    }
    let server = try TestServer(FakeCatalog(allModels: [model]))
    defer { server.stop() }
    let connection = try server.connect()
    let head =
      "POST /v2/models/stream/generate_stream HTTP/1.1\r\nHost: t\r\nContent-Length: \(Self.body.count)\r\n\r\n"
    try TestServer.send(Array(head.utf8) + Self.body, to: connection)
    var last = -1
    for _ in 0..<200 {
      usleep(100_000)
      let now = sent.withLock { $0 }
      if now == last, now > 0 { break }
      last = now
    }
    // Its socket buffers and the server's backlog take some megabytes, not what a model can send in seconds.
    #expect(sent.withLock { $0 } < 1000)
    var reset = linger(l_onoff: 1, l_linger: 0)
    setsockopt(connection, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size))
    close(connection)
    #expect(model.cancelled.wait(timeout: .now() + 30) == .success)
    #expect(model.ended.wait(timeout: .now() + 30) == .success)
    var page = ""
    for _ in 0..<300 where !page.contains(#"code="499"} 1"#) {
      page = try server.ask("GET", "/metrics").text
      usleep(10_000)
    }
    #expect(page.contains(#"code="499"} 1"#))
  }
}
