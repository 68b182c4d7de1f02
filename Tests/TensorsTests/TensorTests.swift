import Tensors
import Testing

@Test func memoryIsAligned() throws {
  for size in [0, 1, 63, 64, 1000] {
    let memory = try #require(TensorMemory(byteCount: size))
    #expect(Int(bitPattern: memory.base) % TensorMemory.alignment == 0)
    #expect(memory.byteCount == size)
  }
  #expect(TensorMemory(byteCount: -1) == nil)
  #expect(TensorMemory(byteCount: Int.max) == nil)
}

@Test func aTensorWithoutASizeIsNil() {
  #expect(Tensor(name: "x", datatype: .fp32, shape: [-1]) == nil)
  #expect(Tensor(name: "x", datatype: .fp64, shape: Shape([1 << 61])) == nil)
}

@Test func rowsAreAView() throws {
  let tensor = try #require(Tensor(name: "x", datatype: .int32, shape: [4, 3]))
  for index in 0..<12 { tensor.elements(as: Int32.self)[index] = Int32(index) }
  let rows = tensor.rows(1..<3)
  #expect(rows.shape == [2, 3])
  #expect(Array(rows.elements(as: Int32.self)) == [3, 4, 5, 6, 7, 8])
  rows.elements(as: Int32.self)[0] = 99
  #expect(tensor.elements(as: Int32.self)[3] == 99)
  #expect(rows.rows(1..<2).elements(as: Int32.self)[0] == 6)
  #expect(tensor.rows(2..<2).byteCount == 0)
}

@Test func aReshapedTensorSharesItsElements() throws {
  let tensor = try #require(Tensor(name: "x", datatype: .fp32, shape: [2, 6]))
  for index in 0..<12 { tensor.elements(as: Float.self)[index] = Float(index) }
  let other = tensor.rows(1..<2).reshaped(to: [3, 2])
  #expect(other.shape == [3, 2])
  #expect(Array(other.elements(as: Float.self)) == [6, 7, 8, 9, 10, 11])
}

@Test func datatypesAreFoundByTheProtocolsNames() {
  for datatype in Datatype.allCases { #expect(Datatype(name: datatype.name) == datatype) }
  #expect(Datatype(name: "fp32") == nil)
  #expect(Datatype(name: "") == nil)
  #expect(MemoryLayout<BytesElement>.stride == Datatype.bytes.byteCount)
}
