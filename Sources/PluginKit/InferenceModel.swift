/// A model as its plugin writes it. The server makes one object for each model it loads, asks it once
/// for its signature, and then calls `execute`: one call at a time if the signature says serial, from
/// any threads if it says concurrent.
public protocol InferenceModel: AnyObject {
  /// Loads the model from the version folder `path`. `configuration` is a JSON object, the
  /// "parameters" of the model's configuration. `host` may be kept.
  init(path: String, configuration: String, host: ModelHost) throws

  /// What the model takes and gives. Constant.
  var signature: ModelSignature { get }

  /// Computes `batch`. An error fails every request of it that is still open.
  func execute(_ batch: Batch) throws -> Completion

  /// The client of the request has gone; finish it soon. From any thread, also when the request has
  /// just been finished on another. Models that answer within `execute` need none.
  func cancel(_ request: Request.ID)
}

extension InferenceModel {
  public func cancel(_ request: Request.ID) {}
}

/// What `execute` leaves to be done.
public enum Completion: Sendable {
  /// The server finishes every request still open, with the outputs added.
  case done
  /// The model finishes each request later, from any thread, and keeps the batch until then.
  case pending
}
