internal import CKernels

/// What a row of output pixels is computed from and into, in floats.
struct DirectRoom {
  /// Elements from one row of the padded copy, its pixels channels last, to the next; and the number of rows.
  let row: Int
  let rows: Int
  /// The row's pixels, channels last: channels-first images only.
  let result: Int
  let resultStride: Int
  let count: Int

  init(_ convolution: Convolution, _ window: kernels_window) {
    let parameters = convolution.parameters
    let isPlanar = convolution.layout == .channelsFirst
    let pixels = (Int(window.out_width) - 1) * parameters.strideX + parameters.kernelWidth
    row = pixels * parameters.inputChannels
    rows = parameters.kernelHeight
    result = (rows * row + 15) / 16 * 16
    resultStride = (parameters.outputChannels + 15) / 16 * 16 + 16
    count = result + (isPlanar ? Int(window.out_width) * resultStride : 0)
  }
}

extension Convolution {
  /// Items are output rows: (image, y). The rows that it reads are copied with their padding; a pixel's
  /// inputs then are a run of each, and the next pixel's begin a stride further on.
  func multiplyRows(
    _ window: kernels_window, _ images: Images, _ items: Range<Int>, _ scratch: UnsafeMutablePointer<Float>?
  ) {
    guard let scratch else { return }
    let room = DirectRoom(self, window)
    let isPlanar = layout == .channelsFirst
    let (width, outputs) = (Int(window.out_width), parameters.outputChannels)
    let panelWidth = table.level.panelWidth
    let panels = (outputs + panelWidth - 1) / panelWidth
    let tiles = (width + table.level.tileRows - 1) / table.level.tileRows
    let unit = parameters.inputChannels
    var product = kernels_product()
    product.m = Int64(width)
    product.n = Int64(outputs)
    product.k = Int64(parameters.kernelWidth * unit)
    product.a = UnsafePointer(scratch)
    product.a_row = Int64(parameters.strideX * unit)
    product.a_step = 1
    product.a_more_runs = Int64(room.rows - 1)
    product.a_jump = Int64(room.row) - product.k
    product.tile_rows = Int64((width + tiles - 1) / tiles)
    product.a_tile = product.tile_rows * product.a_row
    product.b = UnsafePointer(weights.floats)
    product.b_row = Int64(panelWidth)
    product.b_panel = Int64(
      panelWidth * parameters.inputChannels * parameters.kernelHeight * parameters.kernelWidth)
    let isLast = !isPlanar || images.residual == nil
    product.epilogue = epilogue(isLast ? images.activation : .none, firstChannel: 0)
    for item in items {
      let (image, y) = (item / Int(window.out_height), item % Int(window.out_height))
      copyRows(window, images, image: image, y: y, room, scratch)
      if isPlanar {
        product.c = scratch + room.result
        product.c_row = Int64(room.resultStride)
        table.level.multiply(&product, firstTile: 0, endTile: tiles, firstPanel: 0, endPanel: panels)
        writeRow(window, images, image: image, y: y, room, scratch + room.result)
      } else {
        let offset = item * width * outputs
        product.c = images.output + offset
        product.c_row = Int64(outputs)
        product.epilogue.residual = images.residual.map { $0 + offset }
        product.epilogue.residual_stride = Int64(outputs)
        table.level.multiply(&product, firstTile: 0, endTile: tiles, firstPanel: 0, endPanel: panels)
      }
    }
  }

  /// The rows that output row `y` reads, with their padding.
  private func copyRows(
    _ window: kernels_window, _ images: Images, image: Int, y: Int, _ room: DirectRoom,
    _ target: UnsafeMutablePointer<Float>
  ) {
    let unit = parameters.inputChannels
    let width = Int(window.width)
    let input = images.input + image * unit * window.inputPlane
    for row in 0..<room.rows {
      let sourceY = y * parameters.strideY + row * parameters.dilationY - parameters.padTop
      let isInside = sourceY >= 0 && sourceY < Int(window.height)
      let to = target + row * room.row
      if layout == .channelsLast {
        table.level.padRow(
          isInside ? input + sourceY * width * unit : nil, length: width * unit,
          left: parameters.padLeft * unit, to, count: room.row)
        continue
      }
      let first = isInside ? min(parameters.padLeft * unit, room.row) : room.row
      let pixels = isInside ? min(width, (room.row - first) / unit) : 0
      table.level.padRow(nil, length: 0, left: 0, to, count: first)
      table.level.interleavePlanes(
        input + sourceY * width, channels: unit, plane: window.inputPlane, to + first, count: pixels)
      let end = first + pixels * unit
      table.level.padRow(nil, length: 0, left: 0, to + end, count: room.row - end)
    }
  }

  /// Writes a row of pixels to its planes.
  private func writeRow(
    _ window: kernels_window, _ images: Images, image: Int, y: Int, _ room: DirectRoom,
    _ pixels: UnsafePointer<Float>
  ) {
    let (width, outputs) = (Int(window.out_width), parameters.outputChannels)
    let plane = window.outputPlane
    let offset = image * outputs * plane + y * width
    table.level.transpose(
      elementSize: 4, pixels, rows: width, columns: outputs, sourceRow: room.resultStride,
      images.output + offset, targetRow: plane)
    guard let residual = images.residual else { return }
    var epilogue = kernels_epilogue(images.activation.code)
    epilogue.residual = residual + offset
    epilogue.residual_stride = Int64(plane)
    table.level.finish(
      &epilogue, images.output + offset, sourceRow: plane, images.output + offset, cRow: plane, rows: outputs,
      columns: width)
  }
}
