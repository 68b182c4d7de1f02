import HTTP
import Testing

private let router = Router<Int>([
  Route(.get, "/", 0),
  Route(.get, "/v2", 1),
  Route(.get, "/v2/models/{model}", 2),
  Route(.post, "/v2/models/{model}/infer", 3),
  Route(.get, "/v2/models/{model}/versions/{version}", 4),
  Route(.post, "/v2/models/{model}/versions/{version}/infer", 5),
  Route(.get, "/v1/models/{model}", 6),
  Route(.post, "/v1/models/{model}:predict", 7),
  Route(.post, "/v1/models/{model}/versions/{version}:predict", 8),
  Route(.post, "/v1/models/{model}:classify", 9),
  Route(.get, "/v2/models/stats", 10),
  Route(.head, "/v2/models/stats", 11),
])

private func found(_ method: Method, _ path: String) -> (Int, PathParameters)? {
  guard case .found(let endpoint, let parameters) = router.match(method, path) else { return nil }
  return (endpoint, parameters)
}

@Test(arguments: [
  (Method.get, "/", 0), (.get, "/v2", 1), (.get, "/v2/", 1), (.get, "/v2/models/m", 2),
  (.post, "/v2/models/m/infer", 3), (.get, "/v2/models/m/versions/3", 4), (.get, "/v1/models/m", 6),
  (.post, "/v1/models/m:predict", 7), (.post, "/v1/models/a:b:predict", 7),
  (.post, "/v1/models/m/versions/2:predict", 8), (.post, "/v1/models/m:classify", 9),
  (.get, "/v1/models/m:other", 6), (.get, "/v2/models/stats", 10), (.head, "/v2/models/stats", 11),
  (.head, "/v2/models/m", 2), (.post, "/v2/models/stats/infer", 3), (.get, "/v1/models/:predict", 6),
])
func routerFindsTheMostSpecificRoute(method: Method, path: String, endpoint: Int) {
  #expect(found(method, path)?.0 == endpoint)
}

@Test(arguments: [
  "", "/v3", "v2", "/v2/models", "/v2/models/", "//v2", "/v2//", "/v2/models//infer", "/v2/models/m/infer/x",
  "/v2/models/m/", "//", "/V2",
])
func routerFindsNothingForOtherPaths(path: String) {
  let match = router.match(.get, path)
  if path == "/v2/models/m/" {
    #expect(found(.get, path)?.0 == 2, "one slash at the end is ignored")
    return
  }
  guard case .notFound = match else {
    Issue.record("\(path) matched: \(match)")
    return
  }
}

@Test func routerNamesParameters() throws {
  let (_, parameters) = try #require(found(.post, "/v2/models/mnist/versions/12/infer"))
  #expect(parameters["model"] == "mnist")
  #expect(parameters["version"] == "12")
  #expect(parameters["absent"] == nil)
  #expect(parameters.count == 2)
  #expect(found(.post, "/v1/models/a:b:predict")?.1["model"] == "a:b")
}

@Test func routerDecodesKeptEscapesInParametersOnly() {
  #expect(found(.get, "/v2/models/org%2Fmodel")?.1["model"] == "org/model")
  #expect(found(.get, "/v2/models/100%25")?.1["model"] == "100%")
  #expect(found(.get, "/v2/models/a%252Fb")?.1["model"] == "a%2Fb")
  #expect(found(.get, "/v2/models/größe")?.1["model"] == "größe")
  #expect(found(.get, "/v2%2Fmodels/m") == nil)
}

@Test func routerListsAllowedMethods() {
  guard case .methodNotAllowed(let allow) = router.match(.delete, "/v2/models/m") else {
    Issue.record("expected method not allowed")
    return
  }
  #expect(Method.allowList(allow) == "GET, HEAD, OPTIONS")
  guard case .methodNotAllowed(let posted) = router.match(.get, "/v1/models/m:predict") else {
    Issue.record("expected method not allowed")
    return
  }
  #expect(Method.allowList(posted) == "POST, OPTIONS")
  guard case .options(let options) = router.match(.options, "/v2/models/m/infer") else {
    Issue.record("expected options")
    return
  }
  #expect(Method.allowList(options) == "POST, OPTIONS")
}

@Test func routerBacktracksFromALiteralThatLeadsNowhere() {
  let router = Router<Int>([
    Route(.get, "/a/b/c", 1), Route(.get, "/a/{x}/d", 2), Route(.get, "/{y}/b/e", 3),
  ])
  guard case .found(2, let parameters) = router.match(.get, "/a/b/d") else {
    Issue.record("expected the second route")
    return
  }
  #expect(parameters["x"] == "b")
  guard case .found(3, let outer) = router.match(.get, "/a/b/e") else {
    Issue.record("expected the third route")
    return
  }
  #expect(outer["y"] == "a")
  #expect(outer.count == 1)
}
