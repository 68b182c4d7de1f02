import ArgumentParser

struct Serve: ParsableCommand {
  @OptionGroup var options: ServeOptions
}
