/// Where in a text a byte lies, for a person: lines and columns count from 1, columns in bytes.
struct TextPosition: CustomStringConvertible {
  var offset: Int
  var line: Int
  var column: Int

  init(offset: Int, in text: UnsafeRawBufferPointer) {
    self.offset = min(max(offset, 0), text.count)
    var line = 1
    var lineStart = 0
    for index in 0..<self.offset where text[index] == UInt8(ascii: "\n") {
      line += 1
      lineStart = index + 1
    }
    self.line = line
    column = self.offset - lineStart + 1
  }

  var description: String { "offset \(offset) (line \(line), column \(column))" }
}
