internal import CSwervePlugin
internal import Tensors

/// Checks and copies the tensors of one `send`.
struct StreamedChunk {
  let model: PluginModel

  func copy(_ tensors: UnsafePointer<swerve_tensor>?, _ count: UInt32) throws(PluginError) -> [Tensor] {
    guard let tensors, count > 0, count <= model.description.outputs.count else {
      throw refusal(
        "send was called with \(count) tensors; the model has \(model.description.outputs.count) outputs")
    }
    var chunk: [Tensor] = []
    for index in 0..<Int(count) {
      let tensor = try copy(tensors[index])
      guard !chunk.contains(where: { $0.name == tensor.name }) else {
        throw refusal("send was called with output \"\(tensor.name)\" twice")
      }
      chunk.append(tensor)
    }
    return chunk
  }

  private func copy(_ source: swerve_tensor) throws(PluginError) -> Tensor {
    guard let name = source.name, let position = model.outputNames.position(of: name) else {
      throw refusal(
        "send was called with output \"\(excerpt(source.name))\"; the model has \(model.outputList)")
    }
    let spec = model.description.outputs[position]
    let shape = try shape(source, spec)
    guard let elements = shape.elementCount, elements <= model.services.tensorLimit / spec.datatype.byteCount
    else {
      throw refusal("send was called with output \"\(spec.name)\" of shape \(shape), which is too large")
    }
    guard source.byte_size == elements * spec.datatype.byteCount, source.data != nil || elements == 0 else {
      throw refusal(
        "send was called with output \"\(spec.name)\" of shape \(shape) and \(source.byte_size) bytes at"
          + " \(source.data == nil ? "NULL" : "data"); expected \(elements * spec.datatype.byteCount)")
    }
    guard let copy = copyElements(source, spec, shape, elements) else {
      throw PluginError(
        status: .outOfMemory, message: "output \"\(spec.name)\" of shape \(shape) could not be copied")
    }
    return copy
  }

  private func shape(_ source: swerve_tensor, _ spec: TensorSpec) throws(PluginError) -> Shape {
    guard source.dtype == spec.datatype.rawValue, source.memory_kind == SWERVE_HOST_MEMORY,
      source.rank <= SWERVE_MAX_RANK
    else {
      throw refusal(
        "send was called with output \"\(spec.name)\" as \(datatypeName(source.dtype)) of rank \(source.rank) in"
          + " memory kind \(source.memory_kind); it was declared as \(spec.datatype.name)")
    }
    var dims = source.dims
    let shape = withUnsafeBytes(of: &dims) { dims in
      Shape((0..<Int(source.rank)).map { Int(dims.load(fromByteOffset: $0 * 8, as: Int64.self)) })
    }
    guard spec.shape.admits(shape) else {
      throw refusal(
        "send was called with output \"\(spec.name)\" of shape \(shape); declared is \(spec.shape)")
    }
    return shape
  }

  private func copyElements(
    _ source: swerve_tensor, _ spec: TensorSpec, _ shape: Shape, _ elements: Int
  ) -> Tensor? {
    guard let data = source.data else {
      return Tensor(name: spec.name, datatype: spec.datatype, shape: shape)
    }
    return TensorCopy.copy(
      data, name: spec.name, datatype: spec.datatype, shape: shape, limit: model.services.tensorLimit)
  }

  private func refusal(_ message: String) -> PluginError {
    PluginError(status: .invalidArgument, message: message)
  }
}
