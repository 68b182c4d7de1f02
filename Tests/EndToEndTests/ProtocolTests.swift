import Foundation
import TestSupport
import Testing

/// What needs a real plugin, or a flag of the command line.
@Suite struct ProtocolTests {
  @Test func aPluginsWordsComeAsEvents() throws {
    let server = try ServerProcess(models: ["models"])
    let answer = try server.post(
      "/v2/models/words/generate_stream", #"{"text_input":"to be or not","parameters":{"max_tokens":3}}"#)
    #expect(answer.status == 200)
    let events = answer.text.components(separatedBy: "\n").filter { $0.hasPrefix("data: ") }
    #expect(
      events
        == ["to ", "be ", "or "].map {
          #"data: {"model_name":"words","model_version":"1","text_output":"\#($0)"}"#
        })
    let one = try server.post("/v2/models/words/generate", #"{"text_input":"to be","max_tokens":1}"#)
    #expect(one.object["text_output"] as? String == "to ")
    let whole = try server.post(
      "/v2/models/words/infer",
      #"{"inputs":[{"name":"text_input","shape":[1],"datatype":"BYTES","data":["to be"]}]}"#)
    #expect(whole.status == 501, "\(whole.text)")
  }

  @Test func flagsSwitchSharedMemoryAndTritonsStatuses() throws {
    let plain = try ServerProcess(models: ["models"])
    #expect(try plain.get("/v2/systemsharedmemory/status").status == 501)
    #expect(try plain.post("/v2/models/half_plus_two/infer", "{").status == 400)
    let server = try ServerProcess(
      models: ["models"], arguments: ["--shared-memory", "--triton-status-codes"])
    #expect(try server.get("/v2/systemsharedmemory/status").text == "[]")
    #expect(try server.post("/v2/models/half_plus_two/infer", "{").status == 500)
  }
}
