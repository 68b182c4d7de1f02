import Foundation
import Testing

@testable import InferenceAPI

/// A shared memory object of a client's.
private final class ClientMemory {
  let key = "/swerve-test-" + UUID().uuidString
  let descriptor: Int32

  init(byteCount: Int) {
    descriptor = shm_open(key, O_RDWR | O_CREAT | O_EXCL, 0o600)
    ftruncate(descriptor, off_t(byteCount))
  }

  deinit {
    close(descriptor)
    shm_unlink(key)
  }

  func write(_ values: [Float], at offset: Int = 0) {
    _ = values.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
  }

  func read(_ count: Int, at offset: Int) -> [Float] {
    var values = [Float](repeating: 0, count: count)
    _ = values.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
    return values
  }
}

@Suite(.serialized) final class SharedMemoryTests {
  private let server: TestServer
  private let memory = ClientMemory(byteCount: 4096)
  private let base = "/v2/systemsharedmemory"

  init() throws {
    server = try TestServer(
      FakeModels.extended, sharedMemory: SharedMemoryRegions(maximumCount: 2, maximumInputBytes: 1024))
  }

  deinit { server.stop() }

  private func register(_ name: String, key: String? = nil, offset: Int = 0, byteCount: Int) throws
    -> TestServer.Answer
  {
    let body = #"{"key":"\#(key ?? memory.key)","offset":\#(offset),"byte_size":\#(byteCount)}"#
    return try server.ask("POST", "\(base)/region/\(name)/register", body: Array(body.utf8))
  }

  private func infer(_ input: String, output: String) throws -> TestServer.Answer {
    let body =
      #"{"inputs":[{"name":"x","shape":[4],"datatype":"FP32","parameters":{\#(input)}}],"#
      + #""outputs":[{"name":"y","parameters":{\#(output)}}]}"#
    return try server.ask("POST", "/v2/models/half_plus_two/infer", body: Array(body.utf8))
  }

  @Test func tensorsGoThroughRegions() throws {
    #expect(try server.ask("GET", "/v2").text.contains("system_shared_memory"))
    #expect(try register("in", byteCount: 1024).status == 200)
    #expect(try register("out", offset: 1024, byteCount: 1024).status == 200)
    memory.write([0, 2, 4, 6], at: 32)
    let answer = try infer(
      #""shared_memory_region":"in","shared_memory_byte_size":16,"shared_memory_offset":32"#,
      output: #""shared_memory_region":"out","shared_memory_byte_size":20,"shared_memory_offset":8"#)
    #expect(answer.status == 200, "\(answer.text)")
    #expect(
      answer.text.hasSuffix(#""outputs":[{"name":"y","datatype":"FP32","shape":[4]}]}"#), "\(answer.text)")
    #expect(memory.read(4, at: 1024 + 8) == [2, 3, 4, 5])
    let status = try server.ask("GET", "\(base)/status").text
    #expect(
      status
        == #"[{"name":"in","key":"\#(memory.key)","offset":0,"byte_size":1024},{"name":"out","key":"\#(memory.key)","offset":1024,"byte_size":1024}]"#
    )
    #expect(try server.ask("POST", "\(base)/region/in/unregister").status == 200)
    #expect(try server.ask("GET", "\(base)/region/in/status").status == 400)
    #expect(try server.ask("POST", "\(base)/unregister").status == 200)
    #expect(try server.ask("GET", "\(base)/status").text == "[]")
  }

  @Test func whatDoesNotFitIsTheClientsFault() throws {
    let faults: [(TestServer.Answer, String)] = [
      (try register("a", key: "/no-such-object", byteCount: 8), "Unable to open shared memory region"),
      (try register("a", key: "/../etc/passwd", byteCount: 8), "names no shared memory object"),
      (try register("a", key: "/..", byteCount: 8), "names no shared memory object"),
      (try register("a", key: "", byteCount: 8), "names no shared memory object"),
      (try register("a", byteCount: 4097), "is not within the 4096 bytes"),
      (try register("a", offset: Int.max, byteCount: 8), "is not within the 4096 bytes"),
      (try register("a", byteCount: 0), "is not within the 4096 bytes"),
    ]
    for (answer, words) in faults {
      #expect(answer.status == 400)
      #expect(answer.text.contains(words), "\(answer.text)")
    }
    #expect(try register("a", byteCount: 2048).status == 200)
    #expect(try register("a", byteCount: 8).text.contains("shared memory region 'a' already in manager"))
    #expect(try register("b", byteCount: 8).status == 200)
    #expect(try register("c", byteCount: 8).status == 429)
    let good = #""shared_memory_region":"a","shared_memory_byte_size":16"#
    let inputs = [
      (
        #""shared_memory_region":"nope","shared_memory_byte_size":16"#,
        "Unable to find shared memory region: 'nope'"
      ),
      (#""shared_memory_region":"a","shared_memory_byte_size":2049"#, "Invalid offset + byte size"),
      (
        #""shared_memory_region":"a","shared_memory_byte_size":1,"shared_memory_offset":18446744073709551615"#,
        "Invalid offset"
      ),
      (#""shared_memory_region":"a","shared_memory_byte_size":12"#, "input byte size mismatch for input 'x'"),
      (
        #""shared_memory_region":"a","shared_memory_byte_size":1028"#,
        "more than 1024 bytes of inputs in shared memory"
      ),
      (#""shared_memory_region":"a""#, "go together"),
    ]
    for (input, words) in inputs {
      let answer = try infer(input, output: "")
      #expect(answer.status == 400)
      #expect(answer.text.contains(words), "\(answer.text)")
    }
    let small = try infer(good, output: #""shared_memory_region":"b","shared_memory_byte_size":8"#)
    #expect(small.status == 400)
    #expect(small.text.contains("should be at least 16 bytes to hold the results"), "\(small.text)")
    let both = try infer(
      good, output: #""shared_memory_region":"b","shared_memory_byte_size":8,"classification":1"#)
    #expect(both.status == 400)
  }

  @Test func anObjectThatIsMadeShorterIsAnErrorAndNoFault() throws {
    #expect(try register("in", byteCount: 4096).status == 200)
    ftruncate(memory.descriptor, 8)
    let region = #""shared_memory_region":"in","shared_memory_byte_size":16"#
    let answer = try infer(region, output: "")
    #expect(answer.status == 400)
    #expect(answer.text.contains("has been made shorter"), "\(answer.text)")
  }
}
