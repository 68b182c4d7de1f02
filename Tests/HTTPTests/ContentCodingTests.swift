import Bytes
import Foundation
import TestSupport
import Testing

@testable import HTTP

private func choice(_ fields: String?...) -> ContentCoding {
  var accept = AcceptEncoding()
  for case let field? in fields { Array(field.utf8).withUnsafeBufferPointer { accept.read($0) } }
  return accept.choice
}

@Test(
  arguments: [
    ("gzip", ContentCoding.gzip), ("deflate", .deflate), ("gzip, deflate", .gzip), ("deflate, gzip", .gzip),
    ("x-gzip", .gzip), ("GZIP", .gzip), ("gzip;q=0.5, deflate", .deflate),
    ("gzip;q=0.5,deflate;q=0.5", .gzip),
    ("gzip;q=0", .identity), ("gzip;q=0.000, deflate;q=0.001", .deflate), ("gzip;q=0, *", .deflate),
    ("*", .gzip), ("*;q=0", .identity), ("*;q=0, deflate", .deflate), ("gzip;q=0.2, *;q=0.8", .deflate),
    ("identity", .identity), ("identity, gzip;q=0.9", .identity), ("identity;q=0.5, gzip;q=0.5", .gzip),
    ("identity;q=0, gzip", .gzip), ("gzip;q=0.3, identity;q=0.31", .identity), ("br", .identity),
    ("br, zstd, gzip", .gzip), ("gzip, deflate, br", .gzip), ("", .identity), (" , ,", .identity),
    ("gzip ; q=0.4 , deflate; Q=0.6", .deflate), ("gzip;level=1;q=0", .identity), ("gzip;level=1", .gzip),
    ("gzip;q=1.001", .identity), ("gzip;q=2", .identity), ("gzip;q=", .identity), ("gzip;q=x", .identity),
    ("gzip;q=0.1234", .identity), ("gzip;q=1.", .gzip), ("gzip;q=-1", .identity), ("gzippo", .identity),
    ("gzip;", .gzip), (";q=1", .identity), ("*;q=0.5, identity;q=0.6", .identity),
  ] as [(String, ContentCoding)])
func theWeightsOfAcceptEncodingChoose(_ field: String, _ coding: ContentCoding) {
  #expect(choice(field) == coding)
}

@Test func severalAcceptEncodingFieldsCountAsOne() {
  #expect(choice() == .identity)
  #expect(choice("br", "deflate") == .deflate)
  #expect(choice("gzip;q=0.1", "deflate;q=0.2") == .deflate)
}

/// What became of data, unpacked under a limit.
private enum Unpacked: Equatable {
  case content([UInt8])
  case refused(Int, String)

  var status: Int { if case .refused(let status, _) = self { status } else { 200 } }
}

private func unpack(
  _ packed: [UInt8], _ coding: ContentCoding, limit: Int = 1 << 20,
  in all: ConnectionLimits = ConnectionLimits(ServerConfiguration(listeners: []))
) -> Unpacked {
  let pool = BlockPool(keepLimit: 0)
  var body = BodyReader()
  body.begin(.none, limit: limit, now: 0)
  defer { body.release(pool, all) }
  // Memory of its own size, so that the Address Sanitizer sees a step past its end.
  let source = UnsafeMutableRawBufferPointer.allocate(byteCount: packed.count, alignment: 1)
  defer { source.deallocate() }
  source.copyBytes(from: packed)
  let inflater = Inflater()
  do throws(ProtocolError) {
    try inflater.unpack(UnsafeRawBufferPointer(source), coding, into: &body, pool, all)
  } catch {
    #expect(body.filled <= limit)
    #expect(body.block?.capacity ?? 0 <= BlockPool.size(for: limit))
    return .refused(error.status, error.message)
  }
  guard let block = body.block else { return .content([]) }
  return .content(Array(UnsafeRawBufferPointer(start: block.base, count: body.filled)))
}

private func pack(_ content: [UInt8], _ coding: ContentCoding) -> [UInt8]? {
  let output = ByteBuffer()
  let isPacked = content.withUnsafeBytes { Deflater(level: 1).pack($0, coding, to: output) }
  return isPacked ? Array(output.bytes) : nil
}

private func noise(_ count: Int) -> [UInt8] {
  var generator = SeededGenerator("noise")
  return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
}

private func digits(_ count: Int) -> [UInt8] { Array((0..<count).map { "0.\($0 % 977)," }.joined().utf8) }

@Test(arguments: [0, 1, 100, 16_384, 16_385, 100_000]) func packedBodiesUnpack(_ count: Int) {
  for content in [[UInt8](repeating: 7, count: count), Array(digits(count).prefix(count)), noise(count)] {
    #expect(unpack(Packed.gzip(content), .gzip) == .content(content))
    #expect(unpack(Packed.zlib(content), .deflate) == .content(content))
    #expect(unpack(Packed.raw(content), .deflate) == .content(content))
  }
}

@Test func gzipDataMayHaveSeveralMembers() {
  let (first, second) = (digits(5_000), noise(70_000))
  #expect(
    unpack(Packed.gzip(first) + Packed.gzip([]) + Packed.gzip(second), .gzip) == .content(first + second))
}

@Test func aBodyMayUnpackToTheLimitAndNoFurther() {
  for count in [1_000, 16_384, 100_000] {
    let content = digits(count)
    for (packed, coding) in [
      (Packed.gzip(content), ContentCoding.gzip), (Packed.zlib(content), .deflate),
      (Packed.raw(content), .deflate),
    ] {
      #expect(unpack(packed, coding, limit: content.count) == .content(content))
      let refused = unpack(packed, coding, limit: content.count - 1)
      #expect(
        refused
          == .refused(
            413,
            "the body, unpacked from \(coding.name), is larger than the limit of \(content.count - 1) bytes"))
    }
  }
  #expect(unpack(Packed.gzip([1]), .gzip, limit: 0).status == 413)
  #expect(unpack(Packed.gzip([]), .gzip, limit: 0) == .content([]))
}

@Test func aGigabyteOfZerosInAMegabyteIsRefusedWithinTheLimit() {
  let zeros = [UInt8](repeating: 0, count: 1 << 20)
  let members = Array(repeatElement(Packed.gzip(zeros), count: 1_024).joined())
  let endless = Array(repeatElement(Packed.rawPiece(zeros), count: 1_024).joined())
  #expect(members.count < 2 << 20 && endless.count < 2 << 20)
  #expect(unpack(members, .gzip, limit: 3 << 20).status == 413)
  #expect(unpack(endless, .deflate, limit: 3 << 20).status == 413)
  // An end that promises little does not help.
  #expect(unpack(members + [0, 0, 0, 0, 1, 0, 0, 0], .gzip, limit: 3 << 20).status == 413)
}

@Test func anEndThatPromisesTooMuchTakesNoMemory() {
  var packed = Packed.gzip([1, 2, 3])
  packed.replaceSubrange((packed.count - 4)..., with: [255, 255, 255, 255])
  var configuration = ServerConfiguration(listeners: [])
  configuration.bodyBytesInAll = 65_536
  // 503 would mean that the memory was asked for.
  #expect(unpack(packed, .gzip, limit: 1 << 40, in: ConnectionLimits(configuration)).status == 400)
}

@Test func allBodiesTogetherLimitWhatUnpacks() {
  var configuration = ServerConfiguration(listeners: [])
  configuration.bodyBytesInAll = 65_536
  let limits = ConnectionLimits(configuration)
  let zeros = [UInt8](repeating: 0, count: 200_000)
  #expect(unpack(Packed.gzip(zeros), .gzip, in: limits).status == 503)
  #expect(unpack(Packed.zlib(zeros), .deflate, in: limits).status == 503)
  // All was given back.
  #expect(limits.takeBodyBytes(65_536))
}

@Test func dataThatAreCutOffAreRefusedAtEveryPlace() {
  let content = digits(40)
  for (packed, coding) in [
    (Packed.gzip(content), ContentCoding.gzip), (Packed.zlib(content), .deflate),
    (Packed.raw(content), .deflate),
  ] {
    for end in 0..<packed.count {
      #expect(unpack(Array(packed[..<end]), coding).status == 400, "\(coding) cut off at \(end)")
    }
  }
  #expect(
    unpack(Array(Packed.gzip(content).prefix(30)), .gzip)
      == .refused(
        400, "the body is not valid gzip, which Content-Encoding says it is: it is cut off after 30 bytes"))
}

@Test func whatFollowsTheEndIsRefused() {
  #expect(unpack(Packed.gzip([1, 2]) + [9], .gzip).status == 400)
  #expect(unpack(Packed.gzip([1, 2]) + [0, 0, 0, 0], .gzip).status == 400)
  #expect(
    unpack(Packed.zlib([1, 2]) + [9], .deflate)
      == .refused(
        400, "the body is not valid deflate, which Content-Encoding says it is: 1 bytes follow its end"))
  #expect(unpack(Packed.raw([1, 2]) + Packed.raw([3]), .deflate).status == 400)
}

@Test func aWrongChecksumIsRefused() {
  var gzip = Packed.gzip(digits(100))
  gzip[gzip.count - 5] ^= 1
  #expect(unpack(gzip, .gzip).status == 400)
  var zlib = Packed.zlib(digits(100))
  zlib[zlib.count - 1] ^= 1
  #expect(unpack(zlib, .deflate).status == 400)
  // A dictionary that nobody has: FDICT is set and the header's check holds.
  #expect(unpack([0x78, 0xbb, 0, 0, 0, 1, 0, 0], .deflate).status == 400)
}

@Test func spoiltDataNeverUnpackPastTheLimit() {
  var generator = SeededGenerator("spoilt data")
  let content = digits(3_000)
  for _ in 0..<2_000 {
    let coding: ContentCoding = Bool.random(using: &generator) ? .gzip : .deflate
    var packed = coding == .gzip ? Packed.gzip(content) : Packed.raw(content)
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      packed[Int.random(in: packed.indices, using: &generator)] = .random(in: 0...255, using: &generator)
    }
    switch unpack(packed, coding, limit: content.count + 100) {
    case .content(let bytes): #expect(bytes.count <= content.count + 100)
    case .refused(let status, _): #expect(status == 400 || status == 413)
    }
  }
}

@Test(arguments: [2_000, 131_072, 131_073, 300_000]) func packedResponsesUnpack(_ count: Int) throws {
  let content = Array(digits(count / 4).prefix(count))
  for (coding, name) in [(ContentCoding.gzip, "gzip"), (.deflate, "deflate")] {
    let packed = try #require(pack(content, coding))
    #expect(packed.count < content.count / 2)
    #expect(try Packed.unpack(packed, coding: name) == content)
    #expect(unpack(packed, coding) == .content(content), "with its checksum")
  }
}

@Test func oneDeflaterPacksManyResponses() throws {
  let deflater = Deflater(level: 1)
  let output = ByteBuffer()
  for count in [2_000, 40_000, 300] {
    for coding in [ContentCoding.gzip, .deflate, .gzip] {
      output.removeAll()
      let content = digits(count)
      let isPacked = content.withUnsafeBytes { deflater.pack($0, coding, to: output) }
      #expect(isPacked)
      #expect(unpack(Array(output.bytes), coding) == .content(content))
    }
  }
}

@Test func whatDoesNotShrinkIsNotPacked() {
  #expect(pack(noise(2_000), .gzip) == nil)
  #expect(pack(noise(300_000), .deflate) == nil)
  #expect(pack(Array("{}".utf8), .gzip) == nil)
  #expect(pack(digits(1_000), .identity) == nil)
}

@Test(
  arguments: [
    ("application/json", true), ("Application/JSON; charset=utf-8", true), ("text/plain", true),
    ("text/html; charset=utf-8", true), ("application/problem+json", true), ("image/svg+xml", true),
    ("application/octet-stream", true), ("image/png", false), ("application/zip", false), ("text", false),
    ("", false),
  ] as [(StaticString, Bool)])
func contentTypesTellWhatMayShrink(_ type: StaticString, _ expected: Bool) {
  #expect(Compressible.isCompressible(type) == expected)
}
