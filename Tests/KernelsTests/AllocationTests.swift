import CAllocationCount
import Kernels
import Tensors
import Testing

/// The blocks that this thread allocates in `body`, after a first run that may set things up.
private func allocations(_ body: () -> Void) -> Int {
  body()
  let before = allocation_count()
  body()
  return Int(allocation_count() - before)
}

@Suite(.enabled(if: allocation_count_works() != 0)) struct AllocationTests {
  @Test func theCounterCounts() {
    #expect(allocations { UnsafeMutableRawPointer.allocate(byteCount: 100, alignment: 8).deallocate() } == 1)
  }

  @Test func productsAllocateNothing() {
    let pool = ThreadPool(workerCount: 1)
    let shape = MatmulShape(m: 40, n: 300, k: 200)
    let (a, b, c) = (Floats(40 * 200) { _ in 1 }, Floats(200 * 300) { _ in 1 }, Floats(40 * 300))
    for table in tables {
      let packed = PackedMatrix(b.base, k: 200, n: 300, table: table)
      for team in [ThreadTeam.single, ThreadTeam(pool)] {
        let scratch = Scratch(
          table.matmulScratchByteCount(shape, packed: false, team: team)
            + table.matmulScratchByteCount(shape, packed: true, team: team))
        #expect(
          allocations {
            table.matmul(
              shape, a: a.base, b: packed, c: c.base, epilogue: Epilogue(activation: .gelu),
              scratch: scratch.pointer,
              team: team)
          } == 0)
        #expect(
          allocations {
            table.matmul(
              shape, a: a.base, b: UnsafePointer(b.base), c: c.base, scratch: scratch.pointer, team: team)
          } == 0)
      }
    }
  }

  @Test func convolutionsAllocateNothing() {
    let parameters = ConvolutionParameters(
      inputChannels: 8, outputChannels: 20, kernelHeight: 3, kernelWidth: 3)
    let (weights, input, output) = (Floats(20 * 72) { _ in 1 }, Floats(8 * 900) { _ in 1 }, Floats(20 * 784))
    for table in tables {
      for layout in [ImageLayout.channelsFirst, .channelsLast] {
        let convolution = Convolution(parameters, weights: weights.base, layout: layout, table: table)
        let scratch = Scratch(convolution.scratchByteCount(batch: 1, height: 30, width: 30, team: .single))
        #expect(
          allocations {
            convolution.run(
              input.base, batch: 1, height: 30, width: 30, output: output.base, scratch: scratch.pointer,
              team: .single)
          } == 0)
      }
    }
  }

  @Test func theOtherOperationsAllocateNothing() {
    let (x, y) = (Floats(4096) { _ in 1 }, Floats(4096))
    let (rows, column, whole): (Shape, Shape, Shape) = ([64, 64], [64, 1], [16, 16, 16])
    let pooling = Pooling(.max, window: [2, 2])
    let order: Shape = [2, 0, 1]
    for table in tables {
      func check(_ name: String, _ body: () -> Void) {
        let count = allocations(body)
        #expect(count == 0, "\(name), \(table.instructionSet)")
      }
      check("unary") { table.unary(.exp, x.base, y.base, count: 4096, team: .single) }
      check("binary") {
        table.binary(.add, x.base, shape: rows, x.base, shape: column, y.base, shape: rows, team: .single)
      }
      check("softmax") { table.softmax(x.base, y.base, outer: 64, length: 64, team: .single) }
      check("layerNorm") {
        table.layerNorm(
          x.base, scale: nil, bias: nil, y.base, rows: 64, columns: 64, epsilon: 1e-5, team: .single)
      }
      check("reduce") { table.reduce(.mean, x.base, y.base, outer: 64, length: 64, team: .single) }
      check("pool") { table.pool(pooling, x.base, planes: 1, spatial: rows, output: y.base, team: .single) }
      check("transpose") {
        table.transpose(elementSize: 4, shape: whole, permutation: order, x.base, y.base, team: .single)
      }
    }
  }
}
