import Synchronization
import Telemetry

/// What all loops of a server share; nothing in it changes after the start but `turns` and the counts of `limits`.
final class ServerContext: Sendable {
  let configuration: ServerConfiguration
  let handler: any ExchangeHandler
  let events: ServerEvents
  let clock: MonotonicClock
  let limits: ConnectionLimits
  let headLimits: RequestParser.Limits
  let crossOrigin: CrossOrigin?
  /// Set if TCP listeners speak TLS.
  let tls: TLSCredentials?
  /// The waits that have ended with events, of all loops; kept only with `busyPollTime`.
  let turns = Atomic<Int>(0)

  init(
    configuration: ServerConfiguration, handler: any ExchangeHandler, events: ServerEvents,
    clock: MonotonicClock
  ) {
    self.configuration = configuration
    self.handler = handler
    self.events = events
    self.clock = clock
    limits = ConnectionLimits(configuration)
    headLimits = configuration.headLimits
    crossOrigin = CrossOrigin(configuration.corsOrigins)
    tls = configuration.tls.map { TLSCredentials($0) }
  }

  /// What carries the bytes of an accepted socket; nil if TLS has no memory for it.
  func transport(over descriptor: Int32, isSecure: Bool) -> (any Transport)? {
    guard isSecure else { return SocketTransport(descriptor: descriptor) }
    return tls?.transport(over: descriptor)
  }
}
