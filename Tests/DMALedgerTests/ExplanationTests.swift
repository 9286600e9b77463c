import DMALedger
import Testing

@Suite("The pages of the rules")
struct ExplanationTests {
  @Test("every section is plain ASCII with whole paragraphs", arguments: Rule.allCases)
  func sections(rule: Rule) {
    let page = rule.explanation
    #expect(!page.title.contains("\n") && !page.title.hasSuffix("."))
    for section in [page.title, page.meaning, page.evidence, page.lookAlikes, page.remedy] {
      #expect(!section.isEmpty)
      #expect(section.utf8.allSatisfy { $0 == UInt8(ascii: "\n") || (0x20...0x7E).contains($0) })
      for paragraph in section.split(separator: "\n\n", omittingEmptySubsequences: false) {
        #expect(!paragraph.isEmpty && !paragraph.contains("\n") && !paragraph.contains("  "))
      }
    }
  }

  @Test("every rule has a page of its own")
  func titles() {
    #expect(Set(Rule.allCases.map(\.explanation.title)).count == Rule.allCases.count)
  }

  @Test("every page says what makes it proved, consistent or suspected", arguments: Rule.allCases)
  func certainties(rule: Rule) {
    for certainty in Certainty.allCases {
      #expect(rule.explanation.evidence.contains(certainty.rawValue))
    }
  }

  @Test("a legitimate holder is never answered with the fix of the test-remove bug")
  func siblingHolder() {
    #expect(Rule.testRemoveLeak.explanation.remedy.contains("f429378a9bf8"))
    let page = Rule.siblingHolder.explanation
    for section in [page.meaning, page.evidence, page.lookAlikes, page.remedy] {
      #expect(!section.contains("f429378a9bf8") && !section.contains("TEST_DRIVER_REMOVE"))
    }
  }

  @Test("rules refer only to rules that exist")
  func references() {
    let known = Set(Rule.allCases.map(\.rawValue))
    for rule in Rule.allCases {
      let page = rule.explanation
      for section in [page.meaning, page.evidence, page.lookAlikes, page.remedy] {
        for match in section.matches(of: /see ([a-z]+(?:-[a-z]+)+)/) {
          #expect(known.contains(String(match.1)), "\(rule.rawValue) refers to \(match.1)")
        }
      }
    }
  }

  @Test("defects are errors, explanations are warnings, the rest are notes")
  func severities() {
    let bySeverity = Dictionary(grouping: Rule.allCases, by: \.defaultSeverity)
    #expect(bySeverity[.error]?.count == 10)
    #expect(bySeverity[.warning] == [.notViable, .siblingHolder, .foreignOwner, .claimRefusedDomain])
    #expect(bySeverity[.note] == [.nativeBindRefused, .testRemoveActive, .evidenceLost])
  }
}
