/// Sources that do not say what was written: the checksum of a zstd frame is wrong, and nobody knows which lines are. What
/// rests on them is told and proves nothing.
struct MisreadSources {
  /// Their places in the report.
  private let places: Set<Int>
  /// Whether one of them is a trace: then calls may be missing, or be others, in every group.
  private let hasTrace: Bool

  init(_ sources: Set<Int>, of all: [SourceSummary], order: SourceOrder) {
    places = Set(sources.map(order.rank))
    hasTrace = sources.contains { !SourceOrder.isBesideTrace(all[$0]) }
  }

  private static let reason =
    "the checksum of a zstd frame is wrong, so what was read may not be what was written"
  private static let condition = "Only if the lines were read right: "

  /// Takes back what a report on such sources proves; its answers have to be there already.
  func distrust(_ report: inout Report) {
    guard !places.isEmpty else { return }
    for index in report.findings.indices where rests(report.findings[index]) {
      report.findings[index].severity = min(report.findings[index].severity, .warning)
      report.findings[index].certainty = .suspected
      report.findings[index].message = Self.condition + report.findings[index].message
    }
    report.findings = FindingRegister.sorted(report.findings)
    if hasTrace { report.kernel.testDriverRemove = .unknown }
    for index in report.groups.indices { distrust(&report.groups[index], report.findings) }
    for index in report.answers.indices where report.answers[index].cause != .absent {
      report.answers[index].certainty = .suspected
      report.answers[index].headline = Self.condition + report.answers[index].headline
    }
    if report.verdict != .unbalanced || !report.findings.contains(where: { $0.severity == .error }) {
      report.verdict = .inconclusive
      report.reasons.insert(Self.reason, at: 0)
    }
  }

  /// Whether a finding has evidence in them. That evidence is missing is a fact about the input.
  private func rests(_ finding: Finding) -> Bool {
    finding.rule != .evidenceLost && finding.evidence.contains { places.contains($0.at.source) }
  }

  private func distrust(_ group: inout GroupReport, _ findings: [Finding]) {
    let isProved = findings.contains {
      $0.severity == .error && $0.group == group.id && $0.incarnation == group.incarnation
    }
    if !isProved {
      group.verdict = .inconclusive
      group.reasons.insert(Self.reason, at: 0)
    }
    guard hasTrace else { return }
    group.initial = .unknown
    group.final = .unknown
    group.peak = .unknown
    group.excess = .unknown
    group.owner = .unknown
    group.holders = [Holder(kind: .unknown, count: nil)]
    for index in group.devices.indices { group.devices[index].isBound = nil }
    for index in group.changes.indices {
      group.changes[index].before = .unknown
      group.changes[index].after = .unknown
      group.changes[index].certainty = .suspected
    }
  }
}
