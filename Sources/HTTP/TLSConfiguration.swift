/// The files and rules of a server that speaks TLS on its TCP listeners. Unix-domain sockets stay plain.
///
/// The files are read at the start, and again when they change or `HTTPServer.reloadCertificates` is called.
public struct TLSConfiguration: Sendable, Equatable {
  public enum Version: Sendable, Equatable { case tls12, tls13 }

  /// A PEM file: the server's certificate first, then those that lead from it to its authority.
  public var certificatePath: String
  /// A PEM file with the private key of the certificate, not encrypted.
  public var keyPath: String
  /// A PEM file with the authorities of client certificates. If set, a client without a certificate from
  /// one of them gets no connection.
  public var clientCAPath: String?
  /// The oldest version that is spoken.
  public var minimumVersion = Version.tls12
  /// How often the files are looked at for changes, in nanoseconds.
  public var fileCheckTime: Int64 = 10_000_000_000

  public init(certificatePath: String, keyPath: String, clientCAPath: String? = nil) {
    self.certificatePath = certificatePath
    self.keyPath = keyPath
    self.clientCAPath = clientCAPath
  }

  var paths: [String] { [certificatePath, keyPath] + (clientCAPath.map { [$0] } ?? []) }
}
