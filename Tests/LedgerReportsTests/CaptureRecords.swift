import DMALedger
import LedgerReports
import TestSupport

/// Captures to make outputs from. What the samples show is what probes in kernel memory saw: their `truth.json`.
enum Captures {
  /// Groups 1 and 9 leak 1 and 3 references; VFIO was refused group 1 once and group 9 twice.
  static func unbalanced() throws -> CaptureRecord { try sample("6.1-unfixed-late-probes/trace.txt") }
  /// Groups 1 and 9, nothing leaked; VFIO was refused group 9 twice, a native bind twice.
  static func balanced() throws -> CaptureRecord { try sample("6.1-fixed-late-probes/trace.txt") }
  /// Names of functions only: nobody can tell which group they were called for.
  static func inconclusive() throws -> CaptureRecord { try sample("6.1-unfixed-late-function/trace.txt") }

  // swift-format-ignore: NeverForceUnwrap
  static let build = KCIDBReport.Build("lab_1:build-7")!

  static let unreadable = CaptureRecord(
    name: "lost.txt", report: Analyzer().finished(),
    unreadable: [InputError(path: "lost.txt", reason: "No such file or directory")])

  static func four() throws -> [CaptureRecord] {
    [try unbalanced(), try balanced(), try inconclusive(), unreadable]
  }

  private static func sample(_ name: String) throws -> CaptureRecord {
    CaptureRecord(
      name: "samples/" + name, report: report(on: try SampleFiles.bytes(name), name: "samples/" + name))
  }

  // MARK: - Names that attack

  /// What a capture may contain: each tries to break out of one output or another.
  static let hostileTexts = [
    "<script>alert(1)</script>", "]]>", "\"'&amp;", "a\nok 9 - forged", "a\r\nnot ok 9", "a\u{0}b",
    "\u{202E}gpj",
    "\u{2066}x\u{2069}", "::error::owned", "x ::stop-commands::y", "##[error]owned", "%0A::error::owned",
    "a,line=1,title=b::c", "#",
    "x # SKIP all", "#\u{301} TODO", "a|b|c", "\\|", "`", "``` x", "`\u{301}", "@everyone", "#1 !1",
    "[x](http://e.vil)",
    "<img src=x onerror=alert(1)>", "{0}", "\\", "\u{1B}[31m", "\u{FFFE}\u{FFFF}", "reboot: System halted",
    "Bail out!", "...", "---", "1..0", "</details>", " ", "", "- x", "\u{85}\u{2028}\u{2029}",
    "http://e.vil/",
    "~label $a$", "\u{1F600}",
  ]

  /// A capture in which every name and every line is the text.
  static func hostile(_ text: String) -> CaptureRecord {
    let line = LineReference(source: 0, line: 7)
    var whole = Finding(
      rule: .evidenceLost, severity: .note, certainty: .proved, message: text, remedy: text,
      fingerprint: "f1",
      evidence: [Evidence(at: line, time: nil, note: text, text: text)])
    whole.device = text
    var leak = whole
    leak.rule = .testRemoveLeak
    leak.severity = .error
    leak.group = GroupID(45)
    leak.incarnation = 0
    leak.driver = text
    leak.fingerprint = "f2"
    let group = GroupReport(
      id: GroupID(45), incarnation: 0, verdict: .unbalanced, reasons: [], initial: .unknown, final: .unknown,
      peak: .unknown, excess: Count(exactly: 1), owner: .none,
      devices: [DeviceReport(name: text, driver: text, isBound: true, outstanding: 2)], holders: [],
      changes: [])
    var open = group
    open.id = nil
    open.verdict = .inconclusive
    open.reasons = [text]
    var report = Report(
      verdict: .unbalanced, reasons: [], kernel: KernelSummary(release: text),
      sources: [SourceSummary(path: text, lines: 9, understoodLines: 9)], groups: [group, open, open],
      unattributed: CallTally(), findings: [leak, whole],
      diagnostics: [Diagnostic(level: .warning, source: 0, line: 3, message: text)])
    report.recipe = [text]
    return CaptureRecord(name: text, report: report)
  }

  /// The same without a leak, so that reasons are told: inconclusive, or unreadable.
  static func hostile(_ text: String, isUnreadable: Bool) -> CaptureRecord {
    var record = hostile(text)
    record.report.verdict = .inconclusive
    record.report.reasons = [text, text]
    record.report.findings = []
    record.report.groups[0].verdict = .balanced
    if isUnreadable { record.unreadable = [InputError(path: text, reason: text)] }
    return record
  }

  /// Every hostile text in each of the three.
  static var allHostile: [CaptureRecord] {
    hostileTexts.flatMap {
      [hostile($0), hostile($0, isUnreadable: false), hostile($0, isUnreadable: true)]
    }
  }
}

extension Analyzer {
  fileprivate consuming func finished() -> Report {
    var analyzer = self
    return analyzer.finish()
  }
}

/// An output as text.
func text(_ renderer: some CollectionRenderer, _ captures: [CaptureRecord]) -> String {
  String(decoding: renderer.rendered(captures), as: UTF8.self)
}

/// The lines of an output, without the last newline.
func lines(_ renderer: some CollectionRenderer, _ captures: [CaptureRecord]) -> [String] {
  // By bytes: "\r\n" is one character, and a hostile one.
  let bytes = renderer.rendered(captures)
  return bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
    .map { String(decoding: $0, as: UTF8.self) }
}

/// Characters that no output may contain as they are: all that steer a display, but for line breaks.
func steering(in text: String) -> [Unicode.Scalar] {
  text.unicodeScalars.filter { scalar in
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: scalar != "\n"
    default: false
    }
  }
}
