internal import CKernels
internal import KernelsAVX2
internal import KernelsAVX512
internal import KernelsBaseline

/// The kernels of one instruction set. An operation is a method on it: `table.softmax(…)`.
///
/// All take raw pointers and sizes, and a `ThreadTeam` to spread over. Row-major float32 unless said
/// otherwise. None logs, keeps state between calls or allocates; the operations that need memory beside
/// their operands take `scratch`, 64-byte aligned, of at least as many bytes as the operation's
/// `…ScratchByteCount` says (nil where that is 0). Pointers may have any alignment that their type
/// allows; a size of zero is legal everywhere. Sizes and strides are trusted: it is the caller who
/// proves that they lie within the operands.
public final class KernelTable: Sendable {
  public let instructionSet: InstructionSet
  let level: any LevelKernels.Type

  private init(_ instructionSet: InstructionSet, _ level: any LevelKernels.Type) {
    self.instructionSet = instructionSet
    self.level = level
  }

  /// The table for an instruction set, or for the widest one that this machine has if that is less.
  public static func forInstructionSet(_ set: InstructionSet) -> KernelTable {
    switch min(set, CPUFeatures.current.widestInstructionSet) {
    case .portable: portable
    case .avx2: avx2
    case .avx512: avx512
    }
  }

  private static let portable = KernelTable(.portable, KernelsBaseline.Level.self)
  private static let avx2 = KernelTable(.avx2, KernelsAVX2.Level.self)
  private static let avx512 = KernelTable(.avx512, KernelsAVX512.Level.self)
}
