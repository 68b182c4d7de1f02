internal import CKernels

extension KernelTable {
  /// Bytes of scratch that `attention` of this shape needs.
  public func attentionScratchByteCount(_ shape: AttentionShape, team: ThreadTeam) -> Int {
    let plan = AttentionPlan(shape, self, team)
    return plan.parts.parts * plan.floatCount * MemoryLayout<Float>.stride
  }

  /// output = softmax(scale · query · keyᵀ + mask) · value, a head at a time.
  ///
  /// The scores exist a tile of queries and keys at a time only. A query that sees no key gives zeros.
  ///
  /// - Parameter mask: added to the scores, or nil; beside `shape.causalOffset`.
  public func attention(
    _ shape: AttentionShape, query: UnsafePointer<Float>, key: UnsafePointer<Float>,
    value: UnsafePointer<Float>, mask: AttentionMask? = nil, output: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer?, team: ThreadTeam
  ) {
    guard shape.batch > 0, shape.heads > 0, shape.queries > 0, let scratch else { return }
    let plan = AttentionPlan(shape, self, team)
    let floats = scratch.assumingMemoryBound(to: Float.self)
    team.parallelFor(plan.parts.parts) { part in
      let room = AttentionRoom(floats + part * plan.floatCount, shape, plan)
      for item in plan.parts[part] {
        let head = item / plan.blocks
        let first = item % plan.blocks * plan.blockQueries
        let job = AttentionJob(
          shape: shape, query: query, key: key, value: value, mask: mask, output: output,
          batch: head / shape.heads, head: head % shape.heads, firstQuery: first,
          count: min(plan.blockQueries, shape.queries - first))
        if plan.isDirect {
          attendRow(job, room)
        } else {
          attendPanel(job, room)
        }
      }
    }
  }

  /// One query by products of vectors.
  private func attendRow(_ job: AttentionJob, _ room: AttentionRoom) {
    let shape = job.shape
    let source = job.queryRows
    let scale = shape.scale * AttentionPlan.binaryExponent
    for index in 0..<shape.headSize { room.queries[index] = source[index] * scale }
    for index in 0..<shape.valueSize { room.results[index] = 0 }
    room.peaks[0] = -.infinity
    room.peaks[1] = 0
    let visible = shape.visibleKeys(before: job.firstQuery + 1)
    var first = 0
    while first < visible {
      let count = min(AttentionPlan.blockKeys, visible - first)
      if let mask = job.mask {
        for key in 0..<count {
          room.biases[key] = mask.bias(
            batch: job.batch, head: job.head, query: job.firstQuery, key: first + key)
        }
      }
      level.attentionRow(
        query: room.queries, job.keyRows(first), keyRow: shape.key.row, job.valueRows(first),
        valueRow: shape.value.row, count: count, size: shape.headSize, valueSize: shape.valueSize,
        keyBias: job.mask == nil ? nil : UnsafePointer(room.biases), scores: room.scores, state: room.peaks,
        result: room.results)
      first += count
    }
    let factor = room.peaks[1] > 0 ? 1 / room.peaks[1] : 0
    let target = job.outputRows
    for index in 0..<shape.valueSize { target[index] = room.results[index] * factor }
  }

  /// A panel of queries: the scores stand transposed, [keys, panelWidth], so that each query is a lane.
  private func attendPanel(_ job: AttentionJob, _ room: AttentionRoom) {
    let shape = job.shape
    let width = level.panelWidth
    level.packB(
      job.queryRows, k: shape.headSize, n: job.count, stride: shape.query.row, transposed: true,
      firstPanel: 0, endPanel: 1, room.queries)
    var scaling = kernels_epilogue(Activation.none.code)
    scaling.alpha = shape.scale * AttentionPlan.binaryExponent
    level.finish(
      &scaling, room.queries, sourceRow: 0, room.queries, cRow: 0, rows: 1,
      columns: shape.headSize * width)
    for lane in 0..<width {
      room.peaks[lane] = -.infinity
      room.sums[lane] = 0
    }
    let visible = shape.visibleKeys(before: job.firstQuery + job.count)
    var first = 0
    while first < visible {
      let count = min(AttentionPlan.blockKeys, visible - first)
      scoreKeys(job, room, first, count)
      let biases = job.fillBiases(room, first, count, level)
      level.attentionSoftmax(
        room.scores, count: count, keyBias: biases.key, tileBias: biases.tile,
        visible: shape.causalOffset.map { job.firstQuery + $0 - first } ?? shape.keys,
        peaks: room.peaks, sums: room.sums, corrections: room.corrections)
      addValues(job, room, first, count)
      first += count
    }
    storeResults(job, room, hasKeys: visible > 0)
  }

  /// scores[count, panelWidth] = keys · queriesᵀ
  private func scoreKeys(_ job: AttentionJob, _ room: AttentionRoom, _ first: Int, _ count: Int) {
    let width = level.panelWidth
    let tiles = (count + level.tileRows - 1) / level.tileRows
    var product = kernels_product()
    product.m = Int64(count)
    product.n = Int64(width)
    product.k = Int64(job.shape.headSize)
    product.a = job.keyRows(first)
    product.tile_rows = Int64((count + tiles - 1) / tiles)
    product.a_row = Int64(job.shape.key.row)
    product.a_step = 1
    product.a_tile = product.tile_rows * product.a_row
    product.b = UnsafePointer(room.queries)
    product.b_row = Int64(width)
    product.c = room.scores
    product.c_row = Int64(width)
    product.epilogue = kernels_epilogue(Activation.none.code)
    level.multiply(&product, firstTile: 0, endTile: tiles, firstPanel: 0, endPanel: 1)
  }

  /// results[queries, valueSize] = results · corrections + scoresᵀ · values
  private func addValues(_ job: AttentionJob, _ room: AttentionRoom, _ first: Int, _ count: Int) {
    let width = level.panelWidth
    let size = job.shape.valueSize
    let tiles = (job.count + level.tileRows - 1) / level.tileRows
    let panels = (size + width - 1) / width
    var product = kernels_product()
    product.m = Int64(job.count)
    product.n = Int64(size)
    product.k = Int64(count)
    product.a = UnsafePointer(room.scores)
    product.tile_rows = Int64((job.count + tiles - 1) / tiles)
    product.a_row = 1
    product.a_step = Int64(width)
    product.a_tile = product.tile_rows
    product.b = job.valueRows(first)
    product.b_row = Int64(job.shape.value.row)
    product.b_panel = Int64(width)
    if size % width != 0 {
      level.packB(
        job.valueRows(first), k: count, n: size, stride: job.shape.value.row, transposed: false,
        firstPanel: panels - 1, endPanel: panels, room.lastPanel)
      product.b_last = UnsafePointer(room.lastPanel)
      product.b_last_row = Int64(width)
    }
    product.c = room.results
    product.c_row = Int64(size)
    product.epilogue = kernels_epilogue(Activation.none.code)
    if first > 0 {
      rescale(room.results, by: room.corrections, room.results, job.count, size, size)
      product.epilogue.beta = 1
    }
    level.multiply(&product, firstTile: 0, endTile: tiles, firstPanel: 0, endPanel: panels)
  }

  private func storeResults(_ job: AttentionJob, _ room: AttentionRoom, hasKeys: Bool) {
    let size = job.shape.valueSize
    if !hasKeys {
      for index in 0..<(job.count * size) { room.results[index] = 0 }
    }
    for query in 0..<job.count {
      room.corrections[query] = room.sums[query] > 0 ? 1 / room.sums[query] : 0
    }
    rescale(room.results, by: room.corrections, job.outputRows, job.count, size, job.shape.output.row)
  }

  /// target[row] = source[row] · factors[row]
  private func rescale(
    _ source: UnsafePointer<Float>, by factors: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>,
    _ rows: Int, _ columns: Int, _ targetRow: Int
  ) {
    var epilogue = kernels_epilogue(Activation.none.code)
    epilogue.row_scale = factors
    level.finish(
      &epilogue, source, sourceRow: columns, target, cRow: targetRow, rows: rows, columns: columns)
  }
}

/// How attention is cut into jobs: a pure function of its shape, of the table's tile and of the team's width.
struct AttentionPlan {
  /// Keys of a tile of scores: with a panel of queries they fit the first-level cache.
  static let blockKeys = 128

  /// log₂ e: the scores' scale holds it, and powers of two take the place of exponentials.
  static let binaryExponent: Float = 1.442_695_04

  /// Few queries are computed one by one: a panel would be mostly empty.
  let isDirect: Bool
  let blockQueries: Int
  /// Blocks of queries a head.
  let blocks: Int
  let parts: Partition
  /// Floats of scratch a part.
  let floatCount: Int
  let panelWidth: Int

  init(_ shape: AttentionShape, _ table: KernelTable, _ team: ThreadTeam) {
    panelWidth = table.level.panelWidth
    isDirect = shape.queries * 4 <= panelWidth
    blockQueries = isDirect ? 1 : panelWidth
    blocks = (shape.queries + blockQueries - 1) / blockQueries
    let items = shape.batch * shape.heads * blocks
    let work = shape.batch * shape.heads * shape.queries * shape.keys * (shape.headSize + shape.valueSize)
    parts = Partition(items, parts: work < 128 * 1024 || team.width == 1 ? 1 : team.width * 4)
    floatCount = AttentionRoom.floatCount(shape, panelWidth: panelWidth)
  }
}

/// The scratch of one part.
struct AttentionRoom {
  /// [headSize, panelWidth], or one query.
  let queries: UnsafeMutablePointer<Float>
  /// [blockKeys, panelWidth], as the two that follow.
  let scores: UnsafeMutablePointer<Float>
  let biases: UnsafeMutablePointer<Float>
  let lastPanel: UnsafeMutablePointer<Float>
  /// [panelWidth, valueSize]
  let results: UnsafeMutablePointer<Float>
  /// One a query, as the two that follow.
  let peaks: UnsafeMutablePointer<Float>
  let sums: UnsafeMutablePointer<Float>
  let corrections: UnsafeMutablePointer<Float>

  init(_ memory: UnsafeMutablePointer<Float>, _ shape: AttentionShape, _ plan: AttentionPlan) {
    let tile = AttentionPlan.blockKeys * plan.panelWidth
    let column = AttentionRoom.columnCount(plan.panelWidth)
    peaks = memory
    sums = peaks + column
    corrections = sums + column
    scores = corrections + column
    biases = scores + tile
    lastPanel = biases + tile
    queries = lastPanel + tile
    results = queries + AttentionRoom.aligned(shape.headSize * plan.panelWidth)
  }

  private static func aligned(_ count: Int) -> Int { (count + 15) / 16 * 16 }

  private static func columnCount(_ panelWidth: Int) -> Int { aligned(panelWidth) }

  static func floatCount(_ shape: AttentionShape, panelWidth: Int) -> Int {
    3 * columnCount(panelWidth) + 3 * AttentionPlan.blockKeys * panelWidth
      + aligned(shape.headSize * panelWidth) + aligned(shape.valueSize * panelWidth)
  }
}

/// Some queries of one head.
struct AttentionJob {
  let shape: AttentionShape
  let query: UnsafePointer<Float>
  let key: UnsafePointer<Float>
  let value: UnsafePointer<Float>
  let mask: AttentionMask?
  let output: UnsafeMutablePointer<Float>
  let batch: Int
  let head: Int
  let firstQuery: Int
  let count: Int

  private var keyHead: Int { head / (shape.heads / shape.keyHeads) }

  private func offset(_ strides: AttentionStrides, head: Int, row: Int) -> Int {
    batch * strides.batch + head * strides.head + row * strides.row
  }

  var queryRows: UnsafePointer<Float> { query + offset(shape.query, head: head, row: firstQuery) }

  var outputRows: UnsafeMutablePointer<Float> {
    output + offset(shape.output, head: head, row: firstQuery)
  }

  func keyRows(_ first: Int) -> UnsafePointer<Float> {
    key + offset(shape.key, head: keyHead, row: first)
  }

  func valueRows(_ first: Int) -> UnsafePointer<Float> {
    value + offset(shape.value, head: keyHead, row: first)
  }

  /// The mask of a tile: one value a key where queries share it, else one a score.
  func fillBiases(
    _ room: AttentionRoom, _ first: Int, _ keys: Int, _ level: any LevelKernels.Type
  ) -> (key: UnsafePointer<Float>?, tile: UnsafePointer<Float>?) {
    guard let mask else { return (nil, nil) }
    let width = level.panelWidth
    if mask.queryStride == 0 {
      for key in 0..<keys {
        room.biases[key] = mask.bias(batch: batch, head: head, query: 0, key: first + key)
      }
      return (UnsafePointer(room.biases), nil)
    }
    // The lanes beyond the last query hold anything: nobody reads what becomes of them.
    if case .additive(let values) = mask.values, mask.keyStride == 1 {
      let source =
        values + batch * mask.batchStride + head * mask.headStride + firstQuery * mask.queryStride + first
      level.transpose(
        elementSize: 4, source, rows: count, columns: keys, sourceRow: mask.queryStride, room.biases,
        targetRow: width)
      return (nil, UnsafePointer(room.biases))
    }
    for query in 0..<count {
      for key in 0..<keys {
        room.biases[key * width + query] = mask.bias(
          batch: batch, head: head, query: firstQuery + query, key: first + key)
      }
    }
    return (nil, UnsafePointer(room.biases))
  }
}
