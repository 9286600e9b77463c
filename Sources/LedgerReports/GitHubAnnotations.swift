import DMALedger

/// GitHub Actions workflow commands: annotations on the files of a run, by writing lines such as
/// `::error file=…,line=…,title=…::…`, which the runner finds on standard output and standard error alike.
///
/// GitHub shows ten errors and ten warnings of a step and drops the others without a word. So the same bug is told
/// once however many captures show it, at most nine of each kind are told, and the tenth says how many there are.
/// Captures that cannot be read are errors, inconclusive ones warnings. Keeps what ``BugTally`` keeps, and nine captures
/// of each such kind.
public struct GitHubAnnotations: CollectionRenderer {
  private let locator: SourceLocator
  private var tally = BugTally()
  private var unreadable: [Command] = []
  private var inconclusive: [Command] = []
  private static let shown = 9

  private struct Command {
    var place: (path: String, line: Int)?
    var title: String
    var message: String
  }

  /// A report; `locator` says how files are named in it.
  public init(locator: SourceLocator = SourceLocator()) {
    self.locator = locator
  }

  /// Nothing: what is gravest is known in the end.
  public mutating func begin(total: Int?) -> [UInt8] {
    []
  }

  /// Nothing: what is gravest is known in the end.
  public mutating func add(_ capture: CaptureRecord) -> [UInt8] {
    tally.add(capture, locator)
    switch capture.outcome {
    case .unreadable where unreadable.count < Self.shown:
      unreadable.append(
        Command(
          place: locator.place(nil, in: capture), title: "unreadable: \(capture.name)",
          message: capture.readingTroubles.joined(separator: "; ")))
    case .inconclusive where inconclusive.count < Self.shown:
      inconclusive.append(
        Command(
          place: locator.place(nil, in: capture), title: "inconclusive: \(capture.name)",
          message: capture.report.reasons.joined(separator: "; ")))
    default: break
    }
    return []
  }

  /// The commands.
  public mutating func finish() -> [UInt8] {
    let errors = commands("error", unreadable, tally.outcomes[.unreadable, default: 0], .error)
    let warnings = commands("warning", inconclusive, tally.outcomes[.inconclusive, default: 0], .warning)
    // One capture has said it all by now.
    guard tally.captures > 1, errors.utf8.count + warnings.utf8.count > 0 else {
      return Array((errors + warnings).utf8)
    }
    let verdict = Command(
      title: "dmaledger", message: "dmaledger: \(counted(tally.captures, "capture")): \(tally.headline)")
    return Array((errors + warnings + Self.line("notice", verdict)).utf8)
  }

  private func commands(
    _ kind: String, _ captures: [Command], _ captureCount: Int, _ severity: Severity
  ) -> String {
    let bugs = tally.bugs[severity, default: []]
    let told = (bugs.map(Self.command) + captures).prefix(Self.shown)
    let all = bugs.reduce(0) { $0 + $1.findings } + tally.others[severity, default: 0] + captureCount
    let inTold = bugs.prefix(Self.shown).reduce(0) { $0 + $1.findings } + max(0, told.count - bugs.count)
    var text = told.map { Self.line(kind, $0) }.joined()
    if all > inTold {
      text += Self.line(
        kind,
        Command(
          title: "dmaledger: more",
          message:
            "and \(all - inTold) more that are not shown here; the step summary and the other outputs have them."
        ))
    }
    return text
  }

  private static func command(_ bug: BugTally.Bug) -> Command {
    var message = TextReport.capitalized(bug.finding.message)
    if bug.findings > 1 {
      message +=
        " (seen \(bug.findings) times in \(counted(bug.captures, "capture")))"
    }
    return Command(place: bug.place, title: bug.finding.title, message: message)
  }

  private static func line(_ kind: String, _ command: Command) -> String {
    var properties: [String] = []
    if let place = command.place {
      properties.append("file=" + property(place.path))
      properties.append("line=\(place.line)")
    }
    properties.append("title=" + property(command.title))
    return "::\(kind) \(properties.joined(separator: ","))::\(data(command.message))\n"
  }

  /// The runner takes `%25`, `%0D` and `%0A` back, in this order; the last two never come out of a printable text.
  private static func data(_ text: String) -> String {
    Printable.text(text).escaped { $0 == "%" ? "%25" : nil }
  }

  private static func property(_ text: String) -> String {
    data(text).escaped { $0 == ":" ? "%3A" : $0 == "," ? "%2C" : nil }
  }
}
