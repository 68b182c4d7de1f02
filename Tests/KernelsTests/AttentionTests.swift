import Kernels
import Testing

@Suite struct AttentionTests {
  private let pool = ThreadPool(workerCount: 2)

  @Test(arguments: [AttentionLayout.headsFirst, .sequenceFirst])
  func attentionEqualsTheReferenceAtEveryLevel(layout: AttentionLayout) {
    var random = Randomness.seeded()
    for round in 0..<40 {
      let keyHeads = random.int(1...2)
      var shape = AttentionShape(
        batch: random.int(0...2), heads: keyHeads * random.int(1...3), keyHeads: keyHeads,
        queries: random.pick([0, 1, 2, 3, 7, 8, 9, 31, 32, 33, 70]),
        keys: random.pick([0, 1, 2, 15, 33, 127, 128, 129, 300]),
        headSize: random.pick([1, 8, 20, 32, 64, 65]), valueSize: random.pick([1, 8, 20, 32, 64, 65]),
        layout: layout)
      if random.bool() { shape.scale = 0.3 }
      if round % 3 == 0 { shape.causalOffset = random.pick([0, shape.keys - shape.queries]) }
      let query = Floats(shape.batch * shape.query.batch, &random, -2...2)
      let key = Floats(shape.batch * shape.key.batch, &random, -2...2)
      let value = Floats(shape.batch * shape.value.batch, &random)
      let mask = Mask(&random, shape)
      let count = shape.batch * shape.output.batch
      let expected = Floats(count)
      Reference.attention(
        shape, query: query.base, key: key.base, value: value.base, mask: mask?.mask, output: expected.base)
      for table in tables {
        let team = random.bool() ? ThreadTeam.single : ThreadTeam(pool)
        let scratch = Scratch(table.attentionScratchByteCount(shape, team: team))
        let result = Floats(count)
        table.attention(
          shape, query: query.base, key: key.base, value: value.base, mask: mask?.mask, output: result.base,
          scratch: scratch.pointer, team: team)
        #expect(
          difference(result, expected, tolerance: 4e-6, relative: 4e-6) == nil,
          "\(table.instructionSet), \(shape), mask \(String(describing: mask?.mask))")
      }
    }
  }

  @Test func strideWithinAFusedProjectionServes() {
    var random = Randomness.seeded()
    // Queries, keys and values side by side in one tensor [batch, sequence, 3, heads, size].
    let (batch, length, heads, size) = (2, 40, 3, 16)
    let width = 3 * heads * size
    var shape = AttentionShape(batch: batch, heads: heads, queries: length, keys: length, headSize: size)
    let strides = AttentionStrides(batch: length * width, head: size, row: width)
    (shape.query, shape.key, shape.value) = (strides, strides, strides)
    let all = Floats(batch * length * width, &random)
    let expected = Floats(batch * length * heads * size)
    let (key, value) = (all.base + heads * size, all.base + 2 * heads * size)
    Reference.attention(shape, query: all.base, key: key, value: value, output: expected.base)
    for table in tables {
      let result = Floats(expected.count)
      let scratch = Scratch(table.attentionScratchByteCount(shape, team: .single))
      table.attention(
        shape, query: all.base, key: key, value: value, output: result.base, scratch: scratch.pointer,
        team: .single)
      #expect(difference(result, expected, tolerance: 4e-6) == nil, "\(table.instructionSet)")
    }
  }
}

/// A mask of any kind that broadcasts at random, or none.
private final class Mask {
  let mask: AttentionMask
  private let floats: Floats
  private let bytes: Bytes

  init?(_ random: inout Randomness, _ shape: AttentionShape) {
    if random.int(0...2) == 0 { return nil }
    let (hasBatch, hasHead, hasQuery) = (random.bool(), random.bool(), random.bool())
    let row = shape.keys
    let head = hasQuery ? shape.queries * row : row
    let batch = hasHead ? shape.heads * head : head
    let count = max(1, hasBatch ? shape.batch * batch : batch)
    floats = Floats(count, &random, -3...3)
    for _ in 0..<(count / 5) { floats.base[random.int(0...(count - 1))] = -.infinity }
    bytes = Bytes(count, &random)
    mask = AttentionMask(
      random.bool() ? .additive(floats.base) : .boolean(bytes.base), batchStride: hasBatch ? batch : 0,
      headStride: hasHead ? head : 0, queryStride: hasQuery ? row : 0)
  }
}
