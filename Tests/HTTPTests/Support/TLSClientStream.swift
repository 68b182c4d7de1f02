import COpenSSL
import Foundation

/// What a test client brings to a handshake.
struct TLSClientOptions {
  /// The authority that the server's certificate has to come from.
  var authority: String
  var certificate: String?
  var key: String?
  var protocols: [String] = []
  var onlyVersion: Int32?
}

/// The client's side of TLS over a blocking socket.
final class TLSClientStream {
  private let connection: OpaquePointer

  init(_ descriptor: Int32, _ options: TLSClientOptions) throws {
    let context = try Self.context(options)
    defer { SSL_CTX_free(context) }
    guard let connection = SSL_new(context) else { throw Self.failure("SSL_new") }
    self.connection = connection
    SSL_set_fd(connection, descriptor)
    let list = options.protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    if !list.isEmpty { SSL_set_alpn_protos(connection, list, UInt32(list.count)) }
    ERR_clear_error()
    guard SSL_connect(connection) == 1 else { throw Self.failure("handshake") }
  }

  deinit { SSL_free(connection) }

  private static func context(_ options: TLSClientOptions) throws -> OpaquePointer {
    guard let context = SSL_CTX_new(TLS_client_method()) else { throw failure("SSL_CTX_new") }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
    guard SSL_CTX_load_verify_locations(context, options.authority, nil) == 1 else {
      throw failure("authority")
    }
    if let certificate = options.certificate, let key = options.key {
      guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1,
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1
      else { throw failure("client certificate") }
    }
    if let version = options.onlyVersion {
      SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(version), nil)
      SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil)
    }
    return context
  }

  private static func failure(_ what: String) -> ClientError {
    let code = ERR_get_error()
    ERR_clear_error()
    let reason = ERR_reason_error_string(code).map { String(cString: $0) } ?? "errno \(errno)"
    return ClientError(description: "TLS \(what): \(reason)")
  }

  func send(_ bytes: UnsafeRawBufferPointer) -> Int {
    ERR_clear_error()
    var count = 0
    return SSL_write_ex(connection, bytes.baseAddress, bytes.count, &count) == 1 ? count : -1
  }

  /// Zero at close_notify; throws at an end without it.
  func receive(_ room: inout [UInt8]) throws -> Int {
    ERR_clear_error()
    var count = 0
    let outcome = SSL_read_ex(connection, &room, room.count, &count)
    if outcome == 1 { return count }
    if SSL_get_error(connection, outcome) == SSL_ERROR_ZERO_RETURN { return 0 }
    throw Self.failure("read")
  }

  /// `TLSv1.2` or `TLSv1.3`.
  var version: String { String(cString: SSL_get_version(connection)) }

  /// The protocol that ALPN agreed on; empty if none.
  var agreedProtocol: String {
    var name: UnsafePointer<UInt8>?
    var length: UInt32 = 0
    SSL_get0_alpn_selected(connection, &name, &length)
    return String(decoding: UnsafeBufferPointer(start: name, count: Int(length)), as: UTF8.self)
  }

  /// The common name of the server's certificate.
  var serverName: String {
    guard let certificate = SSL_get1_peer_certificate(connection) else { return "" }
    defer { X509_free(certificate) }
    var text = [CChar](repeating: 0, count: 256)
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, &text, Int32(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Asks for another handshake on the connection, as TLS 1.2 knows it; false if it was refused.
  func renegotiates() -> Bool {
    ERR_clear_error()
    guard SSL_renegotiate(connection) == 1 else { return false }
    return SSL_do_handshake(connection) == 1
  }
}
