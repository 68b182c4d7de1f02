import Foundation
import TestSupport
import Testing

@Suite struct LifecycleTests {
  @Test func itListensBeforeModelsAreLoadedAndEndsCleanlyOnSIGTERM() throws {
    let server = try ServerProcess(models: ["models"], untilReady: false)
    #expect(try server.get("/livez").status == 200)
    #expect(try server.waits { try server.get("/readyz").status == 200 })
    server.process.terminate()
    server.process.waitUntilExit()
    #expect(server.process.terminationReason == .exit)
    #expect(server.process.terminationStatus == 0, "\(server.log)")
  }

  @Test func aModelThatAppearsIsServedAndOneThatGoesIsNot() throws {
    let folder = try TemporaryFolder()
    let server = try ServerProcess(models: [folder.path], arguments: ["--poll-seconds", "0.1"])
    #expect(try server.get("/v2/models/late").status == 404)
    try folder.copy("models/half_plus_two", to: "late")
    #expect(try server.waits { try server.get("/v2/models/late/ready").status == 200 })
    let answer = try server.post("/v1/models/late:predict", #"{"inputs":[1.0]}"#)
    #expect(answer.object["outputs"] as? [Double] == [2.5])
    try FileManager.default.removeItem(atPath: folder.path + "/late")
    #expect(try server.waits { try server.get("/v2/models/late").status == 404 })
  }

  @Test func aNewVersionReplacesTheOldWithoutAFailedRequest() throws {
    let folder = try TemporaryFolder()
    try folder.copy("models/half_plus_two", to: "m")
    let server = try ServerProcess(models: [folder.path], arguments: ["--poll-seconds", "0.1"])
    try folder.write("m/2/README.md", "the second version")
    let client = try server.client()
    var versions: [String] = []
    let isReplaced = try server.waits {
      let answer = try client.post(
        "/v2/models/m/infer", #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[2]}]}"#)
      #expect(answer.status == 200, "\(answer.text)")
      versions.append(answer.object["model_version"] as? String ?? "")
      return versions.last == "2"
    }
    #expect(isReplaced)
    #expect(versions.first == "1")
    #expect(try server.waits { try server.get("/v2/models/m/versions/1").status == 404 })
  }

  @Test func aPortInUseIsSaidAndEndsTheProcess() throws {
    let first = try ServerProcess(models: ["models"], untilReady: false)
    let second = try Command([
      Checkout.products + "/swerve", "serve", "--models", "models", "--port", String(first.port),
    ])
    #expect(second.status != 0)
    #expect(second.error.contains(String(first.port)), "\(second.error)")
  }

  @Test func aMissingRepositoryIsSaidAtOnce() throws {
    let run = try Command([
      Checkout.products + "/swerve", "serve", "--models", "/no/such/folder", "--port", "0",
    ])
    #expect(run.status != 0)
    #expect(run.error.contains("/no/such/folder"), "\(run.error)")
  }
}
