import DMALedger

/// KTAP version 1, the kernel's own test protocol (Documentation/dev-tools/ktap.rst).
///
/// A capture is a test, its groups are the subtests; `# ` lines before a result tell its story. A defect is `not ok`,
/// an unreadable capture `not ok … # ERROR`, an inconclusive one `ok … # SKIP`. Keeps the number of the last test.
public struct KTAPReport: CollectionRenderer {
  private var number = 0

  /// A report.
  public init() {}

  /// The version line and, where the number of captures is known, the plan.
  public mutating func begin(total: Int?) -> [UInt8] {
    var text = "KTAP version 1\n"
    // A plan may be left out where the number is not known, and has no place but here.
    if let total { text += "1..\(total)\n" }
    return Array(text.utf8)
  }

  /// A test with its subtests.
  public mutating func add(_ capture: CaptureRecord) -> [UInt8] {
    number += 1
    let checks = CaptureCheck.all(of: capture)
    var text = "  KTAP version 1\n  1..\(checks.count)\n"
    for (index, check) in checks.enumerated() {
      for line in check.story(in: capture.report) { text += "  # \(Self.diagnostic(line))\n" }
      text += "  " + Self.result(check.result, index + 1, check.name, check.reason)
    }
    let name = capture.name.isEmpty ? "capture" : capture.name
    text += Self.result(CaptureCheck.bubbled(checks), number, name, capture.outcome.rawValue)
    return Array(text.utf8)
  }

  /// Nothing: KTAP has no end.
  public mutating func finish() -> [UInt8] {
    []
  }

  private static func result(
    _ result: CaptureCheck.Result, _ number: Int, _ name: String, _ reason: String
  ) -> String {
    let name = description(name)
    return switch result {
    case .passed: "ok \(number) \(name)\n"
    case .failed: "not ok \(number) \(name)\n"
    case .skipped: "ok \(number) \(name) # SKIP \(diagnostic(reason))\n"
    case .errored: "not ok \(number) \(name) # ERROR \(diagnostic(reason))\n"
    }
  }

  /// A description must not have a `#` in it, and there is no way to escape one.
  private static func description(_ text: String) -> String {
    diagnostic(text).escaped { $0 == "#" ? "\\x23" : nil }
  }

  /// kunit.py stops reading where one of these stands, anywhere in a line: a machine has come to its end there.
  private static let endMarks = [
    "List of all partitions:", "Kernel panic - not syncing: VFS:", "reboot: System halted",
  ]

  private static func diagnostic(_ text: String) -> String {
    let text = Printable.text(text)
    return endMarks.contains(where: text.holdsBytes) ? text.escaped { $0 == ":" ? "\\x3a" : nil } : text
  }
}

extension CaptureCheck {
  /// What a test of these subtests comes to: a failure is passed on, and only what is skipped throughout is skipped.
  static func bubbled(_ checks: [CaptureCheck]) -> Result {
    if checks.contains(where: { $0.result == .errored }) { return .errored }
    if checks.contains(where: { $0.result == .failed }) { return .failed }
    // One group that nothing is known about is enough to leave the capture open.
    return checks.contains { $0.result == .skipped } ? .skipped : .passed
  }
}
