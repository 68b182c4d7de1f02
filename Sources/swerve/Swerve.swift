import ArgumentParser
import Glibc
import PluginHost

@main
struct Swerve: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "swerve",
    abstract: "Serves trained models over HTTP.",
    discussion: """
      Put each model in a folder of its own, models/NAME/1/model.onnx for example, and run:

        swerve serve --models models

      Then ask it:

        curl http://127.0.0.1:8080/                    what is served, with links
        curl http://127.0.0.1:8080/readyz              is everything ready, and if not, why
        curl http://127.0.0.1:8080/v2/models/NAME      inputs and outputs of a model

      Every option of `serve` can also be given as an environment variable: --log-level is SWERVE_LOG_LEVEL. \
      What is given on the command line wins.
      """,
    version: Build.version,
    subcommands: [
      Serve.self, Check.self, Describe.self, Profile.self, Health.self, KernelsReport.self,
      PluginCommand.self,
      ExtensionCommand.self, WorkerProgram.self,
      Version.self,
    ],
    defaultSubcommand: nil)

  static func main() {
    do {
      let arguments = try EnvironmentArguments.merged(
        Array(CommandLine.arguments.dropFirst()), environment: EnvironmentArguments.current())
      main(ExtensionCommand.expanded(arguments))
    } catch {
      exit(withError: error)
    }
  }
}

/// What this build calls itself.
enum Build {
  static let name = "swerve"
  static let version = "0.1.0"
}

/// Prints `swerve 0.1.0`, and what it speaks.
struct Version: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the version of the server and of the plugin ABI.")

  func run() {
    print("\(Build.name) \(Build.version) (plugin ABI \(Plugin.abiVersion))")
  }
}
