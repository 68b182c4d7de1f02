import PluginHost

/// Loads one version of a model: finds its plugin, loads that, and has it make the model.
enum ModelLoader {
  static func load(
    _ model: ServedModel, locator: PluginLocator, services: HostServices, turnLimit: Int
  ) throws(PluginError) {
    if let fault = model.source.fault { throw PluginError(status: .invalidArgument, message: fault) }
    let path = try locator.locate(model.source)
    let plugin = try Plugin(path: path, services: services)
    let loaded = try plugin.makeModel(
      path: model.source.path, configuration: model.source.configuration.parameters)
    model.becomeReady(loaded, turnLimit: min(turnLimit, model.source.configuration.instances ?? turnLimit))
  }
}
