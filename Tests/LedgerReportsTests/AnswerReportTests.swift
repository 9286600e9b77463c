import DMALedger
import Foundation
import LedgerReports
import Testing

/// Answers in the outputs: what stands first in the text, and every value in JSON.
@Suite("Answers in reports")
struct AnswerReportTests {
  private static func report(_ sources: Int = 1, _ answers: Answer...) -> Report {
    var report = Report(
      verdict: .unbalanced, reasons: [], kernel: KernelSummary(),
      sources: (0..<sources).map { SourceSummary(path: "logs/file\($0).txt") }, groups: [],
      unattributed: CallTally(), findings: [], diagnostics: [])
    report.answers = answers
    return report
  }

  /// Every value is set that may be set.
  static let full = Answer(
    group: GroupID(45), incarnation: 1, device: "0000:00:03.0", cause: .leak, certainty: .proved,
    headline: "Group 45 is not viable.", at: LineReference(source: 0, line: 7),
    steps: [
      Answer.Step(
        text: "qemu was refused it", at: LineReference(source: 0, line: 12), time: Nanoseconds(12_742_977_000)
      ),
      Answer.Step(text: "this kernel lacks the fix"),
    ],
    legitimate: [Holder(kind: .bound, count: 1, device: "0000:00:03.1")],
    leaked: [Holder(kind: .leaked, count: nil)],
    unexplained: Count(min: 1, max: nil), fix: "boot 6.1.53")

  private func lines(_ report: Report, width: Int = 100) -> [Substring] {
    TextReport.render(report, style: TextStyle(width: width)).split(
      separator: "\n", omittingEmptySubsequences: false)
  }

  @Test("JSON keeps every value and leaves out what is not known")
  func json() throws {
    let bare = Answer(cause: .unknown, certainty: .suspected, headline: "h", fix: "f")
    let text = JSONReport.render(Self.report(1, Self.full, bare), toolVersion: "1")
    let root = try #require(try JSONSerialization.jsonObject(with: Data(text)) as? [String: Any])
    let expected: NSArray = [
      [
        "group": 45, "incarnation": 1, "device": "0000:00:03.0", "cause": "leak", "certainty": "proved",
        "headline": "Group 45 is not viable.", "at": ["source": 0, "line": 7],
        "steps": [
          ["text": "qemu was refused it", "ts_ns": 12_742_977_000, "at": ["source": 0, "line": 12]],
          ["text": "this kernel lacks the fix"],
        ],
        "legitimate": [["kind": "bound", "count": 1, "device": "0000:00:03.1"]],
        "leaked": [["kind": "leaked"]], "unexplained": ["min": 1], "fix": "boot 6.1.53",
      ],
      [
        "cause": "unknown", "certainty": "suspected", "headline": "h", "steps": [String](),
        "legitimate": [String](), "leaked": [String](), "fix": "f",
      ],
    ]
    #expect(root["answers"] as? NSArray == expected)
  }

  @Test("the text gives the verdict in its first line and the answer in the next")
  func first() {
    #expect(
      lines(Self.report(1, Self.full)).prefix(3) == [
        "UNBALANCED",
        "Group 45 is not viable [line 7]. qemu was refused it [line 12]; this kernel lacks the fix. Do this:",
        "boot 6.1.53.",
      ])
  }

  @Test("with several sources a line is told with its file")
  func several() {
    #expect(lines(Self.report(2, Self.full))[1].contains("qemu was refused it [file0.txt:12]"))
  }

  @Test("what the kernel has to do with it is told once")
  func once() {
    var second = Self.full
    second.headline = "Group 46 is not viable."
    let text = lines(Self.report(1, Self.full, second)).joined(separator: " ")
    #expect(text.components(separatedBy: "this kernel lacks the fix").count == 2)
    #expect(text.components(separatedBy: "Do this:").count == 3)
  }

  @Test("no name moves the cursor or leaves the width", arguments: [60, 80, 100])
  func hostile(width: Int) {
    let evil = "\u{1B}[2J\u{202E}evil\rname\n"
    let answer = Answer(
      group: GroupID(1), device: evil, cause: .holder, certainty: .proved, headline: "Group 1, says \(evil).",
      steps: [Answer.Step(text: "\(evil) holds 1")],
      fix: "unbind \(evil) and whatever else there is in the way of it")
    let text = TextReport.render(Self.report(1, answer), style: TextStyle(width: width))
    #expect(!text.unicodeScalars.contains { $0 != "\n" && ($0.value < 0x20 || $0 == "\u{202E}") })
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= width })
  }
}
