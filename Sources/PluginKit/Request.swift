internal import CSwervePlugin

/// One client's request within a batch. Dead after `finish` or `fail`.
///
/// Unchecked: the handle is a value the server checks; nothing is read through it.
public struct Request: @unchecked Sendable, Identifiable {
  /// What tells one request from any other, ever.
  public struct ID: Sendable, Hashable {
    let bits: UInt
    init(_ handle: OpaquePointer?) { bits = UInt(bitPattern: handle) }
  }

  let handle: OpaquePointer
  /// How much of dimension 0 is this request's.
  public let rows: Int
  private let host: ModelHost

  init(handle: OpaquePointer, rows: Int, host: ModelHost) {
    self.handle = handle
    self.rows = rows
    self.host = host
  }

  public var id: ID { ID(handle) }

  /// The id the client gave, or "".
  public var clientID: String { information.map { String(cString: $0.id) } ?? "" }

  /// A JSON object.
  public var parameters: String { information.map { String(cString: $0.parameters) } ?? "{}" }

  /// Nanoseconds of CLOCK_MONOTONIC by which the answer is wanted; nil for none.
  public var deadline: Int64? {
    guard let deadline = information?.deadline_ns, deadline != 0 else { return nil }
    return deadline
  }

  /// Whether nobody waits any more. Cheap: ask in a loop.
  public var isCancelled: Bool { host.table.pointee.is_cancelled(host.table, handle) }

  /// Streams a part of the answer. Blocks while the client reads too slowly. Throws `.cancelled` when
  /// nobody reads.
  public func send<Element: TensorElement>(
    _ output: String, _ elements: [Element], shape: [Int]
  ) throws(ModelError) {
    let status = elements.withUnsafeBytes { bytes in
      send(output, Element.elementType, shape, UnsafeMutableRawBufferPointer(mutating: bytes))
    }
    try check(status, output)
  }

  /// Streams a part of the answer: text, as an output of type `bytes` and one dimension.
  public func send(_ output: String, _ strings: [String]) throws(ModelError) {
    let scratch = Scratch()
    var elements = strings.map(scratch.keep)
    let status = withExtendedLifetime(scratch) {
      elements.withUnsafeMutableBytes { send(output, .bytes, [strings.count], $0) }
    }
    try check(status, output)
  }

  /// Ends this request with its rows of the outputs added so far, or with what was streamed.
  public func finish() { host.table.pointee.finish(host.table, handle, swerve_status(SWERVE_OK), nil) }

  /// Ends this request, and not its neighbours in the batch, with an error.
  public func fail(_ error: ModelError) {
    host.table.pointee.finish(host.table, handle, error.status.rawValue, error.message)
  }

  private var information: swerve_request_info? {
    host.table.pointee.request_info(host.table, handle)?.pointee
  }

  private func send(
    _ output: String, _ type: ElementType, _ shape: [Int], _ bytes: UnsafeMutableRawBufferPointer
  ) -> swerve_status {
    guard shape.count <= Int(SWERVE_MAX_RANK) else { return swerve_status(SWERVE_INVALID_ARGUMENT) }
    return output.withCString { name in
      var tensor = swerve_tensor()
      tensor.name = name
      tensor.dtype = type.rawValue
      tensor.rank = UInt32(shape.count)
      withUnsafeMutableBytes(of: &tensor.dims) { dims in
        for (axis, dimension) in shape.enumerated() {
          dims.storeBytes(of: Int64(dimension), toByteOffset: axis * 8, as: Int64.self)
        }
      }
      tensor.data = bytes.baseAddress
      tensor.byte_size = bytes.count
      return host.table.pointee.send(host.table, handle, &tensor, 1)
    }
  }

  private func check(_ status: swerve_status, _ output: String) throws(ModelError) {
    if status == SWERVE_OK { return }
    if status == SWERVE_CANCELLED { throw ModelError(.cancelled, "the client has gone") }
    throw ModelError(
      ModelError.Status(rawValue: status) ?? .internalFault,
      "the server refused a part of output \"\(output)\"; see its log")
  }
}
