// The entry point of the onnx plugin.
