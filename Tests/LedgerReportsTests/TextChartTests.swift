import DMALedger
import LedgerReports
import TestSupport
import Testing

@Suite("The chart of characters")
struct TextChartTests {
  private func style(_ charts: TextStyle.Charts, width: Int = 100) -> TextStyle {
    var style = TextStyle(width: width)
    style.charts = charts
    return style
  }

  /// The lines of the charts in a report.
  private func chart(_ report: Report, _ charts: TextStyle.Charts, width: Int = 100) -> [String] {
    let lines = TextReport.render(report, style: style(charts, width: width)).split(
      separator: "\n", omittingEmptySubsequences: false
    ).map(String.init)
    var inside = false
    return lines.filter { line in
      if line.drop(while: { $0 == " " }).hasPrefix("owner_cnt") { inside = true }
      if line.isEmpty { inside = false }
      return inside
    }
  }

  /// The counts that the step line goes through, read back by the numbers on its left.
  private func counts(_ lines: [String], frame: Character, pen: Set<Character>) -> [Int] {
    let rows = lines.compactMap { line -> (Int, [Character])? in
      guard let place = line.firstIndex(of: frame), let count = Int(line[..<place].filter { $0 != " " })
      else {
        return nil
      }
      return (count, Array(line[line.index(after: place)...]))
    }
    var seen: [Int] = []
    for column in 0..<(rows.map(\.1.count).max() ?? 0) {
      let here = rows.filter { $0.1.count > column && pen.contains($0.1[column]) }.map(\.0)
      if here.count == 1, seen.last != here[0] { seen.append(here[0]) }
    }
    return seen
  }

  @Test("the line goes through the counts of the seed bug, in both alphabets")
  func steps() {
    let report = TimelineTests.seedBug.report(.arguments)
    #expect(counts(chart(report, .unicode), frame: "┤", pen: ["─"]) == [0, 1, 2, 1])
    #expect(counts(chart(report, .ascii), frame: "|", pen: ["-"]) == [0, 1, 2, 1])
  }

  @Test("a leak is a bar that is open at the end and says so")
  func leak() throws {
    let lines = chart(TimelineTests.seedBug.report(.arguments), .unicode)
    let bar = try #require(lines.first { $0.contains("leaked") })
    #expect(bar.hasSuffix("▶") && bar.contains("┣━ leaked ━"))
    #expect(lines.contains { $0.contains("├") && $0.hasSuffix("┤") })
    let marks = try #require(lines.first)
    #expect(marks.contains("◆") && marks.contains("✕"))
  }

  @Test("where evidence is missing there is no line but hatching, and the legend says so")
  func gap() throws {
    let lines = chart(TimelineTests.lossBetweenBinds.report(.arguments), .unicode)
    let rows = lines.filter { $0.contains("┤") && $0.contains("╱") }
    #expect(rows.count == 3)
    // The hatching is of one width in every row: no line goes through it.
    let widths = rows.map { row in row.count { $0 == "╱" } }
    #expect(Set(widths).count == 1 && (widths.first ?? 0) > 10)
    #expect(lines.contains { $0.contains("╱ evidence is missing") } && !lines.contains { $0.contains("░") })
  }

  @Test("ASCII means ASCII")
  func ascii() {
    let report = TimelineTests.seedBug.report(.arguments)
    #expect(chart(report, .ascii).joined().utf8.allSatisfy { $0 < 0x80 })
    #expect(!chart(report, .ascii).isEmpty)
  }

  @Test(
    "nothing is wider than 80 columns", arguments: SampleFiles.captures, [TextStyle.Charts.unicode, .ascii])
  func width(_ name: String, _ charts: TextStyle.Charts) throws {
    let report = report(on: try SampleFiles.bytes(name))
    for width in [60, 80, 100] {
      for line in chart(report, charts, width: width) {
        #expect(line.count <= min(80, width), "\(name): \(line)")
      }
    }
  }

  @Test("without the wish there is no chart")
  func none() {
    #expect(chart(TimelineTests.seedBug.report(.arguments), .none).isEmpty)
  }

  @Test("ten thousand changes fit into a chart of the same size")
  func crowd() {
    let story = Scenario()
    story.group(7, TimelineTests.nic)
    for _ in 0..<1000 {
      story.probe(TimelineTests.nic, "e1000e") {
        $0.use(); $0.bound()
      }
      story.unbind(TimelineTests.nic)
    }
    var report = story.report(.arguments)
    report.groups[0].verdict = .inconclusive
    let lines = chart(report, .unicode)
    #expect(lines.count < 12)
    #expect(lines.allSatisfy { $0.count <= 80 })
  }

  @Test("hostile names reach the terminal as text")
  func hostile() {
    var report = TimelineTests.seedBug.report(.arguments)
    for index in report.groups[0].changes.indices {
      report.groups[0].changes[index].device = "\u{1B}[31m\u{202E}"
      report.groups[0].changes[index].driver = "\u{7}"
    }
    let text = chart(report, .unicode).joined()
    #expect(!text.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{202E}" || $0 == "\u{7}" })
  }
}
