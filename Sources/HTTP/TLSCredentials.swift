import Glibc
import Locks
import Telemetry

/// The context that new connections get, and its renewal from the files.
///
/// The lock is taken for each new connection and each renewal, never for a request. A renewal that fails
/// leaves the context in force.
final class TLSCredentials: Sendable {
  typealias Report = (Log.Level, String, [(String, String)]) -> Void

  /// What tells one state of a file from another.
  private struct FileStamp: Equatable {
    var device: UInt = 0
    var inode: UInt = 0
    var size = 0
    var seconds = 0
    var nanoseconds = 0

    /// Follows links; all zero if there is no such file.
    init(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return }
      device = UInt(status.st_dev)
      inode = UInt(status.st_ino)
      size = Int(status.st_size)
      seconds = status.st_mtim.tv_sec
      nanoseconds = status.st_mtim.tv_nsec
    }
  }

  private struct State {
    var context: TLSContext?
    /// The files as they were before they were last read.
    var stamps: [FileStamp] = []
  }

  let configuration: TLSConfiguration
  private let state = Lock(State())

  init(_ configuration: TLSConfiguration) { self.configuration = configuration }

  /// Reads the files and puts what they hold in force.
  func load() throws(HTTPServerError) {
    // Before the files are read: a change in between is then seen by the next look.
    let stamps = configuration.paths.map { FileStamp($0) }
    state.withLock { $0.stamps = stamps }
    let context = try TLSContext(configuration)
    state.withLock { $0.context = context }
  }

  /// Reads the files again, and reports what came of it.
  func reload(_ report: Report?) {
    do throws(HTTPServerError) {
      try load()
      report?(.info, "new TLS connections get the certificate as it is now", fields)
    } catch {
      report?(.error, "the TLS certificate stays as it was: \(error)", fields)
    }
  }

  /// The same, if a file is not as it was when the files were last read.
  func reloadIfChanged(_ report: Report?) {
    let stamps = configuration.paths.map { FileStamp($0) }
    if stamps != state.withLock({ $0.stamps }) { reload(report) }
  }

  private var fields: [(String, String)] { [("certificate", configuration.certificatePath)] }

  /// TLS over an accepted socket; nil if nothing is loaded or there is no memory.
  func transport(over descriptor: Int32) -> TLSTransport? {
    guard let context = state.withLock({ $0.context }) else { return nil }
    return TLSTransport(descriptor: descriptor, context: context)
  }
}
