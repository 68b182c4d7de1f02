import Foundation
import TestSupport
import Testing

@Suite struct LifecycleTests {
  @Test func itListensBeforeModelsAreLoadedAndEndsCleanlyOnSIGTERM() throws {
    let server = try ServerProcess(models: ["models"], untilReady: false)
    #expect(try server.get("/livez").status == 200)
    #expect(try server.waits { try server.get("/readyz").status == 200 })
    server.process.terminate()
    server.process.waitUntilExit()
    #expect(server.process.terminationReason == .exit)
    #expect(server.process.terminationStatus == 0, "\(server.log)")
  }

  @Test func aModelThatAppearsIsServedAndOneThatGoesIsNot() throws {
    let folder = try TemporaryFolder()
    let server = try ServerProcess(models: [folder.path], arguments: ["--poll-seconds", "0.1"])
    #expect(try server.get("/v2/models/late").status == 404)
    try folder.copy("models/half_plus_two", to: "late")
    #expect(try server.waits { try server.get("/v2/models/late/ready").status == 200 })
    let answer = try server.post("/v1/models/late:predict", #"{"inputs":[1.0]}"#)
    #expect(answer.object["outputs"] as? [Double] == [2.5])
    try FileManager.default.removeItem(atPath: folder.path + "/late")
    #expect(try server.waits { try server.get("/v2/models/late").status == 404 })
  }

  @Test func aNewVersionReplacesTheOldWithoutAFailedRequest() throws {
    let folder = try TemporaryFolder()
    try folder.copy("models/half_plus_two", to: "m")
    let server = try ServerProcess(models: [folder.path], arguments: ["--poll-seconds", "0.1"])
    try folder.write("m/2/README.md", "the second version")
    let client = try server.client()
    var versions: [String] = []
    let isReplaced = try server.waits {
      let answer = try client.post(
        "/v2/models/m/infer", #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[2]}]}"#)
      #expect(answer.status == 200, "\(answer.text)")
      versions.append(answer.object["model_version"] as? String ?? "")
      return versions.last == "2"
    }
    #expect(isReplaced)
    #expect(versions.first == "1")
    #expect(try server.waits { try server.get("/v2/models/m/versions/1").status == 404 })
  }

  @Test func aPortInUseIsSaidAndEndsTheProcess() throws {
    let first = try ServerProcess(models: ["models"], untilReady: false)
    let second = try Command([
      Checkout.products + "/swerve", "serve", "--models", "models", "--port", String(first.port),
    ])
    #expect(second.status != 0)
    #expect(second.error.contains(String(first.port)), "\(second.error)")
  }

  @Test func aMissingRepositoryIsSaidAtOnce() throws {
    let run = try Command([
      Checkout.products + "/swerve", "serve", "--models", "/no/such/folder", "--port", "0",
    ])
    #expect(run.status != 0)
    #expect(run.error.contains("/no/such/folder"), "\(run.error)")
  }
}

/// How a server goes: as a container engine, a load balancer and an operator see it.
@Suite struct StoppingTests {
  /// A folder with a model, named `slow`, that takes a second for a request.
  private func slowFolder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let plain = try String(
      contentsOfFile: Checkout.root + "/plugins/half_plus_two/half_plus_two.c", encoding: .utf8)
    let source = try folder.write(
      "slow.c",
      "#include <unistd.h>\n"
        + plain.replacingOccurrences(
          of: "float *to = y->data;", with: "float *to = y->data; if (*from) sleep(1);")
    )
    try FileManager.default.createDirectory(
      atPath: folder.path + "/models/slow/1", withIntermediateDirectories: true)
    let built = try Command([
      "cc", "-shared", "-fPIC", "-I", Checkout.root + "/Sources/CSwervePlugin/include", source, "-o",
      folder.path + "/models/slow/1/plugin.so",
    ])
    try #require(built.status == 0, "\(built.error)")
    return folder
  }

  private let infer = "POST /v2/models/slow/infer HTTP/1.1\r\nHost: a\r\nContent-Length: "
  private let body = #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[2]}]}"#
  private var request: String { infer + "\(body.utf8.count)\r\n\r\n" + body }

  @Test func whileItDrainsItIsNotReadyAndServesAll() throws {
    let server = try ServerProcess(models: ["models"], arguments: ["--drain-seconds", "1.5"])
    let idle = try server.client()
    #expect(try idle.get("/readyz").status == 200)
    server.process.terminate()
    #expect(try server.waits { try server.get("/readyz").status == 503 })
    #expect(try server.get("/readyz").text.contains("stopping"))
    let fresh = try server.client().get("/livez")
    #expect(fresh.status == 200 && fresh.headers["connection"] == "close")
    #expect(try idle.post("/v1/models/half_plus_two:predict", #"{"instances":[1.0]}"#).status == 200)
    #expect(idle.isClosed)
    server.process.waitUntilExit()
    #expect(server.process.terminationStatus == 0, "\(server.log)")
  }

  @Test func requestsThatRunAreAnsweredBeforeItEnds() throws {
    let folder = try slowFolder()
    let server = try ServerProcess(models: [folder.path + "/models"])
    let client = try server.client()
    client.send(request)
    #expect(try server.waits { try server.get("/metrics").text.contains("swerve_executions_total{") })
    usleep(200_000)
    server.process.terminate()
    #expect(try client.response(to: "POST").status == 200)
    server.process.waitUntilExit()
    #expect(server.process.terminationStatus == 0, "\(server.log)")
  }

  @Test func theGraceEndsWhatDoesNotEnd() throws {
    let folder = try slowFolder()
    let server = try ServerProcess(
      models: [folder.path + "/models"], arguments: ["--grace-seconds", "0.3"])
    let clients = try (0..<8).map { _ in try server.client() }
    for client in clients { client.send(request) }
    usleep(300_000)
    server.process.terminate()
    server.process.waitUntilExit()
    #expect(server.process.terminationReason == .exit)
    #expect(server.process.terminationStatus == 0, "\(server.log)")
  }

  @Test func aSecondSignalEndsItAtOnce() throws {
    let server = try ServerProcess(models: ["models"], arguments: ["--drain-seconds", "3600"])
    server.process.terminate()
    #expect(try server.waits { try server.get("/readyz").status == 503 })
    server.process.interrupt()
    server.process.waitUntilExit()
    #expect(server.process.terminationStatus == 1, "\(server.log)")
  }

  @Test func itIsAliveWhileEveryWorkerIsBusy() throws {
    let folder = try slowFolder()
    let server = try ServerProcess(
      models: [folder.path + "/models"],
      arguments: ["--workers", "2", "--loops", "1", "--max-requests-in-flight", "6"])
    let clients = try (0..<8).map { _ in try server.client() }
    for client in clients { client.send(request) }
    usleep(200_000)
    #expect(try server.client(timeoutSeconds: 1).get("/livez").status == 200)
    #expect(try server.client(timeoutSeconds: 1).get("/metrics").status == 200)
    #expect(try server.client(timeoutSeconds: 1).get("/v2").status == 503, "the limit holds for the rest")
    let statuses = try clients.map { try $0.response(to: "POST").status }
    #expect(statuses.count { $0 == 200 } == 6 && statuses.count { $0 == 503 } == 2, "\(statuses)")
  }

  @Test(.enabled(if: geteuid() == 0, "making a namespace of processes needs root"))
  func asTheFirstProcessOfAContainerItEndsOnASignal() throws {
    let folder = try TemporaryFolder()
    let script = """
      unshare --pid --fork '\(Checkout.products)/swerve' serve --models models --port 0 >'\(folder.path)/out' &
      outer=$!
      while ! grep -q ready '\(folder.path)/out'; do sleep 0.05; done
      kill -TERM "$(pgrep -P $outer)"
      wait $outer
      echo "status $?"
      """
    let run = try Command(["timeout", "20", "sh", "-c", script])
    #expect(run.output.contains("status 0"), "\(run.output) \(run.error)")
  }

  /// It takes leave of orphans, but leaves its workers to those who want to know how they ended.
  @Test(.enabled(if: geteuid() == 0, "making a namespace of processes needs root"))
  func asTheFirstProcessOfAContainerItTellsHowWorkersEnd() throws {
    let folder = try TemporaryFolder()
    try folder.copy("models/half_plus_two", to: "models/m")
    let script = """
      unshare --pid --fork '\(Checkout.products)/swerve' serve --models '\(folder.path)/models' --port 0 \\
        --isolation process --worker-crashes 1000 >'\(folder.path)/out' 2>'\(folder.path)/log' &
      outer=$!
      while ! grep -q ready '\(folder.path)/out'; do sleep 0.05; done
      server=$(pgrep -P $outer)
      for round in 1 2 3 4 5; do
        while ! worker=$(pgrep -P $server); do sleep 0.05; done
        kill -KILL $worker
        while [ "$(grep -c 'SIGKILL' '\(folder.path)/log')" -lt $round ]; do sleep 0.05; done
      done
      nsenter --target $server --pid sh -c '(sleep 0.3 &) ; exit 0'
      sleep 0.6
      echo "zombies $(ps -o stat= --ppid $server | grep -c Z)"
      kill -TERM $server
      wait $outer
      echo "status $?"
      """
    let run = try Command(["timeout", "30", "sh", "-c", script])
    let log = try String(contentsOfFile: folder.path + "/log", encoding: .utf8)
    #expect(
      run.output.contains("zombies 0") && run.output.contains("status 0"), "\(run.output) \(run.error) \(log)"
    )
  }
}
