public import CSwervePlugin

/// The table a plugin hands to the server, made from an `InferenceModel`. Keep it in a global, where
/// it is made once and lives as long as the process:
///
///     private let plugin = PluginTable(name: "double", version: "1.0.0", model: Double.self)
///
///     @c(swerve_plugin_entry)
///     public func entry(_ host: UnsafePointer<swerve_host>?) -> UnsafePointer<swerve_plugin>? {
///       plugin.pointer
///     }
///
/// Unchecked: the memory behind the pointer is written in init only and never freed.
public struct PluginTable: @unchecked Sendable {
  public let pointer: UnsafePointer<swerve_plugin>

  /// - Parameter tool: runs the commands that the plugin adds to the server's command line; nil if it adds none.
  public init<Model: InferenceModel>(
    name: String, version: String, model: Model.Type, tool: PluginTool? = nil
  ) {
    let factory = ModelFactory(tool) { path, configuration, host in
      try Model(path: path, configuration: configuration, host: host)
    }
    let table = UnsafeMutablePointer<swerve_plugin>.allocate(capacity: 1)
    table.initialize(to: swerve_plugin())
    table.pointee.struct_size = MemoryLayout<swerve_plugin>.size
    table.pointee.abi_major = UInt16(SWERVE_ABI_MAJOR)
    table.pointee.abi_minor = UInt16(SWERVE_ABI_MINOR)
    table.pointee.name = permanent(name)
    table.pointee.version = permanent(version)
    table.pointee.context = Unmanaged.passRetained(factory).toOpaque()
    table.pointee.create = createModel
    table.pointee.destroy = { ModelBox.release($0) }
    table.pointee.describe = { UnsafePointer(ModelBox.behind($0!).signature.information) }
    table.pointee.execute = executeBatch
    table.pointee.cancel = { ModelBox.behind($0!).model.cancel(Request.ID($1)) }
    table.pointee.extension = { plugin, id in
      guard let context = plugin?.pointee.context, let id, String(cString: id) == SWERVE_TOOL,
        Unmanaged<ModelFactory>.fromOpaque(context).takeUnretainedValue().tool != nil
      else { return nil }
      return UnsafeRawPointer(toolTable.pointer)
    }
    pointer = UnsafePointer(table)
  }
}

/// A plugin's own commands: `swerve NAME ARGUMENTS…` of the plugin NAME, and `swerve profile` of its models.
///
/// - Parameters:
///   - arguments: a command's name, and what follows it on the command line.
///   - host: to be used during the call.
///   - write: prints.
public typealias PluginTool =
  @Sendable (_ arguments: [String], _ host: ModelHost, _ write: (String) -> Void) throws -> Void

/// The table of tool/1, the same for all plugins of this kind.
///
/// Unchecked: the memory behind the pointer is written in init only and never freed.
private struct ToolTable: @unchecked Sendable {
  let pointer: UnsafePointer<swerve_tool>

  init() {
    let table = UnsafeMutablePointer<swerve_tool>.allocate(capacity: 1)
    table.initialize(to: swerve_tool())
    table.pointee.struct_size = MemoryLayout<swerve_tool>.size
    table.pointee.run = runTool
    pointer = UnsafePointer(table)
  }
}

private let toolTable = ToolTable()

private func runTool(
  _ plugin: UnsafePointer<swerve_plugin>?, _ host: UnsafePointer<swerve_host>?,
  _ arguments: UnsafePointer<UnsafePointer<CChar>?>?, _ count: UInt32,
  _ write: (@convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?, Int) -> Void)?,
  _ context: UnsafeMutableRawPointer?, _ error: UnsafeMutablePointer<swerve_error>?
) -> swerve_status {
  guard let owner = plugin?.pointee.context, let host, let write,
    let tool = Unmanaged<ModelFactory>.fromOpaque(owner).takeUnretainedValue().tool
  else { return swerve_status(SWERVE_INVALID_ARGUMENT) }
  let words = (0..<Int(count)).map { place in arguments?[place].map { String(cString: $0) } ?? "" }
  do {
    try tool(words, ModelHost(host)) { text in
      var text = text
      text.withUTF8 { bytes in
        bytes.withMemoryRebound(to: CChar.self) { write(context, $0.baseAddress, $0.count) }
      }
    }
    return swerve_status(SWERVE_OK)
  } catch let fault {
    return report(ModelError.wrapping(fault), in: error)
  }
}

/// How create, which gets the table back, comes to the author's type.
private final class ModelFactory {
  let make: (_ path: String, _ configuration: String, _ host: ModelHost) throws -> any InferenceModel
  let tool: PluginTool?

  init(
    _ tool: PluginTool?,
    _ make:
      @escaping (_ path: String, _ configuration: String, _ host: ModelHost) throws -> any InferenceModel
  ) {
    self.tool = tool
    self.make = make
  }
}

/// What a `swerve_model` of this side points to.
private final class ModelBox {
  let model: any InferenceModel
  let host: ModelHost
  let signature: SignatureStorage

  init(model: any InferenceModel, host: ModelHost) throws {
    self.model = model
    self.host = host
    signature = try SignatureStorage(model.signature)
  }

  static func behind(_ handle: OpaquePointer) -> ModelBox {
    Unmanaged<ModelBox>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
  }

  static func release(_ handle: OpaquePointer?) {
    guard let handle else { return }
    Unmanaged<ModelBox>.fromOpaque(UnsafeRawPointer(handle)).release()
  }
}

private func createModel(
  _ args: UnsafePointer<swerve_create_args>?, _ result: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<swerve_error>?
) -> swerve_status {
  guard let args, let result, let context = args.pointee.plugin?.pointee.context,
    let table = args.pointee.host
  else { return swerve_status(SWERVE_INVALID_ARGUMENT) }
  let host = ModelHost(table)
  let factory = Unmanaged<ModelFactory>.fromOpaque(context).takeUnretainedValue()
  do {
    let model = try factory.make(
      args.pointee.path.map { String(cString: $0) } ?? "",
      args.pointee.config.map { String(cString: $0) } ?? "{}", host)
    let box = try ModelBox(model: model, host: host)
    result.pointee = OpaquePointer(Unmanaged.passRetained(box).toOpaque())
    return swerve_status(SWERVE_OK)
  } catch let fault {
    return report(ModelError.wrapping(fault), in: error)
  }
}

private func executeBatch(
  _ handle: OpaquePointer?, _ batch: UnsafePointer<swerve_batch>?,
  _ error: UnsafeMutablePointer<swerve_error>?
) -> swerve_status {
  guard let handle, let batch else { return swerve_status(SWERVE_INVALID_ARGUMENT) }
  let box = ModelBox.behind(handle)
  do {
    switch try box.model.execute(Batch(batch, host: box.host)) {
    case .done: return swerve_status(SWERVE_OK)
    case .pending: return swerve_status(SWERVE_PENDING)
    }
  } catch let fault {
    return report(ModelError.wrapping(fault), in: error)
  }
}

/// Writes as much of the message as fits, cut between characters.
private func report(_ fault: ModelError, in error: UnsafeMutablePointer<swerve_error>?) -> swerve_status {
  guard let error else { return fault.status.rawValue }
  withUnsafeMutableBytes(of: &error.pointee.message) { message in
    var length = 0
    for scalar in fault.message.unicodeScalars {
      let bytes = UTF8.encode(scalar)!
      guard scalar != "\0", length + bytes.count < message.count else { break }
      for byte in bytes {
        message[length] = byte
        length += 1
      }
    }
    message[length] = 0
  }
  return fault.status.rawValue
}

private func permanent(_ string: String) -> UnsafePointer<CChar> {
  let bytes = string.utf8CString
  let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
  for (index, byte) in bytes.enumerated() { copy[index] = byte }
  return UnsafePointer(copy)
}
