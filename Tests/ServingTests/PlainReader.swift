import Serving

/// Configurations in Swift: what a client sends is the name of a plugin.
struct PlainReader: ConfigurationReading {
  var configuration = ModelConfiguration()

  func configuration(ofModel name: String, in folder: String) throws -> ModelConfiguration { configuration }

  func configuration(ofModel name: String, in folder: String, text: String) throws -> ModelConfiguration {
    var configuration = ModelConfiguration()
    configuration.plugin = text
    return configuration
  }

  func models(listedIn path: String) throws -> [ListedModel] { [] }
}
