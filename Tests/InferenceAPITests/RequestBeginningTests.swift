import JSON
import Tensors
import Testing

@testable import InferenceAPI

/// What a request says, or how it is refused.
private func outcome(_ text: String, _ beginning: RequestBeginning?) -> String {
  withBytes(of: text) { bytes in
    var reader = InferRequestReader(
      text: UnsafeRawBufferPointer(bytes), blobs: .none, model: "m", limits: APILimits(), beginning: beginning
    )
    do throws(APIFailure) {
      let request = try reader.read()
      let inputs = request.inputs.map { input in
        "\(input.name) \(input.datatype) \(input.shape) "
          + "\(Array(UnsafeRawBufferPointer(start: input.data, count: input.byteCount)))"
      }
      return "\(request.id ?? "-") \(request.parameters) \(inputs) \(request.outputs.map(\.name))"
    } catch {
      return "\(error.status) \(error.message)"
    }
  }
}

private let start = #"{"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": "#

@Suite struct RequestBeginningTests {
  /// All begin as the first does.
  static let texts: [String] = [
    start + "[1, 2]}]}", start + "[3.5, -4]}]}", start + "[[3.5, -4]]}], \"id\": \"7\"}",
    start + "[1, 2], \"parameters\": {\"p\": 1}}], \"parameters\": {\"q\": true}}",
    start
      + #"[1, 2]}, {"name": "y", "shape": [1], "datatype": "INT8", "data": [9]}], "outputs": [{"name": "z"}]}"#,
    start + #"[1, 2], "name": "again"}]}"#, start + #"[1, 2]}], "inputs": []}"#, start + "[1]}]}",
    start + "[1, 2, 3]}]}", start + "[1, \"2\"]}]}", start + "[1, 2}]}", start + "[1, 2]]}",
    start + "[1, 2]}",
    start + "[1, 2]}]} x", start + "[1, 2]}, ]}", start + "", start + "null}]}", start + "]}]}",
    start + #"[1, 2], "parameters": {"binary_data_size": 8}}]}"#,
  ]

  @Test(arguments: texts) func aKnownBeginningChangesNothing(_ text: String) {
    let beginning = RequestBeginning()
    #expect(outcome(Self.texts[0], beginning) == outcome(Self.texts[0], nil))
    #expect(withBytes(of: text) { beginning.find(in: UnsafeRawBufferPointer($0)) != nil })
    #expect(outcome(text, beginning) == outcome(text, nil))
    #expect(outcome(text, beginning) == outcome(text, nil))
  }

  @Test func whatComesBeforeTheInputsIsNeverKept() {
    for text in [
      #"{"id": "a", "inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}]}"#,
      #"{"parameters": {}, "inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}]}"#,
      #"{"inputs": [{"name": "x", "shape": [1], "data": [1], "datatype": "FP32"}]}"#,
    ] {
      let beginning = RequestBeginning()
      #expect(outcome(text, beginning) == outcome(text, nil))
      #expect(withBytes(of: text) { beginning.find(in: UnsafeRawBufferPointer($0)) } == nil)
    }
  }

  @Test func anotherBeginningIsKeptOnceItHasComeOftenEnough() {
    let beginning = RequestBeginning()
    let other = start.replacing("\"x\"", with: "\"other\"") + "[1, 2]}]}"
    _ = outcome(Self.texts[0], beginning)
    for _ in 0..<16 { #expect(outcome(other, beginning) == outcome(other, nil)) }
    #expect(withBytes(of: other) { beginning.find(in: UnsafeRawBufferPointer($0)) != nil })
    #expect(outcome(Self.texts[1], beginning) == outcome(Self.texts[1], nil))
  }
}
