import Bytes
import JSON
import Serving

/// When one inference went through its phases, with Triton's names for them.
struct RequestTrace {
  let model: String
  let version: String
  /// What the client calls the request; empty if nothing.
  let request: String
  private(set) var times: [(name: StaticString, nanoseconds: Int64)] = []

  init(model: String, version: String, request: String) {
    self.model = model
    self.version = version
    self.request = request
  }

  /// Appends a time by the server's clock, which is none before those that stand there: clocks are read on several
  /// threads.
  mutating func append(_ name: StaticString, _ nanoseconds: Int64) {
    times.append((name, max(nanoseconds, times.last?.nanoseconds ?? 0)))
  }

  /// Appends the times of the model's execution; none if it never began.
  mutating func append(_ timing: InferenceTiming) {
    guard timing.startedAt > 0 else { return }
    let released = timing.startedAt - timing.assembly
    append("QUEUE_START", released - timing.queue)
    append("COMPUTE_START", released)
    append("COMPUTE_INPUT_END", timing.startedAt)
    append("COMPUTE_OUTPUT_START", timing.startedAt + timing.execute)
    append("COMPUTE_END", timing.startedAt + timing.execute)
  }

  /// Writes the two objects of a trace file that Triton's tools put together by their `id`.
  func write(to buffer: ByteBuffer, id: Int) {
    let json = JSONWriter(buffer)
    buffer.append("{\"id\":\(id),\"model_name\":")
    json.write(model)
    buffer.append(",\"model_version\":\(version)")
    if !request.isEmpty {
      buffer.append(",\"request_id\":")
      json.write(request)
    }
    buffer.append("},\n{\"id\":\(id),\"timestamps\":[")
    for (place, time) in times.enumerated() {
      buffer.append("\(place > 0 ? "," : ""){\"name\":\"\(time.name)\",\"ns\":\(time.nanoseconds)}")
    }
    buffer.append("]}")
  }
}
