import Scheduling

extension ServingError {
  /// What a client is told that the scheduler did not let in.
  init(_ refusal: Refusal) {
    let message =
      switch refusal.cause {
      case .requests(let waiting, let limit):
        "Exceeds maximum queue size: \(waiting) requests wait for the model already, the limit is \(limit)"
      case .levelRequests(let level, let waiting, let limit):
        "Exceeds maximum queue size: \(waiting) requests of priority \(level) wait for the model already, the limit "
          + "is \(limit)"
      case .bytes(let waiting, let limit):
        "the requests that wait for the model hold \(waiting) bytes, the limit is \(limit)"
      case .clientShare(let requests):
        "\(requests) requests of this client wait for the model already, which is its share of a queue that fills up"
      case .wait(let predicted, let limit):
        "the request would wait about \(Self.milliseconds(predicted)) ms for the model, the limit is "
          + "\(Self.milliseconds(limit)) ms"
      case .deadline(let late):
        "Request timeout expired before it began: it would be answered about \(Self.milliseconds(late)) ms too late"
      }
    self.init(.queueFull, "\(message): try again later")
    retryAfter = refusal.retryAfter
  }

  /// What a client is told whose request left the queue unexecuted.
  init(_ cause: DropCause) {
    switch cause {
    case .cancelled: self.init(.cancelled, "the client left while the request waited")
    case .expired:
      self.init(.deadlineExceeded, "Request timeout expired while it waited for the model")
    case .hopeless:
      self.init(
        .deadlineExceeded,
        "Request timeout expired while it waited for the model: it could not have been answered in time any more"
      )
    }
  }

  private static func milliseconds(_ nanoseconds: Int64) -> Int64 { (nanoseconds + 999_999) / 1_000_000 }
}
