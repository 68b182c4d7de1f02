public import Tensors

/// A file that holds one `TensorProto`, as test data of models does.
public enum TensorFile {
  /// Reads the file at `path`: the tensor in memory of its own, under the name that the file gives it.
  public static func read(path: String, limits: Limits = Limits()) throws -> Tensor {
    let file = try MappedFile(path: path)
    return try at(path) {
      let decoder = TensorDecoder(file: file, limits: limits, external: ExternalData(modelPath: path))
      let decoded = try decoder.decode(ProtobufReader(file: file.bytes))
      return try decoded.constant.tensor(name: decoded.name)
    }
  }
}

extension Constant {
  /// The elements as a tensor with memory of its own.
  func tensor(name: String = "") throws -> Tensor {
    let copy = try copied()
    guard let memory = copy.owner as? TensorMemory, let base = copy.bytes.baseAddress else {
      guard let empty = Tensor(name: name, datatype: datatype, shape: shape) else {
        throw ONNXError(.outOfMemory, "no memory for a tensor of shape \(shape)")
      }
      return empty
    }
    return Tensor(
      name: name, datatype: datatype, shape: shape, memory: memory,
      offset: base - UnsafeRawPointer(memory.base),
      payload: copy.payload as? TensorMemory)
  }
}
