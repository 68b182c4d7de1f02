internal import CKernels

/// The threads that one kernel call may use: itself only, an in-process `ThreadPool`, or a function of
/// the host's (threads/1).
public struct ThreadTeam: Sendable {
  /// Runs `body(context, 0)` … `body(context, count - 1)` and returns when all are done.
  public typealias Body = @convention(c) (_ context: UnsafeMutableRawPointer?, _ index: Int) -> Void
  /// The shape of threads/1's `parallel_for`.
  public typealias ParallelFor =
    @convention(c) (_ count: Int, _ body: Body?, _ context: UnsafeMutableRawPointer?) -> Void
  /// `ParallelFor` with a context of the threads' owner.
  public typealias ContextualParallelFor =
    @convention(c) (
      _ owner: UnsafeMutableRawPointer?, _ count: Int, _ body: Body?, _ context: UnsafeMutableRawPointer?
    ) -> Void

  private enum Source: Sendable {
    case caller
    case pool(ThreadPool)
    case function(ParallelFor)
    case contextualFunction(ContextualParallelFor, owner: OwnerPointer)
  }

  /// Outlives every team made of it, as `init(width:context:run:)` demands, and is only passed back.
  private struct OwnerPointer: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer?
  }

  /// How many threads work at once, the caller's included; at least 1. Kernels size their jobs by it.
  public let width: Int
  private let source: Source

  /// The calling thread alone.
  public static let single = ThreadTeam(width: 1, source: .caller)

  private init(width: Int, source: Source) {
    self.width = max(width, 1)
    self.source = source
  }

  /// The calling thread and the pool's workers.
  public init(_ pool: ThreadPool) {
    self.init(width: pool.workerCount + 1, source: .pool(pool))
  }

  /// Threads of someone else, such as a plugin's host.
  ///
  /// - Parameter run: called from any thread; must return only when every body has returned.
  public init(width: Int, run: ParallelFor) {
    self.init(width: width, source: .function(run))
  }

  /// As `init(width:run:)`, with a context that `run` gets back. It must stay valid as long as the team.
  public init(width: Int, context: UnsafeMutableRawPointer?, run: ContextualParallelFor) {
    self.init(width: width, source: .contextualFunction(run, owner: OwnerPointer(pointer: context)))
  }

  /// Runs `body(0)` … `body(count - 1)`, each once, in no order; returns when all are done.
  public func parallelFor(_ count: Int, _ body: (Int) -> Void) {
    if count <= 1 || width == 1 {
      for index in 0..<max(count, 0) { body(index) }
      return
    }
    var held: HeldClosure = (0, 0)
    withUnsafeMutablePointer(to: &held) { held in
      holdClosure(body, held)
      parallelFor(count, context: UnsafeMutableRawPointer(held), kernels_call_closure)
    }
  }

  /// As `parallelFor(_:_:)` for a C function.
  public func parallelFor(_ count: Int, context: UnsafeMutableRawPointer?, _ body: Body) {
    switch source {
    case .caller: for index in 0..<max(count, 0) { body(context, index) }
    case .pool(let pool): pool.parallelFor(count, context: context, body)
    case .function(let run): run(max(count, 0), body, context)
    case .contextualFunction(let run, let owner): run(owner.pointer, max(count, 0), body, context)
    }
  }
}

/// The two words of a closure, laid out as `kernels_closure`.
private typealias HeldClosure = (code: UInt, context: UInt)

/// Keeps a closure's words for the time of the call that it was passed to: no retain, no allocation.
@_silgen_name("kernels_hold_closure")
private func holdClosure(_ body: (Int) -> Void, _ target: UnsafeMutablePointer<HeldClosure>)
