public import DMALedger

/// One capture of a run, judged: what every output of many captures is made from.
public struct CaptureRecord: Sendable {
  /// The content hash, `xxh3:` and 32 hexadecimal digits; empty where it was not asked for.
  public var id: String
  /// The path as given: of the file, or of the folder that holds the files of the incident. Hostile text.
  public var name: String
  /// What was found. Where nothing could be read it has no sources and no groups.
  public var report: Report
  /// Files of the capture that could not be opened, each with what the operating system said.
  public var unreadable: [InputError]

  /// A capture with everything it says.
  public init(id: String = "", name: String, report: Report, unreadable: [InputError] = []) {
    self.id = id
    self.name = name
    self.report = report
    self.unreadable = unreadable
  }

  /// What a capture comes to; as with exit codes, trouble with reading outweighs a verdict.
  public enum Outcome: String, Sendable, CaseIterable {
    /// Every reference that is left has a holder.
    case balanced
    /// A defect is proved.
    case unbalanced
    /// The evidence does not decide.
    case inconclusive
    /// A file could not be opened, or nothing in the capture was recognised.
    case unreadable
  }

  /// What the capture comes to. An unreadable one may still have groups and findings, from the files that were read.
  public var outcome: Outcome {
    if !unreadable.isEmpty || !report.understoodAnything { return .unreadable }
    return switch report.verdict {
    case .balanced: .balanced
    case .unbalanced: .unbalanced
    case .inconclusive: .inconclusive
    }
  }

  /// What kept files from being read to their end, and which are empty, each with its file. Hostile text.
  public var readingErrors: [String] {
    let damage = report.diagnostics.filter { $0.level == .error && $0.source != nil }
    let empty = report.sources.indices.filter { index in
      report.sources[index].bytes == 0 && !damage.contains { $0.source == index }
    }
    return damage.map { ($0.source.flatMap(report.path).map { $0 + ": " } ?? "") + $0.message }
      + empty.map { report.sources[$0].path + ": holds no bytes" }
  }

  /// What there should have been in files of which no line was understood, without full stop.
  public static let nothingRecognised =
    "no line was recognised; expected the text of an ftrace capture (/sys/kernel/tracing/trace, trace-cmd report, "
    + "perf script), a kernel log, or a log of the refusal, plain or zstd"

  /// Why it is unreadable, a sentence a file without full stop; empty otherwise. Hostile text.
  public var readingTroubles: [String] {
    let opened = unreadable.map { "\($0.path): \($0.reason)" }
    if report.understoodAnything || report.sources.isEmpty && !opened.isEmpty { return opened }
    let damage = readingErrors
    return opened + [
      damage.isEmpty
        ? Self.nothingRecognised
        : damage.joined(separator: "; ")
    ]
  }
}
