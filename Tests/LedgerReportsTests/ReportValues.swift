import DMALedger

extension Report {
  static let withNothing = Report(
    verdict: .balanced, reasons: [], kernel: KernelSummary(), sources: [], groups: [],
    unattributed: CallTally(),
    findings: [], diagnostics: [])

  /// Every value is set that may be set; `peak.max` and `before.max` are open.
  static let withEverything: Report = {
    let line = LineReference(source: 0, line: 12)
    var group = GroupReport(
      id: GroupID(45), incarnation: 1, verdict: .unbalanced, reasons: [], initial: Count(exactly: 0),
      final: Count(min: 1, max: 2), peak: Count(min: 2, max: nil), excess: Count(exactly: 1), owner: .none,
      devices: [DeviceReport(name: "0000:00:03.0", driver: "e1000e", isBound: true, outstanding: 2)],
      holders: [
        Holder(
          kind: .leaked, count: 1, device: "0000:00:03.0", driver: "e1000e",
          since: Nanoseconds(12_263_056_000),
          at: line)
      ],
      changes: [
        Change(
          time: Nanoseconds(12_263_056_000), call: .deviceClaim, device: "0000:00:03.0", driver: "e1000e",
          pid: 1,
          comm: "init", cpu: 0, result: -16, before: .unknown, after: Count(exactly: 1), certainty: .proved,
          at: line, isAfterGap: true)
      ])
    var folded = CallTally()
    folded[.use] = 7
    group.foldedChanges = FoldedChanges(
      place: 1, count: 7, calls: folded, effective: folded, firstTime: Nanoseconds(12_263_057_000),
      firstAt: line,
      lastTime: Nanoseconds(12_263_058_000), lastAt: LineReference(source: 0, line: 39))
    var unattributed = CallTally()
    unattributed[.use] = 12
    unattributed[.deviceRelease] = 1
    var report = Report(
      verdict: .unbalanced, reasons: [],
      kernel: KernelSummary(release: "6.1.52", testDriverRemove: .unfixed, windows: 9, reprobes: 4),
      sources: [
        SourceSummary(
          path: "boot.trace.zst", format: "ftrace function_graph", compression: "zstd", bytes: 4096,
          lines: 77,
          understoodLines: 70, events: 12, firstTime: Nanoseconds(12_263_014_000),
          lastTime: Nanoseconds(12_743_749_000), lostEvents: 3,
          unparsed: [UnparsedShape(shape: "x 9: x", count: 7, firstLine: 5)])
      ],
      groups: [group], unattributed: unattributed,
      findings: [
        Finding(
          rule: .notViable, severity: .error, certainty: .consistent, group: GroupID(45), incarnation: 1,
          device: "0000:00:03.0", driver: "e1000e", excess: 1, message: "VFIO was refused.", cause: "leak",
          remedy: "See the leak.", fingerprint: "0123456789abcdef",
          evidence: [
            Evidence(
              at: LineReference(source: 0, line: 40), time: Nanoseconds(12_742_977_000), note: "claimed",
              text: " vt-111 [001] query")
          ])
      ],
      diagnostics: [Diagnostic(level: .warning, source: 0, line: 31, offset: 2048, message: "damaged frame")])
    report.kernel.fix = .lacksByRelease
    report.findings[0].occurrences = 3
    report.recipe = ["cat trace > trace.txt"]
    report.answers = [AnswerReportTests.full]
    return report
  }()

  /// One of everything, with every value left out that may be.
  static let withBarestElements: Report = {
    let line = LineReference(source: 0, line: 1)
    var report = Report.withNothing
    report.verdict = .inconclusive
    report.reasons = ["The capture begins in mid-life."]
    report.sources = [SourceSummary(path: "-")]
    report.groups = [
      GroupReport(
        id: nil, incarnation: 0, verdict: .inconclusive, reasons: report.reasons, initial: .unknown,
        final: .unknown, peak: .unknown, excess: .unknown, owner: .unknown,
        devices: [DeviceReport(name: "0000:00:03.0", driver: nil, isBound: nil, outstanding: -1)],
        holders: [Holder(kind: .unknown, count: nil)],
        changes: [
          Change(time: nil, call: .query, before: .unknown, after: .unknown, certainty: .suspected, at: line)
        ])
    ]
    report.findings = [
      Finding(
        rule: .evidenceLost, severity: .note, certainty: .proved, message: "m", remedy: "r", fingerprint: "f",
        evidence: [Evidence(at: line, time: nil, note: "n", text: "")])
    ]
    report.diagnostics = [Diagnostic(level: .note, message: "m")]
    return report
  }()

  /// A report in which a capture's bytes reach a reason and a line of evidence.
  static func quoting(_ hostile: String) -> Report {
    var report = Report.withBarestElements
    report.reasons = [hostile]
    report.findings[0].evidence[0].text = hostile
    return report
  }
}
