import Foundation
import HTTP
import Synchronization
import TestSupport
import Testing

@Suite(
  .enabled(if: Certificates.canBeMade, "the openssl command, which makes the certificates, is not installed"))
struct TLSCertificateTests {
  /// Why a server with these files does not start.
  private func refusal(_ tls: TLSConfiguration) -> String {
    var configuration = ServerConfiguration(listeners: [.tcp(host: "127.0.0.1", port: 0)])
    configuration.loopCount = 1
    configuration.tls = tls
    let server = HTTPServer(configuration: configuration, handler: ClosureHandler(handleAction: echo))
    do throws(HTTPServerError) { try server.start() } catch { return error.description }
    server.stop(grace: 0)
    server.join()
    return "it started"
  }

  @Test func filesThatCannotBeUsedAreRefusedWithTheReason() throws {
    let certificates = try Certificates()
    let pair = try certificates.issue("one")
    let other = try certificates.issue("two")
    let encrypted = try certificates.encryptedKey(of: pair)
    let nowhere = certificates.path + "/nowhere.pem"
    let text = try certificates.folder.get().write("text", "no certificate\n")
    func refusal(_ certificate: String, _ key: String, clientCA: String? = nil) -> String {
      self.refusal(
        TLSConfiguration(certificatePath: certificate, keyPath: key, clientCAPath: clientCA))
    }

    #expect(
      refusal(nowhere, pair.key) == "TLS certificate \(nowhere) cannot be read: No such file or directory")
    #expect(
      refusal(pair.certificate, nowhere) == "TLS key \(nowhere) cannot be read: No such file or directory")
    #expect(refusal(text, pair.key).hasPrefix("TLS certificate \(text): expected certificates in PEM form"))
    #expect(
      refusal(pair.certificate, text).hasPrefix("TLS key \(text): expected a private key in PEM form"))
    #expect(
      refusal(pair.certificate, other.key).hasPrefix(
        "TLS key \(other.key) does not belong to the certificate \(pair.certificate)"))
    #expect(refusal(pair.certificate, encrypted).hasPrefix("TLS key \(encrypted) is encrypted"))
    #expect(
      refusal(certificates.path, pair.key).hasPrefix("TLS certificate \(certificates.path): expected a file"))
    #expect(
      refusal(pair.certificate, pair.key, clientCA: text).hasPrefix(
        "TLS client authorities \(text): expected certificates in PEM form"))
    #expect(refusal(pair.certificate, pair.key, clientCA: certificates.authority) == "it started")
  }

  /// The name of the certificate that a new connection gets.
  private func name(_ port: Int, _ certificates: Certificates) throws -> String {
    let client = try Client(port: port, tls: .init(authority: certificates.authority))
    _ = try client.exchange("GET", "/")
    return client.tls?.serverName ?? ""
  }

  @Test func newConnectionsGetTheReplacedFilesAndOldOnesGoOn() throws {
    try withTLSServer(
      configure: { $0.tls?.fileCheckTime = milliseconds(20) },
      run: { _, port, certificates in
        let old = try Client(port: port, tls: .init(authority: certificates.authority))
        #expect(old.tls?.serverName == "first")
        let second = try certificates.issue("second")
        // Between the two the key does not belong to the certificate.
        try replace(certificates.path + "/first.pem", with: second.certificate)
        usleep(100_000)
        #expect(try name(port, certificates) == "first")
        try replace(certificates.path + "/first.key", with: second.key)
        try waitUntil { (try? name(port, certificates)) == "second" }
        #expect(try old.exchange("GET", "/").status == 200)
      })
  }

  @Test func aFileThatCannotBeUsedLeavesTheOldCertificateInForceAndIsLogged() throws {
    let lines = Mutex<[String]>([])
    var events = ServerEvents()
    events.log = { level, message, _ in lines.withLock { $0.append("\(level): \(message)") } }
    try withTLSServer(
      events: events,
      run: { server, port, certificates in
        let file = certificates.path + "/first.pem"
        try FileManager.default.moveItem(atPath: file, toPath: file + ".kept")
        server.reloadCertificates()
        try waitUntil { lines.withLock { !$0.isEmpty } }
        #expect(
          lines.withLock { $0 } == [
            "error: the TLS certificate stays as it was: TLS certificate \(file) cannot be read: "
              + "No such file or directory"
          ])
        #expect(try name(port, certificates) == "first")

        let second = try certificates.issue("second")
        try replace(file, with: second.certificate)
        try replace(certificates.path + "/first.key", with: second.key)
        server.reloadCertificates()
        try waitUntil { lines.withLock { $0.count == 2 } }
        #expect(lines.withLock { $0.last } == "info: new TLS connections get the certificate as it is now")
        #expect(try name(port, certificates) == "second")
      })
  }
}
