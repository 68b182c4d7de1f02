import Bytes
import Glibc

/// Dates as `Date` fields have them: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
enum HTTPDate {
  private static let days: StaticString = "SunMonTueWedThuFriSat"
  private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"

  static func append(_ output: ByteBuffer, secondsSince1970 seconds: Int) {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    appendName(output, days, Int(parts.tm_wday))
    output.append(", ")
    appendTwoDigits(output, parts.tm_mday)
    output.append(" ")
    appendName(output, months, Int(parts.tm_mon))
    output.append(" ")
    output.append(decimal: Int(parts.tm_year) + 1900)
    output.append(" ")
    appendTwoDigits(output, parts.tm_hour)
    output.append(":")
    appendTwoDigits(output, parts.tm_min)
    output.append(":")
    appendTwoDigits(output, parts.tm_sec)
    output.append(" GMT")
  }

  private static func appendName(_ output: ByteBuffer, _ names: StaticString, _ index: Int) {
    output.append(UnsafeRawBufferPointer(start: names.utf8Start + index * 3, count: 3))
  }

  private static func appendTwoDigits(_ output: ByteBuffer, _ value: Int32) {
    if value < 10 { output.append("0") }
    output.append(decimal: Int(value))
  }
}
