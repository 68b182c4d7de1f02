internal import CSwervePlugin
internal import Telemetry
internal import Tensors

/// The functions of `swerve_host`. Each finds the model it is called for by the host's pointer.
enum HostTable {
  static func make(name: UnsafePointer<CChar>?, version: UnsafePointer<CChar>?) -> swerve_host {
    var table = swerve_host()
    table.struct_size = MemoryLayout<swerve_host>.size
    table.abi_major = UInt16(SWERVE_ABI_MAJOR)
    table.abi_minor = UInt16(SWERVE_ABI_MINOR)
    table.name = name
    table.version = version
    table.log = { host, level, message in
      if let message { HostBinding.behind(host)?.log(level, message) }
    }
    table.request_info = { host, request in
      let handle = UInt(bitPattern: request)
      if let information = RequestSlot.find(handle)?.information(handle) { return information }
      HostBinding.behind(host)?.report(.deadRequest, HostTable.deadRequest("request_info"))
      return nil
    }
    table.is_cancelled = { _, request in
      let handle = UInt(bitPattern: request)
      return RequestSlot.find(handle)?.isCancelled(handle) ?? true
    }
    table.output = addOutput
    table.bytes = addBytes
    table.send = send
    table.finish = finish
    table.extension = { host, id in
      guard let id, let binding = HostBinding.behind(host) else { return nil }
      return binding.services.table(of: excerpt(id))
    }
    return table
  }

  fileprivate static func deadRequest(_ function: String) -> String {
    "\(function) was called with a request that is finished, or never was"
  }
}

private func addOutput(
  _ host: UnsafePointer<swerve_host>?, _ batch: UnsafePointer<swerve_batch>?, _ name: UnsafePointer<CChar>?,
  _ dtype: Int32, _ rank: UInt32, _ dims: UnsafePointer<Int64>?
) -> UnsafeMutablePointer<swerve_tensor>? {
  guard let binding = HostBinding.behind(host) else { return nil }
  guard let batch, let name, dims != nil || rank == 0 else {
    binding.report(.nullArgument, "output was called with NULL")
    return nil
  }
  guard rank <= SWERVE_MAX_RANK else {
    binding.fault(
      "output \"\(excerpt(name))\" was added with rank \(rank); at most \(SWERVE_MAX_RANK) is possible")
    return nil
  }
  var shape = Shape()
  for axis in 0..<Int(rank) { shape.append(Int(dims![axis])) }
  let token = batch.pointee.token
  guard let execution = BatchExecution.find(token: token) else {
    binding.report(.deadBatch, "output was called with a batch that never was")
    return nil
  }
  switch execution.addOutput(token: token, name: name, dtype: dtype, shape: shape) {
  case .success(let output): return output.tensor
  case .failure(let error):
    binding.fault(error.message)
    return nil
  }
}

private func addBytes(
  _ host: UnsafePointer<swerve_host>?, _ batch: UnsafePointer<swerve_batch>?, _ size: Int
) -> UnsafeMutableRawPointer? {
  guard let binding = HostBinding.behind(host) else { return nil }
  guard let token = batch?.pointee.token, let execution = BatchExecution.find(token: token) else {
    binding.report(.deadBatch, "bytes was called with a batch that never was")
    return nil
  }
  switch execution.addBytes(token: token, size: size) {
  case .success(let memory): return memory.base
  case .failure(let error):
    binding.fault(error.message)
    return nil
  }
}

private func send(
  _ host: UnsafePointer<swerve_host>?, _ request: OpaquePointer?, _ tensors: UnsafePointer<swerve_tensor>?,
  _ count: UInt32
) -> swerve_status {
  guard let binding = HostBinding.behind(host) else { return swerve_status(SWERVE_INVALID_ARGUMENT) }
  let handle = UInt(bitPattern: request)
  guard let slot = RequestSlot.find(handle), let (request, model) = slot.beginSending(handle) else {
    binding.report(.deadRequest, HostTable.deadRequest("send"))
    return swerve_status(SWERVE_INVALID_ARGUMENT)
  }
  var isDelivered = false
  defer { slot.endSending(streamed: isDelivered) }
  if request.isCancelled { return swerve_status(SWERVE_CANCELLED) }
  do throws(PluginError) {
    let chunk = try StreamedChunk(model: model).copy(tensors, count)
    isDelivered = request.receiver.receive(chunk: chunk)
    return swerve_status(isDelivered ? SWERVE_OK : SWERVE_CANCELLED)
  } catch {
    binding.fault(error.message)
    return error.status.rawValue
  }
}

private func finish(
  _ host: UnsafePointer<swerve_host>?, _ request: OpaquePointer?, _ code: Int32,
  _ message: UnsafePointer<CChar>?
) {
  guard let binding = HostBinding.behind(host) else { return }
  let handle = UInt(bitPattern: request)
  guard let closed = RequestSlot.find(handle)?.close(handle) else {
    binding.report(.deadRequest, HostTable.deadRequest("finish"))
    return
  }
  let status = PluginStatus(ending: code)
  if status.rawValue != code {
    binding.report(.badStatus, "finish was called with \(code), which is no status a request can end with")
  }
  let sentence = message.map { text($0, limit: 4096) } ?? (status == .ok ? "" : status.sentence)
  closed.execution.finish(closed, status, sentence)
}
