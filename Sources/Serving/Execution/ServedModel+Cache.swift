import Locks
import Telemetry
import Tensors

extension ServedModel {
  /// Answers `request` from the cache, along with another that asks the same, or by computing it.
  ///
  /// - Returns: whether it was answered here.
  func submit(
    _ request: InferenceRequest, to cache: ResponseCache, _ loaded: LoadedModel
  ) throws(ServingError) -> Bool {
    switch cache.ask(request) {
    case .known(let outputs):
      metrics.cacheHits.add()
      metrics.succeeded.add()
      request.receiver.finish(.success(outputs), timing: InferenceTiming())
      return true
    case .joined:
      metrics.cacheHits.add()
      return false
    case .new(let entry):
      metrics.cacheMisses.add()
      let filler = CacheFiller(cache, entry, of: self, receiver: request.receiver)
      do throws(ServingError) {
        return try run(request.replaced(inputs: request.inputs, receiver: filler), loaded, mayRunHere: false)
      } catch {
        filler.abandon()
        throw error
      }
    }
  }
}

/// Takes a computed answer to the cache, to whoever asked first, and to those who asked the same meanwhile.
private final class CacheFiller: InferenceReceiver {
  private let cache: ResponseCache
  private let entry: ResponseCache.Entry
  private let model: ServedModel
  private let receiver: any InferenceReceiver
  private let hasStreamed = Lock(false)

  init(
    _ cache: ResponseCache, _ entry: ResponseCache.Entry, of model: ServedModel,
    receiver: any InferenceReceiver
  ) {
    self.cache = cache
    self.entry = entry
    self.model = model
    self.receiver = receiver
  }

  func receive(chunk: [Tensor]) -> Bool {
    hasStreamed.withLock { $0 = true }
    return receiver.receive(chunk: chunk)
  }

  func finish(_ result: Result<[Tensor], ServingError>, timing: InferenceTiming) {
    let isWhole = !hasStreamed.withLock { $0 }
    let followers = cache.finish(entry, outputs: isWhole ? try? result.get() : nil)
    receiver.finish(result, timing: timing)
    for follower in followers {
      guard isWhole, result.isForAll else {
        resubmit(follower)
        continue
      }
      if case .success = result { model.metrics.succeeded.add() } else { model.metrics.failed.add() }
      follower.receiver.finish(result, timing: timing)
    }
  }

  /// The first was refused; those who followed it are asked for themselves.
  func abandon() {
    for follower in cache.finish(entry, outputs: nil) { resubmit(follower) }
  }

  private func resubmit(_ follower: InferenceRequest) {
    do throws(ServingError) {
      try model.submit(follower)
    } catch {
      follower.receiver.finish(.failure(error), timing: InferenceTiming())
    }
  }
}

extension Result<[Tensor], ServingError> {
  /// Whether whoever asked the same would get the same: not what befell one request only.
  fileprivate var isForAll: Bool {
    guard case .failure(let error) = self else { return true }
    return [.invalidArgument, .unsupported, .pluginFault].contains(error.code)
  }
}
