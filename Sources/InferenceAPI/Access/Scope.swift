/// What a key lets its holder do.
public enum Scope: String, Sendable, CaseIterable {
  /// Inferences.
  case infer
  /// Look at what is served: lists, metadata, metrics.
  case read
  /// Load and unload models, change settings.
  case admin
}

extension Endpoint {
  /// What a key must allow for this route; nil: no key is needed, since probes have none.
  var scope: Scope? {
    switch self {
    case .live, .ready, .health: nil
    case .index, .openAPI, .metrics, .serverMetadata, .modelNames, .modelMetadata, .modelReady, .modelList,
      .modelStatus, .servableMetadata, .modelConfiguration, .modelOpenAPI, .modelStatistics, .repositoryIndex,
      .logSettings, .traceSettings:
      .read
    case .infer, .generate, .generateStream, .predict, .classify, .regress, .explain: .infer
    case .sharedMemoryStatus, .registerSharedMemory, .unregisterSharedMemory, .deviceMemoryStatus,
      .registerDeviceMemory, .unregisterDeviceMemory:
      .infer
    case .repositoryLoad, .repositoryUnload, .setLogSettings, .setTraceSettings, .batching: .admin
    }
  }
}
