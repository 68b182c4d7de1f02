internal import CKernels

extension KernelTable {
  /// Bytes of scratch that `matmul` of this shape needs, and `batchedMatmul` for any batch of it; `packed`
  /// if B is a `PackedMatrix`.
  public func matmulScratchByteCount(_ shape: MatmulShape, packed: Bool, team: ThreadTeam) -> Int {
    if packed { return ProductPlan(shape, isPacked: true, table: self).scratchByteCount }
    return team.width * alignedScratch(shape)
  }

  /// Bytes of scratch that `batchedMatmul` needs for this batch: at most `matmulScratchByteCount`.
  public func batchedMatmulScratchByteCount(_ shape: MatmulShape, batch: MatmulBatch, team: ThreadTeam) -> Int
  {
    let jobs = Partition(batch.count, parts: batchJobs(batch, team)).parts
    return jobs * alignedScratch(shape)
  }

  /// C = activation(alpha · op(A) · B + beta · C + bias + residual) with B packed by this table.
  ///
  /// With `beta` 0, C is not read. `shape.k` and `shape.n` must be those of `b`.
  ///
  /// - Parameter backward: take B from its end to its begin. A matrix that is read again and again, and that
  ///   a cache almost holds, is read the faster if the directions alternate.
  public func matmul(
    _ shape: MatmulShape, alpha: Float = 1, a: UnsafePointer<Float>, b: PackedMatrix, beta: Float = 0,
    c: UnsafeMutablePointer<Float>, epilogue: Epilogue = Epilogue(), backward: Bool = false,
    scratch: UnsafeMutableRawPointer?, team: ThreadTeam
  ) {
    precondition(
      b.panelWidth == level.panelWidth && b.k == shape.k && b.n == shape.n,
      "the packed matrix is of another table or shape")
    var product = kernels_product(
      shape, a, c, kernels_epilogue(epilogue, alpha: alpha, beta: beta, strideC: shape.strideC))
    product.b = UnsafePointer(b.storage.floats)
    product.b_row = Int64(level.panelWidth)
    product.b_panel = Int64(level.panelWidth * shape.k)
    product.backward = backward
    let plan = ProductPlan(shape, isPacked: true, table: self)
    multiply(&product, shape, plan, scratch?.assumingMemoryBound(to: Float.self), team)
  }

  /// As `matmul(_:alpha:a:b:beta:c:epilogue:scratch:team:)` with B as it is: for the product of two activations.
  public func matmul(
    _ shape: MatmulShape, alpha: Float = 1, a: UnsafePointer<Float>, b: UnsafePointer<Float>, beta: Float = 0,
    c: UnsafeMutablePointer<Float>, epilogue: Epilogue = Epilogue(), scratch: UnsafeMutableRawPointer?,
    team: ThreadTeam
  ) {
    let epilogue = kernels_epilogue(epilogue, alpha: alpha, beta: beta, strideC: shape.strideC)
    if usesOpenBLAS(shape), epilogue.residual == nil {
      OpenBLAS.multiply(shape, a, b, c, epilogue, level)
      return
    }
    var product = kernels_product(shape, a, c, epilogue)
    let plan = ProductPlan(shape, isPacked: false, table: self)
    let floats = scratch?.assumingMemoryBound(to: Float.self)
    packB(&product, shape, plan, b, floats.map { $0 + plan.countA }, team)
    multiply(&product, shape, plan, floats, team)
  }

  /// A product for each of a batch of matrices; the epilogue's bias serves all, its residual follows C's strides.
  public func batchedMatmul(
    _ shape: MatmulShape, batch: MatmulBatch, alpha: Float = 1, a: UnsafePointer<Float>,
    b: UnsafePointer<Float>, beta: Float = 0, c: UnsafeMutablePointer<Float>, epilogue: Epilogue = Epilogue(),
    scratch: UnsafeMutableRawPointer?, team: ThreadTeam
  ) {
    let parts = Partition(batch.count, parts: batchJobs(batch, team))
    let inner = parts.parts > 1 ? ThreadTeam.single : team
    let scratchStep = alignedScratch(shape)
    team.parallelFor(parts.parts) { part in
      for index in parts[part] {
        var epilogue = epilogue
        epilogue.residual = epilogue.residual.map { $0 + index * batch.strideC }
        matmul(
          shape, alpha: alpha, a: a + index * batch.strideA, b: b + index * batch.strideB, beta: beta,
          c: c + index * batch.strideC, epilogue: epilogue, scratch: scratch.map { $0 + part * scratchStep },
          team: inner)
      }
    }
  }

  /// One job a thread if there is a matrix for each; otherwise the matrices follow one another, each on all threads.
  private func batchJobs(_ batch: MatmulBatch, _ team: ThreadTeam) -> Int {
    batch.count >= team.width ? team.width : 1
  }

  private func alignedScratch(_ shape: MatmulShape) -> Int {
    (ProductPlan(shape, isPacked: false, table: self).scratchByteCount + 63) / 64 * 64
  }

  /// OpenBLAS has wider kernels than the portable level, which has those of every machine only.
  func usesOpenBLAS(_ shape: MatmulShape) -> Bool {
    guard instructionSet == .portable, shape.m > 1, shape.n > 1, shape.k > 0 else { return false }
    let sizes = max(max(shape.m, shape.n), shape.k)
    let largest = max(sizes, max(max(shape.strideA, shape.strideB), shape.strideC))
    return largest <= Int(Int32.max)
  }

  private func packB(
    _ product: inout kernels_product, _ shape: MatmulShape, _ plan: ProductPlan, _ b: UnsafePointer<Float>,
    _ target: UnsafeMutablePointer<Float>?, _ team: ThreadTeam
  ) {
    let width = level.panelWidth
    product.b = b
    product.b_row = Int64(shape.strideB)
    product.b_panel = Int64(width)
    guard let target, plan.packsB || plan.packsLastPanel else { return }
    if plan.packsLastPanel {
      level.packB(
        b, k: shape.k, n: shape.n, stride: shape.strideB, transposed: false, firstPanel: plan.panels - 1,
        endPanel: plan.panels, target)
      product.b_last = UnsafePointer(target)
      product.b_last_row = Int64(width)
      return
    }
    let isLarge = shape.k * shape.n > 64 * 1024
    let parts = Partition(plan.panels, parts: isLarge ? team.width : 1)
    team.parallelFor(parts.parts) { part in
      let range = parts[part]
      level.packB(
        b, k: shape.k, n: shape.n, stride: shape.strideB, transposed: shape.transposeB,
        firstPanel: range.lowerBound,
        endPanel: range.upperBound, target + range.lowerBound * shape.k * width)
    }
    product.b = UnsafePointer(target)
    product.b_row = Int64(width)
    product.b_panel = Int64(width * shape.k)
  }

  private func multiply(
    _ product: inout kernels_product, _ shape: MatmulShape, _ plan: ProductPlan,
    _ scratch: UnsafeMutablePointer<Float>?, _ team: ThreadTeam
  ) {
    product.tile_rows = Int64(plan.tileRows)
    product.a_tile = Int64(plan.tileRows) * product.a_row
    // Below some microseconds of work, waking others takes longer than it saves.
    let isSmall = shape.m * shape.n * shape.k < 256 * 1024
    if plan.packsA, let scratch {
      let parts = Partition(plan.tiles, parts: isSmall ? 1 : team.width)
      team.parallelFor(parts.parts) { part in
        level.packA(
          product.a, m: shape.m, k: shape.k, row: shape.strideA, step: 1, rows: plan.tileRows,
          firstTile: parts[part].lowerBound, endTile: parts[part].upperBound, scratch)
      }
      product.a = UnsafePointer(scratch)
      product.a_row = 1
      product.a_step = product.tile_rows
      product.a_tile = Int64(plan.tileRows * shape.k)
    }
    let wanted = isSmall ? 1 : team.width * 4
    let panelParts = Partition(plan.panels, parts: wanted)
    let tileParts = Partition(
      plan.tiles, parts: panelParts.parts >= team.width ? 1 : wanted / panelParts.parts)
    withUnsafePointer(to: product) { product in
      let jobs = panelParts.parts * tileParts.parts
      team.parallelFor(jobs) { index in
        let job = product.pointee.backward ? jobs - 1 - index : index
        let panels = panelParts[job % panelParts.parts]
        let tiles = tileParts[job / panelParts.parts]
        level.multiply(
          product, firstTile: tiles.lowerBound, endTile: tiles.upperBound, firstPanel: panels.lowerBound,
          endPanel: panels.upperBound)
      }
    }
  }
}

extension kernels_product {
  /// A as it lies in memory; B is still to be named.
  init(
    _ shape: MatmulShape, _ a: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
    _ epilogue: kernels_epilogue
  ) {
    self.init()
    m = Int64(shape.m)
    n = Int64(shape.n)
    k = Int64(shape.k)
    self.a = a
    a_row = Int64(shape.transposeA ? 1 : shape.strideA)
    a_step = Int64(shape.transposeA ? shape.strideA : 1)
    self.c = c
    c_row = Int64(shape.strideC)
    self.epilogue = epilogue
  }
}
