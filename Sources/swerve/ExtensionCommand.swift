import ArgumentParser
import PluginHost
import Serving

/// Runs a command that a plugin brings along: `swerve onnx show …` is the command `show` of the plugin `onnx`.
struct ExtensionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugin-command",
    abstract: "Runs a command of a plugin; `swerve NAME …` is short for it.",
    discussion: "A plugin says which commands it has: swerve onnx help")

  @Argument(help: "The plugin's name.")
  var name: String

  @Argument(parsing: .captureForPassthrough, help: "The command and what it takes.")
  var arguments: [String] = []

  func run() throws {
    let locator = PluginLocator(directories: Installation.pluginDirectories(extra: []))
    do throws(PluginError) {
      let path = try locator.find(name, wantedBy: "the command line")
      try ExtensionCommand.run(Plugin(path: path, services: HostServices()), arguments)
    } catch { throw Refusal(error.message) }
  }

  static func run(_ plugin: Plugin, _ arguments: [String]) throws(PluginError) {
    try plugin.runTool(arguments) { print($0, terminator: "") }
  }

  /// Arguments that begin with the name of a plugin instead of that of a command, written out.
  static func expanded(_ arguments: [String]) -> [String] {
    guard let first = arguments.first, !first.hasPrefix("-"), first != "help",
      !Swerve.configuration.subcommands.contains(where: { name(of: $0) == first }),
      (try? PluginLocator(directories: Installation.pluginDirectories(extra: [])).find(first, wantedBy: ""))
        != nil
    else { return arguments }
    return ["plugin-command"] + arguments
  }

  private static func name(of command: any ParsableCommand.Type) -> String {
    command.configuration.commandName ?? "\(command)".lowercased()
  }
}
