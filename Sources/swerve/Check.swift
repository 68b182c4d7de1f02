import ArgumentParser
import ModelFiles
import PluginHost
import Serving

/// Says whether a plugin or a model would be accepted, and why not.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks a plugin (.so) or a model folder as `serve` would load it.",
    discussion: "Exit code 0: it would be served. 1: it would be refused, for the reason printed.")

  @Argument(help: "A plugin, FILE.so, or a model folder, models/NAME.")
  var path: String

  @Option(help: "A folder of plugins, searched before the built-in ones. May be given again.")
  var plugins: [String] = []

  func run() throws {
    guard Files.exists(path) else { throw Refusal("\(path): no such file or folder") }
    if Files.isDirectory(path) { try checkModel() } else { try checkPlugin() }
  }

  private func checkPlugin() throws {
    do throws(PluginError) {
      let plugin = try Plugin(path: Files.absolute(path), services: HostServices())
      print("ok: \(path) is plugin '\(plugin.name)' \(plugin.version)")
    } catch {
      throw Refusal(error.message)
    }
  }

  private func checkModel() throws {
    let inspection = ModelInspection(path: path, extraPluginDirectories: plugins)
    var refusals = 0
    for source in inspection.sources {
      do throws(PluginError) {
        let (plugin, model) = try inspection.load(source)
        print("ok: \(source.name) version \(source.version), by plugin '\(plugin.name)' \(plugin.version)")
        print(ModelInspection.summary(of: model.description))
      } catch {
        refusals += 1
        Refusal("\(source.name) version \(source.version): \(error.message)").report()
      }
    }
    if refusals > 0 { throw ExitCode(1) }
  }
}

/// A reason for exit code 1, printed as it is.
struct Refusal: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  func report() { Standard.error("refused: \(description)") }
}
