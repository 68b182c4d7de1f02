/// What is wrong in a configuration: which setting, in which line, and what was expected.
public struct ConfigurationFault: Error, CustomStringConvertible, Equatable {
  public var description: String

  public init(_ description: String) { self.description = description }
}
