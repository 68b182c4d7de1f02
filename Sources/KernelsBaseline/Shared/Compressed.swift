public import CKernels

extension Level {
  /// target[k, panelWidth] = a panel of weights as floats.
  public static func expandPanel(
    _ matrix: UnsafePointer<kernels_compressed>, panel: Int, _ target: UnsafeMutablePointer<Float>
  ) {
    @inline(__always)
    func by<Format: CompressedFormat>(_ format: Format.Type) {
      forEachGroup(matrix.pointee, panel) { rows, values, scales, shifts in
        forEachPart(panelWidth) { index, part in
          let scale = scales.map { loadPart($0 + index, part) }
          let shift = shifts.map { loadPart($0 + index, part) }
          for row in rows {
            var value = Format.load(values, row: row, column: index, part)
            if let scale, let shift { value = lanes_multiply_add(value, scale, shift) }
            storePart(target + row * panelWidth + index, value, part)
          }
        }
      }
    }
    switch matrix.pointee.format {
    case .float16: by(Float16Format.self)
    case .bfloat16: by(Bfloat16Format.self)
    case .uint8: by(UInt8Format.self)
    default: by(UInt4Format.self)
    }
  }

  /// target[panelWidth] = a[k] · a panel of weights: each weight is read once, and kept in registers only.
  public static func multiplyCompressedRow(
    _ matrix: UnsafePointer<kernels_compressed>, panel: Int, _ a: UnsafePointer<Float>,
    _ target: UnsafeMutablePointer<Float>
  ) {
    @inline(__always)
    func by<Format: CompressedFormat>(_ format: Format.Type) {
      forEachPart(panelWidth) { index, part in storePart(target + index, splat(0), part) }
      forEachGroup(matrix.pointee, panel) { rows, values, scales, shifts in
        let total = shifts == nil ? 0 : sum(a + rows.lowerBound, rows.count)
        forEachPart(panelWidth) { index, part in
          var value = sumOfProducts(format, rows, values, a, index, part)
          if let scales { value *= loadPart(scales + index, part) }
          if let shifts { value = lanes_multiply_add(splat(total), loadPart(shifts + index, part), value) }
          storePart(target + index, loadPart(target + index, part) + value, part)
        }
      }
    }
    switch matrix.pointee.format {
    case .float16: by(Float16Format.self)
    case .bfloat16: by(Bfloat16Format.self)
    case .uint8: by(UInt8Format.self)
    default: by(UInt4Format.self)
    }
  }

  /// target = x as pairs of bfloat16, rounded to nearest, filled up to a whole pair.
  public static func roundToBfloats(
    _ x: UnsafePointer<Float>, count: Int, _ target: UnsafeMutablePointer<UInt16>
  ) {
    forEachPart(count) { index, part in
      lanes_store_words(target + index, lanes_to_bfloats(loadPart(x + index, part)), Int64(part))
    }
    if count % 2 != 0 { target[count] = 0 }
  }
}

/// How a weight is kept. Types without values, as `LaneFunction`'s.
protocol CompressedFormat {
  /// `part` weights of a row of a panel, from `column` on.
  static func load(_ panel: UnsafePointer<UInt8>, row: Int, column: Int, _ part: Int) -> lanes_f32
}

private enum Float16Format: CompressedFormat {
  @inline(__always)
  static func load(_ panel: UnsafePointer<UInt8>, row: Int, column: Int, _ part: Int) -> lanes_f32 {
    lanes_load_halves(panel + 2 * (row * Level.panelWidth + column), Int64(part))
  }
}

private enum Bfloat16Format: CompressedFormat {
  @inline(__always)
  static func load(_ panel: UnsafePointer<UInt8>, row: Int, column: Int, _ part: Int) -> lanes_f32 {
    lanes_load_bfloats(panel + 2 * (row * Level.panelWidth + column), Int64(part))
  }
}

private enum UInt8Format: CompressedFormat {
  @inline(__always)
  static func load(_ panel: UnsafePointer<UInt8>, row: Int, column: Int, _ part: Int) -> lanes_f32 {
    lanes_from_integers(lanes_load_bytes(panel + row * Level.panelWidth + column, Int64(part), false))
  }
}

private enum UInt4Format: CompressedFormat {
  @inline(__always)
  static func load(_ panel: UnsafePointer<UInt8>, row: Int, column: Int, _ part: Int) -> lanes_f32 {
    let bytes = lanes_load_bytes(panel + row / 2 * Level.panelWidth + column, Int64(part), false)
    let fifteen = lanes_i32(repeating: 15)
    return lanes_from_integers((bytes &>> lanes_i32(repeating: row % 2 == 0 ? 0 : 4)) & fifteen)
  }
}

/// Calls `body` for each group of rows of a panel, with the panel's values and the group's factors.
@inline(__always)
private func forEachGroup(
  _ matrix: kernels_compressed, _ panel: Int,
  _ body: (
    _ rows: Range<Int>, _ values: UnsafePointer<UInt8>, _ scales: UnsafePointer<Float>?,
    _ shifts: UnsafePointer<Float>?
  ) -> Void
) {
  let k = Int(matrix.k)
  let size = Int(matrix.group_size)
  let groups = (k + size - 1) / size
  let values = matrix.values + panel * Int(matrix.panel_bytes)
  for group in 0..<groups {
    let offset = (panel * groups + group) * Level.panelWidth
    body(
      group * size..<lesser(k, (group + 1) * size), values, matrix.scales.map { $0 + offset },
      matrix.shifts.map { $0 + offset })
  }
}

/// Σ a[row] · weights of the row, in four sums a column.
@inline(__always)
private func sumOfProducts<Format: CompressedFormat>(
  _ format: Format.Type, _ rows: Range<Int>, _ values: UnsafePointer<UInt8>, _ a: UnsafePointer<Float>,
  _ column: Int, _ part: Int
) -> lanes_f32 {
  var s0 = lanes_f32.zero
  var s1 = lanes_f32.zero
  var s2 = lanes_f32.zero
  var s3 = lanes_f32.zero
  var row = rows.lowerBound
  while row + 4 <= rows.upperBound {
    s0 = lanes_multiply_add(Format.load(values, row: row, column: column, part), splat(a[row]), s0)
    s1 = lanes_multiply_add(Format.load(values, row: row + 1, column: column, part), splat(a[row + 1]), s1)
    s2 = lanes_multiply_add(Format.load(values, row: row + 2, column: column, part), splat(a[row + 2]), s2)
    s3 = lanes_multiply_add(Format.load(values, row: row + 3, column: column, part), splat(a[row + 3]), s3)
    row += 4
  }
  while row < rows.upperBound {
    s0 = lanes_multiply_add(Format.load(values, row: row, column: column, part), splat(a[row]), s0)
    row += 1
  }
  return (s0 + s1) + (s2 + s3)
}
