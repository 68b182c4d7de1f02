import Bytes
import JSON
import Serving

/// A model's `model.json`: the server's own form of a configuration.
struct ModelDocument {
  private static let members = [
    "plugin", "parameters", "versions", "labels", "default_version", "max_batch", "instances", "cores",
    "pad_values",
    "cache", "sequences", "isolation",
  ]

  /// Changes what `document` says of `configuration`.
  static func apply(_ document: JSONValue, to configuration: inout ModelConfiguration)
    throws(ConfigurationFault)
  {
    guard case .object(let object) = document else { throw ConfigurationFault("expected an object") }
    for (name, value) in object {
      switch name {
      case "plugin": configuration.plugin = try string(value, name)
      case "parameters":
        guard case .object = value else { throw ConfigurationFault("'parameters': expected an object") }
        let buffer = ByteBuffer()
        value.write(to: buffer)
        configuration.parameters = String(decoding: buffer.bytes, as: UTF8.self)
      case "versions": configuration.versionPolicy = try versionPolicy(value)
      case "labels": configuration.versionLabels = try labels(value)
      case "default_version": configuration.defaultVersion = try positive(value, name)
      case "max_batch": configuration.maximumBatch = try positive(value, name)
      case "instances": configuration.instances = try positive(value, name)
      case "cores": configuration.cores = try positive(value, name)
      case "pad_values": configuration.padValues = try padValues(value)
      case "cache": configuration.cacheBytes = try cacheBytes(value)
      case "isolation": configuration.isolation = try isolation(value)
      case "sequences": configuration.sequences = try sequences(value, configuration.sequences)
      case _ where batchingMembers.contains(name): break
      default:
        throw ConfigurationFault(
          "'\(name)' is not a setting; there are \((members + batchingMembers).joined(separator: ", "))"
        )
      }
    }
    try readBatching(document, into: &configuration)
  }

  private static func versionPolicy(_ value: JSONValue) throws(ConfigurationFault) -> VersionPolicy {
    switch value {
    case .string("all"): return .all
    case .array(let list):
      var versions: [Int] = []
      for element in list { versions.append(try positive(element, "versions")) }
      return .specific(versions)
    case .object(let members) where members.count == 1 && members[0].0 == "latest":
      return .latest(try positive(members[0].1, "versions.latest"))
    default:
      throw ConfigurationFault("'versions': expected \"all\", a list of numbers, or {\"latest\": 2}")
    }
  }

  private static func labels(_ value: JSONValue) throws(ConfigurationFault) -> [String: Int] {
    guard case .object(let members) = value else {
      throw ConfigurationFault("'labels': expected an object such as {\"stable\": 1}")
    }
    var labels: [String: Int] = [:]
    for (label, version) in members { labels[label] = try positive(version, "labels.\(label)") }
    return labels
  }

  private static func padValues(_ value: JSONValue) throws(ConfigurationFault) -> [String: Double] {
    guard case .object(let members) = value else {
      throw ConfigurationFault("'pad_values': expected an object such as {\"input_ids\": 0}")
    }
    var values: [String: Double] = [:]
    for (name, value) in members {
      switch value {
      case .integer(let number): values[name] = Double(number)
      case .double(let number): values[name] = number
      default: throw ConfigurationFault("'pad_values.\(name)': expected a number")
      }
    }
    return values
  }

  private static func string(_ value: JSONValue, _ name: String) throws(ConfigurationFault) -> String {
    guard case .string(let text) = value else { throw ConfigurationFault("'\(name)': expected a string") }
    return text
  }

  private static func cacheBytes(_ value: JSONValue) throws(ConfigurationFault) -> Int {
    guard case .object(let members) = value, members.count == 1, let bytes = value["bytes"] else {
      throw ConfigurationFault("'cache': expected {\"bytes\": N}")
    }
    return try positive(bytes, "cache.bytes")
  }

  static func positive(_ value: JSONValue, _ name: String) throws(ConfigurationFault) -> Int {
    guard case .integer(let number) = value, number > 0 else {
      throw ConfigurationFault("'\(name)': expected a whole number above 0")
    }
    return Int(number)
  }
}
