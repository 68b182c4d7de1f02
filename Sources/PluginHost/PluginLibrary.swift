internal import CSwervePlugin
internal import Glibc
internal import Locks

/// A plugin's code in this process: its table, adopted, and the lock of its load-thread. Lives as long
/// as the process.
///
/// Unchecked: the table is constant; what the pointers in it point to is never unloaded.
final class PluginLibrary: @unchecked Sendable {
  let name: String
  let version: String
  let table: AdoptedPlugin
  private let original: UnsafePointer<swerve_plugin>
  private let loadThread = Lock<Void>(())

  /// Calls the entry function and adopts what it returns.
  /// - Parameter host: the plugin's own, for log lines that belong to no model.
  init(entry: PluginEntry, host: HostBinding) throws(PluginError) {
    guard let original = entry(host.table) else {
      throw PluginError(
        status: .unsupported,
        message: "swerve_plugin_entry refused this server, whose ABI is \(AdoptedPlugin.serverABI)")
    }
    self.original = original
    table = try AdoptedPlugin(original)
    name = table.name
    version = table.version
  }

  /// Calls create, one call at a time.
  func create(path: String, configuration: String, host: HostBinding) throws(PluginError) -> OpaquePointer {
    var handle: OpaquePointer?
    var error = swerve_error()
    let code = loadThread.withLock { _ in
      path.withCString { path in
        configuration.withCString { configuration in
          host.withModelName { name in
            var args = swerve_create_args(
              struct_size: MemoryLayout<swerve_create_args>.size, plugin: original, host: host.table,
              path: path, config: configuration, name: name)
            return table.create(&args, &handle, &error)
          }
        }
      }
    }
    guard code == SWERVE_OK else {
      throw PluginError(
        status: PluginStatus(ending: code), message: failureMessage(&error, code, of: "create"))
    }
    guard let handle else {
      throw PluginError(status: .internalFault, message: "create returned SWERVE_OK without a model")
    }
    return handle
  }

  /// What the plugin offers under an id; nil when it has no such extension.
  func extensionTable(_ id: String) -> UnsafeRawPointer? {
    adopt(UnsafeRawPointer(original), as: swerve_plugin.self).extension?(original, id)
  }

  /// Runs a command of the plugin's. `write` gets what it prints.
  func runTool(_ arguments: [String], host: HostBinding, write: (String) -> Void) throws(PluginError) {
    guard let pointer = extensionTable(SWERVE_TOOL),
      let run = adopt(pointer, as: swerve_tool.self).run
    else {
      throw PluginError(status: .unsupported, message: "the plugin \(name) has no commands of its own")
    }
    var error = swerve_error()
    let strings = arguments.map { strdup($0) }
    defer { for string in strings { free(string) } }
    let code = withoutActuallyEscaping(write) { write in
      let writer = ToolWriter(write)
      return strings.map { UnsafePointer($0) }.withUnsafeBufferPointer { pointers in
        run(
          original, host.table, pointers.baseAddress, UInt32(pointers.count),
          { context, text, size in
            guard let context, let text else { return }
            let bytes = UnsafeRawBufferPointer(start: text, count: size)
            Unmanaged<ToolWriter>.fromOpaque(context).takeUnretainedValue().write(
              String(decoding: bytes, as: UTF8.self))
          }, Unmanaged.passUnretained(writer).toOpaque(), &error)
      }
    }
    guard code == SWERVE_OK else {
      throw PluginError(status: PluginStatus(ending: code), message: failureMessage(&error, code, of: "run"))
    }
  }

  func destroy(_ model: OpaquePointer) { loadThread.withLock { _ in table.destroy(model) } }
}

/// What a plugin's command prints to, behind a pointer.
private final class ToolWriter {
  let write: (String) -> Void

  init(_ write: @escaping (String) -> Void) { self.write = write }
}

typealias PluginEntry = @convention(c) (UnsafePointer<swerve_host>?) -> UnsafePointer<swerve_plugin>?
