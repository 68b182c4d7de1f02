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
  /// Products of 8-bit integers go by AVX-512 VNNI.
  public let usesVNNI: Bool
  /// Products of bfloat16 go by AVX-512 BF16.
  public let usesBF16: Bool
  let level: any LevelKernels.Type

  private init(
    _ instructionSet: InstructionSet, _ level: any LevelKernels.Type, features: CPUFeatures = CPUFeatures()
  ) {
    self.instructionSet = instructionSet
    self.level = level
    usesVNNI = features.avx512VNNI
    usesBF16 = features.avx512BF16
  }

  /// The table for an instruction set, or for the widest one that this machine has if that is less.
  public static func forInstructionSet(_ set: InstructionSet) -> KernelTable {
    switch min(set, CPUFeatures.current.widestInstructionSet) {
    case .portable: portable
    case .avx2: avx2
    case .avx512: avx512
    }
  }

  /// Every table that this machine can run, the plainest first: one an instruction set, and AVX-512
  /// without the extensions for short numbers where the machine has those. For tests of all kernels.
  public static var all: [KernelTable] {
    let plain = CPUFeatures.current.avx512VNNI || CPUFeatures.current.avx512BF16 ? [plainAVX512] : []
    return plain + InstructionSet.available.map { forInstructionSet($0) }
  }

  private static let portable = KernelTable(.portable, KernelsBaseline.Level.self)
  private static let avx2 = KernelTable(.avx2, KernelsAVX2.Level.self)
  private static let plainAVX512 = KernelTable(.avx512, KernelsAVX512.Level.self)
  private static let avx512 = KernelTable(
    .avx512, KernelsAVX512.Level.self, features: CPUFeatures.current)
}
