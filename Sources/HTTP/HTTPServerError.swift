import Glibc

/// Why a server did not start: what it tried, and what the system said.
public struct HTTPServerError: Error, Equatable, CustomStringConvertible {
  public let description: String

  init(_ description: String) { self.description = description }

  /// - Parameter code: an `errno`.
  static func cannotListen(on address: ListenAddress, code: Int32) -> HTTPServerError {
    let hint =
      switch code {
      case EADDRINUSE: "; another program listens there: stop it, or choose another address"
      case EACCES: "; ports below 1024 and protected folders need privileges: choose another address"
      case EADDRNOTAVAIL: "; no network interface of this machine has that address"
      default: ""
      }
    return HTTPServerError("cannot listen on \(address): \(text(of: code))\(hint)")
  }

  static func text(of code: Int32) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text)
  }
}
