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

  /// Parameters for each method, by the numbers of channels, the groups and the side of the kernel.
  private static let convolutions = [
    (8, 20, 1, 3), (16, 16, 16, 3), (16, 16, 16, 7), (3, 20, 1, 3), (20, 20, 1, 1), (32, 20, 1, 5),
    (8, 20, 2, 5),
  ].map { inputs, outputs, groups, kernel in
    var parameters = ConvolutionParameters(
      inputChannels: inputs, outputChannels: outputs, kernelHeight: kernel, kernelWidth: kernel)
    parameters.groups = groups
    return parameters
  }

  @Test(arguments: convolutions)
  func convolutionsAllocateNothing(_ parameters: ConvolutionParameters) {
    let pool = ThreadPool(workerCount: 1)
    let weights = Floats(parameters.outputChannels * parameters.inputChannels * 49) { _ in 1 }
    let (input, output) = (Floats(32 * 900) { _ in 1 }, Floats(20 * 900))
    for table in tables {
      for layout in [ImageLayout.channelsFirst, .channelsLast] {
        for team in [ThreadTeam.single, ThreadTeam(pool)] {
          let convolution = Convolution(parameters, weights: weights.base, layout: layout, table: table)
          let scratch = Scratch(convolution.scratchByteCount(batch: 1, height: 30, width: 30, team: team))
          let count = allocations {
            convolution.run(
              input.base, batch: 1, height: 30, width: 30, output: output.base, scratch: scratch.pointer,
              team: team)
          }
          #expect(count == 0, "\(table.instructionSet), \(convolution.method)")
        }
      }
    }
  }

  @Test func transposedConvolutionsAndVolumesAllocateNothing() {
    let window = ConvolutionParameters(inputChannels: 8, outputChannels: 8, kernelHeight: 3, kernelWidth: 3)
    let (weights, input, output) = (Floats(8 * 8 * 9) { _ in 1 }, Floats(8 * 100) { _ in 1 }, Floats(8 * 144))
    for table in tables {
      let transposed = TransposedConvolution(
        TransposedConvolutionParameters(window), weights: weights.base, table: table)
      let volume = VolumeConvolution(
        VolumeParameters(plane: window, kernelDepth: 1), weights: weights.base, table: table)
      let scratch = Scratch(
        max(
          transposed.scratchByteCount(batch: 1, team: .single),
          volume.scratchByteCount(height: 10, width: 10, team: .single)))
      #expect(
        allocations {
          transposed.run(
            input.base, batch: 1, height: 10, width: 10, output: output.base, scratch: scratch.pointer,
            team: .single)
        } == 0)
      #expect(
        allocations {
          volume.run(
            input.base, batch: 1, depth: 1, height: 10, width: 10, output: output.base,
            scratch: scratch.pointer, team: .single)
        } == 0)
    }
  }

  @Test func theOtherOperationsAllocateNothing() {
    let (x, y) = (Floats(4096) { _ in 1 }, Floats(4096))
    let (rows, column, whole): (Shape, Shape, Shape) = ([64, 64], [64, 1], [16, 16, 16])
    let pooling = Pooling(.max, window: [2, 2])
    let order: Shape = [2, 0, 1]
    let places: [Int64] = [5, 0, -1]
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
      check("gather") {
        _ = table.gather(
          elementSize: 4, x.base, outer: 1, length: 64, inner: 64, indices: places, count: 3, y.base,
          team: .single)
      }
      check("scatter") {
        _ = table.scatter(
          .combine(.add), x.base, outer: 1, length: 64, inner: 64, indices: places, count: 3, y.base,
          team: .single)
      }
      check("transpose") {
        table.transpose(elementSize: 4, shape: whole, permutation: order, x.base, y.base, team: .single)
      }
    }
  }

  @Test func productsOfShortNumbersAllocateNothing() {
    let pool = ThreadPool(workerCount: 1)
    let shape = MatmulShape(m: 40, n: 300, k: 200)
    let (a, b, c) = (Floats(40 * 200) { _ in 1 }, Bytes(200 * 300), Floats(40 * 300))
    let matrix = b.matrix(isSigned: true, .uniform(3))
    for table in tables {
      let packed = PackedIntegerMatrix(matrix, k: 200, n: 300, table: table)
      let compressed = CompressedMatrix(
        Floats(200 * 300) { _ in 1 }.base, k: 200, n: 300, format: .bfloat16Products, table: table)
      for team in [ThreadTeam.single, ThreadTeam(pool)] {
        let scratch = Scratch(
          table.integerMatmulScratchByteCount(shape, packed: false, team: team)
            + table.compressedMatmulScratchByteCount(shape, b: compressed, team: team))
        let counts = [
          allocations {
            table.dynamicMatmul(
              shape, a: a.base, b: packed, scale: IntegerScale(1), c: c.base, scratch: scratch.pointer,
              team: team)
          },
          allocations {
            table.integerMatmul(
              shape, a: matrix, b: matrix, output: .floats(c.base, IntegerScale(1)),
              scratch: scratch.pointer, team: team)
          },
          allocations {
            table.compressedMatmul(
              shape, a: a.base, b: compressed, c: c.base, scratch: scratch.pointer, team: team)
          },
        ]
        #expect(counts == [0, 0, 0], "\(table.instructionSet)")
      }
    }
  }

  @Test func layersAllocateNothing() {
    let shape = AttentionShape(batch: 1, heads: 2, queries: 40, keys: 150, headSize: 16)
    var parameters = ConvolutionParameters(
      inputChannels: 8, outputChannels: 8, kernelHeight: 3, kernelWidth: 3)
    let (x, y, bytes) = (Floats(20_000) { _ in 0.1 }, Floats(20_000), Bytes(8 * 900))
    let matrix = bytes.matrix(isSigned: true, .uniform(0))
    let state = RecurrentState(hidden: y.base, cell: y.base + 1000, output: y.base + 2000)
    let weights = RecurrentWeights(input: x.base, recurrent: x.base)
    let mask = AttentionMask(.additive(x.base), queryStride: 150)
    let axis = ResizeAxis(input: 30, output: 60, rule: ResizeRule(.cubic()))
    let positions = UnsafeMutablePointer<Int64>.allocate(capacity: 100)
    defer { positions.deallocate() }
    for table in tables {
      let layer = RecurrentLayer(.lstm(), inputSize: 20, hiddenSize: 24, weights: weights, table: table)
      let scratch = Scratch(
        table.attentionScratchByteCount(shape, team: .single)
          + layer.scratchByteCount(steps: 9, batch: 3, team: .single))
      func check(_ name: String, _ body: () -> Void) {
        let count = allocations(body)
        #expect(count == 0, "\(name), \(table.instructionSet)")
      }
      check("attention") {
        table.attention(
          shape, query: x.base, key: x.base, value: x.base, mask: mask, output: y.base,
          scratch: scratch.pointer, team: .single)
      }
      check("recurrent") {
        layer.run(
          RecurrentInput(x.base, steps: 9, batch: 3), state, scratch: scratch.pointer, team: .single)
      }
      check("resize") { table.resize(axis, x.base, y.base, outer: 20, inner: 4, team: .single) }
      check("top") {
        table.topK(
          x.base, outer: 1, length: 500, k: 100, values: y.base, indices: positions, team: .single)
      }
      for groups in [1, 8] {
        parameters.groups = groups
        for layout in [ImageLayout.channelsFirst, .channelsLast] {
          let convolution = IntegerConvolution(parameters, weights: matrix, layout: layout, table: table)
          let room = Scratch(convolution.scratchByteCount(batch: 1, height: 30, width: 30, team: .single))
          check("convolution of integers, \(layout)") {
            convolution.run(
              matrix, batch: 1, height: 30, width: 30, output: .floats(y.base, IntegerScale(1)),
              scratch: room.pointer, team: .single)
          }
        }
      }
    }
  }
}
