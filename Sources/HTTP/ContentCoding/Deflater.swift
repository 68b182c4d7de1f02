import Bytes
import CZlib

/// Packs the responses of one loop, one at a time. zlib's state, 256 KiB a coding, is made when a client
/// first asks for the coding, and kept.
///
/// Confined to the loop's thread.
final class Deflater {
  /// The first bytes of a response, which show whether packing it is worth the time.
  private static let sample = 131_072
  /// What zlib may hold back of the sample, in bytes.
  private static let heldBack = 16_384
  private static let piece = 32_768

  private let level: Int32
  private var gzip: PackingStream?
  private var deflate: PackingStream?

  /// - Parameter level: zlib's, from 1 (fast) to 9 (small).
  init(level: Int) { self.level = Int32(clamping: min(max(level, 1), 9)) }

  /// Appends `content`, packed. False if it would not become smaller, or notably so where it is long, or if
  /// there is no memory; what is in `output` is then of no use.
  func pack(_ content: UnsafeRawBufferPointer, _ coding: ContentCoding, to output: ByteBuffer) -> Bool {
    guard let stream = stream(for: coding) else { return false }
    let start = output.count
    let limit = start + content.count
    var position = 0
    while position < content.count {
      let length = min(content.count - position, Self.sample)
      let isLast = position + length == content.count
      let part = UnsafeRawBufferPointer(rebasing: content[position..<(position + length)])
      let fits = stream.pack(part, isLast: isLast, to: output, limit: limit, piece: Self.piece)
      guard fits else { return false }
      position += length
      if position == Self.sample, !isLast {
        guard output.count - start < (Self.sample - Self.heldBack) / 8 * 7 else { return false }
      }
    }
    return output.count < limit
  }

  private func stream(for coding: ContentCoding) -> PackingStream? {
    switch coding {
    case .identity: return nil
    case .gzip:
      if let gzip { return gzip.reset() ? gzip : nil }
      gzip = PackingStream(level: level, windowBits: MAX_WBITS + 16)
      return gzip
    case .deflate:
      if let deflate { return deflate.reset() ? deflate : nil }
      deflate = PackingStream(level: level, windowBits: MAX_WBITS)
      return deflate
    }
  }
}

/// zlib's state for one format.
private final class PackingStream {
  /// Stays in one place, since zlib's state points back to it.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

  init?(level: Int32, windowBits: Int32) {
    stream.initialize(to: z_stream())
    guard swerve_deflate_init(stream, level, windowBits) == Z_OK else { return nil }
  }

  deinit {
    // Does nothing to a stream that was not opened.
    deflateEnd(stream)
    stream.deallocate()
  }

  func reset() -> Bool { deflateReset(stream) == Z_OK }

  /// Packs some bytes, the last ones or not; false once `output` has more than `limit` bytes.
  func pack(
    _ content: UnsafeRawBufferPointer, isLast: Bool, to output: ByteBuffer, limit: Int, piece: Int
  ) -> Bool {
    // zlib does not write to its input.
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: content.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(clamping: content.count)
    defer {
      stream.pointee.next_in = nil
      stream.pointee.next_out = nil
    }
    while true {
      stream.pointee.next_out = output.reserve(piece)
      stream.pointee.avail_out = UInt32(clamping: piece)
      let code = deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
      output.advance(by: piece - Int(stream.pointee.avail_out))
      if code == Z_STREAM_END { return true }
      guard code == Z_OK || code == Z_BUF_ERROR, output.count <= limit else { return false }
      if !isLast, stream.pointee.avail_in == 0, stream.pointee.avail_out > 0 { return true }
    }
  }
}
