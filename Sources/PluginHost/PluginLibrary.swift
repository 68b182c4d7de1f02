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

  func destroy(_ model: OpaquePointer) { loadThread.withLock { _ in table.destroy(model) } }
}

typealias PluginEntry = @convention(c) (UnsafePointer<swerve_host>?) -> UnsafePointer<swerve_plugin>?
