import ArgumentParser

/// What authors of plugins need.
struct PluginCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugin",
    abstract: "Begins a plugin, or puts one to the test.",
    subcommands: [PluginNew.self, PluginCheck.self])
}
