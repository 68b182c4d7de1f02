import PluginHost

/// What a version that has become ready consists of.
///
/// Unchecked: `plugin` is read by those whom the model's gate has let in or who have one of its turns, and
/// released when there are none of either and no more can come.
final class LoadedModel: @unchecked Sendable {
  let contract: ModelContract
  /// Whether no more executions than a given number may run at once, whatever threads there are.
  let countsTurns: Bool
  /// Whether requests may be executed without a look at the queue's policy, where nothing waits.
  let mayRunDirectly: Bool
  let cache: ResponseCache?
  /// How tensors are reshaped on their way; nil: they are not.
  let signature: ConfiguredSignature?
  /// What the server keeps and fills of sequences; nil: requests belong to none.
  let sequences: SequenceSignature?
  /// Whether the plugin is executed in a process of its own.
  let isIsolated: Bool
  /// How the process does in which the plugin is executed, if it has one.
  let worker: WorkerStatus?
  /// How requests of different shapes come into one batch; nil: they do not.
  let padding: Padding?
  private(set) var plugin: PluginModel?

  init(
    _ plugin: PluginModel, contract: ModelContract, countsTurns: Bool, mayRunDirectly: Bool,
    cache: ResponseCache?, signature: ConfiguredSignature?, sequences: SequenceSignature?
  ) {
    self.plugin = plugin
    isIsolated = plugin.isIsolated
    worker = plugin.workerStatus
    self.signature = signature
    self.contract = contract
    self.countsTurns = countsTurns
    self.mayRunDirectly = mayRunDirectly
    self.cache = cache
    self.sequences = sequences
    // What the server fills of sequences, and what it reshapes, has fixed dimensions.
    padding = sequences == nil && signature == nil ? Padding(contract.description) : nil
  }

  func release() { plugin = nil }
}
