import Bytes
import Glibc

/// Writes status lines and fields of responses; one for each loop, which keeps `Server` and `Date`
/// written out until the second is over.
struct ResponseHead {
  private let serverName: String
  private var second = Int.min
  /// `Server: …` and `Date: …`, each with CR LF.
  private let common = ByteBuffer(capacity: 128)
  /// The same after the status line of 200.
  private let commonOK = ByteBuffer(capacity: 128)

  init(serverName: String) { self.serverName = serverName }

  /// Appends the status line and the fields that every response has.
  mutating func begin(_ output: ByteBuffer, status: Int) {
    refresh()
    if status == 200 {
      output.append(commonOK.bytes)
    } else {
      Self.appendStatusLine(output, status)
      output.append(common.bytes)
    }
  }

  private mutating func refresh() {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME_COARSE, &time)
    guard time.tv_sec != second else { return }
    second = time.tv_sec
    common.removeAll()
    if !serverName.isEmpty { Self.appendField(common, "Server", serverName) }
    common.append("Date: ")
    HTTPDate.append(common, secondsSince1970: second)
    common.append("\r\n")
    commonOK.removeAll()
    Self.appendStatusLine(commonOK, 200)
    commonOK.append(common.bytes)
  }

  private static func appendStatusLine(_ output: ByteBuffer, _ status: Int) {
    output.append("HTTP/1.1 ")
    output.append(decimal: min(max(status, 100), 999))
    output.append(" ")
    output.append(reason(status))
    output.append("\r\n")
  }

  /// Appends a field. Control characters in the value become spaces, so that no value, wherever it came
  /// from, can begin another field or end the head.
  static func appendField(_ output: ByteBuffer, _ name: StaticString, _ value: String) {
    output.append(name)
    output.append(": ")
    let start = output.count
    output.append(value)
    let written = UnsafeMutableBufferPointer(start: output.base + start, count: output.count - start)
    for index in written.indices where !FieldSyntax.isValueByte(written[index]) {
      written[index] = UInt8(ascii: " ")
    }
    output.append("\r\n")
  }

  static func appendField(_ output: ByteBuffer, _ name: StaticString, _ value: StaticString) {
    output.append(name)
    output.append(": ")
    output.append(value)
    output.append("\r\n")
  }

  /// Appends `Content-Length` with room for the digits, which `patchLength` fills in; returns where.
  static func reserveLength(_ output: ByteBuffer) -> Int {
    output.append("Content-Length: ")
    let place = output.count
    // Blanks before a value do not belong to it (RFC 9110 section 5.5).
    output.append("            \r\n")
    return place
  }

  /// The room for digits, enough for bodies up to 10^12 bytes.
  private static let lengthDigits = 12
  /// The largest body that is moved to close the gap before its length; larger ones leave the blanks.
  private static let movedBody = 4_096

  /// Writes `length` at `place`, where `bodyStart` is the first byte after the head.
  static func patchLength(_ output: ByteBuffer, at place: Int, length: Int, bodyStart: Int) {
    var digits = 0
    var rest = length
    repeat {
      digits += 1
      output.base[place + lengthDigits - digits] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0 && digits < lengthDigits
    guard output.count - bodyStart <= movedBody else { return }
    let gap = lengthDigits - digits
    memmove(output.base + place, output.base + place + gap, output.count - place - gap)
    output.truncate(to: output.count - gap)
  }

  /// Appends the field that tells how long the body takes to be written, which `patchBodyTime` fills in; returns where.
  static func reserveBodyTime(_ output: ByteBuffer) -> Int {
    output.append("Server-Timing: serialize;dur=")
    let place = output.count
    output.append("00000.000\r\n")
    return place
  }

  /// Writes milliseconds with three decimals.
  static func patchBodyTime(_ output: ByteBuffer, at place: Int, nanoseconds: Int64) {
    var rest = min(max(nanoseconds / 1000, 0), 99_999_999)
    for index in [8, 7, 6, 4, 3, 2, 1, 0] {
      output.base[place + index] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
  }

  /// Whether a response of this status has no body and no length (RFC 9110 sections 6.4.1 and 8.6).
  static func isBodiless(_ status: Int) -> Bool { status == 204 || status == 304 || status < 200 }

  static func reason(_ status: Int) -> StaticString {
    switch status {
    case 100: "Continue"
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 304: "Not Modified"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 411: "Length Required"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 422: "Unprocessable Content"
    case 424: "Failed Dependency"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 499: "Client Closed Request"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    case 507: "Insufficient Storage"
    default: "Status"
    }
  }
}
