internal import CSwervePlugin

/// One call of `execute`: the rows of one or more requests, stacked along dimension 0. A model that
/// never looks at `requests` is already correct: the server cuts the outputs the same way.
///
/// Unchecked: the server leaves the batch as it is until its last request is finished.
public struct Batch: @unchecked Sendable {
  public let host: ModelHost
  let pointer: UnsafePointer<swerve_batch>

  init(_ pointer: UnsafePointer<swerve_batch>, host: ModelHost) {
    self.pointer = pointer
    self.host = host
  }

  /// As many as the signature has inputs.
  public var inputCount: Int { Int(pointer.pointee.input_count) }

  /// The input at `index` of the signature; nil if it is optional and was left out.
  public subscript(index: Int) -> InputTensor? {
    guard index >= 0, index < inputCount, pointer.pointee.inputs[index].data != nil else { return nil }
    return InputTensor(pointer.pointee.inputs + index)
  }

  /// The input of that name; nil if it is optional and was left out, or if there is none.
  public subscript(name: String) -> InputTensor? {
    for index in 0..<inputCount {
      if let input = self[index], input.name == name { return input }
    }
    return nil
  }

  /// The input at `index` of the signature, which the model cannot do without.
  public func input(_ index: Int) throws(ModelError) -> InputTensor {
    if let input = self[index] { return input }
    throw ModelError(.invalidArgument, "input \(index) is missing")
  }

  /// The input of that name, which the model cannot do without.
  public func input(_ name: String) throws(ModelError) -> InputTensor {
    if let input = self[name] { return input }
    throw ModelError(.invalidArgument, "input \"\(name)\" is missing")
  }

  /// Adds an output of the signature, for all rows of the batch.
  /// Throws if the server refuses it; the server's log says why.
  public func output(
    _ name: String, _ type: ElementType, _ dimensions: some Collection<Int>
  ) throws(ModelError) -> OutputTensor {
    let rank = dimensions.count
    guard rank <= Int(SWERVE_MAX_RANK) else {
      throw ModelError(.internalFault, "output \"\(name)\" has \(rank) dimensions; at most 8 are possible")
    }
    let added = withUnsafeTemporaryAllocation(of: Int64.self, capacity: Int(SWERVE_MAX_RANK)) { dims in
      for (axis, dimension) in dimensions.enumerated() { dims[axis] = Int64(dimension) }
      return host.table.pointee.output(
        host.table, pointer, name, type.rawValue, UInt32(rank), dims.baseAddress)
    }
    guard let added else {
      throw ModelError(
        .internalFault, "the server refused output \"\(name)\" \(type) \(Array(dimensions)); see its log")
    }
    return OutputTensor(tensor: added, batch: self)
  }

  /// Memory for the bytes that elements of `bytes` outputs point to: the server's, valid until the last
  /// request is finished.
  public func bytes(count: Int) -> UnsafeMutablePointer<UInt8>? {
    host.table.pointee.bytes(host.table, pointer, count)?.assumingMemoryBound(to: UInt8.self)
  }

  public var requests: Requests { Requests(pointer: pointer, host: host) }

  /// The requests of a batch, in the order of their rows.
  public struct Requests: RandomAccessCollection {
    let pointer: UnsafePointer<swerve_batch>
    let host: ModelHost
    public var startIndex: Int { 0 }
    public var endIndex: Int { Int(pointer.pointee.request_count) }
    public subscript(index: Int) -> Request {
      precondition(index >= 0 && index < endIndex, "no such request")
      return Request(
        handle: pointer.pointee.requests[index]!, rows: Int(pointer.pointee.rows[index]), host: host)
    }
  }
}
