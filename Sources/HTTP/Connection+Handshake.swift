import Telemetry

extension Connection {
  /// Goes on with the transport's handshake; true once it is complete and bytes may be read.
  func shakeHands() -> Bool {
    switch transport.handshake() {
    case .complete:
      isHandshaking = false
      setReadDeadline(after: context.configuration.idleTime)
      return true
    case .wouldBlock:
      isReadable = false
    case .awaitsWritable:
      isReadable = false
      readAwaitsWritable = true
    case .failed(let reason):
      context.events.log?(.debug, "a TLS handshake failed: \(reason)", [("client", "\(address)")])
      close()
    }
    return false
  }
}
