import Foundation
import Serving
import Testing

@testable import InferenceAPI

private let secret = "0123456789abcdef"

private func access(_ lines: String...) throws -> AccessControl {
  AccessControl(keys: try KeyRing(text: lines.joined(separator: "\n")))
}

@Test func keysAreReadWithTheirScopes() throws {
  let ring = try KeyRing(text: "# keys\n\nci infer,read \(secret)\nops\tadmin\t\(secret)X\n")
  #expect(ring.keys.map(\.name) == ["ci", "ops"])
  #expect(ring.keys[0].scopes == [.infer, .read] && ring.keys[1].scopes == [.admin])
}

@Test(arguments: [
  ("", "holds no key"), ("ci infer", "line 1: expected NAME SCOPES KEY"),
  ("\nci infer,write 0123456789abcdef", "line 2: 'write' is no scope; there are infer, read, admin"),
  ("ci infer short", "has 5 characters; expected 16 to 256"),
])
func aKeyFileThatIsWrongSaysWhere(_ text: String, _ expected: String) {
  let fault = #expect(throws: KeyRing.Fault.self) { try KeyRing(text: text) }
  #expect(fault?.description.contains(expected) == true, "\(fault?.description ?? "")")
}

@Test func onlyTheWholeKeyIsTheKey() throws {
  let ring = try KeyRing(text: "ci infer \(secret)")
  func scopes(_ text: String) -> Set<Scope>? {
    Array(text.utf8).withUnsafeBufferPointer { ring.scopes(of: $0) }
  }
  #expect(scopes(secret) == [.infer])
  for wrong in [
    "", "0", "0123456789abcde", "0123456789abcdeg", "x123456789abcdef", secret + "0", secret + secret,
  ] {
    #expect(scopes(wrong) == nil, "\(wrong)")
  }
}

@Test func withKeysEachRouteNeedsItsScope() throws {
  let access = try access("ci infer \(secret)1", "look read \(secret)2")
  let server = try TestServer(FakeModels.catalog, access: access)
  defer { server.stop() }
  let body = Array(#"{"instances":[1.0]}"#.utf8)
  func predict(_ headers: [String]) throws -> Int {
    try server.ask("POST", "/v1/models/half_plus_two:predict", headers: headers, body: body).status
  }
  #expect(try predict([]) == 401)
  #expect(try predict(["Authorization: Bearer \(secret)1"]) == 200)
  #expect(try predict(["authorization: bearer \(secret)1"]) == 200)
  #expect(try predict(["X-API-Key: \(secret)1"]) == 200)
  #expect(try predict(["X-API-Key: \(secret)2"]) == 403)
  #expect(try predict(["X-API-Key: \(secret)3"]) == 401)
  #expect(try predict(["Authorization: Basic \(secret)1"]) == 401)
  #expect(try server.ask("GET", "/v2", headers: ["X-API-Key: \(secret)2"]).status == 200)
  #expect(try server.ask("GET", "/v2", headers: ["X-API-Key: \(secret)1"]).status == 403)
  let admin = "/admin/models/half_plus_two/batching"
  #expect(try server.ask("GET", admin, headers: ["X-API-Key: \(secret)2"]).status == 403)
  let statistics = "/v2/models/half_plus_two/stats"
  #expect(try server.ask("GET", statistics, headers: ["X-API-Key: \(secret)2"]).status == 200)
  let refused = try server.ask("GET", "/metrics")
  #expect(refused.status == 401 && refused.text.contains("Authorization: Bearer KEY"))
  #expect(refused.headers.contains { $0.hasPrefix("WWW-Authenticate: Bearer") })
  for probe in ["/livez", "/readyz", "/healthz", "/v2/health/live", "/v2/health/ready"] {
    #expect(try server.ask("GET", probe).status != 401)
  }
  access.replace(try KeyRing(text: "new infer \(secret)9"))
  #expect(try predict(["X-API-Key: \(secret)1"]) == 401)
  #expect(try predict(["X-API-Key: \(secret)9"]) == 200)
}

@Test func theServersMachineMayChangeModelsWithoutAKeyAndNoPageOfTheWebMay() throws {
  let control = FakeControl()
  let local = try TestServer(FakeModels.catalog, repository: control)
  defer { local.stop() }
  let path = "/v2/repository/models/m/unload"
  #expect(try local.ask("POST", path).status == 200)
  #expect(try local.ask("POST", path, headers: ["Origin: http://localhost:8080"]).status == 200)
  #expect(try local.ask("POST", path, headers: ["Origin: https://example.org"]).status == 403)
  #expect(try local.ask("POST", path, headers: ["Origin: http://localhost.example.org"]).status == 403)
  #expect(try local.ask("POST", path, headers: ["Origin: null"]).status == 403)
  let open = try TestServer(
    FakeModels.catalog, repository: control, access: AccessControl(isLocal: false))
  defer { open.stop() }
  let refused = try open.ask("POST", path)
  #expect(refused.status == 403 && refused.text.contains("--api-keys"))
  #expect(try open.ask("GET", "/admin/models/half_plus_two/batching").status == 403)
  #expect(try open.ask("POST", "/v2/repository/index").status == 200)
}

@Test(arguments: [
  ("/v2/logging", #"{"log_verbose_level":1}"#), ("/v2/trace/setting", #"{"trace_level":["OFF"]}"#),
  ("/v2/models/half_plus_two/trace/setting", #"{"trace_rate":"1000"}"#),
])
func settingsAreReadByAllAndChangedFromTheServersMachineOrWithAnAdminKey(
  _ path: String, _ body: String
) throws {
  let body = Array(body.utf8)
  let local = try TestServer(FakeModels.catalog)
  defer { local.stop() }
  #expect(try local.ask("POST", path, body: body).status == 200)
  #expect(try local.ask("POST", path, headers: ["Origin: https://example.org"], body: body).status == 403)
  let open = try TestServer(FakeModels.catalog, access: AccessControl(isLocal: false))
  defer { open.stop() }
  #expect(try open.ask("GET", path).status == 200)
  let refused = try open.ask("POST", path, body: body)
  #expect(refused.status == 403 && refused.text.contains("--api-keys"), "\(refused.text)")
  let keyed = try TestServer(
    FakeModels.catalog, access: try access("look read \(secret)2", "ops admin \(secret)3"))
  defer { keyed.stop() }
  #expect(try keyed.ask("GET", path, headers: ["X-API-Key: \(secret)2"]).status == 200)
  #expect(try keyed.ask("POST", path, headers: ["X-API-Key: \(secret)2"], body: body).status == 403)
  #expect(try keyed.ask("POST", path, headers: ["X-API-Key: \(secret)3"], body: body).status == 200)
}

@Test(arguments: [
  "/v2/models/m/generate", "/v2/models/m/generate_stream", "/v1/models/m:classify", "/v1/models/m:regress",
  "/v1/models/m:explain", "/v2/systemsharedmemory/region/r/register", "/v2/cudasharedmemory/unregister",
])
func whatExecutesOrFeedsAModelNeedsTheScopeInfer(_ path: String) throws {
  let server = try TestServer(
    FakeModels.catalog, access: try access("ci infer \(secret)1", "look read,admin \(secret)2"))
  defer { server.stop() }
  #expect(try server.ask("POST", path).status == 401)
  #expect(try server.ask("POST", path, headers: ["X-API-Key: \(secret)2"]).status == 403)
  #expect(![401, 403].contains(try server.ask("POST", path, headers: ["X-API-Key: \(secret)1"]).status))
}
