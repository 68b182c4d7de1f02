public import CSwervePlugin
import PluginKit

private let plugin = PluginTable(name: "onnx", version: "1.0.0", model: OnnxModel.self, tool: OnnxTool.run)

/// The one symbol that the server looks for.
@c(swerve_plugin_entry)
public func entry(_ host: UnsafePointer<swerve_host>?) -> UnsafePointer<swerve_plugin>? { plugin.pointer }
