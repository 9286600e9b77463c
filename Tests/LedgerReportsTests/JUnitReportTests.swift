import DMALedger
import Foundation
import TestSupport
import Testing

@testable import LedgerReports

@Suite("The report as JUnit XML")
struct JUnitReportTests {
  @Test("a leak is a failure of its group, with the message in the text as well")
  func unbalanced() throws {
    let suite = try suite(try Captures.unbalanced())
    #expect(suite["name"] == "samples/6.1-unfixed-late-probes/trace.txt")
    #expect(
      ["tests", "failures", "errors", "skipped"].map { suite[$0] } == ["3", "2", "0", "0"])
    let cases = suite.all("testcase")
    #expect(cases.map { $0["name"] } == ["capture conclusive", "group 1 balanced", "group 9 balanced"])
    #expect(cases.allSatisfy { $0["classname"] == suite["name"] && $0["file"] == suite["name"] })
    #expect(cases[0].first("failure") == nil && cases[0].first("skipped") == nil)
    let failure = try #require(cases[1].first("failure"))
    #expect(failure["type"] == "test-remove-leak")
    let message = try #require(failure["message"])
    #expect(message.contains("e1000e for 0000:00:03.0"))
    #expect(failure.text.contains(message))
    // Line 56 is the second use of e1000e, 0000:00:03.0 in the sample.
    #expect(cases[1]["line"] == "56")
    #expect(failure.text.contains("cnt=8") && failure.text.contains("what to do: "))
    #expect(
      suite.first("properties")?.all("property").map { "\($0["name"] ?? "")=\($0["value"] ?? "")" }
        == ["verdict=unbalanced", "test_driver_remove=unfixed"])
  }

  @Test("a balanced capture passes, and its story is still there")
  func balanced() throws {
    let suite = try suite(try Captures.balanced())
    #expect(["tests", "failures", "errors", "skipped"].map { suite[$0] } == ["3", "0", "0", "0"])
    let refused = suite.all("testcase")[2]
    #expect(refused["name"] == "group 9 balanced")
    #expect(refused.first("system-out")?.text.contains("sibling-holder") == true)
  }

  @Test("an inconclusive capture is skipped and says why")
  func inconclusive() throws {
    let suite = try suite(try Captures.inconclusive())
    #expect(["tests", "failures", "errors", "skipped"].map { suite[$0] } == ["1", "0", "0", "1"])
    let skipped = try #require(suite.all("testcase")[0].first("skipped"))
    #expect(skipped["message"]?.contains("18 ownership calls cannot be given to a group") == true)
    #expect(skipped.text.contains(skipped["message"] ?? "?"))
  }

  @Test("an unreadable capture is an error, and no group of it passes for nothing")
  func unreadable() throws {
    let suite = try suite(Captures.unreadable)
    #expect(["tests", "failures", "errors", "skipped"].map { suite[$0] } == ["1", "0", "1", "0"])
    let error = try #require(suite.all("testcase")[0].first("error"))
    #expect(error["type"] == "unreadable")
    #expect(error["message"] == "lost.txt: No such file or directory")
    #expect(error.text.contains("No such file or directory"))
  }

  @Test("whatever a capture contains, the file is well-formed and says it")
  func hostile() throws {
    for (index, text) in Captures.hostileTexts.enumerated() {
      let root = try XMLTree.read(JUnitReport().rendered([Captures.hostile(text)]))
      let suite = try #require(root.first("testsuite"))
      #expect(suite["name"] == Printable.text(text), "hostile text \(index)")
      #expect(suite.all("testcase").map(\.children.count) == [1, 1, 1, 1], "hostile text \(index)")
      #expect(
        suite.all("testcase")[1].first("failure")?["message"] == Printable.text(text), "hostile text \(index)"
      )
    }
  }

  @Test("no two tests have the same class and name")
  func uniqueNames() throws {
    let captures = try Captures.four() + Captures.four() + [Captures.hostile("a (2)"), Captures.hostile("a")]
    let twice = captures + [Captures.hostile("a"), Captures.hostile("a")]
    let root = try XMLTree.read(JUnitReport().rendered(twice))
    let names = root.all("testsuite").flatMap {
      $0.all("testcase").map { "\($0["classname"] ?? "")/\($0["name"] ?? "")" }
    }
    #expect(Set(names).count == names.count)
    #expect(root.all("testsuite").suffix(4).map { $0["name"] } == ["a (2)", "a", "a (3)", "a (4)"])
  }

  @Test("near the limits balanced captures are left out first, and the last suite says so")
  func limits() throws {
    let one = try JUnitReport().rendered([Captures.balanced()]).count
    let limits = JUnitReport.Limits(bytes: 20 * one, elements: 250_000)
    let many = Array(repeating: try Captures.balanced(), count: 30) + [try Captures.unbalanced()]
    let bytes = JUnitReport(locator: SourceLocator(), limits: limits).rendered(many)
    #expect(bytes.count <= 20 * one)
    let suites = try XMLTree.read(bytes).all("testsuite")
    #expect(suites.contains { $0["name"] == "samples/6.1-unfixed-late-probes/trace.txt" })
    let last = try #require(suites.last)
    let told = suites.count - 2
    #expect((8...12).contains(told))
    #expect(last["skipped"] == "1" && last["failures"] == "0")
    #expect(last.first("testcase")?.first("skipped")?.text.contains("\(30 - told) balanced") == true)
  }

  @Test("a defect that had to be left out is a failure")
  func defectsLeftOut() throws {
    let limits = JUnitReport.Limits(bytes: 30_000_000, elements: 20)
    let many = Array(repeating: try Captures.unbalanced(), count: 5)
    let last = try XMLTree.read(JUnitReport(locator: SourceLocator(), limits: limits).rendered(many))
      .all("testsuite").last
    #expect(last?["failures"] == "1")
    #expect(last?.first("testcase")?.first("failure")?.text.contains("unbalanced") == true)
  }

  private func suite(_ capture: CaptureRecord) throws -> XMLTree {
    let root = try XMLTree.read(JUnitReport().rendered([capture]))
    #expect(root.name == "testsuites")
    return try #require(root.first("testsuite"))
  }
}
