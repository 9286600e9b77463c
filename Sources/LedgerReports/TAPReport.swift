import DMALedger

/// TAP version 14: a capture is a test with its groups as subtests, the story of a result is the YAML block behind it.
///
/// A defect and an unreadable capture are `not ok`, an inconclusive one is `ok … # SKIP`. Keeps the number of the last
/// test; the plan comes last where the number of captures is not known before.
public struct TAPReport: CollectionRenderer {
  private var number = 0
  private var hasPlan = false

  /// A report.
  public init() {}

  /// The version line and, where the number of captures is known, the plan.
  public mutating func begin(total: Int?) -> [UInt8] {
    var text = "TAP version 14\n"
    if let total {
      text += "1..\(total)\n"
      hasPlan = true
    }
    return Array(text.utf8)
  }

  /// A test with its subtests.
  public mutating func add(_ capture: CaptureRecord) -> [UInt8] {
    number += 1
    let checks = CaptureCheck.all(of: capture)
    let name = Self.escaped(capture.name.isEmpty ? "capture" : capture.name)
    var text = "# Subtest: \(name)\n    1..\(checks.count)\n"
    for (index, check) in checks.enumerated() {
      text += "    " + Self.result(check.result, index + 1, Self.escaped(check.name), check.reason)
      if check.hasStory { text += Self.block(check, capture) }
    }
    text += Self.result(CaptureCheck.bubbled(checks), number, name, capture.outcome.rawValue)
    return Array(text.utf8)
  }

  /// The plan, if it could not stand at the beginning.
  public mutating func finish() -> [UInt8] {
    hasPlan ? [] : Array("1..\(number)\n".utf8)
  }

  private static func result(
    _ result: CaptureCheck.Result, _ number: Int, _ name: String, _ reason: String
  ) -> String {
    switch result {
    case .passed: "ok \(number) - \(name)\n"
    case .failed, .errored: "not ok \(number) - \(name)\n"
    case .skipped: "ok \(number) - \(name) # SKIP \(escaped(reason))\n"
    }
  }

  private static func block(_ check: CaptureCheck, _ capture: CaptureRecord) -> String {
    var yaml = "      ---\n"
    func line(_ text: String) { yaml += "      " + text + "\n" }
    if check.result != .passed {
      line("message: \(quoted(check.reason))")
      line("severity: \(check.result == .skipped ? "skip" : "fail")")
      line("kind: \(check.kind)")
    }
    if let place = check.place {
      line("at:")
      line("  file: \(quoted(capture.report.path(of: place.source) ?? ""))")
      line("  line: \(place.line)")
    }
    line("story:")
    for told in check.story(in: capture.report) { line("  - \(quoted(told))") }
    return yaml + "      ...\n"
  }

  /// A backslash is escaped as TAP 14 has it. So could a `#` be, but older readers take `\#` for the beginning of a
  /// directive, and then a name could skip its own failure.
  private static func escaped(_ text: String) -> String {
    Printable.text(text).escaped { $0 == "\\" ? "\\\\" : $0 == "#" ? "\\\\x23" : nil }
  }

  /// A YAML text in double quotes. Nothing is left in a printable text that needs another escape.
  private static func quoted(_ text: String) -> String {
    "\"" + Printable.text(text).escaped { $0 == "\"" ? "\\\"" : $0 == "\\" ? "\\\\" : nil } + "\""
  }
}
