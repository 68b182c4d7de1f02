internal import CKernels
internal import KernelsAVX2
internal import KernelsAVX512
internal import KernelsBaseline

/// What each instruction set's target gives: loops over pointers, on one thread. Documented there.
protocol LevelKernels: ShortLevelKernels, NetworkLevelKernels {
  static var tileRows: Int { get }
  static var panelWidth: Int { get }
  static var cachedFloats: Int { get }
  static var leastBlockTiles: Int { get }

  static func multiply(
    _ product: UnsafePointer<kernels_product>, firstTile: Int, endTile: Int, firstPanel: Int, endPanel: Int)
  static func packB(
    _ b: UnsafePointer<Float>, k: Int, n: Int, stride: Int, transposed: Bool, firstPanel: Int, endPanel: Int,
    _ target: UnsafeMutablePointer<Float>)
  static func packA(
    _ a: UnsafePointer<Float>, m: Int, k: Int, row: Int, step: Int, rows: Int, firstTile: Int, endTile: Int,
    _ target: UnsafeMutablePointer<Float>)
  static func finish(
    _ epilogue: UnsafePointer<kernels_epilogue>, _ source: UnsafePointer<Float>, sourceRow: Int,
    _ c: UnsafeMutablePointer<Float>, cRow: Int, rows: Int, columns: Int)

  static func binary(
    _ code: kernels_binary, _ a: UnsafePointer<Float>, aStep: Int, _ b: UnsafePointer<Float>, bStep: Int,
    _ y: UnsafeMutablePointer<Float>, count: Int)
  static func softmaxRows(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, rows: Int, length: Int, logarithm: Bool)
  static func softmaxColumns(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, length: Int, inner: Int, logarithm: Bool)
  static func layerNormRows(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>?, bias: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>, rows: Int, columns: Int, epsilon: Float)
  static func groupNorm(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, channels: Int, inner: Int, epsilon: Float)
  static func rmsNormRows(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>, rows: Int,
    columns: Int, epsilon: Float)
  static func reduceRows(
    _ code: kernels_reduction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, rows: Int,
    length: Int)
  static func reduceColumns(
    _ code: kernels_reduction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, length: Int,
    inner: Int)

  static func unfoldPanel(
    _ window: UnsafePointer<kernels_window>, _ input: UnsafePointer<Float>, channels: Int, firstPosition: Int,
    count: Int, _ target: UnsafeMutablePointer<Float>)
  static func unfoldRows(
    _ window: UnsafePointer<kernels_window>, _ input: UnsafePointer<Float>, channels: Int, pixelStride: Int,
    firstPosition: Int, count: Int, _ target: UnsafeMutablePointer<Float>)
  static func interleavePlanes(
    _ source: UnsafePointer<Float>, channels: Int, plane: Int, _ target: UnsafeMutablePointer<Float>,
    count: Int)
  static func padRow(
    _ row: UnsafePointer<Float>?, length: Int, left: Int, _ target: UnsafeMutablePointer<Float>, count: Int)
  static func foldPanel(
    _ window: UnsafePointer<kernels_window>, _ sums: UnsafePointer<Float>, row: Int, channels: Int,
    firstPosition: Int, count: Int, _ output: UnsafeMutablePointer<Float>)
  static func winogradForward(
    _ tiles: UnsafePointer<kernels_tiles>, outputs: Int, firstTile: Int, endTile: Int)
  static func winogradBackward(
    _ tiles: UnsafePointer<kernels_tiles>, outputs: Int, firstTile: Int, endTile: Int)
  static func winogradFilters(
    _ weights: UnsafePointer<Float>, outputs: Int, inputChannels: Int, outputChannels: Int,
    room: UnsafeMutablePointer<Float>, _ target: UnsafeMutablePointer<Float>)
  static func hasDepthwiseTiles(_ window: kernels_window) -> Bool
  static func depthwiseTiles(
    _ window: UnsafePointer<kernels_window>, _ tile: UnsafePointer<kernels_tile>,
    bias: UnsafePointer<Float>?, channels: Int, firstRow: Int, endRow: Int)
  static func depthwiseStrips(
    _ window: UnsafePointer<kernels_window>, _ tile: UnsafePointer<kernels_tile>, bias: Float)
  static func depthwiseScratchCount(_ window: kernels_window) -> Int
  static func depthwisePlane(
    _ window: UnsafePointer<kernels_window>, _ input: UnsafePointer<Float>, weights: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>)
  static func depthwiseRow(
    _ window: UnsafePointer<kernels_window>, _ input: UnsafePointer<Float>, weights: UnsafePointer<Float>,
    channels: Int, y: Int, _ output: UnsafeMutablePointer<Float>)

  static func pool(
    _ pooling: UnsafePointer<kernels_pooling>, _ input: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>, planes: Int)
  static func copyRuns(
    _ source: UnsafeRawPointer, _ sourceStride: Int, _ target: UnsafeMutableRawPointer, _ targetStride: Int,
    words: Int, rows: Int)
  static func transpose(
    elementSize: Int, _ source: UnsafeRawPointer, rows: Int, columns: Int, sourceRow: Int,
    _ target: UnsafeMutableRawPointer, targetRow: Int)
}

extension KernelsBaseline.Level: LevelKernels {}
extension KernelsAVX2.Level: LevelKernels {}
extension KernelsAVX512.Level: LevelKernels {}
