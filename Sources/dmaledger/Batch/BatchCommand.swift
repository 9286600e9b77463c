import ArgumentParser
import DMALedger
import LedgerReports

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Judges many captures, each alone.
struct BatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "batch",
    abstract: "Judges many captures, each alone, and sums up.",
    discussion: """
      A file is a capture. A folder is searched for captures, by name; hidden entries are passed over. A folder \
      whose name ends in .incident, or that holds a manifest.json, is one capture of several files:

        {"files": ["trace.txt", {"path": "dmesg.txt", "role": "log"}]}

      (without "files" all visible files of the folder; roles are words to people only). A capture that cannot be \
      read is a record like any other.

        dmaledger batch captures/ -o all.jsonl.zst
        find . -name '*.trace' -print0 | dmaledger batch -0 --from-file - --junit junit.xml
        dmaledger batch captures/ -o part-7.jsonl.zst --shard 7/1000 --resume
        dmaledger batch captures/ --baseline main.jsonl.zst --fail-on new-error

      Captures are told in the order of their names. Records are under OUTPUT.part until the run is over. After a kill the \
      same call with --resume goes on behind the last whole capture and ends with the bytes of an undisturbed run.

      The exit code is that of the worst capture: 2 unreadable, then 1 findings at or above --fail-on, then 3 \
      inconclusive, then 0.
      """)

  @Argument(help: "Captures, and folders that hold captures.")
  var paths: [PathName] = []

  @Option(
    help: ArgumentHelp("A file with more paths, one a line; - is standard input.", valueName: "file"))
  var fromFile: PathName?

  @Flag(name: .customShort("0"), help: "The paths in --from-file end in NUL instead of a newline.")
  var nulSeparated = false

  @Option(
    help: ArgumentHelp(
      "Of the files in folders, take those whose name matches, as in '*.txt*'.", valueName: "glob"))
  var match: PathName?

  @Flag(help: "Go on where a run that was killed has stopped: captures that the file has are not read again.")
  var resume = false

  @Option(
    help: ArgumentHelp("Only this part of N, by the hash of the names; K is 0 to N-1.", valueName: "k/n"))
  var shard: Shard?

  @Option(name: .shortAndLong, help: "Captures to read side by side (default: one for each processor).")
  var jobs: Int?

  @OptionGroup
  var probes: ProbeOptions

  @OptionGroup
  var limits: LimitOptions

  @OptionGroup
  var collection: CollectionOptions

  func validate() throws {
    if paths.isEmpty, fromFile == nil {
      throw ValidationError("name captures, or a list of them with --from-file")
    }
    if nulSeparated, fromFile == nil { throw ValidationError("-0 is about --from-file") }
    if resume, collection.output == nil || collection.output == .standardStream {
      throw ValidationError("--resume needs a file: -o FILE")
    }
    if let jobs, !(1...1024).contains(jobs) { throw ValidationError("--jobs takes 1 to 1024") }
  }

  func run() throws {
    var options = try probes.analyzerOptions()
    limits.apply(to: &options)
    options.identifiesContent = true
    try exit { try judge(try find(), options) }
  }

  // MARK: - What to read

  private func find() throws -> [CapturePaths] {
    let pattern = match
    var finder = CaptureFinder { name in
      guard let pattern else { return true }
      // Safe: C strings that live as long as the call.
      return unsafe pattern.withSystemPath { pattern in
        unsafe name.withSystemPath { name in unsafe fnmatch(pattern, name, 0) } == 0
      } ?? false
    }
    for path in paths { finder.add(path) }
    if let fromFile {
      let end = nulSeparated ? UInt8(0) : UInt8(ascii: "\n")
      for path in try WholeFile.bytes(at: fromFile, limit: 1 << 30).split(separator: end) {
        finder.add(PathName(bytes: path))
      }
    }
    if finder.repeated > 0 {
      Standard.complain("\(finder.repeated) paths were given more than once; each is read once")
    }
    if let first = finder.passedOver.first {
      let count = finder.passedOver.count
      Standard.complain(
        "\(first.name)\(count > 1 ? " and \(count - 1) more" : ""): neither file nor folder (a pipe, a socket, a device) "
          + "and passed over; name it itself to have it read")
    }
    guard !finder.captures.isEmpty else {
      throw InputError(
        path: (paths + [fromFile].compactMap { $0 }).map(\.name).joined(separator: ", "),
        reason: "no captures there")
    }
    let captures = finder.captures.sorted { isBefore($0.name, $1.name) }
    guard let shard else { return captures }
    return captures.filter { shard.contains($0.name) }
  }

  // MARK: - The run

  private func judge(_ found: [CapturePaths], _ options: Analyzer.Options) throws -> ExitStatus {
    var run = try CollectionRun(collection, resumes: resume, isJournal: true)
    let done = run.log?.names ?? NameSet()
    let captures = done.isEmpty ? found : found.filter { !done.contains($0.name) }
    try run.begin(total: done.count + captures.count)
    let baseline = run.baseline
    let writer = run.log == nil ? nil : run.writer
    let jobs = jobs ?? Standard.processors
    let work = OrderedWork(count: captures.count, jobs: jobs, window: 8 * jobs) { index in
      Judged(captures[index], options, baseline, writer)
    }
    defer { work.stop() }
    while let judged = work.next() {
      try run.add(judged.capture, records: judged.records, input: judged.input)
    }
    return try run.finish()
  }
}

/// A capture that was judged, with its records, which the threads make.
private struct Judged: Sendable {
  var capture: CaptureRecord
  var records: [UInt8]
  /// Bytes that were read for it.
  var input: Int

  init(
    _ paths: CapturePaths, _ options: Analyzer.Options, _ baseline: Baseline?, _ writer: JSONLinesReport?
  ) {
    capture = CaptureRecord(
      reading: paths.files, name: paths.name, options: options, trouble: paths.trouble,
      onlyFiles: !paths.isGiven)
    baseline?.mark(&capture)
    records = writer?.records(of: capture) ?? []
    input = capture.report.inputBytes
  }
}
