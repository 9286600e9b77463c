import DMALedger
import Foundation
import TestSupport
import Testing

@testable import LedgerReports

@Suite("Annotations for GitHub Actions")
struct GitHubAnnotationsTests {
  @Test("each bug is told once, at its line")
  func unbalanced() throws {
    let told = lines(GitHubAnnotations(), [try Captures.unbalanced()])
    #expect(
      told.map { $0.prefix { $0 != " " } } == ["::error", "::error", "::warning", "::warning", "::warning"])
    #expect(
      told[0].hasPrefix(
        "::error file=samples/6.1-unfixed-late-probes/trace.txt,line=56,title=group 1%3A test-remove-leak::Group 1 keeps"
      ))
    // Three leaks of e1000 in group 9.
    #expect(told[1].hasSuffix("(seen 3 times in 1 capture)"))
  }

  @Test(
    "a balanced capture has only what is worth a warning, an inconclusive one says why, an unreadable one is an error"
  )
  func others() throws {
    #expect(lines(GitHubAnnotations(), [try Captures.balanced()]).allSatisfy { $0.hasPrefix("::warning ") })
    let open = lines(GitHubAnnotations(), [try Captures.inconclusive()])
    #expect(open.count == 1 && open[0].contains("::18 ownership calls cannot be given to a group"))
    #expect(
      open[0].hasPrefix(
        "::warning file=samples/6.1-unfixed-late-function/trace.txt,line=1,title=inconclusive%3A "))
    #expect(
      lines(GitHubAnnotations(), [Captures.unreadable])
        == ["::error file=lost.txt,line=1,title=unreadable%3A lost.txt::lost.txt: No such file or directory"])
  }

  @Test("GitHub drops the eleventh, so nine are told and the tenth counts the rest")
  func limits() throws {
    let captures = (0..<50).map { number in
      var capture = Captures.hostile("driver\(number)")
      capture.report.findings[0].fingerprint = "bug \(number)"
      return capture
    }
    let told = lines(GitHubAnnotations(), captures)
    #expect(told.filter { $0.hasPrefix("::error ") }.count == 10)
    #expect(told[9].hasPrefix("::error title=dmaledger%3A more::and 41 more"))
    #expect(told.last == "::notice title=dmaledger::dmaledger: 50 captures: 50 unbalanced")
    let unreadable = lines(GitHubAnnotations(), Array(repeating: Captures.unreadable, count: 12))
    #expect(unreadable.count == 11)
    #expect(unreadable[9].contains("::and 3 more"))
  }

  @Test("a capture adds no command and no property of its own")
  func hostile() throws {
    for (index, text) in Captures.hostileTexts.enumerated() {
      for told in lines(GitHubAnnotations(), [Captures.hostile(text)]) {
        let match = told.wholeMatch(
          of: #/::(error|warning|notice) (file=[^,:]*,line=7,)?title=[^,:]*::(?<message>.*)/#
            .matchingSemantics(.unicodeScalar))
        #expect(match != nil, "hostile text \(index): \(told)")
        let message = match.map { String($0.output.message) } ?? ""
        let taken = message.replacing("%0A", with: "\n").replacing("%0D", with: "\r").replacing(
          "%25", with: "%")
        #expect(taken == TextReport.capitalized(text), "hostile text \(index)")
      }
    }
  }
}

@Suite("The code quality report for GitLab")
struct GitLabQualityReportTests {
  @Test("a finding has the fields that GitLab asks for")
  func unbalanced() throws {
    let capture = try Captures.unbalanced()
    let entries = try entries([capture])
    #expect(entries.count == 9)
    let leak: NSDictionary = [
      "description": TextReport.capitalized(capture.report.findings[0].message),
      "check_name": "test-remove-leak",
      "fingerprint": capture.report.findings[0].fingerprint, "severity": "critical",
      "location": ["path": "samples/6.1-unfixed-late-probes/trace.txt", "lines": ["begin": 56]],
    ]
    #expect(entries[0] as NSDictionary == leak)
    #expect(
      entries.map { $0["severity"] as? String } == Array(repeating: "critical", count: 4)
        + Array(repeating: "minor", count: 4) + ["info"])
  }

  @Test("no fingerprint is there twice, because GitLab would drop one")
  func fingerprints() throws {
    let entries = try entries(Captures.four() + Captures.four())
    let prints = entries.compactMap { $0["fingerprint"] as? String }
    #expect(Set(prints).count == entries.count)
  }

  @Test("an unreadable capture is an entry, an inconclusive one has only its findings, none is an empty list")
  func others() throws {
    let unreadable = try entries([Captures.unreadable])
    #expect(unreadable.map { $0["check_name"] as? String } == ["unreadable"])
    #expect(unreadable[0]["description"] as? String == "lost.txt: No such file or directory")
    #expect(
      try entries([Captures.inconclusive()]).map { $0["check_name"] as? String } == ["test-remove-active"])
    #expect(text(GitLabQualityReport(), []) == "[]\n")
  }

  private func entries(_ captures: [CaptureRecord]) throws -> [[String: Any]] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(GitLabQualityReport().rendered(captures)))
        as? [[String: Any]])
  }
}

@Suite("The summary in Markdown")
struct MarkdownSummaryTests {
  @Test("first what it comes to, then a line for each bug")
  func unbalanced() throws {
    let told = lines(MarkdownSummary(), [try Captures.unbalanced()])
    #expect(
      told.prefix(6) == [
        "### DMA ownership: unbalanced", "", "| | rule | driver | seen | first for | line |",
        "|---|---|---|--:|---|--:|",
        "| error | test-remove-leak | `e1000e` | 1 | group 1 `0000:00:03.0` | 56 |",
        "| error | test-remove-leak | `e1000` | 3 | group 9 `0000:02:01.0` | 43 |",
      ])
  }

  @Test("an inconclusive capture says why and what would settle it, an unreadable one what is wrong")
  func others() throws {
    let open = text(MarkdownSummary(), [try Captures.inconclusive()])
    #expect(open.hasPrefix("### DMA ownership: inconclusive\n\n```text\n- 18 ownership calls"))
    #expect(open.contains("\nwhat would settle it:\n"))
    #expect(
      text(MarkdownSummary(), [Captures.unreadable])
        == "### DMA ownership: unreadable\n\n```text\nlost.txt: No such file or directory\n```\n")
    #expect(text(MarkdownSummary(), [try Captures.balanced()]).hasPrefix("### DMA ownership: balanced\n"))
  }

  @Test("many captures are counted, bugs by the captures that show them")
  func many() throws {
    let told = try lines(MarkdownSummary(), Captures.four() + [Captures.unbalanced()])
    #expect(
      told[0] == "### DMA ownership in 5 captures: 2 unbalanced, 1 unreadable, 1 inconclusive, 1 balanced")
    #expect(
      told.contains(
        "| error | test-remove-leak | `e1000` | 2 | `samples/6.1-unfixed-late-probes/trace.txt` | 43 |"))
    #expect(told.contains("<details><summary>4 captures are not balanced</summary>"))
    #expect(told.contains("| `lost.txt` | unreadable |  | `lost.txt: No such file or directory` |"))
  }

  @Test("a summary stays within its limit and says what is missing", arguments: [300, 2000, 65_536])
  func limits(_ limit: Int) throws {
    let captures = (0..<300).map { number in
      var capture = Captures.hostile("driver\(number) " + String(repeating: "x", count: 300))
      capture.report.findings[0].fingerprint = "bug \(number)"
      return capture
    }
    let told = text(MarkdownSummary(limit: limit), captures)
    #expect(told.utf8.count <= limit)
    #expect(told.hasPrefix("### DMA ownership in 300 captures: 300 unbalanced\n"))
    #expect(told.contains("left out for their size") == (limit < 65_536))
  }

  @Test("what a capture contains stands in code and nowhere else")
  func hostile() {
    for (index, hostile) in Captures.hostileTexts.enumerated() where hostile.utf8.count > 1 {
      var outside = ""
      var fence: String?
      for line in lines(MarkdownSummary(), [Captures.hostile(hostile), Captures.hostile(hostile)]) {
        let run = String(line.prefix { $0 == "`" })
        if let open = fence {
          if run.count >= open.count, line == run { fence = nil }
        } else if run.count >= 3 {
          fence = run
        } else {
          #expect(line.filter { $0 == "`" }.count.isMultiple(of: 2), "hostile text \(index): \(line)")
          outside += line.replacing(#/`[^`]*`/#, with: "") + "\n"
          if line.hasPrefix("| ") {
            #expect([7, 5].contains(line.filter { $0 == "|" }.count), "hostile text \(index)")
          }
        }
      }
      #expect(fence == nil, "hostile text \(index)")
      let safe = Printable.text(hostile)
      let own = ["---", "#", "...", "\\", "a", "</details>"]
      #expect(own.contains(safe) || !outside.contains(safe), "hostile text \(index)")
      #expect(!outside.contains("@") && !outside.contains("<script") && !outside.contains("http"))
    }
  }
}
