import Glibc

/// The discrete Fourier transform of lines of complex numbers.
struct FourierTransform {
  let length: Int
  let isInverse: Bool
  private let cosines: [Double]
  private let sines: [Double]

  init(length: Int, isInverse: Bool) {
    self.length = length
    self.isInverse = isInverse
    let angles = (0..<length).map { 2 * Double.pi * Double($0) / Double(length) }
    cosines = angles.map { cos($0) }
    sines = angles.map { isInverse ? sin($0) : -sin($0) }
  }

  /// The first `count` sums of a line of `length` numbers, interleaved as real and imaginary.
  func run(_ line: [Double], count: Int) -> [Double] {
    let result = length > 0 && length & (length - 1) == 0 ? split(line, 0, 1, length) : direct(line)
    let factor = isInverse ? 1 / Double(length) : 1
    return result.prefix(2 * count).map { $0 * factor }
  }

  private func direct(_ line: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: 2 * length)
    for k in 0..<length {
      var (real, imaginary) = (0.0, 0.0)
      for n in 0..<length {
        let (c, s) = (cosines[k * n % length], sines[k * n % length])
        real += line[2 * n] * c - line[2 * n + 1] * s
        imaginary += line[2 * n] * s + line[2 * n + 1] * c
      }
      (result[2 * k], result[2 * k + 1]) = (real, imaginary)
    }
    return result
  }

  /// A power of two: the sums of the even and of the odd places, joined.
  private func split(_ line: [Double], _ start: Int, _ step: Int, _ count: Int) -> [Double] {
    if count == 1 { return [line[2 * start], line[2 * start + 1]] }
    let half = count / 2
    let even = split(line, start, 2 * step, half)
    let odd = split(line, start + step, 2 * step, half)
    var result = [Double](repeating: 0, count: 2 * count)
    for k in 0..<half {
      let (c, s) = (cosines[k * step], sines[k * step])
      let (real, imaginary) = (odd[2 * k] * c - odd[2 * k + 1] * s, odd[2 * k] * s + odd[2 * k + 1] * c)
      (result[2 * k], result[2 * k + 1]) = (even[2 * k] + real, even[2 * k + 1] + imaginary)
      (result[2 * (k + half)], result[2 * (k + half) + 1]) = (even[2 * k] - real, even[2 * k + 1] - imaginary)
    }
    return result
  }
}
