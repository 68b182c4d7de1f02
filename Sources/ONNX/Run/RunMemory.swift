import Kernels
import Locks
import Tensors

/// The memory of one run of a plan: the arena, scratch, and the table of pointers.
///
/// Unchecked: one run at a time holds it (`PreparedPlan` hands it out).
final class RunMemory: @unchecked Sendable {
  let slots: UnsafeMutablePointer<UnsafeMutableRawPointer>
  let scratch: UnsafeMutableRawPointer
  private let memory: TensorMemory

  /// Nil when there is no memory to be had.
  init?(_ plan: Plan) {
    let (bytes, overflow) = plan.arenaBytes.addingReportingOverflow(plan.scratchBytes)
    guard !overflow, let memory = TensorMemory(byteCount: bytes) else { return nil }
    self.memory = memory
    slots = .allocate(capacity: max(plan.slotCount, 1))
    slots.initialize(repeating: memory.base, count: max(plan.slotCount, 1))
    for (slot, constant) in plan.constants { slots[slot] = constant.pointer }
    for (slot, offset) in plan.arena { slots[slot] = memory.base + offset }
    scratch = memory.base + plan.arenaBytes
  }

  deinit { slots.deallocate() }
}

/// A plan and the memories of its runs, which are kept for the next ones.
final class PreparedPlan: Sendable {
  let plan: Plan
  private let idle = Lock<[RunMemory]>([])
  private let kept: Int

  /// - Parameter kept: memories kept when idle.
  init(_ plan: Plan, kept: Int) {
    self.plan = plan
    self.kept = kept
  }

  func withMemory<Result>(_ body: (RunMemory) throws -> Result) throws -> Result {
    guard let memory = idle.withLock({ $0.popLast() }) ?? RunMemory(plan) else {
      throw ONNXError(.outOfMemory, "no memory for a run of \(plan.arenaBytes + plan.scratchBytes) bytes")
    }
    defer { idle.withLock { if $0.count < kept { $0.append(memory) } } }
    return try body(memory)
  }
}
