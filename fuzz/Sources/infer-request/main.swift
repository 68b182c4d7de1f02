import FuzzDriver
import Glibc
import PluginHost
import Tensors

@testable import InferenceAPI

/// A body in memory whose start lies as far from an aligned address as is asked for.
final class Body {
  private let memory: UnsafeMutableRawPointer
  let bytes: UnsafeMutableRawBufferPointer

  init(_ content: UnsafeRawBufferPointer, misalignedBy offset: Int) {
    memory = .allocate(byteCount: content.count + offset, alignment: TensorMemory.alignment)
    bytes = UnsafeMutableRawBufferPointer(start: memory + offset, count: content.count)
    bytes.copyMemory(from: content)
  }

  deinit { memory.deallocate() }
}

/// A request and a copy of its tensors' contents, or the status of its refusal.
enum Outcome: Equatable {
  case request(names: [String], shapes: [[Int]], contents: [[[UInt8]]], outputs: [String])
  case refused(Int, String)
}

func contents(_ tensor: Tensor) -> [[UInt8]] {
  guard tensor.datatype == .bytes else {
    return [Array(UnsafeRawBufferPointer(start: tensor.data, count: tensor.byteCount))]
  }
  return withExtendedLifetime(tensor) { tensor.elements(as: BytesElement.self).map { Array($0.bytes) } }
}

func outcome(_ read: () throws(APIFailure) -> InferRequest) -> Outcome {
  let request: InferRequest
  do throws(APIFailure) { request = try read() } catch {
    precondition((400..<500).contains(error.status) || error.status == 503, "\(error)")
    precondition(!error.message.isEmpty, "a refusal without words")
    return .refused(error.status, error.message)
  }
  for tensor in request.inputs {
    precondition(tensor.shape.elementCount.map { $0 * tensor.datatype.byteCount } == tensor.byteCount)
    precondition(tensor.shape.allSatisfy { $0 >= 0 })
  }
  return .request(
    names: request.inputs.map(\.name), shapes: request.inputs.map { Array($0.shape) },
    contents: request.inputs.map(contents), outputs: request.outputs.map(\.name))
}

/// Reads a body whose first `head` bytes are JSON and whose others are binary tensors.
func readSplit(_ body: Body, head: Int, isView: Bool) -> Outcome {
  outcome { () throws(APIFailure) in
    let rest = UnsafeMutableRawBufferPointer(rebasing: body.bytes[head...])
    var reader = InferRequestReader(
      text: UnsafeRawBufferPointer(rebasing: body.bytes[..<head]),
      blobs: BinaryInputs(rest: rest, owner: isView ? body : nil), model: "m", limits: APILimits())
    return try reader.read()
  }
}

func readJSON(_ body: Body, _ beginning: RequestBeginning? = nil) -> Outcome {
  outcome { () throws(APIFailure) in
    var reader = InferRequestReader(
      text: UnsafeRawBufferPointer(body.bytes), blobs: .none, model: "m", limits: APILimits(),
      beginning: beginning)
    return try reader.read()
  }
}

/// What all the inputs of this process have taught.
let beginning = RequestBeginning()

func readRaw(_ body: Body, _ datatype: Datatype, isView: Bool) -> Outcome {
  let input = TensorSpec(name: "x", datatype: datatype, shape: [-1, 2])
  let description = ModelDescription(inputs: [input], outputs: [], maximumBatch: 8, concurrency: .serial)
  return outcome { () throws(APIFailure) in
    try RawRequest.read(body.bytes, owner: isView ? body : nil, model: "m", description: description)
  }
}

/// A tensor that is a view of the body must say the same as one that was copied out of it.
func compare(_ content: UnsafeRawBufferPointer, head: Int, _ datatype: Datatype) {
  let aligned = Body(
    content, misalignedBy: (TensorMemory.alignment - head % TensorMemory.alignment) % TensorMemory.alignment)
  let other = Body(content, misalignedBy: (65 - head % TensorMemory.alignment) % TensorMemory.alignment)
  let split = readSplit(aligned, head: head, isView: true)
  precondition(split == readSplit(other, head: head, isView: true), "alignment changes the request")
  precondition(split == readSplit(other, head: head, isView: false), "copying changes the request")
  precondition(readJSON(aligned) == readJSON(other), "alignment changes the request")
  precondition(readJSON(aligned) == readJSON(other, beginning), "what came before changes the request")
  let own = RequestBeginning()
  precondition(readJSON(other, own) == readJSON(aligned, own), "a known beginning changes the request")
  precondition(readRaw(aligned, datatype, isView: true) == readRaw(other, datatype, isView: false))
}

/// The first byte chooses the datatype of a raw body; the next two say how long the JSON part is.
exit(
  fuzz { input in
    guard input.count >= 3 else { return }
    let content = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(input)[3...])
    let datatype = Datatype.allCases[Int(input[0]) % Datatype.allCases.count]
    let head = min(content.count, Int(input[1]) | Int(input[2]) << 8)
    compare(content, head: head, datatype)
  })
