@testable import HTTP

/// What a parser made of some bytes.
enum Parsed: Equatable {
  case incomplete
  case head(RequestHead)
  case refused(ProtocolError)

  var status: Int? {
    if case .refused(let error) = self { return error.status }
    return nil
  }

  var head: RequestHead? {
    if case .head(let head) = self { return head }
    return nil
  }
}

/// Parses the bytes as they arrive in pieces, which end at the given offsets.
func parse(_ bytes: [UInt8], cutAt cuts: [Int] = [], limits: RequestParser.Limits = .init()) -> Parsed {
  var parser = RequestParser()
  // Each piece lies in memory of its own size, so that the Address Sanitizer sees a step past its end.
  for end in cuts + [bytes.count] {
    let outcome = bytes[..<end].withUnsafeBytes { source -> Parsed in
      let piece = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: source.count)
      defer { piece.deallocate() }
      _ = piece.initialize(from: source)
      do throws(ProtocolError) {
        return try parser.parse(UnsafeBufferPointer(piece), limits: limits) ? .head(parser.head) : .incomplete
      } catch {
        return .refused(error)
      }
    }
    if outcome != .incomplete { return outcome }
  }
  return .incomplete
}

func parse(_ text: String, limits: RequestParser.Limits = .init()) -> Parsed {
  parse(Array(text.utf8), limits: limits)
}

/// What a chunked decoder made of some bytes: the content, where the body ended, or why it was refused.
struct Decoded: Equatable {
  var content: [UInt8] = []
  var end: Int?
  var error: ProtocolError?
}

/// Decodes the bytes as they arrive in pieces, which end at the given offsets.
func decodeChunks(_ bytes: [UInt8], cutAt cuts: [Int] = [], limits: ChunkedDecoder.Limits) -> Decoded {
  var decoder = ChunkedDecoder()
  var decoded = Decoded()
  var position = 0
  for end in cuts + [bytes.count] {
    let goesOn = bytes[..<end].withUnsafeBufferPointer { piece in
      step(&decoder, piece, &position, &decoded, limits)
    }
    if !goesOn { return decoded }
  }
  return decoded
}

/// Takes all that is in the piece; false at the end of the body and after an error.
private func step(
  _ decoder: inout ChunkedDecoder, _ piece: UnsafeBufferPointer<UInt8>, _ position: inout Int,
  _ decoded: inout Decoded, _ limits: ChunkedDecoder.Limits
) -> Bool {
  do throws(ProtocolError) {
    while true {
      switch try decoder.next(piece, &position, limits) {
      case .needsMore: return true
      case .finished:
        decoded.end = position
        return false
      case .content(let announced):
        let count = min(announced, piece.count - position)
        guard count > 0 else { return true }
        decoded.content += piece[position..<(position + count)]
        decoder.took(count)
        position += count
      }
    }
  } catch {
    decoded.error = error
    return false
  }
}
