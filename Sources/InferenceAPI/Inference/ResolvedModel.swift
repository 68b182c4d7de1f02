import Glibc
import HTTP
import PluginHost
import Serving
import Tensors

/// The model that the target of an inference request names, and what a request for it needs.
///
/// Unchecked: `beginning` is touched on the event loop of the request that the model was looked up for, which keeps
/// it for the next ones; the rest is constant.
final class ResolvedModel: @unchecked Sendable {
  let reference: ModelReference
  let model: any InferenceModel
  let description: ModelDescription
  let metrics: RequestMetrics
  /// The model's.
  let version: Int
  /// How each of its answers begins in the Open Inference Protocol.
  let opening: [UInt8]
  /// How requests for it begin.
  let beginning = RequestBeginning()
  /// Memory for an input of numbers, where the model gets it without another copy; nil: there is none.
  let inputMemory: (_ byteCount: Int) -> TensorMemory?
  /// What `ModelCatalog.generation` was before the model was found.
  let generation: UInt64

  init(_ reference: ModelReference, _ ready: ReadyModel, metrics: RequestMetrics) {
    self.reference = reference
    self.metrics = metrics
    model = ready.model
    version = ready.model.version
    opening = InferResponseWriter.opening(model: reference.name, version: version)
    description = ready.description
    generation = ready.generation
    // Only where it is of use: it counts references to what all loops share.
    let model = ready.model
    inputMemory =
      model.sharesMemory
      ? { model.sharedMemory(byteCount: $0) ?? TensorMemory(byteCount: $0) } : { TensorMemory(byteCount: $0) }
  }
}

/// What the targets of one event loop's latest inference requests led to, so that the next ones with the same
/// target are neither routed nor looked up. Confined to the loop's thread.
final class TargetCache {
  struct Entry {
    let target: [UInt8]
    let endpoint: Endpoint
    let resolved: ResolvedModel
  }

  /// The longest target that is kept, in bytes.
  private static let maximumTarget = 512
  private static let slotCount = 64

  private var slots = [Entry?](repeating: nil, count: slotCount)

  /// The cache of `loop`. Nothing but an inference service uses a loop's companion.
  static func of(_ loop: EventLoop) -> TargetCache {
    if let companion = loop.companion { return unsafeDowncast(companion, to: TargetCache.self) }
    let fresh = TargetCache()
    loop.companion = fresh
    return fresh
  }

  /// What `target` led to, unless the models have changed since.
  func find(_ target: UnsafeBufferPointer<UInt8>, generation: UInt64) -> Entry? {
    guard let entry = slots[Self.slot(of: target)], entry.resolved.generation == generation,
      entry.target.count == target.count, Self.areSame(entry.target, target)
    else { return nil }
    return entry
  }

  /// Precondition: both are of the same length.
  private static func areSame(_ kept: [UInt8], _ target: UnsafeBufferPointer<UInt8>) -> Bool {
    kept.withUnsafeBufferPointer { kept in
      guard let a = kept.baseAddress, let b = target.baseAddress else { return true }
      return memcmp(a, b, target.count) == 0
    }
  }

  func store(_ target: UnsafeBufferPointer<UInt8>, _ endpoint: Endpoint, _ resolved: ResolvedModel) {
    guard target.count <= Self.maximumTarget else { return }
    slots[Self.slot(of: target)] = Entry(target: Array(target), endpoint: endpoint, resolved: resolved)
  }

  private static func slot(of target: UnsafeBufferPointer<UInt8>) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in target { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return Int(truncatingIfNeeded: hash >> 32) & (slotCount - 1)
  }
}
