import DMALedger
import Foundation
import LedgerReports
import TestSupport
import Testing

@Suite("The report for KCIDB")
struct KCIDBReportTests {
  @Test("a capture and its defective groups are tests, a fingerprint is an issue, its occurrence an incident")
  func unbalanced() throws {
    let capture = try Captures.unbalanced()
    let line = try #require(try reports([capture]).first)
    #expect(line["version"] as? [String: Int] == ["major": 5, "minor": 3])
    let tests = try objects("tests", line)
    #expect(
      tests.map { $0["path"] as? String } == [
        "iommu.owner_cnt", "iommu.owner_cnt.group1", "iommu.owner_cnt.group9",
      ])
    #expect(tests.map { $0["status"] as? String } == ["FAIL", "FAIL", "FAIL"])
    #expect(
      tests.allSatisfy { $0["build_id"] as? String == "lab_1:build-7" && $0["origin"] as? String == "lab_1" })
    // e1000e in group 1, e1000 three times in group 9: two bugs.
    let prints = [capture.report.findings[0].fingerprint, capture.report.findings[1].fingerprint]
    let issues = try objects("issues", line)
    #expect(issues.map { $0["id"] as? String } == prints.map { "lab_1:dmaledger-\($0)" })
    #expect(issues[0]["culprit"] as? [String: Bool] == ["code": true, "tool": false, "harness": false])
    let incidents = try objects("incidents", line)
    #expect(incidents.map { $0["issue_id"] as? String } == issues.map { $0["id"] as? String })
    #expect(incidents.map { $0["test_id"] as? String } == tests.dropFirst().map { $0["id"] as? String })
  }

  @Test("balanced passes, inconclusive is missed, unreadable is an error, and balanced groups are not told")
  func others() throws {
    let lines = try reports([try Captures.balanced(), try Captures.inconclusive(), Captures.unreadable])
    let tests = try lines.flatMap { try objects("tests", $0) }
    #expect(tests.map { $0["status"] as? String } == ["PASS", "MISS", "ERROR"])
    #expect(try lines.allSatisfy { try objects("issues", $0).isEmpty && objects("incidents", $0).isEmpty })
  }

  @Test(
    "ids come from the hash where there is one, from the name otherwise, and are the same in the next run")
  func ids() throws {
    var capture = try Captures.balanced()
    let named = try objects("tests", reports([capture])[0])[0]["id"] as? String
    #expect(named?.hasPrefix("lab_1:dmaledger-name-") == true)
    #expect(try objects("tests", reports([capture])[0])[0]["id"] as? String == named)
    capture.id = "xxh3:00112233445566778899aabbccddeeff"
    let hashed = try objects("tests", reports([capture])[0])[0]["id"] as? String
    #expect(hashed == "lab_1:dmaledger-xxh3:00112233445566778899aabbccddeeff")
  }

  @Test("an excerpt of the log stays within what the schema allows")
  func excerpts() throws {
    let long = Captures.hostile(String(repeating: "é", count: 20_000))
    for test in try objects("tests", reports([long])[0]) {
      #expect(((test["log_excerpt"] as? String)?.unicodeScalars.count ?? 0) <= 16_384)
    }
  }

  @Test("a build has an origin in lower case")
  func builds() {
    for wrong in ["", "lab", "lab:", ":7", "Lab:7", "l b:7"] {
      #expect(KCIDBReport.Build(wrong) == nil, "\(wrong)")
    }
    #expect(KCIDBReport.Build("redhat:223563:x")?.origin == "redhat")
  }

  private func reports(_ captures: [CaptureRecord]) throws -> [[String: Any]] {
    try lines(KCIDBReport(build: Captures.build), captures).map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }

  private func objects(_ name: String, _ report: [String: Any]) throws -> [[String: Any]] {
    try #require(report[name] as? [[String: Any]])
  }
}
