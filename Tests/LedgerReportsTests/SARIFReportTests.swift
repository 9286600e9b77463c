import DMALedger
import Foundation
import TestSupport
import Testing

@testable import LedgerReports

@Suite("The report as SARIF")
struct SARIFReportTests {
  @Test("every rule is described, with what GitHub requires")
  func rules() throws {
    let run = try run([])
    let driver = try #require((run["tool"] as? [String: Any])?["driver"] as? [String: Any])
    #expect(driver["name"] as? String == "dmaledger")
    #expect(driver["semanticVersion"] as? String == "1.2.3")
    let rules = try #require(driver["rules"] as? [[String: Any]])
    #expect(rules.map { $0["id"] as? String } == Rule.allCases.map(\.rawValue))
    for rule in rules {
      for (key, longest) in [("shortDescription", 1024), ("fullDescription", 1024), ("help", 100_000)] {
        let text = (rule[key] as? [String: String])?["text"] ?? ""
        #expect((1...longest).contains(text.utf16.count), "\(key) of \(rule["id"] ?? "")")
      }
    }
    let leak = rules[0]
    #expect((leak["defaultConfiguration"] as? [String: String])?["level"] == "error")
    #expect((leak["help"] as? [String: String])?["markdown"]?.contains("## What to do\n\n") == true)
    #expect((leak["properties"] as? [String: Any])?["problem.severity"] as? String == "error")
    #expect(run["results"] as? [String] == [])
  }

  @Test("a leak is a result at the line where it is complete, with its path as code flow")
  func leak() throws {
    let results = try results([try Captures.unbalanced()])
    // Four leaks, three refusals, a sibling, and the note on the kernel.
    #expect(results.count == 9)
    let leak = results[0]
    #expect(leak["ruleId"] as? String == "test-remove-leak")
    #expect(leak["ruleIndex"] as? Int == 0)
    #expect(leak["level"] as? String == "error")
    let place = try #require(physical(leak["locations"]))
    let artifact: NSDictionary = [
      "uri": "samples/6.1-unfixed-late-probes/trace.txt", "uriBaseId": "%SRCROOT%",
    ]
    #expect(place["artifactLocation"] as? NSDictionary == artifact)
    let region = try #require(place["region"] as? [String: Any])
    #expect(region["startLine"] as? Int == 56 && region["endLine"] as? Int == 56)
    #expect(region["startColumn"] as? Int == 1)
    let flow = try flow(of: leak)
    // really_probe(), two uses, and the returns of both.
    #expect(flow.map(\.line) == [53, 54, 55, 56, 57])
    #expect(flow[1].note == "the first pass takes a reference")
    #expect(flow[1].text.contains("iommu_device_use_default_domain"))
  }

  @Test("fingerprints are the findings' own, and two alike in one file stay two")
  func fingerprints() throws {
    let capture = try Captures.unbalanced()
    let prints = try results([capture]).map { $0["partialFingerprints"] as? [String: String] }
    #expect(prints.map { $0?["dmaledger/v1"] } == capture.report.findings.map(\.fingerprint))
    let hashes = prints.compactMap { $0?["primaryLocationLineHash"] }
    #expect(Set(hashes).count == 9)
    let first = capture.report.findings[1].fingerprint
    #expect(hashes[1...3] == [first + ":1", first + ":2", first + ":3"])
    // Another file is another place.
    #expect(try results([capture, capture]).count == 18)
    let twice = try results([capture, capture]).map {
      ($0["partialFingerprints"] as? [String: String])?["primaryLocationLineHash"]
    }
    #expect(twice[0...8] == twice[9...17])
  }

  @Test("with an anchor all results are placed there, and the lines stay in the code flow")
  func anchor() throws {
    let locator = SourceLocator(anchor: "ci/vfio.conf")
    let capture = try Captures.unbalanced()
    let results = try results([capture, capture], locator)
    for result in results {
      let place = try #require(physical(result["locations"]))
      #expect((place["artifactLocation"] as? [String: String])?["uri"] == "ci/vfio.conf")
      #expect((place["region"] as? [String: Any])?["startLine"] as? Int == 1)
    }
    #expect(try flow(of: results[0]).map(\.line) == [53, 54, 55, 56, 57])
    let hashes = results.compactMap {
      ($0["partialFingerprints"] as? [String: String])?["primaryLocationLineHash"]
    }
    #expect(Set(hashes).count == 18)
  }

  @Test("what was not read or not decided is a notification")
  func notifications() throws {
    let run = try run([try Captures.inconclusive(), Captures.unreadable])
    let invocation = try #require((run["invocations"] as? [[String: Any]])?.first)
    #expect(invocation["executionSuccessful"] as? Bool == false)
    let told = try #require(invocation["toolExecutionNotifications"] as? [[String: Any]])
    #expect(told.map { $0["level"] as? String } == ["warning", "error"])
    #expect((told[1]["message"] as? [String: String])?["text"] == "lost.txt: No such file or directory")
  }

  @Test("beyond what GitHub takes, errors are the last to be left out, and a notification says so")
  func limits() throws {
    var limits = SARIFReport.Limits()
    limits.results = [.error: 12, .warning: 9, .note: 3]
    let capture = try Captures.unbalanced()
    let renderer = SARIFReport(toolVersion: "1", locator: SourceLocator(), limits: limits)
    let run = try run(renderer, [capture, capture, capture])
    let levels = (run["results"] as? [[String: Any]] ?? []).compactMap { $0["level"] as? String }
    #expect(levels.count == 12)
    // 4 errors, 4 warnings, no room for the note, 4 errors, no room for warnings.
    #expect(
      levels == [
        "error", "error", "error", "error", "warning", "warning", "warning", "warning", "error", "error",
        "error", "error",
      ])
    let told =
      ((run["invocations"] as? [[String: Any]])?.first?["toolExecutionNotifications"] as? [[String: Any]])?
      .last
    #expect(
      (told?["message"] as? [String: String])?["text"]?.hasPrefix("15 results are not in this file") == true)
  }

  @Test("a path is a URI: relative to the root, percent-encoded, or a file")
  func uris() {
    for (path, uri) in [
      ("a b/c#d.txt", "a%20b/c%23d.txt"), ("100%.txt", "100%25.txt"), ("a:b", "a%3Ab"),
      ("/var/log/é", "file:///var/log/%C3%A9"),
      ("a\u{1}?.txt", "a%01%3F.txt"), ("[x](y)", "%5Bx%5D%28y%29"),
    ] {
      #expect(SourceLocator.uri(path) == uri)
    }
  }

  @Test("a message makes neither links nor placeholders of what a capture contains")
  func hostile() throws {
    for text in Captures.hostileTexts {
      let results = try results([Captures.hostile(text)])
      #expect(results.count == 2)
      let message = (results[0]["message"] as? [String: String])?["text"] ?? ""
      // Without what is escaped, nothing is left that could open a link.
      let bare = message.replacing(#"\\"#, with: "").replacing(#"\["#, with: "").replacing(#"\]"#, with: "")
      #expect(!bare.contains("[") && !bare.contains("]"))
    }
    let link = try results([Captures.hostile("[x](http://e.vil) {0}")])
    #expect((link[0]["message"] as? [String: String])?["text"] == #"\[x\](http://e.vil) {{0}}"#)
  }

  // MARK: - Reading back

  private func run(_ captures: [CaptureRecord], _ locator: SourceLocator = SourceLocator()) throws -> [String:
    Any]
  {
    try run(SARIFReport(toolVersion: "1.2.3", locator: locator), captures)
  }

  private func run(_ renderer: SARIFReport, _ captures: [CaptureRecord]) throws -> [String: Any] {
    let root = try #require(
      try JSONSerialization.jsonObject(with: Data(renderer.rendered(captures))) as? [String: Any])
    #expect(root["version"] as? String == "2.1.0")
    #expect(root["$schema"] as? String == "https://json.schemastore.org/sarif-2.1.0.json")
    let runs = try #require(root["runs"] as? [[String: Any]])
    #expect(runs.count == 1)
    return runs[0]
  }

  private func results(
    _ captures: [CaptureRecord], _ locator: SourceLocator = SourceLocator()
  ) throws -> [[String: Any]] {
    try #require(try run(captures, locator)["results"] as? [[String: Any]])
  }

  private func physical(_ locations: Any?) -> [String: Any]? {
    let locations = locations as? [[String: Any]]
    return locations?.count == 1 ? locations?[0]["physicalLocation"] as? [String: Any] : nil
  }

  private func flow(of result: [String: Any]) throws -> [(line: Int, note: String, text: String)] {
    let flows = try #require(result["codeFlows"] as? [[String: Any]])
    let threads = try #require(flows[0]["threadFlows"] as? [[String: Any]])
    let steps = try #require(threads[0]["locations"] as? [[String: Any]])
    return try steps.map { step in
      let location = try #require(step["location"] as? [String: Any])
      let region = (location["physicalLocation"] as? [String: Any])?["region"] as? [String: Any]
      return (
        region?["startLine"] as? Int ?? 0, (location["message"] as? [String: String])?["text"] ?? "",
        (region?["snippet"] as? [String: String])?["text"] ?? ""
      )
    }
  }
}
