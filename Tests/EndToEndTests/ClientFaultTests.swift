import Foundation
import TestSupport
import Testing

/// What clients do wrong, and that the server says what and goes on.
@Suite(.serialized) struct ClientFaultTests {
  let server: ServerProcess

  init() throws { server = try ServerProcess(models: ["models"]) }

  private func infer(_ body: String) throws -> HTTPResponse {
    try server.post("/v2/models/identity/infer", body)
  }

  @Test(arguments: [
    ("", "got the end of the text at offset 0"),
    ("{", "offset"),
    ("[1]", "object"),
    (#"{"inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"FP32","data":[1,"x"]}]}"#, "inputs[0].data[1]"),
    (#"{"inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"FP32","data":[1]}]}"#, "inputs[0]"),
    (#"{"inputs":[{"name":"INPUT0","shape":[1,-2],"datatype":"FP32","data":[1,2]}]}"#, "inputs[0].shape[1]"),
    (#"{"inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"FP99","data":[1,2]}]}"#, "inputs[0].datatype"),
    (#"{"inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"INT32","data":[1,2]}]}"#, "expects 'FP32'"),
    (
      #"{"inputs":[{"name":"INPUT0","shape":[2],"datatype":"FP32","data":[1,2]}]}"#,
      "Expected [-1,-1], got [2]"
    ),
    (#"{"inputs":[{"name":"nope","shape":[1,2],"datatype":"FP32","data":[1,2]}]}"#, "nope"),
    (#"{"inputs":[]}"#, "INPUT0"),
    (
      #"{"inputs":[{"name":"INPUT0","shape":[4294967296,4294967296],"datatype":"FP32","data":[1]}]}"#,
      "inputs[0]"
    ),
  ])
  func aBadRequestIs400AndNamesThePlace(_ body: String, _ place: String) throws {
    let response = try infer(body)
    #expect(response.status == 400, "\(response.text)")
    #expect(response.errorMessage.contains(place), "\(response.text)")
  }

  @Test(arguments: ["9223372036854775807,0", "0,9223372036854775807", "1000,0", "20000000,0"])
  func manyRowsWithoutElementsAreAnsweredAtOnce(_ shape: String) throws {
    let response = try infer(
      #"{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[\#(shape)],"data":[]}]}"#)
    #expect(response.status == (shape == "1000,0" ? 200 : 400), "\(response.text)")
  }

  @Test func aLimitThatIsSetHolds() throws {
    let server = try ServerProcess(
      models: ["models"], arguments: ["--max-json-depth", "8", "--max-header-fields", "4"])
    let deep = String(repeating: "[", count: 9) + String(repeating: "]", count: 9)
    let response = try server.post("/v2/models/identity/infer", #"{"x":\#(deep),"inputs":[]}"#)
    #expect(response.status == 400 && response.errorMessage.contains("8"), "\(response.text)")
    let fields = (0..<5).map { ("x-\($0)", "1") }
    #expect(try server.post("/v2/models/identity/infer", "{}", headers: fields).status == 431)
  }

  @Test func deepNestingIsRefused() throws {
    let response = try infer(String(repeating: "[", count: 100_000))
    #expect(response.status == 400)
    let data = #"{"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":"#
    #expect(try infer(data + String(repeating: "[", count: 100_000)).status == 400)
  }

  @Test func unknownModelsVersionsAndPathsAre404() throws {
    for path in [
      "/v2/models/nope", "/v2/models/nope/ready", "/v2/models/identity/versions/9", "/v1/models/nope",
      "/v2/x", "/nope",
    ] {
      let response = try server.get(path)
      #expect(response.status == 404, "\(path): \(response.status) \(response.text)")
      #expect(!response.errorMessage.isEmpty, "\(path)")
    }
    #expect(try server.post("/v2/models/nope/infer", "{}").status == 404)
    #expect(try server.post("/v1/models/nope:predict", #"{"instances":[1]}"#).status == 404)
  }

  @Test func aWrongMethodIs405AndSaysWhichAreAllowed() throws {
    let response = try server.get("/v2/models/identity/infer")
    #expect(response.status == 405)
    #expect(response.headers["allow"]?.contains("POST") == true)
    #expect(try server.post("/livez", "").status == 405)
  }

  @Test func aBodyOf100MegabytesIs413() throws {
    let client = try server.client()
    client.send("POST /v2/models/identity/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n")
    client.send(Data(count: 1 << 20))
    let response = try client.response()
    #expect(response.status == 413)
    #expect(response.errorMessage.contains("67108864"), "\(response.text)")
  }

  @Test func theServerStillServesAfterAllOfThat() throws {
    _ = try? infer(String(repeating: "{\"a\":", count: 10_000))
    let client = try server.client()
    client.send("GARBAGE\u{0}\r\n\r\n")
    #expect(try client.response().status == 400)
    let good = try infer(
      #"{"id":"7","inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"FP32","data":[1,2.5]}]}"#)
    #expect(good.status == 200)
    #expect(good.object["id"] as? String == "7")
    #expect((good.object["outputs"] as? [[String: Any]])?.first?["data"] as? [Double] == [1, 2.5])
  }
}
