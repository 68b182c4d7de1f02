internal import CKernels

extension KernelTable {
  /// Bytes of scratch that `compressedMatmul` of this shape needs.
  public func compressedMatmulScratchByteCount(
    _ shape: MatmulShape, b: CompressedMatrix, team: ThreadTeam
  ) -> Int {
    if b.isPaired { return shape.m * pairedRowByteCount(shape) }
    return compressedParts(shape, team).parts * expandedByteCount(shape)
  }

  /// C = activation(A · B + bias + residual), where B's weights are expanded to float32 on the way: a
  /// panel at a time, or in registers where A has few rows.
  ///
  /// - Parameters:
  ///   - shape: `k` and `n` must be those of `b`; A is not transposed.
  ///   - b: packed by this table.
  public func compressedMatmul(
    _ shape: MatmulShape, a: UnsafePointer<Float>, b: CompressedMatrix, c: UnsafeMutablePointer<Float>,
    epilogue: Epilogue = Epilogue(), scratch: UnsafeMutableRawPointer?, team: ThreadTeam
  ) {
    precondition(
      b.panelWidth == level.panelWidth && b.k == shape.k && b.n == shape.n && !shape.transposeA,
      "the compressed matrix is of another table or shape")
    guard shape.m > 0, shape.n > 0, let scratch else { return }
    if b.isPaired {
      multiplyPaired(shape, a, b, c, epilogue, scratch, team)
      return
    }
    var product = kernels_product(
      shape, a, c, kernels_epilogue(epilogue, alpha: 1, beta: 0, strideC: shape.strideC))
    let tiles = (shape.m + level.tileRows - 1) / level.tileRows
    product.tile_rows = Int64((shape.m + tiles - 1) / tiles)
    product.a_tile = product.tile_rows * product.a_row
    product.b_row = Int64(level.panelWidth)
    let matrix = b.code
    let parts = compressedParts(shape, team)
    team.parallelFor(parts.parts) { part in
      let room = (scratch + part * expandedByteCount(shape)).assumingMemoryBound(to: Float.self)
      for panel in parts[part] {
        withUnsafePointer(to: matrix) {
          multiplyPanel(shape, product, $0, panel: panel, tiles: tiles, room)
        }
      }
    }
  }

  private func multiplyPanel(
    _ shape: MatmulShape, _ product: kernels_product, _ matrix: UnsafePointer<kernels_compressed>, panel: Int,
    tiles: Int, _ room: UnsafeMutablePointer<Float>
  ) {
    var product = product
    if shape.m > KernelTable.fewRows {
      level.expandPanel(matrix, panel: panel, room)
      product.b = UnsafePointer(room)
      level.multiply(&product, firstTile: 0, endTile: tiles, firstPanel: panel, endPanel: panel + 1)
      return
    }
    guard let a = product.a, let c = product.c else { return }
    let column = panel * level.panelWidth
    for row in 0..<shape.m {
      level.multiplyCompressedRow(matrix, panel: panel, a + row * shape.strideA, room)
      var epilogue = product.epilogue.from(row: Int64(row), column: Int64(column))
      level.finish(
        &epilogue, room, sourceRow: 0, c + row * shape.strideC + column, cRow: 0, rows: 1,
        columns: min(level.panelWidth, shape.n - column))
    }
  }

  /// The product of pairs of bfloat16: A is rounded to such first.
  private func multiplyPaired(
    _ shape: MatmulShape, _ a: UnsafePointer<Float>, _ b: CompressedMatrix, _ c: UnsafeMutablePointer<Float>,
    _ epilogue: Epilogue, _ scratch: UnsafeMutableRawPointer, _ team: ThreadTeam
  ) {
    let rowByteCount = pairedRowByteCount(shape)
    let rows = Partition(shape.m, parts: shape.m * shape.k >= smallestShared ? team.width : 1)
    team.parallelFor(rows.parts) { part in
      for row in rows[part] {
        level.roundToBfloats(
          a + row * shape.strideA, count: shape.k,
          (scratch + row * rowByteCount).assumingMemoryBound(to: UInt16.self))
      }
    }
    var product = kernels_short_product(shape, .floats(c, IntegerScale(1), epilogue))
    product.kind = .bfloats
    product.words = Int64((shape.k + 1) / 2)
    product.a = UnsafePointer(scratch.assumingMemoryBound(to: UInt8.self))
    product.a_row = Int64(rowByteCount)
    product.b = UnsafeRawPointer(b.code.values).assumingMemoryBound(to: Int8.self)
    product.b_panel = b.code.panel_bytes
    let panels = (shape.n + level.panelWidth - 1) / level.panelWidth
    multiply(&product, panels: panels, work: shape.m * shape.n * shape.k / 2, team)
  }

  /// Rows of A up to which each reads the weights by itself: expanding them to memory would cost more.
  static let fewRows = 3

  private func pairedRowByteCount(_ shape: MatmulShape) -> Int { (shape.k + 1) / 2 * 4 }

  private func expandedByteCount(_ shape: MatmulShape) -> Int {
    level.panelWidth * max(shape.m > KernelTable.fewRows ? shape.k : 1, 16) * MemoryLayout<Float>.stride
  }

  private func compressedParts(_ shape: MatmulShape, _ team: ThreadTeam) -> Partition {
    let panels = (shape.n + level.panelWidth - 1) / level.panelWidth
    let isSmall = shape.m * shape.n * shape.k < 128 * 1024
    return Partition(panels, parts: isSmall || team.width == 1 ? 1 : team.width * 4)
  }
}
