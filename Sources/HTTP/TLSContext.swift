import COpenSSL
import Glibc

/// What OpenSSL makes connections from: a certificate with its key, and the rules. Never changed once made;
/// a reload makes another.
///
/// Unchecked: OpenSSL counts the references to a context with atomics and locks what connections share.
final class TLSContext: @unchecked Sendable {
  private static let maximumFileBytes = 1 << 20

  let pointer: OpaquePointer

  /// Reads the files. The error names the file, what is wrong with it, and what to do.
  init(_ configuration: TLSConfiguration) throws(HTTPServerError) {
    ERR_clear_error()
    guard let context = SSL_CTX_new(TLS_server_method()) else {
      throw HTTPServerError("OpenSSL makes no context: \(Self.takeReason())")
    }
    pointer = context
    setRules(configuration)
    try useCertificate(configuration.certificatePath)
    try useKey(configuration.keyPath, certificate: configuration.certificatePath)
    if let path = configuration.clientCAPath { try requireClients(knownTo: path) }
  }

  deinit { SSL_CTX_free(pointer) }

  private func setRules(_ configuration: TLSConfiguration) {
    let minimum = configuration.minimumVersion == .tls13 ? TLS1_3_VERSION : TLS1_2_VERSION
    _ = swerve_SSL_CTX_set_minimum_version(pointer, minimum)
    swerve_SSL_CTX_set_server_options(pointer)
    swerve_SSL_CTX_set_stream_modes(pointer)
    swerve_SSL_CTX_offer_http11(pointer)
    // Sessions are resumed by tickets, which the client keeps.
    swerve_SSL_CTX_disable_session_cache(pointer)
    // Without a name for its sessions OpenSSL resumes none that had a client certificate.
    let name = Array("swerve".utf8)
    _ = SSL_CTX_set_session_id_context(pointer, name, UInt32(name.count))
  }

  private func useCertificate(_ path: String) throws(HTTPServerError) {
    try Self.requireFile(path, "certificate")
    guard SSL_CTX_use_certificate_chain_file(pointer, path) == 1 else {
      throw HTTPServerError(
        "TLS certificate \(path): expected certificates in PEM form, the server's own first: "
          + Self.takeReason())
    }
  }

  private func useKey(_ path: String, certificate: String) throws(HTTPServerError) {
    try Self.requireFile(path, "key")
    guard let file = BIO_new_file(path, "r") else {
      throw HTTPServerError("TLS key \(path): \(Self.takeReason())")
    }
    defer { BIO_free(file) }
    var wantsPassword = false
    let key = PEM_read_bio_PrivateKey(
      file, nil,
      { _, _, _, asked in
        // Without this OpenSSL would ask on the terminal.
        asked?.assumingMemoryBound(to: Bool.self).pointee = true
        return -1
      }, &wantsPassword)
    defer { EVP_PKEY_free(key) }
    if wantsPassword {
      ERR_clear_error()
      throw HTTPServerError(
        "TLS key \(path) is encrypted; give it without a password (openssl pkey -in FILE -out NEWFILE), "
          + "readable by the server alone")
    }
    guard let key else {
      throw HTTPServerError("TLS key \(path): expected a private key in PEM form: \(Self.takeReason())")
    }
    guard SSL_CTX_use_PrivateKey(pointer, key) == 1, SSL_CTX_check_private_key(pointer) == 1 else {
      throw HTTPServerError(
        "TLS key \(path) does not belong to the certificate \(certificate): \(Self.takeReason())")
    }
  }

  private func requireClients(knownTo path: String) throws(HTTPServerError) {
    try Self.requireFile(path, "client authorities")
    guard SSL_CTX_load_verify_locations(pointer, path, nil) == 1, let names = SSL_load_client_CA_file(path)
    else {
      throw HTTPServerError(
        "TLS client authorities \(path): expected certificates in PEM form: \(Self.takeReason())")
    }
    SSL_CTX_set_client_CA_list(pointer, names)
    SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
  }

  private static func requireFile(_ path: String, _ role: String) throws(HTTPServerError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw HTTPServerError("TLS \(role) \(path) cannot be read: \(HTTPServerError.text(of: errno))")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_size <= maximumFileBytes
    else {
      throw HTTPServerError("TLS \(role) \(path): expected a file of at most \(maximumFileBytes) bytes")
    }
  }

  /// The first error that OpenSSL noted on this thread; forgets all.
  static func takeReason() -> String {
    let code = ERR_get_error()
    ERR_clear_error()
    guard code != 0 else { return "no reason given" }
    guard let reason = ERR_reason_error_string(code) else { return "OpenSSL error \(code)" }
    return String(cString: reason)
  }
}
