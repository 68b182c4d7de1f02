import Foundation
import TestSupport
import Testing

@Suite struct RepositoryTests {
  /// A plugin that answers with `number`.
  static func constant(_ number: Int, at path: String) throws {
    let source = NSTemporaryDirectory() + "swerve-constant-\(UUID().uuidString).c"
    defer { try? FileManager.default.removeItem(atPath: source) }
    let text = try Checkout.text(of: "plugins/half_plus_two/half_plus_two.c").replacingOccurrences(
      of: "/ 2 + 2", with: "* 0 + \(number)")
    try text.write(toFile: source, atomically: true, encoding: .utf8)
    let built = try Command([
      "cc", "-shared", "-fPIC", "-I", "Sources/CSwervePlugin/include", source, "-o", path + ".new",
    ])
    #expect(built.status == 0, "\(built.error)")
    #expect(rename(path + ".new", path) == 0)
  }

  @Test func modelsAreLoadedAndUnloadedOverTheAPI() throws {
    let server = try ServerProcess(
      models: ["models"], arguments: ["--model-control", "explicit", "--load-model", "identity"])
    func post(_ path: String, _ body: String = "") throws -> HTTPResponse {
      try server.post("/v2/repository/" + path, body)
    }
    let request = #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[2]}]}"#
    #expect(
      try post("index", #"{"ready":true}"#).json as? [[String: String]] == [
        ["name": "identity", "version": "1", "state": "READY", "reason": ""]
      ])
    #expect(try server.post("/v2/models/half_plus_two/infer", request).status == 404)
    #expect(try post("models/half_plus_two/load").status == 200)
    #expect(try server.post("/v2/models/half_plus_two/infer", request).status == 200)
    #expect(try post("models/half_plus_two/unload").status == 200)
    let gone = try server.post("/v2/models/half_plus_two/infer", request)
    #expect(gone.status == 404 && gone.errorMessage.contains("has no available versions"), "\(gone.text)")
    #expect(try post("models/nope/load").status == 404)
    let model = try Data(contentsOf: URL(fileURLWithPath: Checkout.root + "/plugins/onnx/example/model.onnx"))
    let sent =
      #"{"parameters":{"config":"{\"backend\":\"onnxruntime\"}","file:5/model.onnx":"\#(model.base64EncodedString())"}}"#
    let loaded = try post("models/sent/load", sent)
    #expect(loaded.status == 200, "\(loaded.text)")
    let example = try Checkout.text(of: "plugins/onnx/example/request.json")
    let answer = try server.post("/v2/models/sent/infer", example)
    #expect(answer.status == 200 && answer.object["model_version"] as? String == "5", "\(answer.text)")
  }

  @Test func whilePollingTheAPIOnlyLooks() throws {
    let server = try ServerProcess(models: ["models"])
    let refused = try server.post("/v2/repository/models/identity/unload", "")
    #expect(refused.status == 503)
    #expect(
      refused.errorMessage.hasPrefix("explicit model load / unload is not allowed if polling is enabled"))
    #expect((try server.post("/v2/repository/index", "").json as? [Any])?.count == 4)
  }

  @Test func aChangeIsNoticedLongBeforeTheNextLook() throws {
    let folder = try TemporaryFolder()
    try folder.copy("models/half_plus_two", to: "a")
    let server = try ServerProcess(models: [folder.path], arguments: ["--poll-seconds", "600"])
    try folder.copy("models/half_plus_two", to: "b")
    #expect(try server.waits { try server.get("/v2/models/b/ready").status == 200 }, "\(server.log)")
    try FileManager.default.removeItem(atPath: folder.path + "/a")
    #expect(try server.waits { try server.get("/v2/models/a").status == 404 })
  }

  @Test func aFolderThatIsBeingCopiedIsNotLoaded() throws {
    let folder = try TemporaryFolder()
    let server = try ServerProcess(models: [folder.path], arguments: ["--poll-seconds", "0.1"])
    try folder.copy("models/half_plus_two", to: "m")
    try folder.write("m/1/.weights.Ab12Cd", "half of it")
    let client = try server.client()
    for _ in 0..<10 {
      usleep(100_000)
      #expect(try client.get("/v2/models/m").status == 404)
    }
    #expect(rename(folder.path + "/m/1/.weights.Ab12Cd", folder.path + "/m/1/weights") == 0)
    #expect(try server.waits { try server.get("/v2/models/m/ready").status == 200 })
  }

  @Test func aReplacedModelAnswersAnewAtOnce() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.path + "/m/1", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: folder.path + "/built", withIntermediateDirectories: true)
    let path = folder.path + "/m/1/plugin.so"
    try Self.constant(1, at: path)
    let server = try ServerProcess(
      models: [folder.path], arguments: ["--model-control", "explicit", "--load-model", "m"])
    let client = try server.client(timeoutSeconds: 120)
    for update in 0..<6 {
      let number = update % 2 + 1
      try Self.constant(number, at: path)
      let load = try server.post("/v2/repository/models/m/load", "")
      #expect(load.status == 200, "\(load.text)")
      let answer = try client.post("/v1/models/m:predict", #"{"instances":[1.0,2.0]}"#)
      #expect(
        answer.object["predictions"] as? [Double] == [Double(number), Double(number)], "\(answer.text)")
    }
  }

  @Test func keysAreAskedForAndRenewed() throws {
    let folder = try TemporaryFolder()
    let keys = try folder.write("keys", "ops admin,read 0123456789abcdef\n")
    let server = try ServerProcess(models: ["models"], arguments: ["--api-keys", keys])
    let client = try server.client()
    #expect(try client.get("/v2").status == 401)
    #expect(try client.get("/readyz").status == 200)
    func status(_ key: String) throws -> Int {
      try client.request("GET", "/v2", headers: [("X-API-Key", key)]).status
    }
    #expect(try status("0123456789abcdef") == 200)
    try folder.write("keys", "ops admin,read fedcba9876543210\n")
    kill(server.process.processIdentifier, SIGHUP)
    #expect(try server.waits(seconds: 5) { try status("fedcba9876543210") == 200 }, "\(server.log)")
    #expect(try status("0123456789abcdef") == 401)
    try folder.write("keys", "nonsense\n")
    kill(server.process.processIdentifier, SIGHUP)
    let isSaid = server.waits { server.log.contains("API keys stay as they were") }
    #expect(isSaid)
    #expect(try status("fedcba9876543210") == 200)
  }
}
