import ArgumentParser
import DMALedger
import LedgerReports

/// Reads the files of one incident and reports.
struct AnalyzeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "analyze",
    _superCommandName: "dmaledger",
    abstract: "Reports on the captures of one incident (the default command).",
    discussion: """
      Every file is recognised by its content. Without a timestamp, a task column or a header a capture is \
      still read; what it cannot prove is called inconclusive.

      Probes are known by the function they watch, never by their names. Field names are recognised by \
      meaning (dev, drv, grp, id, cnt, own, ret and the usual other spellings); for others:

        dmaledger trace.txt --field count=my_cnt --field device=who
        dmaledger report.txt --probe myprobe=iommu_device_use_default_domain

      One run can write several outputs; each file appears complete or not at all:

        dmaledger trace.txt --junit junit.xml --sarif dma.sarif --json report.json
        dmaledger trace.txt --markdown - > comment.md
      """)

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
  var files: [PathName]

  @Option(name: .long, help: "What to write (default: text, unless another output takes standard output).")
  var format: OutputFormat?

  @Option(
    name: .shortAndLong,
    help:
      "Write to this file instead of standard output; it appears complete or not at all, and compressed where its name ends in .zst."
  )
  var output: PathName?

  @OptionGroup(title: "More outputs (- is standard output)")
  var outputs: OutputOptions

  @Option(help: ArgumentHelp("The JSON report.", valueName: "file"))
  var json: PathName?

  @OptionGroup
  var probes: ProbeOptions

  @OptionGroup
  var limits: LimitOptions

  @Option(
    name: .long, parsing: .unconditional,
    help: ArgumentHelp(
      "How far the kernel log's clock is ahead of the trace's: printk time minus trace time. Found out where not given.",
      valueName: "seconds"))
  var clockOffset: String?

  @Option(name: .long, help: "Threads that may read at the same time (default: the processors).")
  var jobs: Int?

  @Flag(
    name: .long,
    help:
      "Add the content hash of all sources to JSON, whatever their order, names and packing; jsonl always has it."
  )
  var captureID = false

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
    if files.filter(\.isStandardStream).count > 1 {
      throw ValidationError("standard input can be read only once")
    }
    if let jobs, jobs < 1 { throw ValidationError("--jobs \(jobs): at least one thread has to do the work") }
    try outputs.validate(besides: [json, mainPath].compactMap { $0 })
    if let json, json == mainPath {
      throw ValidationError("two outputs go to \(json.isStandardStream ? "standard output" : json.name)")
    }
  }

  /// Where the main report goes; `nil` where there is none, because another output has taken its place.
  private var mainPath: PathName? {
    if let output { return output }
    return format == nil && (outputs.usesStandardOutput || json == .standardStream) ? nil : .standardStream
  }

  func run() throws {
    Standard.returnFreeMemory()
    var options = try probes.analyzerOptions()
    limits.apply(to: &options)
    options.jobs = jobs ?? Standard.processors
    options.mapsFiles = true
    options.questions = group.map { .group($0) } + device.map { .device($0) }
    options.identifiesContent = captureID || format == .jsonl || outputs.jsonl != nil
    if let clockOffset, !options.setClockOffset(clockOffset) {
      throw ValidationError(
        "--clock-offset \(clockOffset): expected seconds, with a sign and at most nine digits behind the point, such as "
          + "-0.011303")
    }
    do {
      // Before the work, so that a bad path fails early.
      var files = OutputFiles()
      try open(&files)
      let record = read(options)
      try files.begin(total: 1)
      try files.add(record)
      try files.finish()
      throw conclude(record).code
    } catch let error as Standard.WriteError {
      Standard.complain("\(error.path): \(error.reason)")
      throw ExitStatus.unreadable.code
    }
  }

  private func open(_ files: inout OutputFiles) throws(Standard.WriteError) {
    let main = format ?? .text
    if let path = mainPath { try files.open(renderer(main, at: path), at: path) }
    if let path = json { try files.open(renderer(.json, at: path), at: path) }
    try outputs.open(&files, main: main)
  }

  /// Text, JSON and pictures are about one capture, and here is but one.
  private func renderer(_ format: OutputFormat, at path: PathName) -> any CollectionRenderer {
    if let collection = format.renderer(Surroundings.locator, sarifAnchor: outputs.sarifAnchor?.name) {
      return collection
    }
    let style = charts.added(to: color.style(isFile: !path.isStandardStream), isFile: !path.isStandardStream)
    return SingleReport { record in
      switch format {
      case .json where !record.report.sources.isEmpty:
        JSONReport.render(
          record.report, toolVersion: DMALedgerCommand.version, captureID: record.id.isEmpty ? nil : record.id
        )
      case .html where !record.report.sources.isEmpty:
        HTMLReport.render(record.report, toolVersion: DMALedgerCommand.version)
      case .perfetto where !record.report.sources.isEmpty: PerfettoTrace.render(record.report)
      case .chrome where !record.report.sources.isEmpty: ChromeTrace.render(record.report)
      // Nothing recognised is said once, on standard error, and not dressed up as a report.
      case .text where record.report.understoodAnything:
        Array(TextReport.render(record.report, style: style).utf8)
      default: []
      }
    }
  }

  private func read(_ options: Analyzer.Options) -> CaptureRecord {
    let name = CaptureRecord.readingOrder(of: files).map(\.name).joined(separator: " + ")
    let record = CaptureRecord(reading: files, name: name, options: options)
    for error in record.unreadable { Standard.complain("\(error.path): \(error.reason)") }
    return record
  }

  /// What is said of the run besides its outputs, and its exit code.
  private func conclude(_ record: CaptureRecord) -> ExitStatus {
    if !record.report.sources.isEmpty, !record.report.understoodAnything {
      let damage = record.readingErrors
      for error in damage { Standard.complain(error) }
      guard damage.isEmpty else { return .unreadable }
      let names = files.map(\.name).joined(separator: ", ")
      Standard.complain("\(names): \(CaptureRecord.nothingRecognised)")
    }
    return Self.status(of: record, failOn: failOn, inconclusive: inconclusive)
  }

  /// What a capture comes to as an exit code.
  static func status(
    of record: CaptureRecord, failOn: Threshold = .error, inconclusive: Inconclusive = .report
  ) -> ExitStatus {
    if record.outcome == .unreadable { return .unreadable }
    if record.report.findings.contains(where: { failOn.isReached(by: $0.severity) }) { return .findings }
    guard record.report.verdict == .inconclusive else { return .balanced }
    return switch inconclusive {
    case .report: .inconclusive
    case .ok: .balanced
    case .fail: .findings
    }
  }
}

/// An output about the one capture of a run.
private struct SingleReport: CollectionRenderer {
  var render: @Sendable (CaptureRecord) -> [UInt8]

  mutating func begin(total: Int?) -> [UInt8] { [] }
  mutating func add(_ capture: CaptureRecord) -> [UInt8] { render(capture) }
  mutating func finish() -> [UInt8] { [] }
}
