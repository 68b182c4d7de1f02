import Glibc
import PluginHost
import Tensors

/// A request without JSON (`Inference-Header-Content-Length: 0`): the body is the bytes of the
/// model's one input, whose shape follows from their number.
enum RawRequest {
  static func read(
    _ body: UnsafeMutableRawBufferPointer, owner: AnyObject?, model: String, description: ModelDescription
  ) throws(APIFailure) -> InferRequest {
    guard description.inputs.count == 1 else {
      throw .badRequest(
        "Raw request must only have 1 input (found 1) to be deduced but got \(description.inputs.count) inputs "
          + "in '\(excerpt(model))' model configuration")
    }
    let input = description.inputs[0]
    let request = InferRequest()
    request.prefersBinaryOutputs = true
    if input.datatype == .bytes {
      request.inputs = [try bytesTensor(body, for: input)]
      return request
    }
    let shape = try shape(of: input, byteCount: body.count, isBatching: description.maximumBatch > 1)
    var blobs = BinaryInputs(rest: body, owner: owner)
    request.inputs = [
      try blobs.take(
        body.count, name: input.name, datatype: input.datatype, shape: shape, path: "the raw body",
        model: model)
    ]
    return request
  }

  /// The one element of a `[1]` input: the whole body, without a length.
  private static func bytesTensor(
    _ body: UnsafeMutableRawBufferPointer, for input: TensorSpec
  ) throws(APIFailure) -> Tensor {
    var shape = input.shape
    for axis in shape.indices where shape[axis] == Shape.anySize { shape[axis] = 1 }
    guard shape.elementCount == 1 else {
      throw .badRequest("For BYTE datatype raw input '\(input.name)', the model must have input shape [1]")
    }
    guard let payload = TensorMemory(byteCount: body.count),
      let tensor = TensorMemory(byteCount: Datatype.bytes.byteCount).map({
        Tensor(name: input.name, datatype: .bytes, shape: shape, memory: $0, payload: payload)
      })
    else { throw APIFailure(503, "no memory for the \(body.count) bytes of input '\(input.name)'") }
    if let start = body.baseAddress { memcpy(payload.base, start, body.count) }
    tensor.elements(as: BytesElement.self)[0] = BytesElement(
      data: UnsafePointer(payload.base.assumingMemoryBound(to: UInt8.self)), count: body.count)
    return tensor
  }

  /// The input's shape with its variable dimension filled in; the batch counts as 1 when another
  /// dimension varies too.
  private static func shape(
    of input: TensorSpec, byteCount: Int, isBatching: Bool
  ) throws(APIFailure) -> Shape {
    var shape = input.shape
    let variable = shape.indices.filter { shape[$0] == Shape.anySize }
    var open = variable
    if variable.count > 1, isBatching, variable[0] == 0 {
      shape[0] = 1
      open.removeFirst()
    }
    guard open.count <= 1 else {
      throw .badRequest(
        "The shape of the raw input '\(input.name)' can not be deduced because there are more than one "
          + "variable-sized dimension")
    }
    guard let axis = open.first else { return shape }
    shape[axis] = 1
    let (known, overflow) = (shape.elementCount ?? 0).multipliedReportingOverflow(
      by: input.datatype.byteCount)
    guard !overflow, known > 0, byteCount % known == 0 else {
      shape[axis] = Shape.anySize
      throw .badRequest(
        "The shape of the raw input '\(input.name)' can not be deduced: \(byteCount) bytes are no multiple of "
          + "the \(known) bytes that one step of \(shape) takes")
    }
    shape[axis] = byteCount / known
    return shape
  }
}
