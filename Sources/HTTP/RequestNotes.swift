/// What a handler knows of a request beside what HTTP shows, for an access log.
public struct RequestNotes: Sendable {
  /// Names and values, in the order in which they are told.
  public var fields: [(String, String)]
  /// The phases that the request went through, and the nanoseconds of each.
  public var phases: [(String, Int64)]
  /// When the answer began to be written, by the server's clock, in nanoseconds; 0 if that is not known.
  public var answeringSince: Int64

  public init(
    fields: [(String, String)] = [], phases: [(String, Int64)] = [], answeringSince: Int64 = 0
  ) {
    self.fields = fields
    self.phases = phases
    self.answeringSince = answeringSince
  }
}
