internal import CSwervePlugin

/// An input of a call of another model: memory that stays as it is during the call.
public struct CallInput {
  let name: String
  let tensor: swerve_tensor

  /// An input of the batch at hand, under the name that the other model has for it.
  public init(_ name: String, _ input: InputTensor) {
    self.name = name
    tensor = input.tensor.pointee
  }

  /// An output of the batch at hand, filled.
  public init(_ name: String, _ output: OutputTensor) {
    self.name = name
    tensor = output.tensor.pointee
  }

  /// The model's own elements, row-major, in at most 8 dimensions.
  public init<Element: TensorElement>(
    _ name: String, _ elements: UnsafeBufferPointer<Element>, _ dimensions: some Collection<Int>
  ) throws(ModelError) {
    guard dimensions.count <= Int(SWERVE_MAX_RANK) else {
      throw ModelError(.internalFault, "input \"\(name)\" of a call has \(dimensions.count) dimensions")
    }
    var tensor = swerve_tensor()
    tensor.dtype = Element.elementType.rawValue
    tensor.rank = UInt32(dimensions.count)
    withUnsafeMutableBytes(of: &tensor.dims) { dims in
      for (axis, dimension) in dimensions.enumerated() {
        dims.storeBytes(of: Int64(dimension), toByteOffset: axis * 8, as: Int64.self)
      }
    }
    tensor.data = UnsafeMutableRawPointer(mutating: elements.baseAddress)
    tensor.byte_size = elements.count * MemoryLayout<Element>.stride
    self.name = name
    self.tensor = tensor
  }
}

/// What another model answered: read-only, valid until the last request of the batch is finished.
public struct CallAnswer {
  let tensors: UnsafePointer<swerve_tensor>?
  public let count: Int

  public subscript(index: Int) -> InputTensor {
    precondition(index >= 0 && index < count, "no such output")
    return InputTensor(tensors! + index)
  }

  /// The output of that name. Throws if there is none.
  public func output(_ name: String) throws(ModelError) -> InputTensor {
    for index in 0..<count where self[index].name == name { return self[index] }
    throw ModelError(.internalFault, "the called model has no output \"\(name)\"")
  }
}

extension Batch {
  /// Runs another model of the server on behalf of `request`, or of all of the batch, and returns when it has
  /// answered. What it ends with is thrown; so is the refusal of a call that would close a circle.
  ///
  /// - Parameters:
  ///   - version: nil for the one that clients get who name none.
  ///   - parameters: a JSON object.
  public func run(
    _ model: String, version: Int? = nil, inputs: [CallInput], for request: Request? = nil,
    parameters: String? = nil
  ) throws(ModelError) -> CallAnswer {
    guard let models = host.models, let run = models.pointee.run else {
      throw ModelError(.unsupported, "this server has no models/1")
    }
    let names = inputs.map { permanentCopy($0.name) }
    let texts = [permanentCopy(model)] + (parameters.map { [permanentCopy($0)] } ?? [])
    defer { for text in names + texts { text.deallocate() } }
    var tensors = inputs.map(\.tensor)
    for index in tensors.indices { tensors[index].name = UnsafePointer(names[index]) }
    var call = swerve_call()
    call.struct_size = MemoryLayout<swerve_call>.size
    call.model = UnsafePointer(texts[0])
    call.version = Int64(version ?? 0)
    call.input_count = UInt32(tensors.count)
    call.request = request?.handle
    call.parameters = texts.count > 1 ? UnsafePointer(texts[1]) : nil
    var answer: UnsafePointer<swerve_tensor>?
    var count: UInt32 = 0
    var error = swerve_error()
    let status = tensors.withUnsafeBufferPointer { tensors in
      call.inputs = tensors.baseAddress
      return run(host.table, pointer, &call, &answer, &count, &error)
    }
    guard status == SWERVE_OK else { throw ModelError(status, error, of: model) }
    return CallAnswer(tensors: answer, count: Int(count))
  }
}

private func permanentCopy(_ text: String) -> UnsafeMutablePointer<CChar> {
  let bytes = text.utf8CString
  let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
  for (index, byte) in bytes.enumerated() { copy[index] = byte }
  return copy
}

extension ModelError {
  fileprivate init(_ status: swerve_status, _ error: swerve_error, of model: String) {
    var error = error
    let message = withUnsafeBytes(of: &error.message) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    self.init(Status(rawValue: status) ?? .internalFault, message.isEmpty ? "'\(model)' failed" : message)
  }
}
