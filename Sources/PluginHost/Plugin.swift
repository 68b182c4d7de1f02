internal import CSwervePlugin

/// A plugin library that was loaded and agreed on a version. It is never unloaded.
public final class Plugin: Sendable {
  public let name: String
  public let version: String
  public let path: String
  /// The version of the ABI that this server speaks: `1.0`.
  public static var abiVersion: String { AdoptedPlugin.serverABI }
  private let library: PluginLibrary
  private let services: HostServices

  /// Loads the library at `path`, or says in the error what is wrong with which file. A file that was
  /// loaded before and has not changed since is shared; one that was replaced is loaded beside the old.
  public convenience init(path: String, services: HostServices) throws(PluginError) {
    self.init(library: try services.libraries.load(path, services), path: path, services: services)
  }

  init(library: PluginLibrary, path: String, services: HostServices) {
    name = library.name
    version = library.version
    self.path = path
    self.library = library
    self.services = services
  }

  /// Runs a command that the plugin adds to the command line: its name and what follows it. `write` gets what
  /// the command prints, in pieces. Throws when the plugin has no commands, or this one fails.
  public func runTool(_ arguments: [String], write: (String) -> Void) throws(PluginError) {
    let host = services.takeBinding(plugin: name, model: name)
    do throws(PluginError) {
      try library.runTool(arguments, host: host, write: write)
    } catch {
      host.retire()
      throw error
    }
    host.retire()
  }

  /// Loads a model. `configuration` is a JSON object. Blocks; one call at a time per plugin.
  ///
  /// - Parameters:
  ///   - name: what log lines and metrics call the model; the plugin's name if empty.
  ///   - threads: how many threads one of its executions may use.
  public func makeModel(
    path: String, configuration: String, name: String = "", threads: Int = .max
  ) throws(PluginError) -> PluginModel {
    let host = services.takeBinding(plugin: self.name, model: name.isEmpty ? self.name : name)
    host.limitThreads(to: threads)
    host.configure(configuration)
    do throws(PluginError) {
      let handle = try library.create(path: path, configuration: configuration, host: host)
      do throws(PluginError) {
        let description = try DescriptionAdoption(plugin: self.name).adopt(library.table.describe(handle))
        return PluginModel(library: library, host: host, handle: handle, description: description)
      } catch {
        library.destroy(handle)
        throw error
      }
    } catch {
      host.retire()
      throw PluginError(
        status: error.status, message: "plugin \(self.name) cannot load \(path): \(error.message)")
    }
  }
}
