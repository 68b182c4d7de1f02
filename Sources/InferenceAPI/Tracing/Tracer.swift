import Glibc
import JSON
import Locks
import Synchronization
public import Telemetry

/// Writes when inferences went through their phases, for as many of them as it is told to (the `trace` extension).
///
/// Settings hold for all models; a model may have its own in their place. Off until a client turns it on, and then it
/// costs a request that is not traced a look at one word.
public final class Tracer: Sendable {
  /// The settings of all models, or of one; only those that were set.
  private struct Scope {
    var values: [TraceSetting: Int] = [:]
    var seenRequests = 0
  }

  private struct State {
    var general = Scope()
    var models: [String: Scope] = [:]
    var files: TraceFiles?

    func value(_ setting: TraceSetting, _ model: String?) -> Int {
      model.flatMap { models[$0]?.values[setting] } ?? general.values[setting] ?? setting.initial
    }

    var isOn: Bool {
      ([nil] + models.keys.map(Optional.some)).contains { value(.level, $0) > 0 && value(.count, $0) != 0 }
    }

    /// Turned on again, tracing begins its files anew.
    mutating func turnOff() {
      general.values[.level] = 0
      for model in models.keys { models[model]?.values[.level] = nil }
      files = nil
    }
  }

  /// The file that traces are written to; nil: there are none.
  let path: String?
  private let byteLimit: Int
  private let log: Log
  private let state: Lock<State>
  private let on = Atomic<Bool>(false)

  /// - Parameters:
  ///   - path: the file that traces are written to; nil if there is none, so that tracing cannot be turned on.
  ///   - byteLimit: bytes that are written at most before tracing turns itself off.
  public init(path: String?, byteLimit: Int, log: Log) {
    self.path = path
    self.byteLimit = byteLimit
    self.log = log
    state = Lock(State())
  }

  /// Whether any request may be traced. From any thread.
  var isOn: Bool { on.load(ordering: .relaxed) }

  /// What Triton calls its own way of tracing, as opposed to OpenTelemetry's.
  static let mode = "triton"

  /// All settings, those of `model` if there is one.
  func document(model: String?) -> JSONValue {
    let values = state.withLock { state in
      TraceSetting.allCases.map { ($0.rawValue, $0.document(state.value($0, model))) }
    }
    return .object([("trace_file", .string(path ?? ""))] + values + [("trace_mode", .string(Tracer.mode))])
  }

  /// Takes `changes` over, for all models or for one.
  func change(_ changes: TraceChanges, model: String?) {
    state.withLock { state in
      var scope = model.map { state.models[$0] ?? Scope() } ?? state.general
      for (setting, value) in changes { scope.values[setting] = value }
      scope.seenRequests = 0
      if let model { state.models[model] = scope.values.isEmpty ? nil : scope } else { state.general = scope }
      on.store(state.isOn, ordering: .relaxed)
    }
  }

  /// Writes `trace` if its request is one of those that are traced.
  func record(_ trace: RequestTrace) {
    let fault = state.withLock { state -> TraceFiles.Fault? in
      guard takes(trace.model, &state) else { return nil }
      defer { if !state.isOn { on.store(false, ordering: .relaxed) } }
      do throws(TraceFiles.Fault) {
        try write(trace, &state)
        return nil
      } catch {
        state.turnOff()
        return error
      }
    }
    if let fault { tell(fault) }
  }

  /// Whether the next request for `model` is traced; counts it.
  private func takes(_ model: String, _ state: inout State) -> Bool {
    guard state.value(.level, model) > 0 else { return false }
    let (rate, count) = (state.value(.rate, model), state.value(.count, model))
    let isOwn = state.models[model] != nil
    let seen = (isOwn ? state.models[model]?.seenRequests ?? 0 : state.general.seenRequests) &+ 1
    if isOwn { state.models[model]?.seenRequests = seen } else { state.general.seenRequests = seen }
    guard rate > 0, seen % rate == 0, count != 0 else { return false }
    if count > 0 {
      let isOwnCount = state.models[model]?.values[.count] != nil
      if isOwnCount {
        state.models[model]?.values[.count] = count - 1
      } else {
        state.general.values[.count] = count - 1
      }
    }
    return true
  }

  private func write(_ trace: RequestTrace, _ state: inout State) throws(TraceFiles.Fault) {
    guard let path else { return }
    var files = state.files ?? TraceFiles(path: path, byteLimit: byteLimit)
    defer { state.files = files }
    try files.append(trace, frequency: state.value(.frequency, trace.model))
  }

  private func tell(_ fault: TraceFiles.Fault) {
    switch fault {
    case .isFull:
      log.write(
        .warning, "tracing is off: the traces have as many bytes as they may",
        [("path", path ?? ""), ("max_trace_bytes", String(byteLimit))])
    case .unwritable(let path, let number):
      log.write(
        .error, "tracing is off: the trace file cannot be written",
        [("path", path), ("reason", String(cString: strerror(number)))])
    }
  }
}
