internal import CSwervePlugin

/// A `ModelSignature` as the C structs of the ABI, unmoved as long as the object lives.
///
/// Unchecked: written in init only.
final class SignatureStorage: @unchecked Sendable {
  let information: UnsafeMutablePointer<swerve_model_info>
  private var allocations: [UnsafeMutableRawPointer] = []

  init(_ signature: ModelSignature) throws {
    information = .allocate(capacity: 1)
    information.initialize(to: swerve_model_info())
    information.pointee.struct_size = MemoryLayout<swerve_model_info>.size
    information.pointee.spec_size = MemoryLayout<swerve_spec>.stride
    information.pointee.inputs = UnsafePointer(try specs(signature.inputs))
    information.pointee.input_count = UInt32(clamping: signature.inputs.count)
    information.pointee.outputs = UnsafePointer(try specs(signature.outputs))
    information.pointee.output_count = UInt32(clamping: signature.outputs.count)
    information.pointee.max_batch = UInt32(clamping: signature.maximumBatch)
    information.pointee.concurrency = signature.concurrency.rawValue
    information.pointee.memory_estimate = UInt64(clamping: signature.memoryEstimate)
    information.pointee.platform = signature.platform.map { UnsafePointer(text($0)) }
    if signature.isSafeToRetry { information.pointee.flags = UInt32(SWERVE_SAFE_TO_RETRY) }
  }

  deinit {
    for allocation in allocations { allocation.deallocate() }
    information.deallocate()
  }

  private func specs(_ tensors: [TensorDescription]) throws -> UnsafeMutablePointer<swerve_spec> {
    let specs = allocate(tensors.count, of: swerve_spec.self)
    for (index, tensor) in tensors.enumerated() { (specs + index).initialize(to: try spec(tensor)) }
    return specs
  }

  private func spec(_ tensor: TensorDescription) throws -> swerve_spec {
    guard tensor.dimensions.count <= Int(SWERVE_MAX_RANK) else {
      throw ModelError(
        .unsupported, "\"\(tensor.name)\" has \(tensor.dimensions.count) dimensions; at most 8 are possible")
    }
    var spec = swerve_spec()
    spec.name = UnsafePointer(text(tensor.name))
    spec.dtype = tensor.elementType.rawValue
    spec.rank = UInt32(tensor.dimensions.count)
    withUnsafeMutableBytes(of: &spec.dims) { dims in
      for (axis, dimension) in tensor.dimensions.enumerated() {
        dims.storeBytes(of: Int64(dimension), toByteOffset: axis * 8, as: Int64.self)
      }
    }
    if tensor.isOptional { spec.flags |= UInt32(SWERVE_OPTIONAL) }
    if let padValue = tensor.padValue {
      spec.flags |= UInt32(SWERVE_RAGGED)
      spec.pad_value = padValue
    }
    let labels = allocate(tensor.labels.count, of: UnsafePointer<CChar>?.self)
    for (index, label) in tensor.labels.enumerated() {
      (labels + index).initialize(to: UnsafePointer(text(label)))
    }
    spec.labels = UnsafePointer(labels)
    spec.label_count = UInt32(clamping: tensor.labels.count)
    return spec
  }

  private func text(_ string: String) -> UnsafeMutablePointer<CChar> {
    let bytes = string.utf8CString
    let copy = allocate(bytes.count, of: CChar.self)
    for (index, byte) in bytes.enumerated() { copy[index] = byte }
    return copy
  }

  private func allocate<Element>(_ count: Int, of _: Element.Type) -> UnsafeMutablePointer<Element> {
    let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(count, 1))
    allocations.append(memory)
    return memory
  }
}
