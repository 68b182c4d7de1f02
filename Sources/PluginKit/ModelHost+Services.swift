internal import CSwervePlugin

extension ModelHost {
  /// The instruction set that kernels keep to, "avx2" for example; nil if the server does not say.
  public var instructionSet: String? { kernels?.pointee.instruction_set.map { String(cString: $0) } }

  /// C[m,n] = alpha × op(A)[m,k] × op(B)[k,n] + beta × C on the server's kernels; row-major matrices,
  /// `lda`, `ldb`, `ldc` floats from row to row.
  public func multiply(
    m: Int, n: Int, k: Int, alpha: Float = 1,
    _ a: UnsafePointer<Float>, lda: Int, transposed transposedA: Bool = false,
    _ b: UnsafePointer<Float>, ldb: Int, transposed transposedB: Bool = false,
    beta: Float = 0, into c: UnsafeMutablePointer<Float>, ldc: Int
  ) throws(ModelError) {
    guard let kernels else { throw ModelError(.unsupported, "this server has no kernels/1") }
    let status = kernels.pointee.sgemm(
      table, transposedA, transposedB, Int64(m), Int64(n), Int64(k), alpha, a, Int64(lda), b, Int64(ldb),
      beta, c, Int64(ldc))
    guard status == SWERVE_OK else {
      throw ModelError(
        .invalidArgument, "sgemm refused m=\(m) n=\(n) k=\(k) lda=\(lda) ldb=\(ldb) ldc=\(ldc)")
    }
  }

  /// Memory, 64-byte aligned and not zeroed, that the server counts as the model's. Nil when its limit
  /// is reached. Release it with `release`, at the latest in the model's deinit.
  public func allocate(byteCount: Int) -> UnsafeMutableRawPointer? {
    guard byteCount >= 0, let memory else { return nil }
    return memory.pointee.allocate(table, byteCount)
  }

  /// Gives back what `allocate` returned.
  public func release(_ block: UnsafeMutableRawPointer?) { memory?.pointee.release(table, block) }

  /// A number on the server's metrics page that only grows. Register it in the model's init.
  public func counter(_ name: String, help: String) -> Metric {
    Metric(metrics?.pointee.counter(table, name, help), metrics)
  }

  /// A number on the server's metrics page that goes up and down.
  public func gauge(_ name: String, help: String) -> Metric {
    Metric(metrics?.pointee.gauge(table, name, help), metrics)
  }

  /// A distribution on the server's metrics page; `bounds` are its buckets' upper bounds, ascending.
  public func histogram(_ name: String, help: String, bounds: [Double]) -> Metric {
    guard let count = UInt32(exactly: bounds.count) else { return Metric(nil, nil) }
    return Metric(metrics?.pointee.histogram(table, name, help, bounds, count), metrics)
  }
}

/// The model's configuration, read by the server: paths are names and positions with dots between them, as in
/// `labels.0.name`. Each is nil where there is nothing, or something of another type.
extension ModelHost {
  public func number(_ path: String) -> Double? {
    var value = 0.0
    return config?.pointee.number(table, path, &value) == true ? value : nil
  }

  public func integer(_ path: String) -> Int? {
    var value: Int64 = 0
    return config?.pointee.integer(table, path, &value) == true ? Int(value) : nil
  }

  public func boolean(_ path: String) -> Bool? {
    var value = false
    return config?.pointee.boolean(table, path, &value) == true ? value : nil
  }

  public func text(_ path: String) -> String? {
    var value: UnsafePointer<CChar>?
    guard config?.pointee.text(table, path, &value) == true else { return nil }
    return value.map { String(cString: $0) }
  }

  /// How many elements the list or the object has.
  public func count(_ path: String) -> Int? {
    let count = config?.pointee.count(table, path) ?? -1
    return count >= 0 ? Int(count) : nil
  }
}

/// A metric of a model. One that the server refused, and said so in its log, records nothing.
///
/// Unchecked: the handle is constant and recording is for any thread.
public struct Metric: @unchecked Sendable {
  private let handle: OpaquePointer?
  private let metrics: UnsafePointer<swerve_metrics>?

  init(_ handle: OpaquePointer?, _ metrics: UnsafePointer<swerve_metrics>?) {
    self.handle = handle
    self.metrics = metrics
  }

  /// A counter grows by `value`, a whole number; a gauge becomes it; a histogram counts it.
  public func record(_ value: Double) { metrics?.pointee.record(handle, value) }
}
