internal import CSwervePlugin

/// The server as a model sees it: its log, threads, kernels, memory and metrics, on this model's
/// account. Valid from the model's init until its deinit has ended.
///
/// Unchecked: the tables behind the pointers are constant and their functions are for any thread.
public struct ModelHost: @unchecked Sendable {
  public enum LogLevel: Int32, Sendable { case debug, info, warning, error }

  let table: UnsafePointer<swerve_host>
  let threads: UnsafePointer<swerve_threads>?
  let kernels: UnsafePointer<swerve_kernels>?
  let memory: UnsafePointer<swerve_memory>?
  let metrics: UnsafePointer<swerve_metrics>?
  let models: UnsafePointer<swerve_models>?
  let config: UnsafePointer<swerve_config>?

  init(_ table: UnsafePointer<swerve_host>) {
    func service<Table>(_ id: String, as _: Table.Type) -> UnsafePointer<Table>? {
      guard let found = table.pointee.extension(table, id),
        found.load(as: Int.self) >= MemoryLayout<Table>.size
      else { return nil }
      return found.assumingMemoryBound(to: Table.self)
    }
    self.table = table
    threads = service(SWERVE_THREADS, as: swerve_threads.self)
    kernels = service(SWERVE_KERNELS, as: swerve_kernels.self)
    memory = service(SWERVE_MEMORY, as: swerve_memory.self)
    metrics = service(SWERVE_METRICS, as: swerve_metrics.self)
    models = service(SWERVE_MODELS, as: swerve_models.self)
    config = service(SWERVE_CONFIG, as: swerve_config.self)
  }

  /// The server's version, for example "1.0.0".
  public var serverVersion: String { table.pointee.version.map { String(cString: $0) } ?? "" }

  /// Writes one line to the server's log.
  public func log(_ level: LogLevel, _ message: String) {
    table.pointee.log(table, level.rawValue, message)
  }

  /// How many bodies of `parallelFor` run at once at most.
  public var parallelWidth: Int { threads.map { Int($0.pointee.width(table)) } ?? 1 }

  /// Runs `body` for 0 ..< `count`, spread over the server's threads and this one, and returns when
  /// all are done. Calls of `body` run at the same time: each must write its own memory only.
  public func parallelFor(_ count: Int, _ body: (Int) -> Void) {
    guard let threads, count > 1 else {
      for index in 0..<max(count, 0) { body(index) }
      return
    }
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { context in
        threads.pointee.parallel_for(
          table, count,
          { context, index in context!.assumingMemoryBound(to: ((Int) -> Void).self).pointee(index) },
          UnsafeMutableRawPointer(mutating: context))
      }
    }
  }
}
