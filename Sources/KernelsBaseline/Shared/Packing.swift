internal import CKernels

extension Level {
  /// Writes panels `firstPanel` … `endPanel − 1` of op(B)[k,n]: each [k, panelWidth], zeros beyond n.
  /// Panel p goes to target + (p − firstPanel) · k · panelWidth.
  ///
  /// - Parameters:
  ///   - stride: elements from one stored row to the next; `transposed`: stored as [n,k].
  public static func packB(
    _ b: UnsafePointer<Float>, k: Int, n: Int, stride: Int, transposed: Bool, firstPanel: Int, endPanel: Int,
    _ target: UnsafeMutablePointer<Float>
  ) {
    var target = target
    var panel = firstPanel
    while panel < endPanel {
      let column = panel * panelWidth
      let width = lesser(panelWidth, n - column)
      // Some panels together, so that a row is read in pieces longer than a panel's width.
      var count = lesser(8, lesser(endPanel, n / panelWidth) - panel)
      if transposed {
        count = 1
        packTransposedPanel(b + column * stride, k: k, width: width, stride: stride, target)
      } else if count > 0 {
        packPanels(b + column, k: k, panels: count, stride: stride, target)
      } else {
        count = 1
        packPanel(b + column, k: k, width: width, stride: stride, target)
      }
      panel += count
      target += count * k * panelWidth
    }
  }

  /// Writes tiles `firstTile` … `endTile − 1` of A[m,k], each [k, rows] (the last one's missing rows are
  /// zeros), so that a column of a tile lies together.
  ///
  /// - Parameter row: elements from a row of A to the next; `step`: from a column to the next.
  public static func packA(
    _ a: UnsafePointer<Float>, m: Int, k: Int, row: Int, step: Int, rows: Int, firstTile: Int, endTile: Int,
    _ target: UnsafeMutablePointer<Float>
  ) {
    for tile in firstTile..<endTile {
      let source = a + tile * rows * row
      let height = lesser(rows, m - tile * rows)
      let target = target + tile * rows * k
      for line in 0..<rows {
        for column in 0..<k {
          target[column * rows + line] = line < height ? source[line * row + column * step] : 0
        }
      }
    }
  }
}

private func packPanels(
  _ b: UnsafePointer<Float>, k: Int, panels: Int, stride: Int, _ target: UnsafeMutablePointer<Float>
) {
  for row in 0..<k {
    for panel in 0..<panels {
      storeTileRow(
        loadTileRow(b + row * stride + panel * Level.panelWidth),
        target + (panel * k + row) * Level.panelWidth)
    }
  }
}

/// A panel that is not full.
private func packPanel(
  _ b: UnsafePointer<Float>, k: Int, width: Int, stride: Int, _ target: UnsafeMutablePointer<Float>
) {
  for row in 0..<k {
    for column in 0..<Level.panelWidth {
      target[row * Level.panelWidth + column] = column < width ? b[row * stride + column] : 0
    }
  }
}

private func packTransposedPanel(
  _ b: UnsafePointer<Float>, k: Int, width: Int, stride: Int, _ target: UnsafeMutablePointer<Float>
) {
  for column in 0..<width {
    let source = b + column * stride
    for row in 0..<k { target[row * Level.panelWidth + column] = source[row] }
  }
  for column in width..<Level.panelWidth {
    for row in 0..<k { target[row * Level.panelWidth + column] = 0 }
  }
}
