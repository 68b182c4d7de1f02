/// How many of a model's turns run.
///
/// Unchecked: touched by the worker pool only, under its mutex.
final class TurnCount: @unchecked Sendable {
  var count = 0
}
