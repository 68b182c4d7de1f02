import ArgumentParser
import PluginHost
import Tensors

/// What a check tries, in this order.
enum CheckStage: String, CaseIterable, ExpressibleByArgument {
  case load, describe, example, shapes, batches, threads, cancellation, leaks, time

  var title: String {
    switch self {
    case .load: "load: symbols, version of the ABI, the plugin's table"
    case .describe: "describe: a model is created, says what it takes and gives, and is destroyed"
    case .example: "example: requests are answered with success"
    case .shapes: "shapes: random and hostile sizes and values are answered"
    case .batches: "batches: rows of several requests together give what they give alone"
    case .threads: "threads: calls at once, as declared, give what they give one by one"
    case .cancellation: "cancellation: requests whose client has gone end, and end once"
    case .leaks: "leaks: memory and descriptors stay as they are"
    case .time: "time: of a call"
    }
  }

  /// The others make no sense without it.
  var isNeededByTheRest: Bool { self == .load || self == .describe }

  func run(_ subject: CheckSubject) -> StageOutcome {
    var outcome = StageOutcome()
    do {
      if self == .load {
        let plugin = try Plugin(path: subject.file, services: subject.services)
        outcome.note("\(plugin.name) \(plugin.version)")
      } else {
        try run(subject, subject.load(), &outcome)
      }
    } catch let error as PluginError {
      outcome.find(error.message)
    } catch {
      outcome.find("\(error)")
    }
    for fault in subject.faults { outcome.find(fault) }
    return outcome
  }

  private func run(_ subject: CheckSubject, _ model: PluginModel, _ outcome: inout StageOutcome) throws {
    switch self {
    case .load: break
    case .describe:
      for line in ModelInspection.summary(of: model.description).split(separator: "\n") {
        outcome.note(String(line.drop { $0 == " " }))
      }
    case .example: try AnswerStages(subject, model).example(&outcome)
    case .shapes: AnswerStages(subject, model).shapes(&outcome)
    case .batches: try AnswerStages(subject, model).batches(&outcome)
    case .threads: try ConcurrencyStages(subject, model).threads(&outcome)
    case .cancellation: try ConcurrencyStages(subject, model).cancellation(&outcome)
    case .leaks: try ResourceStages(subject, model).leaks(&outcome)
    case .time: try ResourceStages(subject, model).time(&outcome)
    }
  }
}
