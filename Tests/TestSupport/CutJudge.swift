package import DMALedger

/// Reports on parts of a capture, held against the report on the whole of it.
///
/// A part knows nothing of what comes behind its end, so its verdict may be another one: a capture that leaks in its last
/// lines is balanced before them. It contradicts the whole where both tell of the same lines and not the same:
///
/// * it is `balanced` although all lines are in it that prove a defect in the whole;
/// * it is `unbalanced`, or names a defect of a device, and the whole is not or does not;
/// * the count around a call that both show cannot have been both;
/// * the kernel is fixed for one of them and unfixed for the other;
/// * the exit code does not fit what is told, or is 0 or 1 where its verdict would contradict the whole's.
package struct CutJudge: Sendable {
  package let bytes: [UInt8]
  package let whole: Report
  /// Where each line begins, and the end.
  package let lineStarts: [Int]
  private let defects: Set<String>
  private let evidence: Set<Int>
  /// What the command would exit with.
  private let exitCode: @Sendable (Report) -> Int32

  package init(_ bytes: [UInt8], exitCode: @escaping @Sendable (Report) -> Int32) {
    self.bytes = bytes
    self.exitCode = exitCode
    whole = report(on: bytes)
    lineStarts = [0] + bytes.indices.filter { bytes[$0] == 0x0A }.map { $0 + 1 }
    defects = Set(whole.findings.filter { $0.severity == .error }.map(Self.name))
    evidence = Set(
      whole.changes.map(\.at.line) + whole.findings.flatMap { $0.evidence.map(\.at.line) })
  }

  private static func name(_ finding: Finding) -> String {
    "\(finding.rule.rawValue) \(finding.device ?? "")"
  }

  /// What contradicts the whole in the report on `part`, which holds its first `lines` lines complete and unchanged.
  package func contradictions(_ part: [UInt8], lines: Int) -> [String] {
    let told = report(on: part)
    var found: [String] = []
    if told.verdict == .unbalanced, whole.verdict != .unbalanced {
      found.append("unbalanced, and the whole is \(whole.verdict)")
    }
    let shown = whole.findings.filter { defect in
      defect.severity == .error && !defect.evidence.isEmpty
        && defect.evidence.allSatisfy({ $0.at.line <= lines })
    }
    if told.verdict == .balanced {
      for defect in shown {
        found.append("balanced, and everything that shows \(Self.name(defect)) is there")
      }
    }
    found += misfits(of: exitCode(told), told, shown)
    for finding in told.findings where finding.severity == .error && !defects.contains(Self.name(finding)) {
      found.append("\(Self.name(finding)) is not in the whole")
    }
    if Set([told.kernel.testDriverRemove, whole.kernel.testDriverRemove]) == [.fixed, .unfixed] {
      found.append("the kernel is \(told.kernel.testDriverRemove)")
    }
    let counts = Dictionary(
      whole.changes.map { ($0.at.line, ($0.before, $0.after)) }, uniquingKeysWith: { first, _ in first })
    for change in told.changes where change.at.line <= lines {
      guard let (before, after) = counts[change.at.line] else { continue }
      if change.before.intersection(before) == nil || change.after.intersection(after) == nil {
        found.append(
          "line \(change.at.line): \(change.before) -> \(change.after), and in the whole \(before) -> \(after)"
        )
      }
    }
    return found
  }

  /// What is wrong with an exit code: 0 balanced, 1 a defect, 2 unreadable, 3 inconclusive.
  private func misfits(of code: Int32, _ told: Report, _ shown: [Finding]) -> [String] {
    let expected: Int32 =
      if !told.understoodAnything {
        2
      } else if told.findings.contains(where: { $0.severity == .error }) {
        1
      } else {
        told.verdict == .balanced ? 0 : 3
      }
    var found = code == expected ? [] : ["exit code \(code), and the report comes to \(expected)"]
    if code == 0, !shown.isEmpty { found.append("exit code 0, and what shows a defect is there") }
    if code == 1, exitCode(whole) != 1 { found.append("exit code 1, and the whole's is \(exitCode(whole))") }
    return found
  }

  /// The capture cut off at a byte.
  package func cut(at end: Int) -> [String] {
    contradictions(Array(bytes.prefix(end)), lines: lineStarts.count { $0 <= end } - 1)
  }

  /// The capture with one bit turned: only where that is in no line that shows anything, because a line that says
  /// something else is believed.
  package func turned(bit: Int) -> [String] {
    var damaged = bytes
    damaged[bit / 8] ^= 1 << UInt8(bit % 8)
    let line = lineStarts.count { $0 <= bit / 8 }
    let found = contradictions(damaged, lines: line - 1)
    let isBreak = bytes[bit / 8] == 0x0A || damaged[bit / 8] == 0x0A
    return evidence.contains(line) || isBreak || isEvent(line) ? [] : found
  }

  /// Whether a line may be a call: one that is not the whole's evidence may become some.
  private func isEvent(_ line: Int) -> Bool {
    let text = bytes[lineStarts[line - 1]..<(line < lineStarts.count ? lineStarts[line] : bytes.count)]
    return String(decoding: text, as: UTF8.self).contains("iommu_")
  }
}
