public import PluginHost

/// Loads one version of a model: finds its plugin, loads that, has it make the model, and sees that
/// the configuration fits.
public enum ModelLoader {
  /// The plugin and the model of `source`, or what is wrong with which file.
  public static func load(
    _ source: ModelSource, locator: PluginLocator, services: HostServices
  ) throws(PluginError) -> (plugin: Plugin, model: PluginModel) {
    if let fault = source.fault { throw PluginError(status: .invalidArgument, message: fault) }
    let plugin = try Plugin(path: try locator.locate(source), services: services)
    let model = try plugin.makeModel(
      path: source.path, configuration: source.configuration.parameters, name: source.name)
    _ = try ConfiguredSignature(model.description, source.configuration)
    return (plugin, model)
  }
}
