import ArgumentParser
import DMALedger
import LedgerReports

/// Reads the files of one incident and reports.
struct AnalyzeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "analyze",
    abstract: "Reports on the captures of one incident (the default command).",
    discussion: """
      Every file is recognised by its content. Without a timestamp, a task column or a header a capture is \
      still read; what it cannot prove is called inconclusive.

      Probes are known by the function they watch, never by their names. Field names are recognised by \
      meaning (dev, drv, grp, id, cnt, own, ret and the usual other spellings); for others:

        dmaledger trace.txt --field count=my_cnt --field device=who
        dmaledger report.txt --probe myprobe=iommu_device_use_default_domain
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument {
    case text, json, html, perfetto, chrome
  }

  enum Threshold: String, CaseIterable, ExpressibleByArgument {
    case error, warning, note, never

    func isReached(by severity: Severity) -> Bool {
      switch self {
      case .error: severity >= .error
      case .warning: severity >= .warning
      case .note: true
      case .never: false
      }
    }
  }

  enum Inconclusive: String, CaseIterable, ExpressibleByArgument {
    case report, ok, fail
  }

  @Argument(help: "Captures of one incident; - is standard input.")
  var files: [String]

  @Option(name: .long, help: "What to write.")
  var format: Format = .text

  @Option(
    name: .shortAndLong,
    help: "Write to this file instead of standard output; it appears complete or not at all.")
  var output: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "A probe field with an unusual name; MEANING is device, driver, group, id, count, owner, new-owner or result.",
      valueName: "meaning=name"))
  var field: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The kernel function behind a probe whose text has no symbol (trace-cmd report, perf script).",
      valueName: "name=function"))
  var probe: [String] = []

  @Option(name: .long, help: "Threads that may read at the same time (default: the processors).")
  var jobs: Int?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Answer for the group of this device (0000:03:00.0 or 03:00.0), refused or not; repeatable.",
      valueName: "device"))
  var device: [String] = []

  @Option(
    name: .long, help: ArgumentHelp("Answer for this group, refused or not; repeatable.", valueName: "number")
  )
  var group: [Int] = []

  @Option(name: .long, help: "Exit with 1 for findings of this severity or worse.")
  var failOn: Threshold = .error

  @Option(name: .long, help: "Exit code of an inconclusive capture: 3, 0 or 1.")
  var inconclusive: Inconclusive = .report

  @Option(name: .long, help: "Colour: auto (a terminal, and NO_COLOR unset), always, never.")
  var color: ColorChoice = .auto

  @OptionGroup var charts: ChartChoice

  func validate() throws {
    if files.filter({ $0 == "-" }).count > 1 { throw ValidationError("standard input can be read only once") }
    if let jobs, jobs < 1 { throw ValidationError("--jobs \(jobs): at least one thread has to do the work") }
  }

  func run() throws {
    var analyzer = Analyzer(options: try options())
    var isUnreadable = false
    // In a fixed order, so that the report does not depend on how the files were named on the command line.
    for path in files.sorted() {
      do {
        try analyzer.read(path: path)
      } catch {
        Standard.complain("\(error.path): \(error.reason)")
        isUnreadable = true
      }
    }
    let report = analyzer.finish()
    if report.sources.isEmpty { throw ExitStatus.unreadable.code }
    try write(report)
    if !report.understoodAnything {
      Standard.complain(
        "\(files.joined(separator: ", ")): no line was recognised; expected the text of an ftrace capture "
          + "(/sys/kernel/tracing/trace, trace-cmd report, perf script), plain or zstd")
      throw ExitStatus.unreadable.code
    }
    if isUnreadable { throw ExitStatus.unreadable.code }
    throw status(of: report).code
  }

  private func options() throws -> Analyzer.Options {
    var options = Analyzer.Options()
    options.jobs = jobs ?? Standard.processors
    options.questions = group.map { .group($0) } + device.map { .device($0) }
    for pair in field {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, options.addField(meaning: parts[0], name: parts[1]) else {
        throw ValidationError(
          "--field \(pair): expected MEANING=NAME with device, driver, group, id, count, owner, new-owner or result"
        )
      }
    }
    for pair in probe {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, options.addProbe(name: parts[0], function: parts[1]) else {
        throw ValidationError(
          "--probe \(pair): expected NAME=FUNCTION with a function that bears on ownership, such as "
            + "iommu_device_use_default_domain or really_probe")
      }
    }
    return options
  }

  private func write(_ report: Report) throws {
    let bytes: [UInt8]
    switch format {
    case .json: bytes = JSONReport.render(report, toolVersion: DMALedgerCommand.version)
    case .html: bytes = HTMLReport.render(report, toolVersion: DMALedgerCommand.version)
    case .perfetto: bytes = PerfettoTrace.render(report)
    case .chrome: bytes = ChromeTrace.render(report)
    case .text:
      // Nothing recognised is said once, on standard error, and not dressed up as a report.
      if !report.understoodAnything { return }
      bytes = Array(
        TextReport.render(
          report, style: charts.added(to: color.style(isFile: output != nil), isFile: output != nil)
        ).utf8)
    }
    do {
      try Standard.write(bytes, to: output)
    } catch {
      Standard.complain("\(error.path): \(error.reason)")
      throw ExitStatus.unreadable.code
    }
  }

  private func status(of report: Report) -> ExitStatus {
    if report.findings.contains(where: { failOn.isReached(by: $0.severity) }) { return .findings }
    guard report.verdict == .inconclusive else { return .balanced }
    return switch inconclusive {
    case .report: .inconclusive
    case .ok: .balanced
    case .fail: .findings
    }
  }
}
