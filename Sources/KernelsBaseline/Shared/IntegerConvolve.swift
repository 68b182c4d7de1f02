public import CKernels

extension Level {
  /// Writes rows of the left-hand matrix of a convolution of 8-bit integers, as `packIntegersA` writes
  /// them: for each of `count` output positions from `firstPosition` on, all taps' channels.
  ///
  /// - Parameters:
  ///   - input: [height, width, pixelStride], at the first channel of the group.
  ///   - padding: the zero point: what stands beyond the image.
  ///   - target: rows of `rowByteCount` bytes.
  public static func unfoldIntegers(
    _ window: UnsafePointer<kernels_window>, _ input: UnsafePointer<UInt8>, channels: Int, pixelStride: Int,
    firstPosition: Int, count: Int, isSigned: Bool, padding: Int32, group: Int,
    _ target: UnsafeMutablePointer<UInt8>, rowByteCount: Int
  ) {
    @inline(__always)
    func by<Element: UnfoldedElement>(_ element: Element.Type) {
      unfold(
        element, window.pointee, input, channels, pixelStride, firstPosition, count,
        UInt8(truncatingIfNeeded: padding), target, rowByteCount)
    }
    switch (group == 4, isSigned) {
    case (true, false): by(PlainByte.self)
    case (true, true): by(FlippedByte.self)
    case (false, false): by(UnsignedWord.self)
    case (false, true): by(SignedWord.self)
    }
  }

  /// Finishes sums that are whole numbers in floats, [rows, channels]: as `finishShort` does, from
  /// `firstRow` on.
  public static func finishWholeNumbers(
    _ product: UnsafePointer<kernels_short_product>, _ values: UnsafePointer<Float>, firstRow: Int, rows: Int
  ) {
    let channels = Int(product.pointee.n)
    if product.pointee.isBytes, product.pointee.hasPlainSums {
      storeBytes(
        product, WholeNumbers.self, UnsafeRawPointer(values), sumsRow: channels,
        start: firstRow * Int(product.pointee.c_row), rows: rows, firstColumn: 0, columns: channels)
      return
    }
    var room = lanes_room()
    withUnsafeMutablePointer(to: &room) { room in
      let sums = UnsafeMutableRawPointer(room).assumingMemoryBound(to: Int32.self)
      var row = 0
      while row < rows {
        let count = lesser(pairTileRows, rows - row)
        var channel = 0
        while channel < channels {
          let columns = lesser(panelWidth, channels - channel)
          for line in 0..<count {
            let source = values + (row + line) * channels + channel
            forEachPart(columns) { index, part in
              let whole = lanes_to_integers(loadPart(source + index, part))
              storeIntegers(sums + line * panelWidth + index, whole, part)
            }
          }
          finishShort(
            product, sums, firstRow: firstRow + row, rows: count, firstColumn: channel, columns: columns)
          channel += panelWidth
        }
        row += count
      }
    }
  }

  /// Output row `y` of a depthwise convolution of channels-last images of 8-bit integers.
  ///
  /// The sums are of floats: whole numbers below 2²⁴, and so exact.
  ///
  /// - Parameters:
  ///   - product: of [outWidth, channels]; says what becomes of the sums, from row y · outWidth on.
  ///   - weights: [kernelHeight, kernelWidth, channels], less their zero points.
  public static func depthwiseIntegers(
    _ product: UnsafePointer<kernels_short_product>, _ window: UnsafePointer<kernels_window>,
    _ input: UnsafePointer<UInt8>, isSigned: Bool, zeroPoint: Int32, weights: UnsafePointer<Float>, y: Int
  ) {
    let channels = Int(product.pointee.n)
    let window = window.pointee
    let width = Int(window.out_width)
    var room = lanes_room()
    withUnsafeMutablePointer(to: &room) { room in
      let sums = UnsafeMutableRawPointer(room).assumingMemoryBound(to: Int32.self)
      var x = 0
      while x < width {
        let pixels = lesser(pairTileRows, width - x)
        var channel = 0
        while channel < channels {
          let columns = lesser(panelWidth, channels - channel)
          for pixel in 0..<pixels {
            forEachPart(columns) { index, part in
              let sum = depthwiseSum(
                window, input + channel + index, isSigned, zeroPoint, weights + channel + index, channels,
                y: y,
                x: x + pixel, part)
              storeIntegers(sums + pixel * panelWidth + index, lanes_to_integers(sum), part)
            }
          }
          finishShort(
            product, sums, firstRow: y * width + x, rows: pixels, firstColumn: channel, columns: columns)
          channel += panelWidth
        }
        x += pixels
      }
    }
  }
}

/// How a byte of an image stands in the rows of a product. Types without values, as `LaneFunction`'s.
protocol UnfoldedElement {
  /// Writes the element numbered `index` of a row.
  static func store(_ byte: UInt8, _ row: UnsafeMutableRawPointer, _ index: Int)
  /// Writes `count` bytes from the element numbered `index` on.
  static func copy(_ bytes: UnsafePointer<UInt8>, _ row: UnsafeMutableRawPointer, _ index: Int, _ count: Int)
}

extension UnfoldedElement {
  @inline(__always)
  fileprivate static func copyEach(
    _ bytes: UnsafePointer<UInt8>, _ row: UnsafeMutableRawPointer, _ index: Int, _ count: Int
  ) {
    for offset in 0..<count { store(bytes[offset], row, index + offset) }
  }
}

private enum PlainByte: UnfoldedElement {
  @inline(__always)
  static func store(_ byte: UInt8, _ row: UnsafeMutableRawPointer, _ index: Int) {
    row.assumingMemoryBound(to: UInt8.self)[index] = byte
  }

  @inline(__always)
  static func copy(_ bytes: UnsafePointer<UInt8>, _ row: UnsafeMutableRawPointer, _ index: Int, _ count: Int)
  {
    lanes_copy_bytes(row.assumingMemoryBound(to: UInt8.self) + index, bytes, Int64(count), 0)
  }
}

/// Signed bytes as unsigned ones, 128 greater.
private enum FlippedByte: UnfoldedElement {
  @inline(__always)
  static func store(_ byte: UInt8, _ row: UnsafeMutableRawPointer, _ index: Int) {
    row.assumingMemoryBound(to: UInt8.self)[index] = byte ^ 0x80
  }

  @inline(__always)
  static func copy(_ bytes: UnsafePointer<UInt8>, _ row: UnsafeMutableRawPointer, _ index: Int, _ count: Int)
  {
    lanes_copy_bytes(row.assumingMemoryBound(to: UInt8.self) + index, bytes, Int64(count), 0x80)
  }
}

private enum UnsignedWord: UnfoldedElement {
  @inline(__always)
  static func store(_ byte: UInt8, _ row: UnsafeMutableRawPointer, _ index: Int) {
    row.assumingMemoryBound(to: Int16.self)[index] = Int16(byte)
  }

  @inline(__always)
  static func copy(_ bytes: UnsafePointer<UInt8>, _ row: UnsafeMutableRawPointer, _ index: Int, _ count: Int)
  {
    copyEach(bytes, row, index, count)
  }
}

private enum SignedWord: UnfoldedElement {
  @inline(__always)
  static func store(_ byte: UInt8, _ row: UnsafeMutableRawPointer, _ index: Int) {
    row.assumingMemoryBound(to: Int16.self)[index] = Int16(Int8(bitPattern: byte))
  }

  @inline(__always)
  static func copy(_ bytes: UnsafePointer<UInt8>, _ row: UnsafeMutableRawPointer, _ index: Int, _ count: Int)
  {
    copyEach(bytes, row, index, count)
  }
}

@inline(__always)
private func unfold<Element: UnfoldedElement>(
  _ element: Element.Type, _ window: kernels_window, _ input: UnsafePointer<UInt8>, _ channels: Int,
  _ pixelStride: Int, _ firstPosition: Int, _ count: Int, _ padding: UInt8,
  _ target: UnsafeMutablePointer<UInt8>, _ rowByteCount: Int
) {
  let taps = Int(window.kernel_width)
  // Neighbouring taps are one run of memory, if nothing lies between them.
  let isDense = window.dilation_x == 1 && channels == pixelStride
  for index in 0..<count {
    let position = firstPosition + index
    let y = position / Int(window.out_width) * Int(window.stride_y) - Int(window.pad_top)
    let x = position % Int(window.out_width) * Int(window.stride_x) - Int(window.pad_left)
    let row = UnsafeMutableRawPointer(target + index * rowByteCount)
    // The last word is written first: it may hold more than the row has values.
    row.storeBytes(of: 0, toByteOffset: rowByteCount - 4, as: UInt32.self)
    var to = 0
    for tapY in 0..<Int(window.kernel_height) {
      let sourceY = y + tapY * Int(window.dilation_y)
      let isInside = sourceY >= 0 && sourceY < Int(window.height)
      let line = input + (isInside ? sourceY * Int(window.width) * pixelStride : 0)
      if isInside, isDense, x >= 0, x + taps <= Int(window.width) {
        let from = line + x * pixelStride
        Element.copy(from, row, to, taps * channels)
        to += taps * channels
        continue
      }
      for tapX in 0..<taps {
        let sourceX = x + tapX * Int(window.dilation_x)
        if isInside, sourceX >= 0, sourceX < Int(window.width) {
          let from = line + sourceX * pixelStride
          Element.copy(from, row, to, channels)
        } else {
          for channel in 0..<channels { Element.store(padding, row, to + channel) }
        }
        to += channels
      }
    }
  }
}

@inline(__always)
private func depthwiseSum(
  _ window: kernels_window, _ input: UnsafePointer<UInt8>, _ isSigned: Bool, _ zeroPoint: Int32,
  _ weights: UnsafePointer<Float>, _ channels: Int, y: Int, x: Int, _ part: Int
) -> lanes_f32 {
  let top = y * Int(window.stride_y) - Int(window.pad_top)
  let left = x * Int(window.stride_x) - Int(window.pad_left)
  let offset = lanes_i32(repeating: zeroPoint)
  var sum = splat(0)
  for tapY in 0..<Int(window.kernel_height) {
    let sourceY = top + tapY * Int(window.dilation_y)
    if sourceY < 0 || sourceY >= Int(window.height) { continue }
    for tapX in 0..<Int(window.kernel_width) {
      let sourceX = left + tapX * Int(window.dilation_x)
      if sourceX < 0 || sourceX >= Int(window.width) { continue }
      let from = input + (sourceY * Int(window.width) + sourceX) * channels
      let value = lanes_from_integers(lanes_load_bytes(from, Int64(part), isSigned) &- offset)
      let weight = loadPart(weights + (tapY * Int(window.kernel_width) + tapX) * channels, part)
      sum = lanes_multiply_add(value, weight, sum)
    }
  }
  return sum
}
