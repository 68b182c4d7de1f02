import ArgumentParser
import ModelFiles
import PluginHost
import Serving

/// Prints where a model's time goes, as its plugin measures it.
struct Profile: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints a model's time by operator and layer, the share of the machine's peak, and its memory.",
    discussion: """
      The model's plugin measures. Of an ONNX model an input that no --input gives is filled with random values, \
      and what its shape leaves open is 1 unless --shape says otherwise.

        swerve profile models/resnet --shape input=8x3x224x224 --format trace > trace.json
      """)

  @Argument(help: "A model folder, models/NAME, or a file that a plugin reads, such as model.onnx.")
  var model: String

  @Option(help: "text, json, or trace for chrome://tracing and Perfetto.")
  var format: String = "text"

  @Option(help: "NAME=FILE: an input's elements, dense and little-endian. May be given again.")
  var input: [String] = []

  @Option(help: "NAME=1x3x224x224: an input's shape. May be given again.")
  var shape: [String] = []

  @Option(help: "Runs, of which the shortest is shown.")
  var runs: Int = 20

  @Option(help: "Threads.")
  var threads: Int = 1

  @Option(help: "A folder of plugins, searched before the built-in ones. May be given again.")
  var plugins: [String] = []

  func run() throws {
    let locator = PluginLocator(directories: Installation.pluginDirectories(extra: plugins))
    do throws(PluginError) {
      let (library, path) = try located(locator)
      let options = input.flatMap { ["--input", $0] } + shape.flatMap { ["--shape", $0] }
      let arguments = [
        "profile", path, "--format", format, "--runs", "\(runs)", "--threads", "\(threads)",
      ]
      try ExtensionCommand.run(Plugin(path: library, services: HostServices()), arguments + options)
    } catch { throw Refusal(error.message) }
  }

  /// The plugin's library, and what it is to read.
  private func located(_ locator: PluginLocator) throws(PluginError) -> (library: String, path: String) {
    if Files.isDirectory(model) {
      let inspection = ModelInspection(path: model, extraPluginDirectories: plugins)
      guard let source = inspection.sources.max(by: { $0.version < $1.version }) else {
        throw PluginError(status: .notFound, message: "\(model): holds no version of a model")
      }
      return (try locator.locate(source), source.path)
    }
    guard let dot = model.lastIndex(of: "."), !model[dot...].contains("/") else {
      throw PluginError(
        status: .notFound, message: "\(model): no such folder, and no file of a kind known by its name")
    }
    let kind = String(model[model.index(after: dot)...])
    return (try locator.find(kind, wantedBy: "\(model) is read by it"), Files.absolute(model))
  }
}
