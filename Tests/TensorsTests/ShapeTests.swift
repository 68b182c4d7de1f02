import Tensors
import Testing

@Test func elementCountIsTheProductOrNil() {
  #expect(([] as Shape).elementCount == 1)
  #expect(([2, 3, 4] as Shape).elementCount == 24)
  #expect(([2, 0, 4] as Shape).elementCount == 0)
  #expect(([2, -1] as Shape).elementCount == nil)
  #expect(Shape([1 << 40, 1 << 40]).elementCount == nil)
  #expect(Shape([1 << 31, 1 << 31]).elementCount == 1 << 62)
}

@Test func shapesCompareByTheirDimensions() {
  #expect([1, 2] as Shape == [1, 2])
  #expect([1, 2] as Shape != [1, 2, 1])
  #expect([1, 2] as Shape != [2, 1])
  #expect(Set([[1, 2], [1, 2], [2, 1]] as [Shape]).count == 2)
  #expect(([1, 2, 3] as Shape).description == "[1,2,3]")
}

@Test func anySizeAdmitsEverySizeOfItsDimension() {
  let shape = Shape([Shape.anySize, 3])
  #expect(shape.admits([1, 3]))
  #expect(shape.admits([0, 3]))
  #expect(!shape.admits([1, 4]))
  #expect(!shape.admits([3]))
  #expect(!shape.admits([1, 3, 1]))
}

@Test func dimensionsCanBeSetAndAppended() {
  var shape: Shape = [5]
  shape.append(7)
  shape[0] = 6
  #expect(Array(shape) == [6, 7])
  #expect(shape.rank == 2)
}
