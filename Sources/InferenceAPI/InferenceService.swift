import Bytes
public import HTTP
import JSON
public import Telemetry
import Tensors

/// What the server says of itself.
public struct ServerIdentity: Sendable {
  public var name: String
  public var version: String
  /// Seconds since 1970; the `created` of models in lists.
  public var startedAt: Int64

  public init(name: String = "swerve", version: String, startedAt: Int64 = 0) {
    self.name = name
    self.version = version
    self.startedAt = startedAt
  }
}

/// Every route of the server: the Open Inference Protocol (`/v2`), TensorFlow Serving's and KServe's
/// REST (`/v1`), health, metrics and the index page.
///
/// A request is routed and read on its connection's loop, handed to the model, and answered on that
/// loop again. The service holds no state of requests and no lock: any number of loops call it.
public final class InferenceService: ExchangeHandler {
  let catalog: any ModelCatalog
  let metrics: Metrics
  let log: Log
  let clock: MonotonicClock
  let limits: APILimits
  let identity: ServerIdentity
  let openAPI: String
  /// Loads and unloads models; nil if they are fixed.
  let repository: (any RepositoryControl)?
  let access: AccessControl
  /// Whether answers tell what their phases took.
  let tellsTiming: Bool
  /// The clock when the service was made, which is `identity.startedAt`.
  let startedAt: Int64
  /// Nil unless clients may use shared memory.
  let sharedMemory: SharedMemoryRegions?
  /// Whether faults of `/v2` have Triton's statuses, 500 for a malformed request among them.
  let usesTritonStatusCodes: Bool
  let requestMetrics: RequestMetricsTable
  /// Whether exchanges get notes for an access log.
  let notesRequests: Bool
  let tracer: Tracer
  private let router = Router(Routes.all)

  /// - Parameters:
  ///   - catalog: the models; a `ModelManager`.
  ///   - clock: the clock that `Exchange.startedAt` is read from.
  ///   - openAPI: the text of openapi.yaml, served as it is.
  ///   - repository: loads and unloads models; nil if they are fixed.
  ///   - access: who may do what.
  ///   - notesRequests: whether each inference leaves `Exchange.notes`.
  ///   - tracer: writes traces; nil: there are none.
  ///   - tellsTiming: whether answers of inferences have a `Server-Timing` field.
  ///   - sharedMemory: where clients register shared memory; nil if they may not.
  ///   - usesTritonStatusCodes: whether faults of `/v2` have Triton's statuses, for clients that depend on them.
  public init(
    catalog: any ModelCatalog, metrics: Metrics, log: Log, clock: MonotonicClock = .system,
    limits: APILimits = APILimits(), identity: ServerIdentity, openAPI: String,
    repository: (any RepositoryControl)? = nil, access: AccessControl = AccessControl(),
    sharedMemory: SharedMemoryRegions? = nil, usesTritonStatusCodes: Bool = false,
    notesRequests: Bool = false, tracer: Tracer? = nil, tellsTiming: Bool = false
  ) {
    self.catalog = catalog
    self.metrics = metrics
    self.log = log
    self.clock = clock
    self.limits = limits
    self.identity = identity
    self.openAPI = openAPI
    self.repository = repository
    self.access = access
    self.notesRequests = notesRequests
    self.tracer = tracer ?? Tracer(path: nil, byteLimit: 0, log: log)
    self.tellsTiming = tellsTiming
    startedAt = clock.now()
    self.sharedMemory = sharedMemory
    self.usesTritonStatusCodes = usesTritonStatusCodes
    requestMetrics = RequestMetricsTable(metrics)
  }

  public func handle(_ exchange: Exchange) {
    if exchange.method == .post,
      let known = TargetCache.of(exchange.loop).find(exchange.targetBytes, generation: catalog.generation)
    {
      guard isAllowed(exchange, known.endpoint) else { return }
      answer(known.endpoint, exchange, known.resolved)
      return
    }
    switch match(exchange) {
    case .found(let endpoint, let parameters):
      guard isAllowed(exchange, endpoint), !awakens(endpoint, parameters, exchange) else { return }
      do throws(APIFailure) {
        try answer(endpoint, parameters, exchange)
      } catch {
        refuse(exchange, error)
      }
    case .options(let allow):
      exchange.respond(status: 204, headers: [("Allow", Method.allowList(allow))]) { _ in }
    case .methodNotAllowed(let allow):
      exchange.respond(methodNotAllowed(exchange, allow))
    case .notFound:
      // What is asked of the server, not of a route (RFC 9110 section 9.3.7).
      if exchange.method == .options, exchange.path == "*" {
        return exchange.respond(status: 204, headers: [("Allow", "GET, HEAD, POST, OPTIONS")]) { _ in }
      }
      exchange.respond(notFound(exchange))
    }
  }

  private func match(_ exchange: Exchange) -> Match<Endpoint> {
    let path = exchange.path
    let match = router.match(exchange.method, path)
    switch match {
    case .found, .options: return match
    case .notFound, .methodNotAllowed:
      guard let lowered = Routes.inLowerCase(path) else { return match }
      return router.match(exchange.method, lowered)
    }
  }

  /// Answers with a refusal.
  func refuse(_ exchange: Exchange, _ failure: APIFailure) { exchange.respond(asAnswered(failure)) }

  /// With the status that the operator's clients expect.
  private func asAnswered(_ failure: APIFailure) -> APIFailure {
    var failure = failure
    if usesTritonStatusCodes, let status = failure.tritonStatus { failure.status = status }
    return failure
  }

  /// Whether the request may use `endpoint`; if not, it has been answered.
  private func isAllowed(_ exchange: Exchange, _ endpoint: Endpoint) -> Bool {
    do throws(APIFailure) { try access.check(exchange, endpoint) } catch {
      refuse(exchange, error)
      return false
    }
    return true
  }

  /// Refuses what `handle` would refuse anyway before its body is read.
  public func admit(_ exchange: Exchange) -> Admission {
    do throws(APIFailure) {
      switch match(exchange) {
      case .found(let endpoint, let parameters):
        try access.check(exchange, endpoint)
        guard endpoint.isInference else {
          // The server's own limit holds for models that are sent along.
          return endpoint == .repositoryLoad ? .admit : .admitBody(upTo: InferenceService.maximumIgnoredBody)
        }
        let model = try checkModel(exchange, parameters)
        return endpoint == .infer ? admission(of: exchange, for: model) : .admit
      case .options:
        return .admitBody(upTo: InferenceService.maximumIgnoredBody)
      case .methodNotAllowed(let allow): throw methodNotAllowed(exchange, allow)
      case .notFound: throw notFound(exchange)
      }
    } catch {
      let failure = asAnswered(error)
      return .refuse(Refusal(status: failure.status, message: failure.message, headers: failure.headers))
    }
  }

  /// Throws, and counts, what an inference would be answered whatever its body holds.
  private func checkModel(
    _ exchange: Exchange, _ parameters: PathParameters
  ) throws(APIFailure) -> any InferenceModel {
    let dialect = Routes.dialect(of: exchange.path)
    do throws(APIFailure) {
      let reference = try reference(exchange, parameters, dialect)
      let model = try model(reference, dialect)
      if !model.isAsleep { _ = try readyModel(reference, dialect) }
      return model
    } catch {
      requestMetrics.unknownModel(dialect).recordFailure(
        status: asAnswered(error).status, total: clock.now() - exchange.startedAt)
      throw error
    }
  }

  /// Probes and metrics are answered however much is asked of the models: a server that is busy is not dead.
  public func isUrgent(_ exchange: Exchange) -> Bool {
    guard case .found(let endpoint, _) = router.match(exchange.method, exchange.path) else { return false }
    return switch endpoint {
    case .live, .ready, .health, .metrics: true
    default: false
    }
  }

  /// Has the first binary tensor lie where it can be used in place, by a worker too.
  private func admission(of exchange: Exchange, for model: any InferenceModel) -> Admission {
    guard let text = exchange.header("Inference-Header-Content-Length"), let offset = Int(text),
      offset >= 0
    else {
      return .admit
    }
    guard model.sharesMemory else { return .admitAligned(at: offset) }
    return .admitAligned(at: offset) { byteCount in
      model.sharedMemory(byteCount: byteCount).map {
        BodyMemory(base: $0.base, byteCount: $0.byteCount, owner: $0)
      }
    }
  }

  /// Bytes of a body that a route without use for it still reads, so that the connection lives on.
  private static let maximumIgnoredBody = 65_536

  func notFound(_ exchange: Exchange) -> APIFailure {
    let request = "\(exchange.method.name) \(excerpt(exchange.path))"
    let hint = "GET /openapi.yaml describes the routes"
    return switch Routes.dialect(of: exchange.path) {
    case .openInference: APIFailure(404, "Not Found: \(request); \(hint)")
    case .tensorFlowServing: APIFailure(400, "Malformed request: \(request); \(hint)")
    }
  }

  private func methodNotAllowed(_ exchange: Exchange, _ allow: [Method]) -> APIFailure {
    // A verb that does not exist (`/v1/models/m:frobnicate`) looks like the model `m:frobnicate`.
    let isVerb = exchange.path.split(separator: "/").last?.contains(":") == true
    if isVerb, !allow.contains(.post) { return notFound(exchange) }
    let list = Method.allowList(allow)
    return APIFailure(
      405, "Method Not Allowed: \(exchange.method.name) \(excerpt(exchange.path)); allowed: \(list)",
      headers: [("Allow", list)])
  }
}
