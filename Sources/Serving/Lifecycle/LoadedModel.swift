import PluginHost

/// What a version that has become ready consists of.
///
/// Unchecked: `plugin` is read by those whom the model's gate has let in or who have one of its turns, and
/// released when there are none of either and no more can come.
final class LoadedModel: @unchecked Sendable {
  let contract: ModelContract
  /// Whether no more executions than a given number may run at once, whatever threads there are.
  let countsTurns: Bool
  private(set) var plugin: PluginModel?

  init(_ plugin: PluginModel, contract: ModelContract, countsTurns: Bool) {
    self.plugin = plugin
    self.contract = contract
    self.countsTurns = countsTurns
  }

  func release() { plugin = nil }
}
