import Kernels
import Testing

@Suite struct InstructionSetTests {
  @Test func aLimitLowersTheLevelAndNeverRaisesIt() {
    let widest = InstructionSet.detect()
    #expect(InstructionSet.detect(limit: "portable") == .portable)
    #expect(InstructionSet.detect(limit: "avx512") == widest)
    #expect(InstructionSet.detect(limit: "no such set") == widest)
    #expect(InstructionSet.detect(limit: "avx2") == min(widest, .avx2))
    #expect(InstructionSet.available.last == widest)
  }

  @Test func theLevelFollowsTheFeatures() {
    var features = CPUFeatures()
    #expect(features.widestInstructionSet == .portable)
    features.avx2 = true
    #expect(features.widestInstructionSet == .avx2)
    features.avx512 = true
    #expect(features.widestInstructionSet == .avx512)
  }

  @Test func aTableIsForItsLevel() {
    for set in InstructionSet.available { #expect(KernelTable.forInstructionSet(set).instructionSet == set) }
  }
}
