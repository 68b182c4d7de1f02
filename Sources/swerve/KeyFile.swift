import Glibc
import InferenceAPI
import ModelFiles
import Telemetry

/// The file of API keys, read again when it changes.
///
/// Unchecked: `seen` is touched by the one thread that watches the file, and before that starts.
final class KeyFile: @unchecked Sendable {
  private static let checkSeconds: UInt32 = 2

  private let path: String
  private let log: Log
  let access: AccessControl
  private var seen: String

  /// Throws what is wrong with the file: a server that asks for keys does not start without them.
  init(path: String, log: Log) throws {
    self.path = path
    self.log = log
    seen = Files.state(path)
    do { access = AccessControl(keys: try KeyFile.read(path)) } catch { throw Refusal("--api-keys \(error)") }
  }

  private struct Fault: Error, CustomStringConvertible {
    var description: String
  }

  private static func read(_ path: String) throws -> KeyRing {
    guard let text = Files.text(path) else {
      throw Fault(description: "\(path): no such file, or it cannot be read")
    }
    do { return try KeyRing(text: text) } catch { throw Fault(description: "\(path): \(error)") }
  }

  /// Takes what the file holds now. What cannot be read changes nothing but the log.
  func reload() {
    do {
      access.replace(try KeyFile.read(path))
      log.write(.info, "API keys are renewed", [("file", path)])
    } catch {
      log.write(.error, "API keys stay as they were: \(error)")
    }
  }

  /// Looks at the file every two seconds, for as long as the process lives.
  func watch() {
    Standard.startThread { [self] in
      while true {
        sleep(KeyFile.checkSeconds)
        let now = Files.state(path)
        if now != seen {
          seen = now
          reload()
        }
      }
    }
  }
}
