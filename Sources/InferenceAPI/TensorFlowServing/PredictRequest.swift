import Tensors

/// A `:predict` request of TensorFlow Serving's REST protocol, read.
struct PredictRequest {
  /// `instances` (a list of rows) against `inputs` (whole tensors). The answer has the same form.
  enum Format { case rows, columns }

  var format: Format
  var inputs: [Tensor]
}
