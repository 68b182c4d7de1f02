import ArgumentParser
import Bytes
import JSON
import ModelFiles
import PluginHost
import Serving
import Tensors

/// Prints what a model says of itself, as JSON.
struct Describe: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints a model's versions, inputs, outputs and batching as JSON.",
    discussion: "The model is loaded as `serve` would load it; nothing is served.")

  @Argument(help: "A model folder, models/NAME.")
  var model: String

  @Option(help: "A folder of plugins, searched before the built-in ones. May be given again.")
  var plugins: [String] = []

  func run() throws {
    guard Files.isDirectory(model) else { throw Refusal("\(model): no such folder") }
    let inspection = ModelInspection(path: model, extraPluginDirectories: plugins)
    var versions: [JSONValue] = []
    var isRefused = false
    for source in inspection.sources {
      do throws(PluginError) {
        let (plugin, loaded) = try inspection.load(source)
        versions.append(Describe.document(source, plugin, loaded.description))
      } catch {
        isRefused = true
        versions.append(
          .object([("version", .string("\(source.version)")), ("refused", .string(error.message))]))
      }
    }
    let document = JSONValue.object([
      ("name", .string(inspection.sources.first?.name ?? model)), ("versions", .array(versions)),
    ])
    let buffer = ByteBuffer()
    document.write(to: buffer, pretty: true)
    print(String(decoding: buffer.bytes, as: UTF8.self))
    if isRefused { throw ExitCode(1) }
  }

  private static func document(_ source: ModelSource, _ plugin: Plugin, _ description: ModelDescription)
    -> JSONValue
  {
    var members: [(String, JSONValue)] = [
      ("version", .string("\(source.version)")),
      ("plugin", .string("\(plugin.name) \(plugin.version)")),
      ("inputs", .array(description.inputs.map(tensor))),
      ("outputs", .array(description.outputs.map(tensor))),
      ("max_batch", .integer(Int64(description.maximumBatch))),
      ("concurrency", .string(description.concurrency == .serial ? "serial" : "concurrent")),
    ]
    let notes = source.configuration.notes
    if !notes.isEmpty { members.append(("without_effect", .array(notes.map { .string($0) }))) }
    return .object(members)
  }

  private static func tensor(_ spec: TensorSpec) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("name", .string(spec.name)), ("datatype", .string(spec.datatype.name)),
      ("shape", .array(spec.shape.map { .integer(Int64($0)) })),
    ]
    if spec.isOptional { members.append(("optional", .bool(true))) }
    if !spec.labels.isEmpty { members.append(("labels", .array(spec.labels.map { .string($0) }))) }
    return .object(members)
  }
}
