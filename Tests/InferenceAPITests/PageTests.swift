import Foundation
import HTTP
import Testing

@testable import InferenceAPI

@Suite struct PageTests {
  static let accepts: [(String?, Bool)] = [
    (nil, false), ("*/*", false), ("application/json", false), ("text/html", true),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
    ("text/html;q=0.5, application/json", false), ("text/html;q=0", false), ("TEXT/HTML ; q=0.5", true),
    ("text/html;q=x", false), (",;,", false),
  ]

  @Test(arguments: accepts) func onlyWhoPrefersHTMLGetsIt(_ field: String?, _ expected: Bool) {
    #expect(AcceptField.prefersHTML(field) == expected)
  }

  @Test func namesAreEscapedForPathsAndPages() {
    #expect(PathText.encoded("a/b c%é-._~9") == "a%2Fb%20c%25%C3%A9-._~9")
    #expect(IndexPage.escaped("<b a=\"1\">&") == "&lt;b a=&quot;1&quot;&gt;&amp;")
  }

  /// Method and path of every operation in openapi.yaml, read off its indentation.
  private static func describedRoutes() throws -> Set<String> {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try String(contentsOf: root.appendingPathComponent("openapi.yaml"), encoding: .utf8)
    var routes: Set<String> = []
    var path = ""
    var isInPaths = false
    for line in text.split(separator: "\n") {
      if !line.hasPrefix(" ") { isInPaths = line == "paths:" }
      guard isInPaths else { continue }
      if line.hasPrefix("  /") { path = String(line.dropFirst(2).dropLast()) }
      for method in ["get", "post", "put", "delete"] where line == "    \(method):" {
        routes.insert("\(method.uppercased()) \(path)")
      }
    }
    return routes
  }

  @Test func everyRouteIsDescribedAndEveryDescriptionIsARoute() throws {
    let served = Set(Routes.all.map { "\($0.method.name) \($0.pattern)" })
    #expect(served.count == Routes.all.count)
    #expect(try Self.describedRoutes() == served)
  }
}
