import Foundation
import TestSupport
import Testing

@Suite(
  .enabled(
    if: (try? Command(["openssl", "version"]).status) == 0
      && (try? Command(["curl", "--version"]).status) == 0,
    "the certificate needs the openssl command, and the client is curl: one of them is not installed"))
struct TLSTests {
  /// A certificate that vouches for itself, as `name.pem` and `name.key` in `folder`.
  private func certify(_ name: String, in folder: TemporaryFolder) throws {
    let stem = folder.path + "/" + name
    let run = try Command([
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
      "2",
      "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:localhost", "-keyout", stem + ".key", "-out",
      stem + ".pem",
    ])
    #expect(run.status == 0, "\(run.error)")
  }

  private func curl(_ port: Int, trusting certificate: String) throws -> Command {
    try Command([
      "curl", "-sS", "--max-time", "20", "--cacert", certificate, "https://localhost:\(port)/livez",
    ])
  }

  @Test func aServerSpeaksTLSAndTakesANewCertificateAtSIGHUP() throws {
    let folder = try TemporaryFolder()
    for name in ["first", "second"] { try certify(name, in: folder) }
    for kind in ["pem", "key"] {
      try FileManager.default.copyItem(
        atPath: folder.path + "/first.\(kind)", toPath: folder.path + "/used.\(kind)")
    }
    let server = try ServerProcess(
      models: ["models"],
      arguments: ["--tls-certificate", folder.path + "/used.pem", "--tls-key", folder.path + "/used.key"])
    #expect(try curl(server.port, trusting: folder.path + "/first.pem").output == #"{"live":true}"#)
    #expect(try curl(server.port, trusting: folder.path + "/second.pem").status != 0)

    for kind in ["pem", "key"] {
      try Data(contentsOf: URL(fileURLWithPath: folder.path + "/second.\(kind)")).write(
        to: URL(fileURLWithPath: folder.path + "/used.\(kind)"))
    }
    kill(server.process.processIdentifier, SIGHUP)
    // Less than the time between two looks at the files, which would renew the certificate too.
    #expect(
      try server.waits(seconds: 5) {
        try curl(server.port, trusting: folder.path + "/second.pem").status == 0
      },
      "\(server.log)")
  }

  @Test func healthAsksAServerThatSpeaksTLSOnItsUnixSocket() throws {
    let folder = try TemporaryFolder()
    try certify("own", in: folder)
    let socket = folder.path + "/swerve.sock"
    let server = try ServerProcess(
      models: ["models"],
      arguments: [
        "--tls-certificate", folder.path + "/own.pem", "--tls-key", folder.path + "/own.key", "--unix-socket",
        socket,
      ])
    func health(_ arguments: String..., environment: [String: String] = [:]) throws -> Command {
      try Command([Checkout.products + "/swerve", "health"] + arguments, environment: environment)
    }
    #expect(try health("--unix-socket", socket, "--path", "/livez").status == 0)
    #expect(try health("--path", "/livez", environment: ["SWERVE_UNIX_SOCKET": socket]).status == 0)
    #expect(try health("--unix-socket", socket + ".none").status == 1)
    #expect(try health("--port", "\(server.port)").error.contains("speaks TLS"))
    #expect(
      try health(environment: ["SWERVE_TLS_CERTIFICATE": "own.pem"]).error.contains("SWERVE_UNIX_SOCKET"))
  }

  @Test func certificateAndKeyComeTogether() throws {
    for option in ["--tls-certificate", "--tls-key", "--tls-client-ca"] {
      let run = try Command([Checkout.products + "/swerve", "serve", option, "file.pem"])
      #expect(run.status != 0)
      #expect(run.error.contains("\(option) alone"), "\(run.error)")
    }
  }
}
