import Bytes
import JSON
import Scheduling
import Serving

/// Reads a model's `model.json`.
enum ModelConfigurationFile {
  /// A message that says which member is wrong, and how.
  struct Fault: Error, CustomStringConvertible {
    var description: String
  }

  private static let members = [
    "plugin", "parameters", "versions", "max_batch", "instances", "max_linger_microseconds",
    "priority_levels",
    "default_priority_level", "default_queue_policy", "priority_queue_policy", "cache",
  ]

  static func read(_ path: String) throws -> ModelConfiguration {
    guard let bytes = Files.bytes(path) else { throw Fault(description: "cannot be read") }
    do {
      return try configuration(from: bytes.withUnsafeBytes { try JSONValue(parsing: $0) })
    } catch let error as JSONError {
      throw Fault(description: error.message)
    }
  }

  static func configuration(from document: JSONValue) throws -> ModelConfiguration {
    guard case .object(let object) = document else { throw Fault(description: "expected an object") }
    var configuration = ModelConfiguration()
    try QueueSettings.read(document, into: &configuration)
    for (name, value) in object {
      switch name {
      case "plugin": configuration.plugin = try string(value, name)
      case "parameters":
        guard case .object = value else { throw Fault(description: "'parameters': expected an object") }
        let buffer = ByteBuffer()
        value.write(to: buffer)
        configuration.parameters = String(decoding: buffer.bytes, as: UTF8.self)
      case "versions": configuration.versionPolicy = try versionPolicy(value)
      case "max_batch": configuration.maximumBatch = try positive(value, name)
      case "instances": configuration.instances = try positive(value, name)
      case "cache": configuration.cacheBytes = try QueueSettings.cacheBytes(value)
      case _ where QueueSettings.members.contains(name): break
      default:
        throw Fault(description: "'\(name)' is not a setting; there are \(members.joined(separator: ", "))")
      }
    }
    return configuration
  }

  private static func versionPolicy(_ value: JSONValue) throws -> VersionPolicy {
    switch value {
    case .string("all"): return .all
    case .array(let list): return .specific(try list.map { try positive($0, "versions") })
    case .object(let members) where members.count == 1 && members[0].0 == "latest":
      return .latest(try positive(members[0].1, "versions.latest"))
    default:
      throw Fault(description: "'versions': expected \"all\", a list of numbers, or {\"latest\": 2}")
    }
  }

  private static func string(_ value: JSONValue, _ name: String) throws -> String {
    guard case .string(let text) = value else { throw Fault(description: "'\(name)': expected a string") }
    return text
  }

  static func positive(_ value: JSONValue, _ name: String) throws -> Int {
    guard case .integer(let number) = value, number > 0 else {
      throw Fault(description: "'\(name)': expected a whole number above 0")
    }
    return Int(number)
  }
}
