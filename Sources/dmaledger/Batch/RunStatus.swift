import ArgumentParser
import DMALedger
import LedgerReports

/// What the captures of a run come to, as an exit code: the worst of them, where unreadable (2) is worse than findings
/// (1), and findings are worse than inconclusive (3).
struct RunStatus {
  /// Which findings make a run fail.
  enum FailOn: String, CaseIterable, ExpressibleByArgument {
    case error, warning, note
    case newError = "new-error"
    case newWarning = "new-warning"
    case newNote = "new-note"
    case never

    var asksForNew: Bool { self == .newError || self == .newWarning || self == .newNote }

    func isReached(by finding: Finding) -> Bool {
      if asksForNew, finding.novelty == .known { return false }
      return switch self {
      case .error, .newError: finding.severity >= .error
      case .warning, .newWarning: finding.severity >= .warning
      case .note, .newNote: true
      case .never: false
      }
    }
  }

  let failOn: FailOn
  let inconclusive: AnalyzeCommand.Inconclusive
  let unreadable: AnalyzeCommand.Inconclusive
  private(set) var worst = ExitStatus.balanced

  init(
    failOn: FailOn, inconclusive: AnalyzeCommand.Inconclusive, unreadable: AnalyzeCommand.Inconclusive
  ) {
    self.failOn = failOn
    self.inconclusive = inconclusive
    self.unreadable = unreadable
  }

  mutating func note(_ capture: CaptureRecord) {
    if capture.report.findings.contains(where: failOn.isReached) { raise(.findings) }
    switch capture.outcome {
    case .unreadable: raise(unreadable.status(reported: .unreadable))
    case .inconclusive: raise(inconclusive.status(reported: .inconclusive))
    case .balanced, .unbalanced: break
    }
  }

  private mutating func raise(_ status: ExitStatus) {
    let order: [ExitStatus] = [.balanced, .inconclusive, .findings, .unreadable]
    let rank = { (status: ExitStatus) in order.firstIndex(of: status) ?? 0 }
    if rank(status) > rank(worst) { worst = status }
  }
}

extension AnalyzeCommand.Inconclusive {
  fileprivate func status(reported: ExitStatus) -> ExitStatus {
    switch self {
    case .report: reported
    case .ok: .balanced
    case .fail: .findings
    }
  }
}
