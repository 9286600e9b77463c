import DMALedger

/// A summary in Markdown, for a comment on a merge request or the summary page of a CI step.
///
/// First what it comes to and a short table of the bugs, one line for each fingerprint, then folded what shows each of
/// them and which captures are not balanced. What would not fit is left out from the end, with a word about it.
/// Keeps what ``BugTally`` keeps and ``listedCaptures`` captures, and the fingerprints seen where there is a baseline.
public struct MarkdownSummary: CollectionRenderer {
  /// What a comment on GitHub takes, in bytes; GitLab takes more.
  public static let commentLimit = 65_536
  /// What the summary of a GitHub step takes, in bytes.
  public static let stepLimit = 1_048_576

  private let limit: Int
  private let locator: SourceLocator
  private let baseline: Baseline?
  private var seen: Set<String> = []
  private var tally = BugTally()
  private var rows: [String] = []
  /// Why the first capture is not decided, and what would settle it.
  private var doubts: [String] = []
  private var open = 0
  private static let listedCaptures = 50
  private static let listedBugs = 30
  private static let storiedBugs = 10

  /// A summary of at most `limit` bytes; with a baseline it says what is gone as well.
  public init(limit: Int = commentLimit, locator: SourceLocator = SourceLocator(), baseline: Baseline? = nil)
  {
    self.limit = limit
    self.baseline = baseline
    self.locator = locator
  }

  /// Nothing: the counts stand at the top and are known in the end.
  public mutating func begin(total: Int?) -> [UInt8] {
    []
  }

  /// Nothing: the counts stand at the top and are known in the end.
  public mutating func add(_ capture: CaptureRecord) -> [UInt8] {
    tally.add(capture, locator)
    if baseline != nil { seen.formUnion(capture.report.findings.map(\.fingerprint)) }
    guard capture.outcome != .balanced else { return [] }
    open += 1
    if tally.captures == 1 { doubts = Self.doubts(about: capture) }
    if rows.count < Self.listedCaptures { rows.append(Self.row(capture)) }
    return []
  }

  /// The page.
  public mutating func finish() -> [UInt8] {
    let bugs = Severity.allCases.reversed().flatMap { tally.bugs[$0, default: []] }
    let told = bugs.filter { $0.finding.severity > .note }
    var page = BoundedPage(limit: limit)
    page.add(heading)
    if !told.isEmpty { page.add(table(told)) }
    if let gone = baseline?.gone(from: seen), !gone.isEmpty { page.add(table(ofGone: gone)) }
    if tally.captures > 1 {
      if !rows.isEmpty { page.add(captures) }
    } else if !doubts.isEmpty {
      page.add("\n" + MarkdownText.block(doubts))
    }
    for bug in told.prefix(Self.storiedBugs) { page.add(Self.story(bug)) }
    let notes = bugs.filter { $0.finding.severity == .note }
    if !notes.isEmpty {
      page.add(
        Self.folded(counted(notes.count, "note"), table(notes)))
    }
    return page.finished()
  }

  // MARK: - Parts

  private var heading: String {
    tally.captures == 1
      ? "### DMA ownership: \(tally.headline)\n"
      : "### DMA ownership in \(counted(tally.captures, "capture")): \(tally.headline)\n"
  }

  private func table(_ bugs: [BugTally.Bug]) -> String {
    let hasMany = tally.captures > 1
    var text =
      "\n| | rule | driver |" + (hasMany ? " captures | first seen in |" : " seen | first for |")
      + " line |\n"
    text += "|---|---|---|--:|---|--:|\n"
    for bug in bugs.prefix(Self.listedBugs) {
      let finding = bug.finding
      let group = finding.group.map { "group \($0.value) " } ?? ""
      let example =
        hasMany
        ? MarkdownText.code(Self.cut(bug.capture)) : group + MarkdownText.code(Self.cut(finding.device ?? ""))
      let novelty = finding.novelty.map { " (\($0.rawValue))" } ?? ""
      text += "| \(finding.severity.rawValue)\(novelty) | \(finding.rule.rawValue) "
      text += "| \(MarkdownText.code(Self.cut(finding.driver ?? ""))) "
      text += "| \(hasMany ? bug.captures : bug.findings) | \(example) | \(bug.place.line) |\n"
    }
    if bugs.count > Self.listedBugs {
      text += "\nand \(bugs.count - Self.listedBugs) more kinds of finding\n"
    }
    return text
  }

  /// A bug that nothing decides in this run may still be there.
  private func table(ofGone bugs: [Baseline.Bug]) -> String {
    var text = "\n| gone since the baseline | rule | driver | was in |\n|---|---|---|---|\n"
    for bug in bugs.prefix(Self.listedBugs) {
      text +=
        "| \(bug.severity.rawValue) | \(bug.rule.rawValue) | \(MarkdownText.code(Self.cut(bug.driver ?? ""))) "
      text += "| \(MarkdownText.code(Self.cut(bug.capture))) |\n"
    }
    if bugs.count > Self.listedBugs { text += "\nand \(bugs.count - Self.listedBugs) more that are gone\n" }
    if let undecided = tally.undecided { text += "\nor hidden: \(undecided)\n" }
    return text
  }

  private var captures: String {
    var text = "\n| capture | verdict | groups | |\n|---|---|---|---|\n" + rows.joined()
    if open > rows.count { text += "\nand \(counted(open - rows.count, "more capture"))\n" }
    return Self.folded(
      "\(counted(open, "capture is", "captures are")) not balanced", text)
  }

  private static func row(_ capture: CaptureRecord) -> String {
    let groups = capture.report.groups.filter { $0.verdict != .balanced }
    var names = groups.prefix(8).map { $0.plainName.replacing("group ", with: "") }.joined(separator: ", ")
    if groups.count > 8 { names += " and \(groups.count - 8) more" }
    let why =
      switch capture.outcome {
      case .unreadable: capture.readingTroubles.joined(separator: "; ")
      case .inconclusive: capture.report.reasons.joined(separator: "; ")
      case .unbalanced, .balanced:
        capture.report.findings.first.map { "\($0.rule.rawValue) (\($0.certainty.rawValue))" } ?? ""
      }
    return "| \(MarkdownText.code(cut(capture.name))) | \(capture.outcome.rawValue) | \(names) "
      + "| \(MarkdownText.code(cut(why))) |\n"
  }

  private static func doubts(about capture: CaptureRecord) -> [String] {
    switch capture.outcome {
    case .unreadable: capture.readingTroubles
    case .inconclusive:
      capture.report.reasons.map { "- \($0)" }
        + (capture.report.recipe.isEmpty ? [] : ["", "what would settle it:"] + capture.report.recipe)
    case .unbalanced, .balanced: []
    }
  }

  /// A cell is no place for a page.
  private static func cut(_ text: String) -> String {
    text.unicodeScalars.count <= 200
      ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(199))) + "…"
  }

  private static func story(_ bug: BugTally.Bug) -> String {
    let finding = bug.finding
    // Blocks do not wrap, so that prose is wrapped here; it names devices and drivers and so must be in a block.
    var canvas = TextCanvas(style: TextStyle())
    canvas.paragraph(TextReport.capitalized(finding.message), indent: 0)
    canvas.line()
    canvas.paragraph("What to do: " + Printable.text(finding.remedy), indent: 0)
    canvas.line()
    let prose = canvas.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    return folded(
      "\(finding.severity.rawValue): \(finding.title), fingerprint \(finding.fingerprint)",
      "\n" + MarkdownText.block(prose.dropLast() + ["in " + bug.capture] + bug.lines))
  }

  /// Our own words above what is folded. Markdown begins again behind an empty line.
  private static func folded(_ title: String, _ body: String) -> String {
    "\n<details><summary>\(title)</summary>\n\(body)\n</details>\n"
  }
}

/// Parts of a page that are kept while they fit.
private struct BoundedPage {
  private var bytes: [UInt8] = []
  private var leftOut = 0
  private let limit: Int
  /// Room for the word about what was left out.
  private static let reserve = 80

  init(limit: Int) {
    self.limit = limit
  }

  mutating func add(_ part: String) {
    if bytes.count + part.utf8.count + Self.reserve <= limit { bytes += part.utf8 } else { leftOut += 1 }
  }

  func finished() -> [UInt8] {
    leftOut == 0
      ? bytes
      : bytes
        + Array(
          "\n\(counted(leftOut, "part is", "parts are")) left out for \(leftOut == 1 ? "its" : "their") size.\n"
            .utf8)
  }
}
