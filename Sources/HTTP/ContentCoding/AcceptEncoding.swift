/// What the `Accept-Encoding` fields of a request say, and which coding follows from that (RFC 9110
/// section 12.5.3).
///
/// Weights count in thousandths. A coding that is not listed gets the weight of `*`, and is refused if
/// there is none; `identity` that is not listed is taken, but after any other coding that is.
struct AcceptEncoding {
  private var gzip: Int?
  private var deflate: Int?
  private var identity: Int?
  private var any: Int?

  init() {}

  /// Reads all such fields of a head.
  init(_ head: RequestHead, _ base: UnsafePointer<UInt8>) {
    for field in head.fields where field.name.count == 15 {
      guard FieldSyntax.equalIgnoringCase(field.name.slice(of: base), "accept-encoding") else { continue }
      read(field.value.slice(of: base))
    }
  }

  mutating func read(_ list: UnsafeBufferPointer<UInt8>) {
    FieldSyntax.forEachElement(list) { element in
      readElement(element)
      return true
    }
  }

  private mutating func readElement(_ element: UnsafeBufferPointer<UInt8>) {
    let nameEnd = element.firstIndex(of: UInt8(ascii: ";")) ?? element.count
    let name = FieldSyntax.trimmed(UnsafeBufferPointer(rebasing: element[..<nameEnd]))
    let weight = Self.weight(UnsafeBufferPointer(rebasing: element[nameEnd...]))
    if FieldSyntax.equal(name, "*") {
      any = weight
      return
    }
    switch ContentCoding(name) {
    case .gzip: gzip = weight
    case .deflate: deflate = weight
    case .identity: identity = weight
    case nil: break
    }
  }

  /// The coding of the greatest weight; of equal ones gzip before deflate before none at all.
  var choice: ContentCoding {
    let gzipWeight = gzip ?? any ?? 0
    let deflateWeight = deflate ?? any ?? 0
    let best: ContentCoding = deflateWeight > gzipWeight ? .deflate : .gzip
    let bestWeight = max(gzipWeight, deflateWeight)
    return bestWeight > 0 && bestWeight >= identity ?? any ?? 0 ? best : .identity
  }

  /// The weight in the parameters of an element (RFC 9110 section 12.4.2), in thousandths: 1000 without
  /// one, and 0 for what is no weight.
  private static func weight(_ parameters: UnsafeBufferPointer<UInt8>) -> Int {
    for parameter in parameters.split(separator: UInt8(ascii: ";")) {
      let text = FieldSyntax.trimmed(UnsafeBufferPointer(rebasing: parameter))
      guard text.count >= 2, FieldSyntax.lowercased(text[0]) == UInt8(ascii: "q"),
        text[1] == UInt8(ascii: "=")
      else { continue }
      return thousandths(UnsafeBufferPointer(rebasing: text[2...])) ?? 0
    }
    return 1_000
  }

  /// Reads `0`, `0.5`, `1.000`: a digit, and at most three more after a point.
  private static func thousandths(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
    guard (1...5).contains(text.count), text.count == 1 || text[1] == UInt8(ascii: ".") else { return nil }
    var value = 0
    var scale = 1_000
    for (index, byte) in text.enumerated() where index != 1 {
      let digit = Int(byte) - 0x30
      guard (0...9).contains(digit) else { return nil }
      value += digit * scale
      scale /= 10
    }
    return value <= 1_000 ? value : nil
  }
}
