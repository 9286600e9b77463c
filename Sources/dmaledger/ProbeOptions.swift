import ArgumentParser
import DMALedger

/// What the user knows about the probes of a capture, on the command line.
struct ProbeOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "A probe field with an unusual name; MEANING is device, driver, group, id, count, owner, new-owner or result.",
      valueName: "meaning=name"))
  var field: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The kernel function behind a probe whose text has no symbol (trace-cmd report, perf script), by the name of its event or by its address.",
      valueName: "name=function"))
  var probe: [String] = []

  /// What was meant, most likely: the two the wrong way round, or the name of a field for its meaning.
  private static func hint(_ parts: [String]) -> String {
    guard parts.count == 2 else { return "" }
    if let meaning = Analyzer.Options.fieldMeaning(of: parts[0]) {
      return "; did you mean --field \(meaning)=\(parts[1])?"
    }
    return Analyzer.Options.fieldMeaning(of: parts[1]).map { "; did you mean --field \($0)=\(parts[0])?" }
      ?? ""
  }

  /// The same in the library's terms.
  func analyzerOptions() throws -> Analyzer.Options {
    var options = Analyzer.Options()
    for pair in field {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, options.addField(meaning: parts[0], name: parts[1]) else {
        throw ValidationError(
          "--field \(pair): expected MEANING=NAME with device, driver, group, id, count, owner, new-owner or result"
            + Self.hint(parts))
      }
    }
    for pair in probe {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, options.addProbe(name: parts[0], function: parts[1]) else {
        throw ValidationError(
          "--probe \(pair): expected NAME=FUNCTION or ADDRESS=FUNCTION with a function that bears on ownership, such as "
            + "iommu_device_use_default_domain or really_probe")
      }
    }
    return options
  }
}
