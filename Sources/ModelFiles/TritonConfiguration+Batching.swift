import Serving

/// How requests wait and are put together.
extension TritonConfiguration {
  mutating func readBatching(_ message: MessageReader) throws(ConfigurationFault) {
    var batching = BatchingSettings()
    var levelCount = 0
    var preferred: ProtobufField?
    var policies: [(level: Int, policy: QueueSettings)] = []
    for field in message.fields {
      switch field.name {
      case "preferred_batch_size":
        _ = try message.integer(field, 1...Int(Int32.max))
        if preferred == nil { preferred = field }
      case "max_queue_delay_microseconds": batching.maximumDelay = try message.microseconds(field)
      case "preserve_ordering":
        if try message.bool(field) {
          note(
            message.ignored(
              field, because: "answers of one connection are in the order of its requests anyway"))
        }
      case "priority_levels": levelCount = try message.integer(field, 0...1024)
      case "default_priority_level": batching.defaultLevel = try message.integer(field, 0...1024)
      case "default_queue_policy": batching.defaultQueue = try queue(try message.message(field))
      case "priority_queue_policy":
        let (key, value, entry) = try message.entry(field)
        policies.append((try entry.integer(key, 1...1024), try queue(try entry.message(value))))
      default: note(message.unknown(field))
      }
    }
    if let preferred {
      note(message.ignored(preferred, because: "the size that is served fastest is measured"))
    }
    guard batching.defaultLevel <= levelCount, policies.allSatisfy({ $0.level <= levelCount }) else {
      throw ConfigurationFault("'\(message.place)': a level is above priority_levels, which is \(levelCount)")
    }
    batching.levels = Array(repeating: batching.defaultQueue, count: levelCount)
    for (level, policy) in policies { batching.levels[level - 1] = policy }
    configuration.batching = batching
  }

  private mutating func queue(_ message: MessageReader) throws(ConfigurationFault) -> QueueSettings {
    var queue = QueueSettings()
    for field in message.fields {
      switch field.name {
      case "timeout_action":
        switch try message.word(field) {
        case "REJECT", "0": queue.timeoutAction = .reject
        case "DELAY", "1": queue.timeoutAction = .delay
        default: throw message.fault(field, "REJECT or DELAY")
        }
      case "default_timeout_microseconds": queue.timeout = try message.microseconds(field)
      case "allow_timeout_override":
        if try !message.bool(field) {
          note(message.ignored(field, because: "a request may always ask for less"))
        }
      case "max_queue_size": queue.maximumSize = try message.integer(field, 0...Int(Int32.max))
      default: note(message.unknown(field))
      }
    }
    return queue
  }
}
