import DMALedger
import Foundation
import LedgerReports
import TestSupport
import Testing

/// The rules in the documentation are the rules of the program.
@Suite("The rules as Markdown")
struct ExplanationMarkdownTests {
  @Test("the article of the documentation is what the command writes")
  func article() throws {
    let file = Checkout.root.appending(path: "Sources/DMALedger/DMALedger.docc/Rules.md")
    let written = try String(contentsOf: file, encoding: .utf8)
    // When the rules were meant to change: dmaledger explain --all --format markdown > the file.
    #expect(written == ExplanationMarkdown.article())
  }

  @Test(
    "a page has the rule's id as heading, its title and severity, and the four sections",
    arguments: Rule.allCases)
  func sections(rule: Rule) {
    let lines = ExplanationMarkdown.render(rule).split(separator: "\n")
    #expect(lines.first == "# \(rule.rawValue)")
    #expect(lines[1].hasSuffix("** Severity: \(rule.defaultSeverity.rawValue)."))
    #expect(
      lines.filter { $0.hasPrefix("## ") } == [
        "## What it means", "## How it is recognised", "## What looks like it and is not", "## What to do",
      ])
  }

  @Test("no word of a page is lost, and nothing in it is taken for markup", arguments: Rule.allCases)
  func words(rule: Rule) throws {
    let text = ExplanationMarkdown.render(rule)
    let page = rule.explanation
    func plain(_ text: String) -> [Substring] {
      text.filter { $0 != "`" && $0 != "\\" }.split { $0 == " " || $0 == "\n" }
    }
    let sections = [page.meaning, page.evidence, page.lookAlikes, page.remedy].map {
      $0.replacing("\n\n", with: "\n")
    }
    let body = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.dropFirst().joined(separator: "\n")
    #expect(plain(body) == plain(sections.joined(separator: "\n")))
    for line in text.split(separator: "\n") {
      #expect(line.firstMatch(of: #/^([0-9]+\.|[-+*>])\s/#) == nil, "\(line)")
      let outside = line.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter {
        $0.offset % 2 == 0
      }
      #expect(!outside.contains { $0.element.contains(#/(^|[^\\-])[<>]/#) }, "\(line)")
    }
  }
}
