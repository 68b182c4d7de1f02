internal import CSwervePlugin
internal import Tensors

/// Turns what a model says of itself into a `ModelDescription`, or says what is wrong with it.
struct DescriptionAdoption {
  private static let tensorLimit = 1024
  private static let labelLimit = 1 << 20
  private static let nameLimit = 255

  let plugin: String

  func adopt(_ pointer: UnsafePointer<swerve_model_info>?) throws(PluginError) -> ModelDescription {
    guard let pointer else { throw refusal("describe returned NULL") }
    let info = PluginHost.adopt(UnsafeRawPointer(pointer), as: swerve_model_info.self)
    let least = MemoryLayout<swerve_model_info>.offset(of: \.concurrency)! + 4
    guard info.struct_size >= least else {
      throw refusal("describe gave struct_size \(info.struct_size); expected at least \(least)")
    }
    let batch = Int(max(info.max_batch, 1))
    let isStacked = batch > 1
    let inputs = try specs(info.inputs, info.input_count, info.spec_size, "input", isStacked)
    let outputs = try specs(info.outputs, info.output_count, info.spec_size, "output", isStacked)
    guard !outputs.isEmpty else { throw refusal("describe gave no outputs") }
    return ModelDescription(
      inputs: inputs, outputs: outputs, maximumBatch: batch, concurrency: try concurrency(info.concurrency),
      isSafeToRetry: info.flags & UInt32(SWERVE_SAFE_TO_RETRY) != 0,
      memoryEstimate: Int(clamping: info.memory_estimate), platform: try platform(info.platform))
  }

  private func concurrency(_ code: Int32) throws(PluginError) -> ModelDescription.Concurrency {
    switch Int(code) {
    case SWERVE_SERIAL: return .serial
    case SWERVE_CONCURRENT: return .concurrent
    default: throw refusal("describe gave concurrency \(code); expected SWERVE_SERIAL or SWERVE_CONCURRENT")
    }
  }

  private func platform(_ string: UnsafePointer<CChar>?) throws(PluginError) -> String {
    guard let string else { return plugin }
    guard let platform = wellFormedText(string, limit: Self.nameLimit) else {
      throw refusal("describe gave platform \"\(excerpt(string))\"; expected a word of text, or NULL")
    }
    return platform
  }

  private func specs(
    _ base: UnsafePointer<swerve_spec>?, _ count: UInt32, _ stride: Int, _ kind: String, _ isStacked: Bool
  ) throws(PluginError) -> [TensorSpec] {
    if count == 0 { return [] }
    guard count <= Self.tensorLimit else {
      throw refusal("describe gave \(count) \(kind)s; at most \(Self.tensorLimit) are possible")
    }
    guard let base else { throw refusal("describe gave \(count) \(kind)s at NULL") }
    let least = MemoryLayout<swerve_spec>.offset(of: \.dims)! + MemoryLayout<swerve_spec>.size(of: \.dims)
    guard stride >= least, stride <= 1 << 16 else {
      throw refusal("describe gave spec_size \(stride); expected sizeof(swerve_spec), at least \(least)")
    }
    var result: [TensorSpec] = []
    var names: Set<String> = []
    for index in 0..<Int(count) {
      let raw = PluginHost.adopt(
        UnsafeRawPointer(base) + index * stride, size: stride, as: swerve_spec.self)
      let spec = try spec(raw, "\(kind) \(index)", isStacked)
      guard names.insert(spec.name).inserted else {
        throw refusal("describe gave two \(kind)s the name \"\(spec.name)\"")
      }
      result.append(spec)
    }
    return result
  }

  private func spec(_ raw: swerve_spec, _ place: String, _ isStacked: Bool) throws(PluginError) -> TensorSpec
  {
    guard let name = wellFormedText(raw.name, limit: Self.nameLimit) else {
      throw refusal(
        "describe gave \(place) the name \(raw.name.map { "\"\(excerpt($0))\"" } ?? "NULL");"
          + " expected 1 to \(Self.nameLimit) bytes of text")
    }
    let place = "\(place) \"\(name)\""
    guard let datatype = Datatype(rawValue: raw.dtype) else {
      throw refusal("describe gave \(place) dtype \(raw.dtype); expected \(SWERVE_BOOL) to \(SWERVE_BYTES)")
    }
    let shape = try shape(raw, place, isStacked)
    return TensorSpec(
      name: name, datatype: datatype, shape: shape, labels: try labels(raw, shape, place),
      isOptional: raw.flags & UInt32(SWERVE_OPTIONAL) != 0,
      padValue: raw.flags & UInt32(SWERVE_RAGGED) != 0 ? raw.pad_value : nil)
  }

  private func shape(_ raw: swerve_spec, _ place: String, _ isStacked: Bool) throws(PluginError) -> Shape {
    guard raw.rank <= SWERVE_MAX_RANK else {
      throw refusal("describe gave \(place) rank \(raw.rank); at most \(SWERVE_MAX_RANK) is possible")
    }
    var dims = raw.dims
    let shape = withUnsafeBytes(of: &dims) { dims in
      Shape((0..<Int(raw.rank)).map { Int(dims.load(fromByteOffset: $0 * 8, as: Int64.self)) })
    }
    guard shape.allSatisfy({ $0 >= Shape.anySize }) else {
      throw refusal("describe gave \(place) shape \(shape); a dimension is -1 for any size, or at least 0")
    }
    guard !isStacked || shape.first == Shape.anySize else {
      throw refusal(
        "describe gave \(place) shape \(shape); with max_batch above 1, dimension 0 is the batch and is -1")
    }
    return shape
  }

  private func labels(_ raw: swerve_spec, _ shape: Shape, _ place: String) throws(PluginError) -> [String] {
    if raw.label_count == 0 { return [] }
    guard let base = raw.labels, raw.label_count <= Self.labelLimit else {
      throw refusal(
        "describe gave \(place) \(raw.label_count) labels at \(raw.labels == nil ? "NULL" : "an address; at most \(Self.labelLimit) are possible")"
      )
    }
    guard let last = shape.last, last == Shape.anySize || last == Int(raw.label_count) else {
      throw refusal("describe gave \(place) \(raw.label_count) labels for shape \(shape)")
    }
    var result: [String] = []
    result.reserveCapacity(Int(raw.label_count))
    for index in 0..<Int(raw.label_count) {
      guard let label = base[index] else { throw refusal("describe gave \(place) label \(index) NULL") }
      result.append(text(label, limit: 1024))
    }
    return result
  }

  private func refusal(_ message: String) -> PluginError {
    PluginError(status: .unsupported, message: message)
  }
}

extension MemoryLayout {
  /// The size of a field.
  fileprivate static func size<Field>(of _: KeyPath<T, Field>) -> Int { MemoryLayout<Field>.size }
}
