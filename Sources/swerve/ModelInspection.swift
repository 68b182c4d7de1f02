import ModelFiles
import PluginHost
import Serving
import Tensors

/// A model folder, looked at without a server.
struct ModelInspection {
  let sources: [ModelSource]
  private let locator: PluginLocator
  private let services = HostServices()

  init(path: String, extraPluginDirectories: [String]) {
    let repository = ModelRepository(roots: [], reader: ConfigurationFiles())
    sources = repository.readModel(at: Files.absolute(path))
    locator = PluginLocator(directories: Installation.pluginDirectories(extra: extraPluginDirectories))
  }

  func load(_ source: ModelSource) throws(PluginError) -> (plugin: Plugin, model: PluginModel) {
    try ModelLoader.load(source, locator: locator, services: services)
  }

  /// A line for each input and output, and one on batching.
  static func summary(of description: ModelDescription) -> String {
    func lines(_ kind: String, _ specs: [TensorSpec]) -> [String] {
      specs.map { "  \(kind) \($0.name): \($0.datatype.name) \($0.shape)" }
    }
    let batching =
      description.maximumBatch > 1
      ? "  batches of up to \(description.maximumBatch) rows" : "  not batched across requests"
    return (lines("input", description.inputs) + lines("output", description.outputs) + [batching])
      .joined(separator: "\n")
  }
}
