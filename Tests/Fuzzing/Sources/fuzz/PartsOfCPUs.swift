@testable import DMALedger
import LedgerReports

/// A trace that is split into a file for each CPU, as `per_cpu/cpuN/trace` has it, against the trace.
///
/// Input: a byte for the order of the files, then records; their header is made here.
enum PartsOfCPUs {
  private static let mostLines = 400

  private struct Record {
    var line: [UInt8]
    var cpu: Int32
    var time: Nanoseconds?
    /// It is no more than a record: nothing beside it says what it is.
    var isPlain: Bool
  }

  static func check(_ input: [UInt8]) {
    guard let flags = input.first else { return }
    let records = self.records(Array(input[1...]))
    let files = self.files(records)
    let (report, isMerged) = read(files)
    ReportInvariants.check(report)
    var random = SplitMix(state: UInt64(flags))
    let (other, isOtherMerged) = read(files.shuffled(using: &random))
    require(isMerged == isOtherMerged, "the order of files tells whether they are one trace")
    if !isMerged { return }
    require(
      WholeAnalyzer.digest(report) == WholeAnalyzer.digest(other), "the order of files changes what is said")
    let times = records.map { $0.time?.value ?? -1 }
    guard records.allSatisfy(\.isPlain), zip(times, times.dropFirst()).allSatisfy(<=) else { return }
    var analyzer = Analyzer()
    analyzer.read(bytes: text(records, of: records.count), name: "trace")
    let whole = analyzer.finish()
    let hasTies = zip(records, records.dropFirst()).contains { $0.time == $1.time && $0.cpu != $1.cpu }
    if hasTies {
      agree(report, whole)
    } else {
      require(story(report) == story(whole), "parts tell another story")
    }
  }

  private static func records(_ text: [UInt8]) -> [Record] {
    var decoder = TraceDecoder(fields: ProbeFields())
    var event = TraceEvent()
    var names = NameTable()
    var addresses = AddressBook()
    var records: [Record] = []
    for line in text.split(separator: 0x0A).prefix(mostLines) where line.first != 0x23 {
      let line = Array(line)
      let before = decoder.records
      event.cpu = -1
      event.time = nil
      let outcome = decoder.decode(
        line.span, number: records.count + 5, into: &event, names: &names, addresses: &addresses)
      let isRecord = decoder.records == before + 1 && event.cpu >= 0
      let isWaiting = outcome == .event && event.unnamedAddress != nil
      records.append(
        Record(
          line: line, cpu: isRecord ? event.cpu : records.last?.cpu ?? 0, time: isRecord ? event.time : nil,
          isPlain: isRecord && event.time != nil && !isWaiting))
    }
    return records
  }

  private static func text(_ records: [Record], of count: Int) -> [UInt8] {
    Array("# tracer: nop\n#\n# entries-in-buffer/entries-written: \(count)/\(count)   #P:4\n#\n".utf8)
      + records.flatMap { $0.line + [0x0A] }
  }

  private static func files(_ records: [Record]) -> [SourceInput] {
    Set(records.map(\.cpu)).sorted().map { cpu in
      .bytes(text(records.filter { $0.cpu == cpu }, of: records.count), name: "cpu\(cpu)")
    }
  }

  private static func read(_ files: [SourceInput]) -> (report: Report, isMerged: Bool) {
    var analyzer = Analyzer()
    require(analyzer.read(files, heads: analyzer.heads(of: files)).isEmpty, "memory that cannot be opened")
    let isMerged = files.count > 1 && analyzer.merged.count == 1
    return (analyzer.finish(), isMerged)
  }

  /// What is said, without the places of lines.
  private static func story(_ report: Report) -> [String] {
    ["\(report.verdict) \(report.kernel.testDriverRemove) \(report.kernel.windows) \(report.kernel.reprobes)"]
      + report.groups.map { group in
        "\(group.id?.value ?? -1) \(group.verdict) \(group.initial) \(group.final) \(group.peak) \(group.owner) "
          + group.changes.map { "\($0.call) \($0.before) \($0.after) \($0.result ?? 99) \($0.certainty)" }
          .joined(separator: ", ")
      } + report.findings.map { "\($0.rule) \($0.certainty) \($0.group?.value ?? -1)" }
  }

  /// Whether what both say of a group can be true, where both find the trace consistent.
  private static func agree(_ parts: Report, _ whole: Report) {
    let isSound = [parts, whole].allSatisfy { report in
      report.groups.allSatisfy { group in !group.reasons.contains { $0.contains("contradicts") } }
        && report.findings.allSatisfy { $0.severity != .error || $0.rule == .testRemoveLeak }
    }
    guard isSound, parts.groups.count == whole.groups.count else { return }
    for (one, other) in zip(parts.groups, whole.groups)
    where one.id == other.id && one.incarnation == other.incarnation {
      for (count, second) in [(one.initial, other.initial), (one.final, other.final), (one.peak, other.peak)]
      {
        let most = [count.max, second.max].compactMap { $0 }.min() ?? .max
        require(
          max(count.min, second.min) <= most,
          "group \(one.id?.value ?? -1): \(count) of parts, \(second) of the whole")
      }
      require(
        one.owner == .unknown || other.owner == .unknown || one.owner == other.owner, "another owner in parts"
      )
    }
  }
}
