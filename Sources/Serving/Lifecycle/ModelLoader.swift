public import PluginHost

/// Loads one version of a model: finds its plugin, loads that, has it make the model, and sees that
/// the configuration fits.
public enum ModelLoader {
  /// The plugin and the model of `source`, or what is wrong with which file.
  public static func load(
    _ source: ModelSource, locator: PluginLocator, services: HostServices, workers: Int = 1
  ) throws(PluginError) -> (plugin: Plugin, model: PluginModel) {
    if let fault = source.fault { throw PluginError(status: .invalidArgument, message: fault) }
    let plugin = try Plugin(path: try locator.locate(source), services: services)
    let model = try plugin.makeModel(
      path: source.path, configuration: source.configuration.parameters, name: source.name,
      threads: source.configuration.threads(of: workers))
    _ = try ConfiguredSignature(model.description, source.configuration)
    return (plugin, model)
  }

  /// The model of `source` as a server executes it: in its own process or, where the configuration says so, in a
  /// worker.
  static func serve(
    _ source: ModelSource, locator: PluginLocator, services: HostServices, server: ServingConfiguration
  ) throws(PluginError) -> PluginModel {
    let isolation = source.configuration.isolation.filled(from: server.isolation)
    guard isolation.mode == .process, var command = server.workerCommand else {
      return try load(source, locator: locator, services: services, workers: server.workerCount).model
    }
    if let fault = source.fault { throw PluginError(status: .invalidArgument, message: fault) }
    command.threadCount = min(
      command.threadCount, source.configuration.threads(of: server.workerCount) - 1)
    let model = try PluginModel(
      isolated: try locator.locate(source), path: source.path, configuration: source.configuration.parameters,
      name: source.name, settings: isolation, command: command, services: services)
    _ = try ConfiguredSignature(model.description, source.configuration)
    return model
  }
}
