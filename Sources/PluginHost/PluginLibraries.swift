internal import Locks

/// The libraries that were loaded, by file. A file is loaded again when it has changed.
final class PluginLibraries: Sendable {
  private let loaded = Lock<[SharedObject.Identity: PluginLibrary]>([:])

  /// The library in the file at `path`. One load at a time.
  func load(_ path: String, _ services: HostServices) throws(PluginError) -> PluginLibrary {
    let file = try SharedObject(path: path, trust: services.trust)
    let identity = file.identity
    let result: Result<PluginLibrary, PluginError> = loaded.withLock { loaded in
      if let known = loaded[identity] { return .success(known) }
      do throws(PluginError) {
        let library = try Self.link(file, services)
        loaded[identity] = library
        return .success(library)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private static func link(_ file: borrowing SharedObject, _ services: HostServices) throws(PluginError)
    -> PluginLibrary
  {
    let entry = try file.load()
    let label = file.path.split(separator: "/").last.map(String.init) ?? file.path
    do throws(PluginError) {
      return try PluginLibrary(entry: entry, host: services.takeBinding(plugin: label, model: ""))
    } catch {
      throw PluginError(status: error.status, message: "\(file.path): \(error.message)")
    }
  }
}
