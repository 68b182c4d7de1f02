internal import CKernels

extension KernelTable {
  /// Bytes of scratch that `integerMatmul` and `dynamicMatmul` of this shape need; `packed` if B is a
  /// `PackedIntegerMatrix`.
  public func integerMatmulScratchByteCount(_ shape: MatmulShape, packed: Bool, team: ThreadTeam) -> Int {
    // Rows of pairs: those of bytes need less.
    IntegerScratch(shape, IntegerPanelLayout(k: shape.k, n: shape.n, table: self), team).byteCount(
      packed: packed)
  }

  /// C = output((A − A's zero points) · (B − B's zero points)), exact in 32 bits, with B packed by this table.
  ///
  /// - Parameters:
  ///   - shape: `k` and `n` must be those of `b`; A is not transposed.
  ///   - output: `shape.strideC` is its stride, in its own elements.
  public func integerMatmul(
    _ shape: MatmulShape, a: IntegerMatrix, b: PackedIntegerMatrix, output: IntegerOutput,
    scratch: UnsafeMutableRawPointer?, team: ThreadTeam
  ) {
    precondition(b.layout.fits(shape, self), "the packed matrix is of another table or shape")
    let plan = IntegerScratch(shape, b.layout, team)
    var product = kernels_short_product(shape, output)
    product.use(b.panels, plan.layout)
    prepareA(&product, shape, plan, a, scratch, team)
    multiply(&product, plan, team)
  }

  /// As `integerMatmul(_:a:b:output:scratch:team:)` with B as it is: for the product of two activations.
  public func integerMatmul(
    _ shape: MatmulShape, a: IntegerMatrix, b: IntegerMatrix, output: IntegerOutput,
    scratch: UnsafeMutableRawPointer?, team: ThreadTeam
  ) {
    guard let scratch, shape.m > 0, shape.n > 0 else { return }
    let plan = IntegerScratch(shape, IntegerPanelLayout(k: shape.k, n: shape.n, table: self), team)
    let memory = scratch + plan.panelsOffset
    plan.layout.pack(b, stride: shape.strideB, transposed: shape.transposeB, memory, self, team)
    var product = kernels_short_product(shape, output)
    product.use(plan.layout.panels(memory), plan.layout)
    prepareA(&product, shape, plan, a, scratch, team)
    multiply(&product, plan, team)
  }

  /// C = activation(A · (B − zero points) · scales + bias + residual), where A is quantised to unsigned
  /// bytes on the way, as ONNX DynamicQuantizeLinear does it: the fused form of DynamicQuantizeLinear,
  /// MatMulInteger and the scaling that follow one another in dynamically quantised models.
  ///
  /// - Parameter scale: of B.
  public func dynamicMatmul(
    _ shape: MatmulShape, a: UnsafePointer<Float>, b: PackedIntegerMatrix, scale: IntegerScale,
    c: UnsafeMutablePointer<Float>, epilogue: Epilogue = Epilogue(), scratch: UnsafeMutableRawPointer?,
    team: ThreadTeam
  ) {
    precondition(b.layout.fits(shape, self), "the packed matrix is of another table or shape")
    guard let scratch, shape.m > 0 else { return }
    let plan = IntegerScratch(shape, b.layout, team)
    let rows = plan.rowParts(team)
    let ranges = (scratch + plan.rangesOffset).assumingMemoryBound(to: Float.self)
    team.parallelFor(rows.parts) { part in
      plan.range(of: a, rows[part], shape, level, ranges + 2 * part)
    }
    var least: Float = 0
    var greatest: Float = 0
    for part in 0..<rows.parts {
      least = min(least, ranges[2 * part])
      greatest = max(greatest, ranges[2 * part + 1])
    }
    let quantization = Quantization(coveringFrom: least, to: greatest)
    team.parallelFor(rows.parts) { part in
      for row in rows[part] {
        let target = scratch + row * plan.rowByteCount
        (target + plan.rowByteCount - 4).storeBytes(of: 0, as: UInt32.self)
        level.quantize(
          a + row * shape.strideA, count: shape.k, scale: quantization.scale,
          zeroPoint: quantization.zeroPoint, low: 0, high: 255, isWide: plan.layout.group == 2, target)
      }
    }
    let scaled = IntegerScale(scale.scale * quantization.scale, columnScales: scale.columnScales)
    var product = kernels_short_product(shape, .floats(c, scaled, epilogue))
    product.use(b.panels, plan.layout)
    product.a = UnsafePointer(scratch.assumingMemoryBound(to: UInt8.self))
    product.a_row = Int64(plan.rowByteCount)
    product.zero_point = quantization.zeroPoint
    sumRows(&product, shape, plan, scratch, team)
    multiply(&product, plan, team)
  }

  /// Rows of a tile of a product of integers at most.
  var integerTileRows: Int { tileRows(of: usesVNNI ? .bytes : .pairs) }

  private func tileRows(of kind: kernels_words) -> Int {
    kind == .pairs || kind == .narrowBytes ? level.pairTileRows : wideTileRows
  }

  /// Has `a` in the form that the kernels read, in place if it is that already.
  private func prepareA(
    _ product: inout kernels_short_product, _ shape: MatmulShape, _ plan: IntegerScratch,
    _ a: IntegerMatrix, _ scratch: UnsafeMutableRawPointer?, _ team: ThreadTeam
  ) {
    let bytes = a.bytes.assumingMemoryBound(to: UInt8.self)
    product.a = bytes
    product.a_row = Int64(shape.strideA)
    let isOfBytes = plan.layout.group == 4
    if let scratch, !isOfBytes || a.isSigned || shape.k % 4 != 0 {
      let target = scratch.assumingMemoryBound(to: UInt8.self)
      let rows = plan.rowParts(team)
      team.parallelFor(rows.parts) { part in
        let range = rows[part]
        level.packIntegersA(
          bytes + range.lowerBound * shape.strideA, rows: range.count, k: shape.k, stride: shape.strideA,
          isSigned: a.isSigned, group: plan.layout.group, target + range.lowerBound * plan.rowByteCount)
      }
      product.a = UnsafePointer(target)
      product.a_row = Int64(plan.rowByteCount)
    }
    let shift: Int32 = isOfBytes && a.isSigned ? 128 : 0
    switch a.zeroPoint {
    case .uniform(let value): product.zero_point = value + shift
    case .each(let values):
      guard let scratch else { return }
      let target = (scratch + plan.zeroPointsOffset).assumingMemoryBound(to: Int32.self)
      for row in 0..<shape.m { target[row] = values[row] + shift }
      product.row_zero_points = UnsafePointer(target)
    }
    if let scratch { sumRows(&product, shape, plan, scratch, team) }
  }

  /// Only where B has zero points are the sums of A's rows of use.
  private func sumRows(
    _ product: inout kernels_short_product, _ shape: MatmulShape, _ plan: IntegerScratch,
    _ scratch: UnsafeMutableRawPointer, _ team: ThreadTeam
  ) {
    guard product.column_zero_points != nil, let a = product.a else { return }
    let sums = (scratch + plan.sumsOffset).assumingMemoryBound(to: Int32.self)
    let rows = plan.rowParts(team)
    let (stride, zeroPoints, zeroPoint) = (Int(product.a_row), product.row_zero_points, product.zero_point)
    team.parallelFor(rows.parts) { part in
      level.sumIntegerRows(
        a, firstRow: rows[part].lowerBound, endRow: rows[part].upperBound, k: shape.k, stride: stride,
        group: plan.layout.group, zeroPoints: zeroPoints, zeroPoint: zeroPoint, sums)
    }
    product.row_sums = UnsafePointer(sums)
  }

  private func multiply(_ product: inout kernels_short_product, _ plan: IntegerScratch, _ team: ThreadTeam) {
    multiply(
      &product, panels: plan.layout.panelCount, work: plan.rows * plan.layout.n * plan.layout.k / 4, team)
  }

  /// All tiles of a product of short numbers.
  ///
  /// - Parameter work: the number of multiplications, in units of those of float32.
  func multiply(
    _ product: inout kernels_short_product, panels: Int, work: Int, _ team: ThreadTeam
  ) {
    let rows = Int(product.m)
    let tileRows = tileRows(of: product.kind)
    let tiles = (rows + tileRows - 1) / tileRows
    product.tile_rows = Int64(tiles == 0 ? 1 : (rows + tiles - 1) / tiles)
    let wanted = work < 256 * 1024 ? 1 : team.width * 4
    let panelParts = Partition(panels, parts: wanted)
    let tileParts = Partition(tiles, parts: panelParts.parts >= team.width ? 1 : wanted / panelParts.parts)
    withUnsafePointer(to: product) { product in
      team.parallelFor(panelParts.parts * tileParts.parts) { job in
        let panels = panelParts[job % panelParts.parts]
        let tiles = tileParts[job / panelParts.parts]
        level.multiplyShort(
          product, firstTile: tiles.lowerBound, endTile: tiles.upperBound, firstPanel: panels.lowerBound,
          endPanel: panels.upperBound)
      }
    }
  }
}

/// What `kernels_vnni_tile` and `kernels_bf16_tile` take at most.
private let wideTileRows = 14

/// How a product of integers is cut up, and where its parts of the scratch lie: prepared rows of A, the
/// rows' sums and zero points, ranges that threads found, and B's panels if they are not packed.
struct IntegerScratch {
  let layout: IntegerPanelLayout
  let rows: Int
  let rowByteCount: Int
  private let teamWidth: Int

  init(_ shape: MatmulShape, _ layout: IntegerPanelLayout, _ team: ThreadTeam) {
    precondition(!shape.transposeA, "the left-hand matrix of a product of integers is not transposed")
    self.layout = layout
    rows = shape.m
    rowByteCount = max(4, layout.groups * 4)
    teamWidth = team.width
  }

  private static func aligned(_ byteCount: Int) -> Int { (byteCount + 63) / 64 * 64 }

  var sumsOffset: Int { Self.aligned(rows * rowByteCount) }
  var zeroPointsOffset: Int { sumsOffset + Self.aligned(rows * MemoryLayout<Int32>.stride) }
  var rangesOffset: Int { zeroPointsOffset + Self.aligned(rows * MemoryLayout<Int32>.stride) }
  var panelsOffset: Int { rangesOffset + Self.aligned(teamWidth * 2 * MemoryLayout<Float>.stride) }

  func byteCount(packed: Bool) -> Int { panelsOffset + (packed ? 0 : layout.byteCount) }

  /// Ranges of rows, one a thread if there is enough to do.
  func rowParts(_ team: ThreadTeam) -> Partition {
    Partition(rows, parts: rows * layout.k >= smallestShared ? team.width : 1)
  }

  /// Writes the least and the greatest value of some rows and 0.
  func range(
    of a: UnsafePointer<Float>, _ rows: Range<Int>, _ shape: MatmulShape, _ level: any LevelKernels.Type,
    _ target: UnsafeMutablePointer<Float>
  ) {
    target[0] = 0
    target[1] = 0
    if shape.strideA == shape.k {
      level.range(a + rows.lowerBound * shape.k, count: rows.count * shape.k, target, target + 1)
      return
    }
    for row in rows {
      var (least, greatest): (Float, Float) = (0, 0)
      level.range(a + row * shape.strideA, count: shape.k, &least, &greatest)
      target[0] = min(target[0], least)
      target[1] = max(target[1], greatest)
    }
  }
}

extension kernels_short_product {
  /// Everything but the operands.
  init(_ shape: MatmulShape, _ output: IntegerOutput) {
    self.init()
    m = Int64(shape.m)
    n = Int64(shape.n)
    c_row = Int64(shape.strideC)
    use(output)
  }

  mutating func use(_ panels: IntegerPanels, _ layout: IntegerPanelLayout) {
    kind = layout.kind
    words = Int64(layout.groups)
    b = panels.values
    b_panel = Int64(layout.panelByteCount)
    column_sums = panels.columnSums
    column_zero_points = panels.zeroPoints
  }

  private mutating func use(_ output: IntegerOutput) {
    switch output {
    case .sums(let target):
      sums = .raw
      c = UnsafeMutableRawPointer(target)
    case .floats(let target, let factor, let epilogue):
      sums = .float
      c = UnsafeMutableRawPointer(target)
      self.epilogue = kernels_epilogue(epilogue, alpha: factor.scale, beta: 0, strideC: Int(c_row))
      self.epilogue.column_scale = factor.columnScales
    case .quantized(let target, let factor, let requantization):
      sums = .bytes
      c = target
      scale = factor.scale
      column_scale = factor.columnScales
      column_bias = requantization.bias
      offset = requantization.zeroPoint
      low = requantization.range.lowerBound
      high = requantization.range.upperBound
    }
  }
}
