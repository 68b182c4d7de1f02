internal import CKernels

/// What each instruction set's target gives for short numbers: loops over pointers, on one thread.
protocol ShortLevelKernels: SendableMetatype {
  static var pairTileRows: Int { get }
  static var hasNarrowProducts: Bool { get }

  static func multiplyShort(
    _ product: UnsafePointer<kernels_short_product>, firstTile: Int, endTile: Int, firstPanel: Int,
    endPanel: Int)
  static func packIntegersB(
    _ b: UnsafePointer<UInt8>, k: Int, n: Int, stride: Int, transposed: Bool, flip: UInt8, group: Int,
    firstPanel: Int, endPanel: Int, _ target: UnsafeMutablePointer<Int8>,
    columnSums: UnsafeMutablePointer<Int32>)
  static func packIntegersA(
    _ a: UnsafePointer<UInt8>, rows: Int, k: Int, stride: Int, isSigned: Bool, group: Int,
    _ target: UnsafeMutablePointer<UInt8>)
  static func sumIntegerRows(
    _ a: UnsafePointer<UInt8>, firstRow: Int, endRow: Int, k: Int, stride: Int, group: Int,
    zeroPoints: UnsafePointer<Int32>?, zeroPoint: Int32, _ sums: UnsafeMutablePointer<Int32>)
  static func unfoldIntegers(
    _ window: UnsafePointer<kernels_window>, _ input: UnsafePointer<UInt8>, channels: Int, pixelStride: Int,
    firstPosition: Int, count: Int, isSigned: Bool, padding: Int32, group: Int,
    _ target: UnsafeMutablePointer<UInt8>, rowByteCount: Int)
  static func depthwiseIntegers(
    _ product: UnsafePointer<kernels_short_product>, _ window: UnsafePointer<kernels_window>,
    _ input: UnsafePointer<UInt8>, isSigned: Bool, zeroPoint: Int32, weights: UnsafePointer<Float>, y: Int)

  static func finishWholeNumbers(
    _ product: UnsafePointer<kernels_short_product>, _ values: UnsafePointer<Float>, firstRow: Int, rows: Int)

  static func range(
    _ x: UnsafePointer<Float>, count: Int, _ least: UnsafeMutablePointer<Float>,
    _ greatest: UnsafeMutablePointer<Float>)
  static func quantize(
    _ x: UnsafePointer<Float>, count: Int, scale: Float, zeroPoint: Int32, low: Int32, high: Int32,
    isWide: Bool, _ y: UnsafeMutableRawPointer)
  static func dequantize(
    _ x: UnsafePointer<UInt8>, isSigned: Bool, count: Int, scale: Float, zeroPoint: Int32,
    _ y: UnsafeMutablePointer<Float>)

  static func expandPanel(
    _ matrix: UnsafePointer<kernels_compressed>, panel: Int, _ target: UnsafeMutablePointer<Float>)
  static func multiplyCompressedRow(
    _ matrix: UnsafePointer<kernels_compressed>, panel: Int, _ a: UnsafePointer<Float>,
    _ target: UnsafeMutablePointer<Float>)
  static func roundToBfloats(
    _ x: UnsafePointer<Float>, count: Int, _ target: UnsafeMutablePointer<UInt16>)
}
