import Tensors

/// Normalization of groups of elements to mean 0 and variance 1, in doubles.
enum MomentNormalization {
  /// The mean of a group, and one over its deviation.
  static func moments(_ values: ArraySlice<Double>, epsilon: Double) -> (mean: Double, factor: Double) {
    let count = Double(max(values.count, 1))
    let mean = values.reduce(0, +) / count
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    return (mean, 1 / (variance + epsilon).squareRoot())
  }

  /// Values normalized group by group: runs of `length` that follow one another.
  static func normalized(_ values: [Double], length: Int, epsilon: Double) -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(values.count)
    for start in stride(from: 0, to: values.count, by: max(length, 1)) {
      let group = values[start..<start + length]
      let (mean, factor) = moments(group, epsilon: epsilon)
      for value in group { result.append((value - mean) * factor) }
    }
    return result
  }
}
