import Foundation
import HTTP
import TestSupport

/// An authority and the certificates it signs, made with the `openssl` command in a folder of their own.
final class Certificates {
  /// Whether the command is here.
  static let canBeMade = (try? Command(["openssl", "version"]).status) == 0

  struct Pair {
    var certificate: String
    var key: String
  }

  let folder = Result { try TemporaryFolder() }
  let path: String
  /// The authority's certificate.
  let authority: String

  init() throws {
    path = try folder.get().path
    authority = path + "/authority.pem"
    try openssl(
      ["req", "-x509", "-days", "2", "-subj", "/CN=authority", "-out", authority]
        + newKey(path + "/authority.key"))
  }

  /// A certificate for localhost that bears `name`.
  func issue(_ name: String) throws -> Pair {
    let stem = path + "/" + name
    let pair = Pair(certificate: stem + ".pem", key: stem + ".key")
    try openssl(["req", "-new", "-subj", "/CN=\(name)", "-out", stem + ".csr"] + newKey(pair.key))
    let extensions = try folder.get().write("names", "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    try openssl([
      "x509", "-req", "-in", stem + ".csr", "-CA", authority, "-CAkey", path + "/authority.key",
      "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", pair.certificate,
    ])
    return pair
  }

  /// The key of `pair` behind a password.
  func encryptedKey(of pair: Pair) throws -> String {
    let encrypted = pair.key + ".encrypted"
    try openssl(["pkey", "-in", pair.key, "-aes256", "-passout", "pass:secret", "-out", encrypted])
    return encrypted
  }

  private func newKey(_ file: String) -> [String] {
    ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file]
  }

  private func openssl(_ arguments: [String]) throws {
    let run = try Command(["openssl"] + arguments)
    guard run.status == 0 else { throw ClientError(description: "openssl: \(run.error)") }
  }
}

/// Replaces `target` in one step, as a tool that renews certificates does.
func replace(_ target: String, with source: String) throws {
  let fresh = target + ".new"
  try FileManager.default.copyItem(atPath: source, toPath: fresh)
  guard rename(fresh, target) == 0 else { throw ClientError(description: "rename: errno \(errno)") }
}

/// A server that speaks TLS with a certificate that bears the name `first`.
func withTLSServer(
  _ handle: @escaping @Sendable (Exchange) -> Void = echo, events: ServerEvents = ServerEvents(),
  verifiesClients: Bool = false, configure: (inout ServerConfiguration) -> Void = { _ in },
  run body: (HTTPServer, Int, Certificates) throws -> Void
) throws {
  let certificates = try Certificates()
  let pair = try certificates.issue("first")
  try withServer(
    handle, events: events,
    configure: { configuration in
      configuration.tls = TLSConfiguration(
        certificatePath: pair.certificate, keyPath: pair.key,
        clientCAPath: verifiesClients ? certificates.authority : nil)
      configure(&configuration)
    }, run: { try body($0, $1, certificates) })
}
