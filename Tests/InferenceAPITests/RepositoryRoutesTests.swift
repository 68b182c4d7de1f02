import Foundation
import Locks
import Serving
import Testing

@testable import InferenceAPI

/// Keeps what it was asked for; loads all but `bad`.
final class FakeControl: RepositoryControl {
  let uploads = Lock<[ModelUpload]>([])

  let index = [
    IndexEntry(name: "a", version: 1, state: .ready),
    IndexEntry(name: "b", version: 2, state: .unavailable, reason: "unloaded"), IndexEntry(name: "c"),
  ]

  func load(
    _ name: String, upload: @escaping ModelUpload.Reader, done: @escaping @Sendable (ServingError?) -> Void
  ) {
    Thread.detachNewThread { [self] in
      do throws(ServingError) {
        let read = try upload()
        uploads.withLock { $0.append(read) }
        done(name == "bad" ? ServingError(.invalidArgument, "load failed for model 'bad': it is") : nil)
      } catch {
        done(error)
      }
    }
  }

  func unload(_ name: String, done: @escaping @Sendable (ServingError?) -> Void) {
    done(name == "late" ? ServingError(.deadlineExceeded, "it goes on") : nil)
  }
}

@Suite struct RepositoryRoutesTests {
  let control = FakeControl()
  let server: TestServer

  init() throws { server = try TestServer(FakeModels.catalog, repository: control) }

  private func ask(_ path: String, _ body: String = "") throws -> TestServer.Answer {
    try server.ask("POST", "/v2/repository/" + path, body: Array(body.utf8))
  }

  @Test func theIndexListsWhatThereIs() throws {
    let all =
      #"[{"name":"a","version":"1","state":"READY","reason":""},"#
      + #"{"name":"b","version":"2","state":"UNAVAILABLE","reason":"unloaded"},{"name":"c"}]"#
    let others = #"{"\u0000":{"a\u0000":[1,null]},"x":"y","x":1e400}"#
    for body in ["", " ", "{}", #"{"ready":false}"#, others] { #expect(try ask("index", body).text == all) }
    #expect(
      try ask("index", #"{"ready":true}"#).text
        == #"[{"name":"a","version":"1","state":"READY","reason":""}]"#)
    let number = try ask("index", #"{"ready":1}"#)
    #expect(number.status == 400 && number.text == #"{"error":"ready: expected true or false, got 1"}"#)
    for body in ["[", "[]", "{", "{}{}", #"{"ready":true,"ready":true}"#, #"{"x":nul}"#] {
      let refused = try ask("index", body)
      #expect(refused.status == 400 && refused.text.contains("failed to parse the request JSON"), "\(body)")
    }
    server.stop()
  }

  @Test func aLoadAnswersWhenItIsDone() throws {
    let plain = try ask("models/a/load")
    #expect(plain.status == 200 && plain.text.isEmpty)
    let sent = try ask(
      "models/a/load", #"{"parameters":{"config":"{}","file:1/model.onnx":"aGVsbG8="}}"#)
    #expect(sent.status == 200, "\(sent.text)")
    var expected = ModelUpload()
    expected.configuration = "{}"
    expected.files = [ModelFile(path: "1/model.onnx", bytes: Array("hello".utf8))]
    #expect(control.uploads.withLock { $0 } == [ModelUpload(), expected])
    let failed = try ask("models/bad/load", "{}")
    #expect(failed.status == 400 && failed.text.contains("load failed for model 'bad'"))
    server.stop()
  }

  @Test(arguments: [
    ("[]", "expected a JSON object"), (#"{"parameters":3}"#, "'parameters': expected an object"),
    (#"{"parameters":{"config":{}}}"#, "parameters.config: expected a string"),
    (#"{"parameters":{"file:1/x":"?"}}"#, "parameters.file:1/x: expected base64"),
    (#"{"parameters":{"speed":"high"}}"#, "parameters.speed: unrecognized load parameter"),
  ])
  func aBadLoadIsTheClientsFault(_ body: String, _ expected: String) throws {
    let answer = try ask("models/a/load", body)
    #expect(answer.status == 400 && answer.text.contains(expected), "\(answer.text)")
    server.stop()
  }

  @Test func anUnloadTakesItsParameter() throws {
    #expect(try ask("models/a/unload", #"{"parameters":{"unload_dependents":true}}"#).status == 200)
    #expect(try ask("models/a/unload", #"{"parameters":{"hard":true}}"#).status == 400)
    #expect(try ask("models/late/unload").status == 504)
    server.stop()
  }
}
