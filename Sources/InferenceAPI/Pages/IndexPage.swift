import Bytes
import HTTP
import JSON
import Serving

extension InferenceService {
  /// What this server is and what it serves: JSON, or a page for a browser.
  func answerIndex(_ exchange: Exchange) {
    let models = catalog.allModels
    guard AcceptField.prefersHTML(exchange.header("Accept")) else {
      return exchange.respond(status: 200, headers: [("Vary", "Accept")]) {
        ServerDocuments.index(identity, models).write(to: $0, pretty: true)
      }
    }
    exchange.respond(status: 200, contentType: "text/html; charset=utf-8", headers: [("Vary", "Accept")]) {
      IndexPage(identity: identity, models: models).write(to: $0)
    }
  }
}

/// The index as HTML, without scripts.
struct IndexPage {
  let identity: ServerIdentity
  let models: [any InferenceModel]

  func write(to buffer: ByteBuffer) {
    let title = IndexPage.escaped("\(identity.name) \(identity.version)")
    buffer.append(
      """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8"><title>\(title)</title>
      <meta name="viewport" content="width=device-width">
      <style>body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}
      td,th{text-align:left;padding:.2em 1em .2em 0}</style></head>
      <body><h1>\(title)</h1><p>\(IndexPage.escaped(ServerDocuments.summary))</p>

      """)
    writeModels(to: buffer)
    buffer.append("<p>")
    for link in ServerDocuments.links { buffer.append("<a href=\"\(link.path)\">\(link.path)</a> ") }
    buffer.append("</p></body></html>\n")
  }

  private func writeModels(to buffer: ByteBuffer) {
    guard !models.isEmpty else { return buffer.append("<p>No models.</p>\n") }
    buffer.append("<table><tr><th>model</th><th>version</th><th>state</th></tr>\n")
    for model in models {
      let path = "/v2/models/\(PathText.encoded(model.name))/versions/\(model.version)"
      var state = model.state.name
      if case .failed(let reason) = model.state { state += ": " + reason }
      buffer.append(
        "<tr><td><a href=\"\(path)\">\(IndexPage.escaped(model.name))</a></td><td>\(model.version)</td>"
          + "<td>\(IndexPage.escaped(state))</td></tr>\n")
    }
    buffer.append("</table>\n")
  }

  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

/// The `Accept` field (RFC 9110, section 12.5.1), as far as the index needs it.
enum AcceptField {
  /// Whether `text/html` is asked for, and not less than `application/json`.
  static func prefersHTML(_ field: String?) -> Bool {
    guard let field else { return false }
    var html = 0.0
    var json = 0.0
    for range in field.split(separator: ",", maxSplits: 64) {
      let parts = range.split(separator: ";")
      guard let type = parts.first.map({ trimmed($0).lowercased() }) else { continue }
      let quality = parts.dropFirst().map(trimmed).first { $0.hasPrefix("q=") || $0.hasPrefix("Q=") }
      let weight = quality.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
      if type == "text/html" { html = weight }
      if type == "application/json" { json = weight }
    }
    return html > 0 && html >= json
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while text.first == " " || text.first == "\t" { text.removeFirst() }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return text
  }
}
