internal import CKernels

/// The vector instruction set that a kernel table is built for, narrowest first.
public enum InstructionSet: String, Sendable, CaseIterable, Comparable {
  /// What every machine of the architecture has: SSE2 on x86-64, NEON on arm64.
  case portable
  /// AVX2 with FMA and F16C.
  case avx2
  /// AVX-512 F, VL, BW and DQ.
  case avx512

  public static func < (left: InstructionSet, right: InstructionSet) -> Bool {
    left.rank < right.rank
  }

  private var rank: Int {
    switch self {
    case .portable: 0
    case .avx2: 1
    case .avx512: 2
    }
  }

  /// The widest set that this machine has and `limit` allows.
  ///
  /// - Parameter limit: "portable", "avx2" or "avx512" (the value of `SWERVE_CPU`); nil and a word
  ///   that names no set do not limit. A set that the machine lacks gives the widest it has.
  public static func detect(limit: String? = nil) -> InstructionSet {
    let widest = CPUFeatures.current.widestInstructionSet
    guard let limit, let allowed = InstructionSet(rawValue: limit) else { return widest }
    return min(allowed, widest)
  }

  /// The sets that this machine can run, narrowest first.
  public static var available: [InstructionSet] {
    let widest = CPUFeatures.current.widestInstructionSet
    return allCases.filter { $0 <= widest }
  }
}

/// The instruction-set extensions of the CPU that the operating system has enabled.
public struct CPUFeatures: Sendable, Hashable {
  public var avx2 = false
  public var avx512 = false
  public var avx512VNNI = false
  public var avx512BF16 = false

  public init() {}

  /// This machine's, read once.
  public static let current: CPUFeatures = {
    let cpu = kernels_cpu_read()
    var features = CPUFeatures()
    features.avx2 = cpu.avx2
    features.avx512 = cpu.avx512
    features.avx512VNNI = cpu.avx512_vnni
    features.avx512BF16 = cpu.avx512_bf16
    return features
  }()

  public var widestInstructionSet: InstructionSet {
    if avx512 { return .avx512 }
    return avx2 ? .avx2 : .portable
  }
}
