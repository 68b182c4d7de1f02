import Foundation
import TestSupport
import Testing

@testable import InferenceAPI

/// The `trace` extension with a file to write to.
@Suite struct TracingTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/trace.json" }

  init() throws { folder = try TemporaryFolder() }

  private func server(byteLimit: Int = 1 << 20) throws -> TestServer {
    try TestServer(FakeModels.catalog, traceFile: path, maximumTraceBytes: byteLimit)
  }

  private func set(_ server: TestServer, _ settings: String, model: String? = nil) throws -> [String: Any] {
    let path = model.map { "/v2/models/\($0)/trace/setting" } ?? "/v2/trace/setting"
    let answer = try server.ask("POST", path, body: Array(settings.utf8))
    #expect(answer.status == 200, "\(answer.text)")
    return try #require(try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
  }

  private func ask(_ server: TestServer, id: String = "") throws {
    let body =
      #"{"id":"\#(id)","inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}"#
    #expect(try server.ask("POST", "/v2/models/half_plus_two/infer", body: Array(body.utf8)).status == 200)
  }

  /// The objects in a trace file once there are `count`: a trace is written behind the answer that it is of.
  private func entries(_ path: String, _ count: Int) throws -> [[String: Any]] {
    var entries: [[String: Any]] = []
    let end = Date() + 30
    while entries.count < count, Date() < end {
      usleep(10_000)
      guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else { continue }
      entries = try JSONSerialization.jsonObject(with: data) as? [[String: Any]] ?? []
    }
    #expect(entries.count == count)
    return entries
  }

  /// Waits until all that was asked before has been traced, or left out.
  private func settle(_ server: TestServer) throws {
    // What is asked on another loop meanwhile may still be at its trace.
    for _ in 0..<4 { _ = try server.ask("GET", "/livez") }
    usleep(50_000)
  }

  @Test func aTraceHasTritonsTimesInTheirOrder() throws {
    let server = try server()
    defer { server.stop() }
    let settings = try set(server, #"{"trace_level":["TIMESTAMPS"],"trace_rate":"1"}"#)
    #expect(settings["trace_file"] as? String == path && settings["trace_rate"] as? String == "1")
    #expect(try server.ask("GET", "/v2").text.contains(#""trace""#))
    try ask(server, id: #"r\"1"#)
    // The next may be on another loop, and at its trace before this one.
    _ = try entries(path, 2)
    _ = try server.ask("POST", "/v1/models/half_plus_two:predict", body: Array(#"{"instances":[1]}"#.utf8))
    let entries = try entries(path, 4)
    #expect(entries[0]["model_name"] as? String == "half_plus_two")
    #expect(entries[0]["model_version"] as? Int == 123)
    #expect(entries[0]["request_id"] as? String == "r\"1" && entries[2]["request_id"] == nil)
    #expect(entries.map { $0["id"] as? Int } == [1, 1, 2, 2])
    let times = try #require(entries[1]["timestamps"] as? [[String: Any]])
    let names = times.compactMap { $0["name"] as? String }
    #expect(names.prefix(3) == ["HTTP_RECV_START", "HTTP_RECV_END", "REQUEST_START"])
    #expect(names.suffix(3) == ["REQUEST_END", "HTTP_SEND_START", "HTTP_SEND_END"])
    let nanoseconds = times.compactMap { $0["ns"] as? Int }
    #expect(nanoseconds.count == names.count && nanoseconds == nanoseconds.sorted() && nanoseconds[0] > 0)
  }

  @Test func oneInSoManyIsTracedAsOftenAsIsAskedFor() throws {
    let server = try server()
    defer { server.stop() }
    _ = try set(server, #"{"trace_level":"TIMESTAMPS","trace_rate":3,"trace_count":2}"#)
    for _ in 0..<8 { try ask(server) }
    _ = try entries(path, 4)
    try settle(server)
    let after = try set(server, "{}")
    #expect(after["trace_count"] as? String == "0" && after["trace_level"] as? [String] == ["TIMESTAMPS"])
    try ask(server)
    try settle(server)
    _ = try set(server, #"{"trace_count":"-1","trace_rate":"1"}"#)
    try ask(server)
    _ = try entries(path, 6)
    let cleared = try set(server, #"{"trace_level":null,"trace_rate":null}"#)
    #expect(cleared["trace_level"] as? [String] == ["OFF"] && cleared["trace_rate"] as? String == "1000")
    try ask(server)
    _ = try entries(path, 6)
  }

  @Test func aModelMayHaveSettingsOfItsOwn() throws {
    let server = try server()
    defer { server.stop() }
    _ = try set(server, #"{"trace_level":["TIMESTAMPS"],"trace_rate":"1"}"#)
    let own = try set(server, #"{"trace_level":["OFF"]}"#, model: "half_plus_two")
    #expect(own["trace_level"] as? [String] == ["OFF"] && own["trace_rate"] as? String == "1")
    try ask(server)
    try settle(server)
    #expect(!FileManager.default.fileExists(atPath: path))
    _ = try set(server, #"{"trace_level":null}"#, model: "half_plus_two")
    try ask(server)
    _ = try entries(path, 2)
    _ = try set(server, #"{"trace_level":["OFF"]}"#)
    _ = try set(server, #"{"trace_level":["TIMESTAMPS"],"trace_count":"1"}"#, model: "half_plus_two")
    try ask(server)
    try ask(server)
    _ = try entries(path, 4)
  }

  @Test func tracesAreCutIntoFilesOfSoMany() throws {
    let server = try server()
    defer { server.stop() }
    _ = try set(server, #"{"trace_level":["TIMESTAMPS"],"trace_rate":"1","log_frequency":"2"}"#)
    for _ in 0..<5 { try ask(server) }
    _ = try entries(path + ".0", 4)
    _ = try entries(path + ".1", 4)
    #expect(try entries(path + ".2", 2).map { $0["id"] as? Int } == [5, 5])
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func tracingTurnsItselfOffWhenItHasWrittenEnough() throws {
    let server = try server(byteLimit: 1000)
    defer { server.stop() }
    _ = try set(server, #"{"trace_level":["TIMESTAMPS"],"trace_rate":"1"}"#)
    for _ in 0..<20 { try ask(server) }
    try settle(server)
    #expect(try set(server, "{}")["trace_level"] as? [String] == ["OFF"])
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
    #expect((1000..<2000).contains(try #require(size)))
    _ = try set(server, #"{"trace_level":["TIMESTAMPS"]}"#)
    try ask(server)
    #expect(try entries(path, 2).map { $0["id"] as? Int } == [1, 1])
  }

  @Test(arguments: [
    (#"{"trace_level":["TENSORS"]}"#, "expected OFF or TIMESTAMPS"),
    (#"{"trace_level":[]}"#, "an empty list"),
    (#"{"trace_level":1}"#, "trace_level"), (#"{"trace_rate":-1}"#, "trace_rate: expected an integer from 0"),
    (#"{"trace_count":"-2"}"#, "trace_count: expected an integer from -1"),
    (#"{"log_frequency":"1.5"}"#, "log_frequency"), (#"{"trace_file":"/etc/passwd"}"#, "--trace-file"),
    (#"{"trace_rate":"1","nope":1}"#, "nope: no such trace setting"),
  ])
  func whatCannotBeIsRefusedWhole(_ settings: String, _ words: String) throws {
    let server = try server()
    defer { server.stop() }
    let before = try server.ask("GET", "/v2/trace/setting").text
    let answer = try server.ask("POST", "/v2/trace/setting", body: Array(settings.utf8))
    #expect(answer.status == 400 && answer.text.contains(words), "\(answer.text)")
    #expect(try server.ask("GET", "/v2/trace/setting").text == before)
  }

  /// What a client reads it may send back.
  @Test func settingsAreTakenAsTheyAreTold() throws {
    let server = try server()
    defer { server.stop() }
    let told = try server.ask("GET", "/v2/trace/setting").text
    #expect(try server.ask("POST", "/v2/trace/setting", body: Array(told.utf8)).text == told)
  }
}
