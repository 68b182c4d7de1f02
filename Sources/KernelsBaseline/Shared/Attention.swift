internal import CKernels

extension Level {
  /// One step of a softmax over blocks of keys, for a panel of queries, one a lane.
  ///
  /// Turns the scores [count, panelWidth] into exp(score − the greatest so far), and brings the queries'
  /// greatest scores and sums up to date. All scores are in units of ln 2: powers of two are the cheaper ones.
  ///
  /// - Parameters:
  ///   - keyBias: what is added to a key's scores, in its own units, or nil; `tileBias`: to each score.
  ///   - visible: query i sees keys 0 … i + `visible`.
  ///   - corrections: what results so far, which stand for lower greatest scores, are to be multiplied with.
  public static func attentionSoftmax(
    _ scores: UnsafeMutablePointer<Float>, count: Int, keyBias: UnsafePointer<Float>?,
    tileBias: UnsafePointer<Float>?, visible: Int, peaks: UnsafeMutablePointer<Float>,
    sums: UnsafeMutablePointer<Float>, corrections: UnsafeMutablePointer<Float>
  ) {
    forEachPart(panelWidth) { index, part in
      let before = loadPart(peaks + index, part)
      let peak = biasedPeak(
        scores + index, count, keyBias, tileBias.map { $0 + index }, visible + index, before, part)
      // Where every key is masked the peak is −∞, and the difference must not be NaN.
      let shift = lanes_select_equal(peak, splat(-.infinity), splat(0), peak)
      let correction = exponential2(ofNegative: before - shift)
      var first = splat(0)
      var second = splat(0)
      var key = 0
      while key + 2 <= count {
        let here = scores + key * panelWidth + index
        let one = exponential2(ofNegative: loadPart(here, part) - shift)
        let two = exponential2(ofNegative: loadPart(here + panelWidth, part) - shift)
        storePart(here, one, part)
        storePart(here + panelWidth, two, part)
        first += one
        second += two
        key += 2
      }
      if key < count {
        let here = scores + key * panelWidth + index
        let one = exponential2(ofNegative: loadPart(here, part) - shift)
        storePart(here, one, part)
        first += one
      }
      let sum = lanes_multiply_add(loadPart(sums + index, part), correction, first + second)
      storePart(peaks + index, peak, part)
      storePart(sums + index, sum, part)
      storePart(corrections + index, correction, part)
    }
  }

  /// As a step of `attentionSoftmax` and the product with the values, for one query:
  /// result = result · correction + Σ exp(score − the greatest so far) · value.
  ///
  /// - Parameters:
  ///   - query: scaled, to units of ln 2; `size` values, as a key has; `valueSize` those of a value and of the result.
  ///   - keyRow: elements from one key to the next, as `valueRow` of the values.
  ///   - scores: room for `count`.
  ///   - state: the greatest score so far, and the sum.
  public static func attentionRow(
    query: UnsafePointer<Float>, _ keys: UnsafePointer<Float>, keyRow: Int, _ values: UnsafePointer<Float>,
    valueRow: Int, count: Int, size: Int, valueSize: Int, keyBias: UnsafePointer<Float>?,
    scores: UnsafeMutablePointer<Float>, state: UnsafeMutablePointer<Float>,
    result: UnsafeMutablePointer<Float>
  ) {
    var peak = state[0]
    for key in 0..<count {
      let score = dot(query, keys + key * keyRow, size) + binaryExponent * (keyBias?[key] ?? 0)
      scores[key] = score
      if score > peak { peak = score }
    }
    let shift = splat(peak == -.infinity ? 0 : peak)
    let correction = exponential2(ofNegative: splat(state[0]) - shift)
    var total = splat(0)
    forEachPart(count) { index, part in
      let value = exponential2(
        ofNegative: loadPart(scores + index, part, filler: -.infinity) - shift)
      storePart(scores + index, value, part)
      total += value
    }
    state[1] = state[1] * correction[0] + lanes_sum(total)
    state[0] = peak
    forEachPart(valueSize) { index, part in
      var even = loadPart(result + index, part) * correction
      var odd = splat(0)
      var key = 0
      while key + 2 <= count {
        let here = values + key * valueRow + index
        even = lanes_multiply_add(loadPart(here, part), splat(scores[key]), even)
        odd = lanes_multiply_add(loadPart(here + valueRow, part), splat(scores[key + 1]), odd)
        key += 2
      }
      if key < count {
        even = lanes_multiply_add(
          loadPart(values + key * valueRow + index, part), splat(scores[key]), even)
      }
      storePart(result + index, even + odd, part)
    }
  }
}

/// Adds the biases to a strip of scores, hides keys that its queries do not see, and returns the greatest.
@inline(__always)
private func biasedPeak(
  _ scores: UnsafeMutablePointer<Float>, _ count: Int, _ keyBias: UnsafePointer<Float>?,
  _ tileBias: UnsafePointer<Float>?, _ visible: Int, _ before: lanes_f32, _ part: Int
) -> lanes_f32 {
  var peak = before
  if keyBias == nil, tileBias == nil, visible >= count - 1 {
    // Two peaks: one alone would wait for each comparison.
    var other = before
    var key = 0
    while key + 2 <= count {
      let here = scores + key * Level.panelWidth
      peak = lanes_greater(loadPart(here, part), peak)
      other = lanes_greater(loadPart(here + Level.panelWidth, part), other)
      key += 2
    }
    if key < count { peak = lanes_greater(loadPart(scores + key * Level.panelWidth, part), peak) }
    return lanes_greater(peak, other)
  }
  for key in 0..<count {
    let here = scores + key * Level.panelWidth
    var value = loadPart(here, part)
    if let keyBias { value += splat(keyBias[key] * binaryExponent) }
    if let tileBias {
      let bias = loadPart(tileBias + key * Level.panelWidth, part)
      value = lanes_multiply_add(bias, splat(binaryExponent), value)
    }
    value = lanes_select_less(laneNumbers, splat(Float(key - visible)), splat(-.infinity), value)
    storePart(here, value, part)
    peak = lanes_greater(value, peak)
  }
  return peak
}

@inline(__always)
private var laneNumbers: lanes_f32 {
  lanes_f32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
}

@inline(__always)
private func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
  var first = splat(0)
  var second = splat(0)
  var index = 0
  while index + 32 <= count {
    first = lanes_multiply_add(lanes_load(a + index), lanes_load(b + index), first)
    second = lanes_multiply_add(lanes_load(a + index + 16), lanes_load(b + index + 16), second)
    index += 32
  }
  while index < count {
    let part = lesser(16, count - index)
    first = lanes_multiply_add(loadPart(a + index, part), loadPart(b + index, part), first)
    index += 16
  }
  return lanes_sum(first + second)
}
