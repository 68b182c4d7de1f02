import PluginHost
import Tensors
import Testing

@testable import Serving

@Test func aSplitRequestIsGatheredInOrderWhateverOrderPartsEnd() throws {
  let recorder = Recorder()
  let whole = InferenceRequest(
    id: "7", inputs: [floats([5, 2], (0..<10).map(Float.init))], receiver: recorder)
  let parts = whole.split(maximumRows: 2)
  #expect(parts.map(\.rows) == [2, 2, 1])
  for part in parts.reversed() {
    part.finish(
      status: .ok, message: "", outputs: part.inputs.map { floats($0.shape, values($0), name: "y") })
  }
  let outputs = try #require(try recorder.answer()?.get())
  #expect(outputs[0].shape == [5, 2])
  #expect(values(outputs[0]) == (0..<10).map(Float.init))
}

@Test func aFailedPartFailsTheWholeOnce() {
  let recorder = Recorder()
  let parts = InferenceRequest(id: "", inputs: [floats([4, 1], [1, 2, 3, 4])], receiver: recorder).split(
    maximumRows: 1)
  for (index, part) in parts.enumerated() {
    part.finish(
      status: index == 1 ? .invalidArgument : .ok, message: "row 1 is bad",
      outputs: index == 1 ? [] : part.inputs)
  }
  #expect(recorder.error?.message == "row 1 is bad")
  #expect(recorder.count == 1)
}

@Test func cancellingTheWholeCancelsEachPart() {
  let whole = InferenceRequest(id: "", inputs: [floats([4, 1], [1, 2, 3, 4])], receiver: Recorder())
  let early = whole.split(maximumRows: 2)
  whole.cancel()
  #expect(early.map(\.isCancelled) == [true, true])
  #expect(whole.split(maximumRows: 2).map(\.isCancelled) == [true, true])
}

@Test func stackedBytesKeepTheirPayload() throws {
  func text(_ strings: [String]) -> Tensor {
    let payload = TensorMemory(byteCount: strings.reduce(0) { $0 + $1.utf8.count })!
    let memory = TensorMemory(byteCount: strings.count * 16)!
    var offset = 0
    for (index, string) in strings.enumerated() {
      let start = payload.base + offset
      start.copyMemory(from: Array(string.utf8), byteCount: string.utf8.count)
      memory.base.assumingMemoryBound(to: BytesElement.self)[index] = BytesElement(
        data: UnsafePointer(start.assumingMemoryBound(to: UInt8.self)), count: string.utf8.count)
      offset += string.utf8.count
    }
    return Tensor(name: "s", datatype: .bytes, shape: [strings.count], memory: memory, payload: payload)
  }
  let whole = try #require(BatchAssembly.concatenate([text(["ab", ""]), text(["cde"])]))
  #expect(whole.shape == [3])
  #expect(
    whole.elements(as: BytesElement.self).map { String(decoding: $0.bytes, as: UTF8.self) } == [
      "ab", "", "cde",
    ])
}
