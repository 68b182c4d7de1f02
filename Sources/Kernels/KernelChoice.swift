internal import CKernels

/// What a table picks for a shape, in words. The same pure functions decide when the kernels run.
public struct KernelChoice: Sendable, Hashable, CustomStringConvertible {
  /// The kernel's name.
  public let kernel: String
  /// How it cuts the work up, and what it copies first.
  public let details: String

  public var description: String { details.isEmpty ? kernel : "\(kernel): \(details)" }
}

extension KernelTable {
  /// For a float32 product; `packed` if B is a `PackedMatrix`.
  public func choice(_ shape: MatmulShape, packed: Bool) -> KernelChoice {
    if !packed, usesOpenBLAS(shape) { return KernelChoice(kernel: "OpenBLAS", details: "") }
    let plan = ProductPlan(shape, isPacked: packed, table: self)
    var details = tiling(rows: shape.m, tiles: plan.tiles, columns: shape.n)
    if plan.packsA { details += ", packs A" }
    if plan.packsB { details += ", packs B" }
    if plan.packsLastPanel { details += ", packs B's last panel" }
    return KernelChoice(kernel: "float32 \(level.tileRows) × \(level.panelWidth)", details: details)
  }

  /// For a product of 8-bit integers; the values of a packed B are a matter too.
  public func integerChoice(_ shape: MatmulShape, b: PackedIntegerMatrix? = nil) -> KernelChoice {
    let tiles = (shape.m + integerTileRows - 1) / integerTileRows
    let words =
      switch (b?.layout ?? IntegerPanelLayout(k: shape.k, n: shape.n, table: self)).kind {
      case .bytes: "VNNI"
      case .narrowBytes: "bytes of narrow weights"
      default: "16-bit pairs"
      }
    return KernelChoice(
      kernel: "\(words) \(integerTileRows) × \(level.panelWidth)",
      details: tiling(rows: shape.m, tiles: tiles, columns: shape.n))
  }

  /// For a product with weights of fewer bits.
  public func choice(_ shape: MatmulShape, compressed format: CompressedMatrix.Format) -> KernelChoice {
    if format == .bfloat16Products, usesBF16 {
      return KernelChoice(kernel: "BF16 pairs", details: "activations rounded to bfloat16")
    }
    return shape.m <= KernelTable.fewRows
      ? KernelChoice(kernel: "rows", details: "weights expanded in registers")
      : KernelChoice(
        kernel: "float32 \(level.tileRows) × \(level.panelWidth)",
        details: "weights expanded a panel at a time")
  }

  /// For attention, on one thread.
  public func choice(_ shape: AttentionShape) -> KernelChoice {
    let plan = AttentionPlan(shape, self, .single)
    return plan.isDirect
      ? KernelChoice(kernel: "query by query", details: "")
      : KernelChoice(
        kernel: "panels of \(plan.blockQueries) queries",
        details: "\(plan.blocks) a head, \(AttentionPlan.blockKeys) keys at a time")
  }

  private func tiling(rows: Int, tiles: Int, columns: Int) -> String {
    let height = tiles == 0 ? 0 : (rows + tiles - 1) / tiles
    let panels = (columns + level.panelWidth - 1) / level.panelWidth
    return "\(tiles) × \(panels) tiles of \(height) × \(level.panelWidth)"
  }
}
