import ArgumentParser
import DMALedger
import LedgerReports

/// Compares the capture of a good boot with that of a bad one.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Says where ownership goes another way in BAD than in GOOD, group by group.",
    discussion: """
      GOOD and BAD are captures, or folders that hold the files of one incident each. Times, tasks, CPUs, group \
      numbers and bus addresses are ignored: groups are paired by their devices and drivers, the devices in them \
      by driver and order. A recording that only goes on longer is no difference.

      The exit code is made for git bisect: 0 the same, 1 different, 125 not to be decided (a capture is unreadable \
      or inconclusive, or only a suspicion differs), so that the commit is skipped.

        git bisect run sh -c './boot-and-record >bad.txt && dmaledger diff good.txt bad.txt'
      """)

  @Argument(help: "The capture of a boot that is as it should be.")
  var good: PathName

  @Argument(help: "The capture to be judged by it.")
  var bad: PathName

  @OptionGroup
  var probes: ProbeOptions

  @OptionGroup
  var limits: LimitOptions

  @Flag(name: .shortAndLong, help: "Only the exit code.")
  var quiet = false

  @Option(help: "Colour: auto (a terminal, and NO_COLOR unset), always, never.")
  var color: ColorChoice = .auto

  func run() throws {
    var options = try probes.analyzerOptions()
    limits.apply(to: &options)
    options.identifiesContent = true
    let records = try [good, bad].map { try read($0, options) }
    let comparison = CaptureComparison(good: records[0].report, bad: records[1].report)
    if !quiet {
      let text = ComparisonText.render(
        comparison, good: records[0], bad: records[1], style: color.style(isFile: false))
      do {
        try Standard.write(Array(text.utf8))
      } catch {
        Standard.complain("\(error.path): \(error.reason)")
        throw Self.skip
      }
    }
    let isReadable = records.allSatisfy { $0.outcome != .unreadable }
    switch comparison.result {
    case .different where isReadable: throw ExitCode(1)
    case .same where isReadable: throw ExitCode(0)
    default: throw Self.skip
    }
  }

  /// What tells `git bisect run` to leave a commit out.
  private static let skip = ExitCode(125)

  private func read(_ path: PathName, _ options: Analyzer.Options) throws -> CaptureRecord {
    var finder = CaptureFinder()
    finder.add(path)
    guard finder.captures.count == 1, let capture = finder.captures.first else {
      Standard.complain("\(path.name): holds \(finder.captures.count) captures; name one")
      throw Self.skip
    }
    let record = CaptureRecord(
      reading: capture.files, name: capture.name, options: options, trouble: capture.trouble,
      onlyFiles: !capture.isGiven)
    for trouble in record.readingTroubles { Standard.complain("\(capture.name): \(trouble)") }
    return record
  }
}
