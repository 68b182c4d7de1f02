import JSON
import PluginHost

extension ModelDocument {
  private static let isolationMembers = [
    "mode", "timeout_seconds", "memory_bytes", "crashes", "quarantine_seconds", "readable", "writable",
    "network",
    "processes",
  ]

  /// `"process"`, `"in-process"`, or an object with a `mode` and the worker's limits.
  static func isolation(_ value: JSONValue) throws(ConfigurationFault) -> IsolationSettings {
    var settings = IsolationSettings()
    guard case .object(let members) = value else {
      settings.mode = try mode(value, "isolation")
      return settings
    }
    settings.mode = .process
    for (name, value) in members {
      let place = "isolation.\(name)"
      switch name {
      case "mode": settings.mode = try mode(value, place)
      case "timeout_seconds": settings.timeoutSeconds = try seconds(value, place)
      case "memory_bytes": settings.memoryBytes = try positive(value, place)
      case "crashes": settings.crashLimit = try positive(value, place)
      case "quarantine_seconds": settings.quarantineSeconds = try seconds(value, place)
      case "readable": settings.readable = try paths(value, place)
      case "writable": settings.writable = try paths(value, place)
      case "network": settings.allowsNetwork = try flag(value, place)
      case "processes": settings.allowsProcesses = try flag(value, place)
      default:
        throw ConfigurationFault(
          "'\(place)' is not a setting; there are \(isolationMembers.joined(separator: ", "))")
      }
    }
    return settings
  }

  private static func mode(_ value: JSONValue, _ name: String) throws(ConfigurationFault)
    -> IsolationSettings.Mode
  {
    guard case .string(let text) = value, let mode = IsolationSettings.Mode(rawValue: text) else {
      throw ConfigurationFault("'\(name)': expected \"in-process\" or \"process\"")
    }
    return mode
  }

  private static func seconds(_ value: JSONValue, _ name: String) throws(ConfigurationFault) -> Double {
    switch value {
    case .integer(let number) where (1...86_400).contains(number): return Double(number)
    case .double(let number) where number >= 0.001 && number <= 86_400: return number
    default: throw ConfigurationFault("'\(name)': expected seconds, 0.001 to 86400")
    }
  }

  private static func paths(_ value: JSONValue, _ name: String) throws(ConfigurationFault) -> [String] {
    guard case .array(let list) = value else {
      throw ConfigurationFault("'\(name)': expected a list of paths")
    }
    var paths: [String] = []
    for element in list {
      guard case .string(let path) = element, path.hasPrefix("/") else {
        throw ConfigurationFault("'\(name)': expected paths that begin with /")
      }
      paths.append(path)
    }
    return paths
  }

  private static func flag(_ value: JSONValue, _ name: String) throws(ConfigurationFault) -> Bool {
    guard case .bool(let flag) = value else { throw ConfigurationFault("'\(name)': expected true or false") }
    return flag
  }
}
