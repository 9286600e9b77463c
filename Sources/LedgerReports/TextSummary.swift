import DMALedger

/// Many captures for people and for `grep`: a line for each as it comes, then what they come to, bug by bug.
///
/// Keeps what ``BugTally`` keeps, and the fingerprints seen where there is a baseline.
public struct TextSummary: CollectionRenderer {
  /// Bugs in the table, most frequent first; the others are counted.
  static let listedBugs = 40

  private let style: TextStyle
  private let baseline: Baseline?
  private var tally = BugTally()
  private var seen: Set<String> = []

  /// A summary that may look like `style`; with a baseline it says what is new, and what is gone.
  public init(style: TextStyle = TextStyle(), baseline: Baseline? = nil) {
    self.style = style
    self.baseline = baseline
  }

  /// Nothing: the captures speak for themselves.
  public mutating func begin(total: Int?) -> [UInt8] { [] }

  /// One line: outcome, name, and why it is not balanced.
  public mutating func add(_ capture: CaptureRecord) -> [UInt8] {
    tally.add(capture, SourceLocator())
    if baseline != nil { seen.formUnion(capture.report.findings.map(\.fingerprint)) }
    var canvas = TextCanvas(style: style)
    let outcome = canvas.painted(capture.outcome.rawValue.padded(12), Self.ink(capture.outcome))
    let why = Self.why(capture)
    canvas.line(
      outcome + "  " + Printable.text(capture.name) + (why.isEmpty ? "" : "  " + Printable.text(why)))
    return Array(canvas.text.utf8)
  }

  /// The table.
  public mutating func finish() -> [UInt8] {
    var canvas = TextCanvas(style: style)
    canvas.line()
    let noun = counted(tally.captures, "capture")
    canvas.line("\(noun): \(tally.headline)", .strong)
    addBugs(to: &canvas)
    if let baseline { add(baseline.gone(from: seen), to: &canvas) }
    return Array(canvas.text.utf8)
  }

  // MARK: - Parts

  private func addBugs(to canvas: inout TextCanvas) {
    // Of equal ones the one that was seen first comes first.
    let all = Severity.allCases.reversed().flatMap { severity in
      tally.bugs[severity, default: []].enumerated().sorted {
        ($1.element.captures, $0.offset) < ($0.element.captures, $1.offset)
      }.map(\.element)
    }
    let others = tally.others.values.reduce(0, +)
    guard !all.isEmpty else { return }
    canvas.line()
    canvas.line("captures  finding", .dim)
    for bug in all.prefix(Self.listedBugs) {
      let finding = bug.finding
      var words = [finding.severity.rawValue.padded(7), finding.rule.rawValue]
      if let driver = finding.driver { words.append(Printable.text(driver)) }
      if let novelty = finding.novelty { words.append("(\(novelty.rawValue))") }
      words.append("first in " + Printable.text(bug.capture))
      let count = String(bug.captures).leftPadded(8)
      canvas.line(count + "  " + canvas.painted(words.joined(separator: "  "), Self.ink(finding)))
    }
    let left = max(0, all.count - Self.listedBugs)
    if left > 0 || others > 0 {
      canvas.line(
        "          and \(counted(left, "more kind", "more kinds")) of finding"
          + (others > 0 ? ", \(counted(others, "finding")) uncounted" : ""))
    }
  }

  private func add(_ gone: [Baseline.Bug], to canvas: inout TextCanvas) {
    guard !gone.isEmpty else { return }
    canvas.line()
    canvas.line("gone since the baseline", .strong)
    for bug in gone.prefix(Self.listedBugs) {
      let words =
        [bug.severity.rawValue.padded(7), bug.rule.rawValue] + (bug.driver.map { [Printable.text($0)] } ?? [])
      canvas.line("          " + words.joined(separator: "  ") + "  was in " + Printable.text(bug.capture))
    }
    if gone.count > Self.listedBugs { canvas.line("          and \(gone.count - Self.listedBugs) more") }
    if let undecided = tally.undecided { canvas.line("          or hidden: \(undecided)", .doubtful) }
  }

  private static func why(_ capture: CaptureRecord) -> String {
    switch capture.outcome {
    case .balanced: return ""
    case .unreadable: return capture.readingTroubles.joined(separator: "; ")
    case .inconclusive: return capture.report.reasons.first ?? ""
    case .unbalanced:
      var words: [String] = []
      for finding in capture.report.findings where finding.severity == .error {
        let word = finding.rule.rawValue + (finding.driver.map { " " + $0 } ?? "")
        if !words.contains(word) { words.append(word) }
      }
      return words.prefix(3).joined(separator: ", ") + (words.count > 3 ? " and \(words.count - 3) more" : "")
    }
  }

  private static func ink(_ outcome: CaptureRecord.Outcome) -> Ink {
    switch outcome {
    case .balanced: .good
    case .unbalanced, .unreadable: .bad
    case .inconclusive: .doubtful
    }
  }

  private static func ink(_ finding: Finding) -> Ink {
    switch finding.severity {
    case .error: .bad
    case .warning: .doubtful
    case .note: .dim
    }
  }
}
