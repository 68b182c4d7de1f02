import JSON
import Serving

/// The members of `model.json` that say how requests wait: Triton's names with Triton's meanings.
extension ModelDocument {
  static let batchingMembers = [
    "max_linger_microseconds", "priority_levels", "default_priority_level", "default_queue_policy",
    "priority_queue_policy",
  ]
  private static let maximumLevels: Int64 = 64
  /// An hour; what is longer is a slip of the pen.
  private static let maximumMicroseconds: Int64 = 3_600_000_000

  static func readBatching(
    _ document: JSONValue, into configuration: inout ModelConfiguration
  ) throws(ConfigurationFault) {
    guard batchingMembers.contains(where: { document[$0] != nil }) else { return }
    var batching = configuration.batching ?? BatchingSettings()
    if let linger = document["max_linger_microseconds"] {
      batching.maximumDelay = try microseconds(linger, "max_linger_microseconds")
    }
    if let policy = document["default_queue_policy"] {
      batching.defaultQueue = try queue(policy, "default_queue_policy")
      batching.levels = batching.levels.map { _ in batching.defaultQueue }
    }
    if let count = document["priority_levels"] {
      let levels = try whole(count, "priority_levels", 0...maximumLevels)
      batching.levels = Array(repeating: batching.defaultQueue, count: Int(levels))
      batching.defaultLevel = 0
    }
    let highest = Int64(max(batching.levels.count, 1))
    if let level = document["default_priority_level"] {
      batching.defaultLevel = Int(try whole(level, "default_priority_level", 1...highest))
    }
    if let policies = document["priority_queue_policy"] { try readPolicies(policies, into: &batching) }
    configuration.batching = batching
  }

  private static func readPolicies(
    _ value: JSONValue, into batching: inout BatchingSettings
  ) throws(ConfigurationFault) {
    guard case .object(let list) = value else {
      throw ConfigurationFault("'priority_queue_policy': expected an object such as {\"1\": {…}}")
    }
    if batching.levels.isEmpty { batching.levels = [batching.defaultQueue] }
    for (name, value) in list {
      guard let level = Int(name), (1...batching.levels.count).contains(level) else {
        throw ConfigurationFault(
          "'priority_queue_policy': '\(name)' is no level from 1 to \(batching.levels.count)")
      }
      batching.levels[level - 1] = try queue(value, "priority_queue_policy.\(name)")
    }
  }

  private static func queue(_ value: JSONValue, _ place: String) throws(ConfigurationFault) -> QueueSettings {
    guard case .object(let members) = value else {
      throw ConfigurationFault("'\(place)': expected an object")
    }
    var queue = QueueSettings()
    for (name, value) in members {
      let place = "\(place).\(name)"
      switch name {
      case "max_queue_size": queue.maximumSize = Int(try whole(value, place, 0...(1 << 30)))
      case "default_timeout_microseconds": queue.timeout = try microseconds(value, place)
      case "timeout_action":
        switch value {
        case .string("reject"), .string("REJECT"): queue.timeoutAction = .reject
        case .string("delay"), .string("DELAY"): queue.timeoutAction = .delay
        default: throw ConfigurationFault("'\(place)': expected \"reject\" or \"delay\"")
        }
      default:
        throw ConfigurationFault(
          "'\(place)' is not a setting; there are max_queue_size, default_timeout_microseconds, "
            + "timeout_action")
      }
    }
    return queue
  }

  /// Nanoseconds.
  private static func microseconds(_ value: JSONValue, _ place: String) throws(ConfigurationFault) -> Int64 {
    try whole(value, place, 0...maximumMicroseconds) * 1000
  }

  private static func whole(
    _ value: JSONValue, _ place: String, _ range: ClosedRange<Int64>
  ) throws(ConfigurationFault) -> Int64 {
    guard case .integer(let number) = value, range.contains(number) else {
      throw ConfigurationFault(
        "'\(place)': expected a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}
