import ArgumentParser
import DMALedger
import LedgerReports

/// What all commands about many captures have in common: their outputs, and what their exit code depends on.
struct CollectionOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Write the records of all captures here as JSON lines, compressed where the name ends in .zst; - is standard output.",
      valueName: "file"))
  var output: PathName?

  @Option(
    help: ArgumentHelp(
      "Records of an earlier run: findings are told as new or known by their fingerprint, or gone.",
      valueName: "file"))
  var baseline: PathName?

  @Option(
    help:
      "Exit with 1 for findings of this severity or worse; new-… only for those that the baseline does not have."
  )
  var failOn: RunStatus.FailOn = .error

  @Option(help: "Exit code where a capture is inconclusive and none is worse: 3, 0 or 1.")
  var inconclusive: AnalyzeCommand.Inconclusive = .report

  @Option(help: "Exit code where a capture is unreadable: 2, 0 or 1.")
  var unreadable: AnalyzeCommand.Inconclusive = .report

  @Flag(name: .shortAndLong, help: "No summary and no progress.")
  var quiet = false

  @Option(help: "Colour: auto (a terminal, and NO_COLOR unset), always, never.")
  var color: ColorChoice = .auto

  @OptionGroup(title: "More outputs (- is standard output)")
  var outputs: OutputOptions

  func validate() throws {
    if failOn.asksForNew, baseline == nil {
      throw ValidationError("--fail-on \(failOn.rawValue) needs a --baseline")
    }
    try outputs.validate(besides: [output].compactMap { $0 })
  }

  /// Opens all outputs but the records.
  func open(_ baseline: Baseline?) throws(Standard.WriteError) -> OutputFiles {
    var files = OutputFiles()
    if !quiet, output != .standardStream, !outputs.usesStandardOutput {
      try files.open(TextSummary(style: color.style(isFile: false), baseline: baseline), at: .standardStream)
    }
    try outputs.open(&files, main: .text, baseline: baseline)
    return files
  }
}

/// A run over many captures, as far as its outputs go: they come one by one, in order.
struct CollectionRun {
  /// What the records are written with; threads may use it beforehand.
  let writer = JSONLinesReport(toolVersion: DMALedgerCommand.version)
  let baseline: Baseline?
  private(set) var log: RecordsLog?
  private var files: OutputFiles
  private var status: RunStatus
  private var progress: Progress?
  private let isSilent: Bool

  /// Opens everything that will be written, so that a bad path fails before the work.
  ///
  /// - Parameter isJournal: Whether records that are written so far are of use where the run ends early.
  init(_ options: CollectionOptions, resumes: Bool = false, isJournal: Bool = false) throws {
    baseline = try options.baseline.map { path throws(InputError) in
      var baseline = Baseline()
      try RecordsFile.forEach(at: path, skipsChanges: true) { baseline.add($0) }
      return baseline
    }
    log = try options.output.map { try RecordsLog(path: $0, resumes: resumes, isJournal: isJournal) }
    files = try options.open(baseline)
    status = RunStatus(
      failOn: options.failOn, inconclusive: options.inconclusive, unreadable: options.unreadable)
    isSilent = options.quiet
  }

  /// Begins with what an earlier run has written; `total` counts that, too.
  mutating func begin(total: Int) throws {
    try files.begin(total: total)
    progress = Progress(total: total, isSilent: isSilent)
    guard let log else { return }
    try log.forEachRecovered { capture throws(InputError) in
      do throws(Standard.WriteError) {
        try note(capture, isNew: false)
      } catch {
        throw InputError(path: error.path, reason: error.reason)
      }
    }
  }

  /// Adds a capture with its records, where records are written; `input` is the size of what it was made from.
  mutating func add(_ capture: CaptureRecord, records: [UInt8], input: Int) throws(Standard.WriteError) {
    try log?.add(records, input: input)
    try note(capture, isNew: true)
  }

  private mutating func note(_ capture: CaptureRecord, isNew: Bool) throws(Standard.WriteError) {
    try files.add(capture)
    status.note(capture)
    progress?.note(capture.outcome, isNew: isNew)
  }

  /// Completes all outputs and says what the run comes to.
  mutating func finish() throws(Standard.WriteError) -> ExitStatus {
    progress?.clear()
    try files.finish()
    try log?.finish()
    return status.worst
  }
}

extension ParsableCommand {
  /// Runs `body` and exits with what it comes to; what cannot be read or written is told in a line.
  func exit(with body: () throws -> ExitStatus) throws {
    do {
      throw try body().code
    } catch let error as InputError {
      Standard.complain("\(error.path): \(error.reason)")
    } catch let error as Standard.WriteError {
      Standard.complain("\(error.path): \(error.reason)")
    }
    throw ExitStatus.unreadable.code
  }
}
