internal import CKernels

extension Convolution {
  func winogradPlan(_ window: kernels_window, batch: Int, team: ThreadTeam) -> WinogradPlan {
    WinogradPlan(
      outputs: method == .winograd4 ? 4 : 2, height: Int(window.out_height), width: Int(window.out_width),
      batch: batch, inputChannels: parameters.inputChannels, outputChannels: parameters.outputChannels,
      panelWidth: table.level.panelWidth, cachedFloats: table.level.cachedFloats, teamWidth: team.width)
  }

  /// Each place's matrix of weights, packed, one after the other.
  static func winogradWeights(
    _ weights: UnsafePointer<Float>, _ parameters: ConvolutionParameters, outputs: Int, _ table: KernelTable
  ) -> AlignedMemory {
    let width = table.level.panelWidth
    let (inputs, filters) = (parameters.inputChannels, parameters.outputChannels)
    let places = (outputs + 2) * (outputs + 2)
    let room = AlignedMemory(floatCount: places * width * inputs)
    let memory = AlignedMemory(floatCount: places * inputs * ((filters + width - 1) / width * width))
    table.level.winogradFilters(
      weights, outputs: outputs, inputChannels: inputs, outputChannels: filters, room: room.floats,
      memory.floats)
    return memory
  }

  func runWinograd(
    _ window: kernels_window, _ images: Images, batch: Int, _ scratch: UnsafeMutablePointer<Float>?,
    _ team: ThreadTeam
  ) {
    guard let scratch else { return }
    let plan = winogradPlan(window, batch: batch, team: team)
    let items = batch * plan.blocks
    let room = WinogradRoom(plan, window, self, rooms: plan.sharesBlocks ? team.width : 1)
    if plan.sharesBlocks {
      for item in 0..<items {
        WinogradBlock(self, plan, window, images, room, item, scratch).run(team)
      }
      return
    }
    let parts = Partition(items, parts: team.width == 1 ? 1 : team.width * 4)
    team.parallelFor(parts.parts) { part in
      for item in parts[part] {
        WinogradBlock(self, plan, window, images, room, item, scratch + part * room.count).run(.single)
      }
    }
  }

  func winogradScratchCount(_ window: kernels_window, batch: Int, team: ThreadTeam) -> Int {
    let plan = winogradPlan(window, batch: batch, team: team)
    let parts = Partition(batch * plan.blocks, parts: team.width == 1 ? 1 : team.width * 4).parts
    let room = WinogradRoom(plan, window, self, rooms: plan.sharesBlocks ? team.width : 1)
    return (plan.sharesBlocks ? 1 : parts) * room.count
  }
}
