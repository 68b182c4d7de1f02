/// The files that a model is read from.
struct ModelSource: Sendable {
  let model: MappedFile
  let external: ExternalData

  init(path: String) throws {
    model = try MappedFile(path: path)
    external = ExternalData(modelPath: path)
  }

  /// Throws if one of them was written to since it was opened.
  func checkUnchanged() throws {
    try model.checkUnchanged()
    try external.checkUnchanged()
  }
}
