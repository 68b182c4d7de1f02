/// What each instruction set's target gives for attention and recurrent layers: loops over pointers, on one thread.
protocol NetworkLevelKernels: SendableMetatype {
  static func attentionSoftmax(
    _ scores: UnsafeMutablePointer<Float>, count: Int, keyBias: UnsafePointer<Float>?,
    tileBias: UnsafePointer<Float>?, visible: Int, peaks: UnsafeMutablePointer<Float>,
    sums: UnsafeMutablePointer<Float>, corrections: UnsafeMutablePointer<Float>)
  static func attentionRow(
    query: UnsafePointer<Float>, _ keys: UnsafePointer<Float>, keyRow: Int, _ values: UnsafePointer<Float>,
    valueRow: Int, count: Int, size: Int, valueSize: Int, keyBias: UnsafePointer<Float>?,
    scores: UnsafeMutablePointer<Float>, state: UnsafeMutablePointer<Float>,
    result: UnsafeMutablePointer<Float>)
  static func multiplyAdd(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, count: Int)
  static func blend(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, gate: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, count: Int)
}
