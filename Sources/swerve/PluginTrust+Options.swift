import ModelFiles
import PluginHost

extension PluginTrust {
  /// Throws what is wrong with the list: a server that is given one does not start without it.
  init(_ options: ServeOptions) throws {
    self.init(allowsWritableByAll: options.trustWritablePlugins)
    guard let path = options.pluginChecksums else { return }
    guard let list = Files.text(path) else {
      throw Refusal("--plugin-checksums \(path): no such file, or it cannot be read")
    }
    do throws(ListError) { checksums = try PluginTrust.checksums(in: list) } catch {
      throw Refusal("--plugin-checksums \(path): line \(error.line): \(error.message)")
    }
  }
}
