internal import CSwervePlugin
internal import Glibc
internal import Tensors

func makeModelsTable() -> swerve_models {
  var table = swerve_models()
  table.struct_size = MemoryLayout<swerve_models>.size
  table.run = { host, batch, call, outputs, count, error in
    guard let binding = HostBinding.behind(host) else { return swerve_status(SWERVE_INVALID_ARGUMENT) }
    guard let batch, let call, let outputs, let count else {
      binding.report(.nullArgument, "models/1 run was called with NULL")
      return swerve_status(SWERVE_INVALID_ARGUMENT)
    }
    do throws(PluginError) {
      let answer = try run(adopt(call, as: swerve_call.self), of: batch.pointee.token, through: binding)
      outputs.pointee = answer.tensors
      count.pointee = UInt32(answer.count)
      return swerve_status(SWERVE_OK)
    } catch let failure {
      outputs.pointee = nil
      count.pointee = 0
      if let error { write(failure.message, to: &error.pointee) }
      return failure.status.rawValue
    }
  }
  return table
}

private func run(
  _ call: swerve_call, of token: UInt64, through binding: HostBinding
) throws(PluginError) -> CallAnswer {
  guard let execution = BatchExecution.find(token: token),
    let origin = execution.origin(token: token, request: UInt(bitPattern: call.request))
  else {
    let message = "models/1 run was called with a batch or a request that is finished, or never was"
    binding.report(.deadBatch, message)
    throw PluginError(status: .invalidArgument, message: message)
  }
  guard let model = call.model, call.version >= 0,
    call.parameters.map({ strnlen($0, parameterLimit) }) ?? 0 < parameterLimit
  else {
    throw PluginError(
      status: .invalidArgument,
      message:
        "a call names no model, or version \(call.version), or has parameters of \(parameterLimit) bytes or more"
    )
  }
  let request = ModelCall(
    caller: binding.names.model, model: text(model, limit: 256), version: Int(call.version),
    inputs: try CallInputs(limit: binding.services.tensorLimit).read(call),
    parameters: call.parameters.map { String(cString: $0) } ?? "{}", id: origin.id, deadline: origin.deadline,
    isCancelled: { origin.isCancelled })
  let outputs = try execution.run(request, token: token, index: origin.index, binding.services.models)
  guard let answer = execution.keep(CallAnswer(outputs), token: token) else {
    throw PluginError(status: .cancelled, message: "the batch has ended while the call ran")
  }
  return answer
}

private let parameterLimit = 1 << 20

private func write(_ message: String, to error: inout swerve_error) {
  withUnsafeMutableBytes(of: &error.message) { target in
    var length = 0
    for scalar in message.unicodeScalars {
      let bytes = UTF8.encode(scalar)!
      guard scalar != "\0", length + bytes.count < target.count else { break }
      for byte in bytes {
        target[length] = byte
        length += 1
      }
    }
    target[length] = 0
  }
}

/// The inputs of a call, as the server has them: where the plugin has them if that will do.
private struct CallInputs {
  /// Keeps memory that is the plugin's for the time of the call.
  private final class Caller: Sendable {}

  let limit: Int

  func read(_ call: swerve_call) throws(PluginError) -> [Tensor] {
    guard call.input_count <= 1024, call.inputs != nil || call.input_count == 0 else {
      throw refusal("a call has \(call.input_count) inputs at \(call.inputs == nil ? "NULL" : "an address")")
    }
    var tensors: [Tensor] = []
    for index in 0..<Int(call.input_count) { tensors.append(try tensor(call.inputs[index])) }
    return tensors
  }

  private func tensor(_ source: swerve_tensor) throws(PluginError) -> Tensor {
    guard let name = wellFormedText(source.name, limit: 256), let datatype = Datatype(rawValue: source.dtype),
      source.rank <= SWERVE_MAX_RANK, source.memory_kind == SWERVE_HOST_MEMORY
    else {
      throw refusal(
        "input \"\(excerpt(source.name))\" of a call is \(datatypeName(source.dtype)) of rank \(source.rank) in memory "
          + "kind \(source.memory_kind)")
    }
    var dims = source.dims
    let shape = withUnsafeBytes(of: &dims) { dims in
      Shape((0..<Int(source.rank)).map { Int(dims.load(fromByteOffset: $0 * 8, as: Int64.self)) })
    }
    guard shape.allSatisfy({ $0 >= 0 }), let elements = shape.elementCount,
      elements <= limit / datatype.byteCount, source.byte_size == elements * datatype.byteCount,
      source.data != nil || elements == 0
    else {
      throw refusal(
        "input \"\(name)\" of a call has shape \(shape) and \(source.byte_size) bytes at "
          + (source.data == nil ? "NULL" : "an address"))
    }
    guard let data = source.data, datatype != .bytes,
      UInt(bitPattern: data) % UInt(TensorMemory.alignment) == 0
    else { return try copy(source, name, datatype, shape) }
    return Tensor(
      name: name, datatype: datatype, shape: shape,
      memory: TensorMemory(viewing: data, byteCount: source.byte_size, owner: Caller()))
  }

  private func copy(
    _ source: swerve_tensor, _ name: String, _ datatype: Datatype, _ shape: Shape
  ) throws(PluginError) -> Tensor {
    guard let data = source.data else {
      if let empty = Tensor(name: name, datatype: datatype, shape: shape) { return empty }
      throw refusal("input \"\(name)\" of a call has the shape \(shape)")
    }
    guard let copy = TensorCopy.copy(data, name: name, datatype: datatype, shape: shape, limit: limit) else {
      throw PluginError(
        status: .outOfMemory,
        message: "input \"\(name)\" of a call has an element without bytes, or more than can be copied")
    }
    return copy
  }

  private func refusal(_ message: String) -> PluginError {
    PluginError(status: .invalidArgument, message: message)
  }
}

/// What a called model answered, as the plugin gets it.
///
/// Unchecked: written in init only.
final class CallAnswer: @unchecked Sendable {
  let tensors: UnsafePointer<swerve_tensor>
  let count: Int
  private let kept: [Tensor]
  private let names: CNames

  init(_ outputs: [Tensor]) {
    kept = outputs
    names = CNames(outputs.map(\.name))
    count = outputs.count
    let array = UnsafeMutablePointer<swerve_tensor>.allocate(capacity: max(count, 1))
    array.initialize(repeating: swerve_tensor(), count: max(count, 1))
    for (index, output) in outputs.enumerated() {
      array[index].name = names[index]
      output.describe(in: &array[index])
    }
    tensors = UnsafePointer(array)
  }

  deinit { tensors.deallocate() }
}
