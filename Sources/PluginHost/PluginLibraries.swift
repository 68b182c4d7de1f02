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

  /// The library behind a descriptor, a copy that whoever made it has checked; `path` is what messages call it.
  func load(copy: Int32, path: String, _ services: HostServices) throws(PluginError) -> PluginLibrary {
    try Self.adopt(try SharedObject.link(copy: copy, path: path), path, services)
  }

  private static func link(_ file: borrowing SharedObject, _ services: HostServices) throws(PluginError)
    -> PluginLibrary
  {
    try adopt(try file.load(), file.path, services)
  }

  private static func adopt(
    _ entry: PluginEntry, _ path: String, _ services: HostServices
  ) throws(PluginError) -> PluginLibrary {
    let label = path.split(separator: "/").last.map(String.init) ?? path
    do throws(PluginError) {
      return try PluginLibrary(entry: entry, host: services.takeBinding(plugin: label, model: ""))
    } catch {
      throw PluginError(status: error.status, message: "\(path): \(error.message)")
    }
  }
}
