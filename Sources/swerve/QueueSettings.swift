import JSON
import Scheduling
import Serving

/// The members of `model.json` that say how requests wait: Triton's names with Triton's meanings.
enum QueueSettings {
  typealias Fault = ModelConfigurationFile.Fault

  static let members = [
    "max_linger_microseconds", "priority_levels", "default_priority_level", "default_queue_policy",
    "priority_queue_policy",
  ]
  private static let maximumLevels: Int64 = 64
  /// An hour; what is longer is a slip of the pen.
  private static let maximumMicroseconds: Int64 = 3_600_000_000

  static func read(_ document: JSONValue, into configuration: inout ModelConfiguration) throws {
    configuration.linger = try microseconds(document["max_linger_microseconds"], "max_linger_microseconds")
    let levels = try whole(document["priority_levels"], "priority_levels", 0...maximumLevels) ?? 0
    let policy = try document["default_queue_policy"].map { try levelPolicy($0, "default_queue_policy") }
    configuration.levels = Array(repeating: policy ?? LevelPolicy(), count: Int(max(levels, 1)))
    let highest = max(levels, 1)
    let chosen = try whole(document["default_priority_level"], "default_priority_level", 1...highest)
    configuration.defaultLevel = Int(chosen ?? (highest + 1) / 2)
    guard let own = document["priority_queue_policy"] else { return }
    guard case .object(let list) = own else {
      throw Fault(description: "'priority_queue_policy': expected an object such as {\"1\": {…}}")
    }
    for (name, value) in list {
      guard let level = Int(name), (1...Int(highest)).contains(level) else {
        throw Fault(description: "'priority_queue_policy': '\(name)' is no level from 1 to \(highest)")
      }
      configuration.levels[level - 1] = try levelPolicy(value, "priority_queue_policy.\(name)")
    }
  }

  static func cacheBytes(_ value: JSONValue) throws -> Int {
    guard case .object(let members) = value, members.count == 1, let bytes = value["bytes"] else {
      throw Fault(description: "'cache': expected {\"bytes\": N}")
    }
    return try ModelConfigurationFile.positive(bytes, "cache.bytes")
  }

  private static func levelPolicy(_ value: JSONValue, _ place: String) throws -> LevelPolicy {
    guard case .object(let members) = value else {
      throw Fault(description: "'\(place)': expected an object")
    }
    var policy = LevelPolicy()
    for (name, value) in members {
      let place = "\(place).\(name)"
      switch name {
      case "max_queue_size": policy.requests = Int(try whole(value, place, 0...(1 << 30)) ?? 0)
      case "default_timeout_microseconds": policy.timeout = try microseconds(value, place)
      case "timeout_action":
        guard case .string(let text) = value,
          let action = LevelPolicy.TimeoutAction(rawValue: text.lowercased())
        else { throw Fault(description: "'\(place)': expected \"reject\" or \"delay\"") }
        policy.timeoutAction = action
      default:
        throw Fault(
          description: "'\(place)' is not a setting; there are max_queue_size, default_timeout_microseconds, "
            + "timeout_action")
      }
    }
    return policy
  }

  /// Nanoseconds; 0 if the member is not there.
  private static func microseconds(_ value: JSONValue?, _ place: String) throws -> Int64 {
    (try whole(value, place, 0...maximumMicroseconds) ?? 0) * 1000
  }

  private static func whole(_ value: JSONValue?, _ place: String, _ range: ClosedRange<Int64>) throws
    -> Int64?
  {
    guard let value else { return nil }
    guard case .integer(let number) = value, range.contains(number) else {
      throw Fault(
        description: "'\(place)': expected a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}
