import ArgumentParser
import Glibc

/// Turns environment variables into arguments of `serve`, where the command line does not give them.
enum EnvironmentArguments {
  private enum Kind { case value, list, flag }

  /// The options of `serve` by name; the variable of `--log-level` is `SWERVE_LOG_LEVEL`.
  private static let options: [(name: String, kind: Kind)] =
    ServeOptions.valueOptionNames.map { ($0, .value) } + ServeOptions.listOptionNames.map { ($0, .list) }
    + ServeOptions.flagNames.map { ($0, .flag) }

  static func variable(for option: String) -> String {
    "SWERVE_" + option.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
  }

  /// `arguments`, with what `environment` adds. Lists are separated by `:`; a flag is set by `1` or `true`.
  static func merged(_ arguments: [String], environment: [String: String]) throws(ValidationError) -> [String]
  {
    guard arguments.first == "serve" else { return arguments }
    var merged = arguments
    for (name, kind) in options {
      let isGiven = arguments.contains { $0 == "--\(name)" || $0.hasPrefix("--\(name)=") }
      let variable = variable(for: name)
      guard !isGiven, let value = environment[variable], !value.isEmpty, !isServiceLink(variable, value)
      else { continue }
      switch kind {
      case .value: merged.append("--\(name)=\(value)")
      case .list: merged += value.split(separator: ":").map { "--\(name)=\($0)" }
      case .flag: if try isSet(variable, value) { merged.append("--\(name)") }
      }
    }
    return merged
  }

  private static func isSet(_ variable: String, _ value: String) throws(ValidationError) -> Bool {
    switch value.lowercased() {
    case "1", "true": return true
    case "0", "false": return false
    default: throw ValidationError("\(variable)=\(value): expected 1 or true, or 0 or false")
    }
  }

  /// The variables that look like settings and are none, as a slip of the pen is.
  static func unknown(_ environment: [String: String]) -> [String] {
    let known = Set(options.map { variable(for: $0.name) })
    return environment.filter { !known.contains($0.key) && !isServiceLink($0.key, $0.value) }.keys.sorted()
  }

  /// Whether it is one of the variables that Kubernetes makes up for a Service named swerve, of which
  /// `SWERVE_PORT=tcp://10.0.0.1:80` is one.
  private static func isServiceLink(_ variable: String, _ value: String) -> Bool {
    variable.hasPrefix("SWERVE_SERVICE_") || variable.hasPrefix("SWERVE_PORT_")
      || variable == "SWERVE_PORT" && value.hasPrefix("tcp://")
  }

  /// `NAME=value` of every variable that is not the server's own.
  static func ofOthers() -> [String] {
    var variables: [String] = []
    var entry = environ
    while let text = entry.pointee {
      let variable = String(cString: text)
      if !variable.hasPrefix("SWERVE_") { variables.append(variable) }
      entry += 1
    }
    return variables
  }

  static func current() -> [String: String] {
    var variables: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
      let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2, parts[0].hasPrefix("SWERVE_") { variables[String(parts[0])] = String(parts[1]) }
      entry += 1
    }
    return variables
  }
}
