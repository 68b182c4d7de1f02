import Kernels
import Tensors

/// Products of matrices of datatypes that the kernels do not have, element by element.
enum Product {
  /// c[m,n] = the sum over k of a[m,k] · b[k,n]; `fused` adds the product of its last two arguments to the first.
  static func run<Element>(
    _ shape: MatmulShape, _ a: UnsafePointer<Element>, _ b: UnsafePointer<Element>,
    _ c: UnsafeMutablePointer<Element>, zero: Element, fused: (Element, Element, Element) -> Element
  ) {
    for row in 0..<shape.m {
      for column in 0..<shape.n {
        var sum = zero
        for index in 0..<shape.k {
          let x = shape.transposeA ? a[index * shape.strideA + row] : a[row * shape.strideA + index]
          let y = shape.transposeB ? b[column * shape.strideB + index] : b[index * shape.strideB + column]
          sum = fused(sum, x, y)
        }
        c[row * shape.strideC + column] = sum
      }
    }
  }
}
