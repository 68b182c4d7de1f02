public import Tensors

/// Requests that one call of a plugin's `execute` is for, and what it is given: the rows of all of them, in order.
public struct PluginBatch: Sendable {
  let inputs: [Tensor]
  let requests: [PluginRequest]

  public init(inputs: [Tensor], requests: [PluginRequest]) {
    self.inputs = inputs
    self.requests = requests
  }

  /// A batch for each of the requests.
  var lone: [PluginBatch] {
    guard requests.count > 1 else { return [self] }
    var next = 0
    return requests.map { request in
      let rows = next..<next + request.rows
      next = rows.upperBound
      return PluginBatch(inputs: inputs.map { $0.rows(rows) }, requests: [request])
    }
  }
}
