internal import CKernels

/// A channels-first image's copies with channels last, in scratch.
struct PixelCopies {
  /// Elements from one pixel to the next, and floats in all: before and after.
  let inputCount: Int
  let count: Int

  init(_ convolution: Convolution, _ window: kernels_window) {
    inputCount = (window.inputPlane * convolution.parameters.inputChannels + 15) / 16 * 16
    count = inputCount + (window.outputPlane * convolution.parameters.outputChannels + 15) / 16 * 16
  }
}

extension Convolution {
  /// One image after the other: its planes to pixels, the convolution of those, and back to planes.
  func runThroughPixels(
    _ window: kernels_window, _ images: Images, batch: Int, _ scratch: UnsafeMutablePointer<Float>?,
    _ team: ThreadTeam
  ) {
    guard let scratch else { return }
    let copies = PixelCopies(self, window)
    let (inputs, outputs) = (parameters.inputChannels, parameters.outputChannels)
    let source = Images(
      input: scratch, output: scratch + copies.inputCount, residual: nil,
      activation: images.residual == nil ? activation : .none)
    for image in 0..<batch {
      let input = images.input + image * inputs * window.inputPlane
      let output = images.output + image * outputs * window.outputPlane
      transpose(input, rows: inputs, columns: window.inputPlane, scratch, team)
      runJobs(window, source, batch: 1, scratch + copies.count, team)
      transpose(source.output, rows: window.outputPlane, columns: outputs, output, team)
      if let residual = images.residual {
        addResidual(
          residual + image * outputs * window.outputPlane, output, count: outputs * window.outputPlane, team)
      }
    }
  }

  private func transpose(
    _ source: UnsafePointer<Float>, rows: Int, columns: Int, _ target: UnsafeMutablePointer<Float>,
    _ team: ThreadTeam
  ) {
    let parts = Partition((columns + 15) / 16, parts: team.width)
    team.parallelFor(parts.parts) { part in
      let first = parts[part].lowerBound * 16
      table.level.transpose(
        elementSize: 4, source + first, rows: rows,
        columns: min(columns, parts[part].upperBound * 16) - first,
        sourceRow: columns, target + first * rows, targetRow: rows)
    }
  }

  private func addResidual(
    _ residual: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, count: Int, _ team: ThreadTeam
  ) {
    let parts = Partition((count + 15) / 16, parts: team.width)
    team.parallelFor(parts.parts) { part in
      let first = parts[part].lowerBound * 16
      let count = min(count, parts[part].upperBound * 16) - first
      var epilogue = kernels_epilogue(activation.code)
      epilogue.residual = residual + first
      table.level.finish(
        &epilogue, output + first, sourceRow: count, output + first, cRow: count, rows: 1, columns: count)
    }
  }
}
