import HTTP
import Serving
import Tensors

/// How one dialect answers: with the outputs, or with what went wrong.
protocol InferenceAnswer: Sendable {
  /// Writes the whole response. Throws, and writes nothing, if these outputs cannot be told.
  func respond(
    with outputs: [Tensor], headers: [(StaticString, String)], to exchange: Exchange
  ) throws(APIFailure)
  /// What the client calls the request; nil if nothing.
  var id: String? { get }
  /// The dialect's words for `error`.
  func failure(for error: ServingError) -> APIFailure
  /// Whether an answer that the model streams as a single piece will do.
  static var takesOnePiece: Bool { get }
  /// What a client is told whose model answers in more pieces than that.
  func tooManyPieces() -> APIFailure
}

extension InferenceAnswer {
  static var takesOnePiece: Bool { false }

  func tooManyPieces() -> APIFailure {
    failure(
      for: ServingError(
        .unsupported,
        "HTTP end point doesn't support models with decoupled transaction policy: this model answers in several "
          + "pieces, and this route has one answer"))
  }
}

extension InferenceAnswer {
  /// Not every protocol has one.
  var id: String? { nil }
}

/// An inference under way: `submitted → answered`, or `submitted → abandoned`.
///
/// The inputs may lie in the exchange's body, which stays in place until the answer; so an abandoned
/// exchange is answered too, and only once the model has finished.
///
/// Unchecked: `pieceCount` and `piece` are touched by the model only, one call at a time and last before
/// `finish`; `isAnswered` on the exchange's loop only.
final class InferenceCall<Answer: InferenceAnswer>: InferenceReceiver, @unchecked Sendable {
  private let exchange: Exchange
  private let answer: Answer
  private let context: CallContext
  private var pieceCount = 0
  private var piece: [Tensor] = []
  private var isAnswered = false

  init(exchange: Exchange, answer: Answer, context: CallContext) {
    self.exchange = exchange
    self.answer = answer
    self.context = context
  }

  /// Keeps `inference` to be called off if the client leaves. On the loop, after submission.
  func follow(_ inference: (any CancellableInference)?) {
    guard let inference, !isAnswered else { return }
    exchange.onAbandon = { inference.cancel() }
  }

  func receive(chunk: [Tensor]) -> Bool {
    pieceCount += 1
    guard Answer.takesOnePiece, pieceCount == 1 else { return false }
    piece = chunk
    return true
  }

  func finish(_ result: Result<[Tensor], ServingError>, timing: InferenceTiming) {
    guard !exchange.loop.isCurrent else {
      // The model has just finished: it is that time still.
      let now = timing.startedAt > 0 ? timing.startedAt + timing.execute : context.now()
      return respond(result, timing, from: now)
    }
    exchange.loop.run { self.respond(result, timing, from: self.context.now()) }
  }

  /// On the loop, beginning at `start`.
  private func respond(
    _ result: Result<[Tensor], ServingError>, _ timing: InferenceTiming, from start: Int64
  ) {
    isAnswered = true
    if exchange.isAbandoned { return context.recordAbandoned(exchange) }
    context.note(exchange, id: answer.id ?? "", timing: timing, since: start)
    defer { context.trace(id: answer.id, timing, since: start) }
    do throws(APIFailure) {
      if pieceCount > (Answer.takesOnePiece ? 1 : 0) { throw answer.tooManyPieces() }
      switch result {
      case .success(let outputs):
        exchange.tellsBodyTime = context.tellsTiming
        try answer.respond(
          with: pieceCount == 1 ? piece : outputs, headers: context.headers(timing), to: exchange)
      case .failure(let error): throw answer.failure(for: error)
      }
      context.recordSuccess(serializeStart: start)
    } catch {
      context.fail(exchange, error)
    }
  }
}
