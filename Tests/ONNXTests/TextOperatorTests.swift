import ONNX
import Tensors
import TestSupport
import Testing

@Suite struct TextOperatorTests {
  @Test func textsAreJoinedSplitAndNormalized() throws {
    let joined = try outputs("StringConcat", [.texts(["a", "b"], [2]), .texts(["-x"], [1])], [.bytes])[0]
    #expect(joined.textValues == ["a-x", "b-x"])
    let split = try outputs(
      "StringSplit", [.texts(["a,b", "c"], [2])], [.bytes, .int64], ["delimiter": .string(",")])
    #expect(split[0].shape == [2, 2] && split[0].textValues == ["a", "b", "c", ""])
    #expect(split[1].intValues == [2, 1])
    let normal = try outputs(
      "StringNormalizer", [.texts(["Monday", "tuesday"], [2])], [.bytes],
      ["case_change_action": .string("UPPER"), "stopwords": .strings(["monday"])])[0]
    #expect(normal.textValues == ["TUESDAY"])
  }

  @Test func aPatternMustMatchTheWholeText() throws {
    let y = try outputs(
      "RegexFullMatch", [.texts(["www.a.com", "www.a.com/"], [2])], [.bool],
      ["pattern": .string("www\\.[\\w.-]+\\.\\bcom\\b")])[0]
    #expect(y.byteValues == [1, 0])
  }

  @Test func numbersBecomeTextAndBack() throws {
    let texts = try outputs("Cast", [.floats([0.5, -3], [2])], [.bytes], ["to": .int(8)])[0]
    #expect(texts.textValues == ["0.5", "-3.0"])
    #expect(try outputs("Cast", [texts], [.fp32], ["to": .int(1)])[0].floatValues == [0.5, -3])
    let error = #expect(throws: ONNXError.self) {
      try outputs("Cast", [.texts(["seven"], [1])], [.int64], ["to": .int(7)])
    }
    #expect(error?.kind == .argument)
  }

  @Test func textsPassThroughOperatorsThatMoveElements() throws {
    let y = try outputs("Gather", [.texts(["a", "bc"], [2]), .integers([1, 1, 0], [3])], [.bytes])[0]
    #expect(y.textValues == ["bc", "bc", "a"])
    let x = Tensor.texts(["a", "b", "c", "d"], [2, 2])
    #expect(try outputs("Transpose", [x], [.bytes])[0].textValues == ["a", "c", "b", "d"])
    let joined = try outputs("Concat", [x, x], [.bytes], ["axis": .int(1)])[0]
    #expect(joined.textValues == ["a", "b", "a", "b", "c", "d", "c", "d"])
  }

  @Test func nGramsAreCounted() throws {
    let y = try outputs(
      "TfIdfVectorizer", [.texts(["a", "b", "a"], [3])], [.fp32],
      [
        "mode": .string("TF"), "min_gram_length": .int(1), "max_gram_length": .int(2),
        "max_skip_count": .int(0),
        "ngram_counts": .ints([0, 1]), "ngram_indexes": .ints([0, 1]),
        "pool_strings": .strings(["a", "a", "b"]),
      ])[0]
    #expect(y.floatValues == [2, 1])
  }
}
