public import ArgumentParser
public import DMALedger

/// What a capture may cost, on the command line.
struct LimitOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Refuse zstd frames that need a larger window; windows that are open at the same time share it.",
      valueName: "size"))
  var memoryLimit = ByteSize(bytes: Analyzer.Options().memoryLimit)

  @Option(
    help: ArgumentHelp(
      "Read no more of a file than so many decompressed bytes; what is left out makes the verdict inconclusive.",
      valueName: "size"))
  var maxBytes: ByteSize?

  func validate() throws {
    if memoryLimit.bytes < 1 << 10 { throw ValidationError("--memory-limit: no window is smaller than 1K") }
    if let maxBytes, maxBytes.bytes < 1 { throw ValidationError("--max-bytes: nothing would be read") }
  }

  /// Sets the same in the library's terms.
  func apply(to options: inout Analyzer.Options) {
    options.memoryLimit = memoryLimit.bytes
    options.maxBytes = maxBytes?.bytes
  }
}

extension ByteSize: ExpressibleByArgument {
  /// As the user writes it.
  public init?(argument: String) { self.init(argument) }

  /// As the help shows it.
  public var defaultValueDescription: String { option }
}
