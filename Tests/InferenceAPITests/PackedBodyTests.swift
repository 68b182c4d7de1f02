import Foundation
import TestSupport
import Testing

@testable import InferenceAPI

private let path = "/v2/models/identity_fp32/infer"
private let values = (0..<2_000).map { Float($0 % 50) / 4 }
private let valueBytes = values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
private let json = Array(
  (#"{"inputs":[{"name":"INPUT0","shape":[2000],"datatype":"FP32","data":["#
    + values.map { "\($0)" }.joined(separator: ",") + "]}]}").utf8)
private let binaryJSON = Array(
  (#"{"inputs":[{"name":"INPUT0","shape":[2000],"datatype":"FP32","parameters":{"binary_data_size":8000}}],"#
    + #""parameters":{"binary_data_output":true}}"#).utf8)

private func value(of name: String, in headers: [String]) -> String? {
  headers.first { $0.hasPrefix(name + ": ") }.map { String($0.dropFirst(name.count + 2)) }
}

/// Inference with packed bodies, through sockets.
@Suite(.serialized) final class PackedBodyTests {
  private let server: TestServer

  init() throws { server = try TestServer(FakeModels.catalog) }

  deinit { server.stop() }

  @Test(arguments: ["gzip", "deflate"]) func packedJSONIsAnsweredAsJSONIs(_ coding: String) throws {
    let plain = try server.ask("POST", path, body: json)
    let packed = try server.ask(
      "POST", path, headers: ["Content-Encoding: \(coding)", "Accept-Encoding: \(coding)"],
      body: coding == "gzip" ? Packed.gzip(json) : Packed.zlib(json))
    #expect(plain.status == 200)
    #expect(packed.status == 200)
    #expect(value(of: "Content-Encoding", in: packed.headers) == coding)
    #expect(try Packed.unpack(packed.body, coding: coding) == plain.body)
  }

  @Test(arguments: ["gzip", "deflate"])
  func theLengthOfTheJSONIsThatBeforePacking(_ coding: String) throws {
    let whole = binaryJSON + valueBytes
    let length = "Inference-Header-Content-Length: \(binaryJSON.count)"
    let plain = try server.ask("POST", path, headers: [length], body: whole)
    let packed = try server.ask(
      "POST", path, headers: [length, "Content-Encoding: \(coding)", "Accept-Encoding: \(coding)"],
      body: coding == "gzip" ? Packed.gzip(whole) : Packed.raw(whole))
    #expect(plain.status == 200)
    #expect(plain.body.suffix(8_000) == valueBytes[...])
    #expect(packed.status == 200)
    let name = "Inference-Header-Content-Length"
    #expect(value(of: name, in: packed.headers) == value(of: name, in: plain.headers))
    #expect(value(of: name, in: plain.headers) == "\(plain.body.count - 8_000)")
    #expect(try Packed.unpack(packed.body, coding: coding) == plain.body)
  }

  @Test func aPackedRawTensorIsOne() throws {
    let answer = try server.ask(
      "POST", path, headers: ["Inference-Header-Content-Length: 0", "Content-Encoding: gzip"],
      body: Packed.gzip(valueBytes))
    #expect(answer.status == 200)
    #expect(answer.body.suffix(8_000) == valueBytes[...])
  }

  @Test func aBombIs413() throws {
    let zeros = Packed.gzip([UInt8](repeating: 0, count: 2 << 20))
    let answer = try server.ask("POST", path, headers: ["Content-Encoding: gzip"], body: zeros)
    #expect(answer.status == 413)
    #expect(answer.text.contains("larger than the limit of 1048576 bytes"))
  }

  @Test func predictTakesPackedBodies() throws {
    let answer = try server.ask(
      "POST", "/v1/models/half_plus_two:predict", headers: ["Content-Encoding: deflate"],
      body: Packed.zlib(Array(#"{"instances":[1,2,5]}"#.utf8)))
    #expect(answer.status == 200)
    #expect(answer.text.filter { !$0.isWhitespace } == #"{"predictions":[2.5,3.0,4.5]}"#)
  }
}
