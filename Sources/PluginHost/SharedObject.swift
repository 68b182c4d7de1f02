internal import Glibc

/// A file that claims to be a shared library: read and checked before the dynamic linker, which maps
/// what the file says without looking at how long it is, gets to see it.
struct SharedObject: ~Copyable {
  /// What tells a file that was replaced or rewritten from the same file.
  struct Identity: Hashable {
    var device: UInt
    var inode: UInt
    var size: Int
    var modifiedSeconds: Int
    var modifiedNanoseconds: Int
  }

  private static let sizeLimit = 4 << 30

  let path: String
  let identity: Identity
  private let descriptor: Int32
  private let trust: PluginTrust

  init(path: String, trust: PluginTrust) throws(PluginError) {
    // Non-blocking, since opening a FIFO would wait for its writer.
    let descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else {
      let reason = errno
      throw PluginError(
        status: reason == ENOENT ? .notFound : .unavailable,
        message: "\(path): cannot be opened: \(String(cString: strerror(reason)))")
    }
    let identity: Identity
    do throws(PluginError) {
      identity = try Self.identify(descriptor, path, trust)
      try ELFCheck(descriptor: descriptor, fileSize: identity.size, path: path).run()
    } catch {
      close(descriptor)
      throw error
    }
    self.path = path
    self.identity = identity
    self.descriptor = descriptor
    self.trust = trust
  }

  deinit { close(descriptor) }

  private static func identify(
    _ descriptor: Int32, _ path: String, _ trust: PluginTrust
  ) throws(PluginError) -> Identity {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw PluginError(
        status: .unavailable, message: "\(path): cannot be examined: \(String(cString: strerror(errno)))")
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw refusal(path, "is a directory; expected a shared library (.so)")
    default: throw refusal(path, "is not a regular file; expected a shared library (.so)")
    }
    try trust.check(path, mode: status.st_mode)
    guard status.st_size <= sizeLimit else {
      throw refusal(path, "has \(status.st_size) bytes; at most \(sizeLimit) are possible")
    }
    return Identity(
      device: UInt(status.st_dev), inode: UInt(status.st_ino), size: Int(status.st_size),
      modifiedSeconds: status.st_mtim.tv_sec, modifiedNanoseconds: status.st_mtim.tv_nsec)
  }

  /// Loads a private copy of the file and returns its entry function. The copy has a name of its own: the
  /// dynamic linker takes a path it has loaded for the same library, and a file that is overwritten
  /// while it is mapped takes the process down. Nothing is ever unloaded.
  func load() throws(PluginError) -> PluginEntry {
    try Self.link(copy: try copyToMemory(), path: path)
  }

  /// Links a copy that was checked, and returns its entry function.
  static func link(copy: Int32, path: String) throws(PluginError) -> PluginEntry {
    let copyPath = "/proc/self/fd/\(copy)"
    guard let library = dlopen(copyPath, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
      let reason = dlerror().map { String(cString: $0) } ?? "no reason given"
      close(copy)
      throw refusal(path, "cannot be linked: \(reason.replacing(copyPath, with: path))")
    }
    // The descriptor stays open with the library: another file under its number would be taken for it.
    guard let symbol = dlsym(library, "swerve_plugin_entry") else {
      throw refusal(
        path, "exports no function swerve_plugin_entry; it is not a Swerve plugin, or hides its symbols")
    }
    return unsafeBitCast(symbol, to: PluginEntry.self)
  }

  /// A copy of the file that nobody else can change, trusted as the file is.
  func copyToMemory() throws(PluginError) -> Int32 {
    let name = path.split(separator: "/").last.map(String.init) ?? "plugin.so"
    guard let copy = MemoryFile.create(name: String(name.prefix(64))) else {
      throw Self.failure(path, "copying")
    }
    do throws(PluginError) {
      try copyContents(to: copy)
      guard try Self.identify(descriptor, path, trust) == identity else {
        throw PluginError(
          status: .unavailable, message: "\(path): was written to while it was read; load it again")
      }
      try trust.check(path, contents: copy)
      guard MemoryFile.seal(copy) else { throw Self.failure(path, "sealing the copy of") }
    } catch {
      close(copy)
      throw error
    }
    return copy
  }

  private func copyContents(to copy: Int32) throws(PluginError) {
    var offset = 0
    while offset < identity.size {
      let count = sendfile(copy, descriptor, &offset, identity.size - offset)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Self.failure(path, "copying") }
    }
  }

  private static func failure(_ path: String, _ doing: String) -> PluginError {
    PluginError(
      status: .unavailable,
      message: "\(path): \(doing) it to memory failed: \(String(cString: strerror(errno)))")
  }

  private static func refusal(_ path: String, _ reason: String) -> PluginError {
    PluginError(status: .unsupported, message: "\(path): \(reason)")
  }
}

/// memfd_create(2), which Swift's view of the C library leaves out.
private enum MemoryFile {
  private typealias Create = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
  private static let closeOnExec: UInt32 = 1
  private static let allowSealing: UInt32 = 2
  private static let addSeals: Int32 = 1033
  /// F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE.
  private static let allSeals: Int32 = 15

  private static let function = dlsym(nil, "memfd_create").map { unsafeBitCast($0, to: Create.self) }

  /// A descriptor; nil, with errno set, if there is none to be had.
  static func create(name: String) -> Int32? {
    guard let function else {
      errno = ENOSYS
      return nil
    }
    let descriptor = function(name, closeOnExec | allowSealing)
    return descriptor >= 0 ? descriptor : nil
  }

  /// Sees that nobody changes the file any more, this process and its workers included.
  static func seal(_ descriptor: Int32) -> Bool { fcntl(descriptor, addSeals, allSeals) == 0 }
}

extension String {
  /// All occurrences of `pattern` replaced. Precondition: `pattern` is not empty.
  fileprivate func replacing(_ pattern: String, with replacement: String) -> String {
    var result = ""
    var rest = self[...]
    while let next = rest.first {
      if rest.hasPrefix(pattern) {
        result += replacement
        rest = rest.dropFirst(pattern.count)
      } else {
        result.append(next)
        rest = rest.dropFirst()
      }
    }
    return result
  }
}
