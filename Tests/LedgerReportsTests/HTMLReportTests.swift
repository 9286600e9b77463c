import DMALedger
import Foundation
import LedgerReports
import TestSupport
import Testing

/// What a browser makes of a page is judged by `Tests/Outside/judge_pages.py`; here is what needs none.
@Suite("The report as a page")
struct HTMLReportTests {
  private func page(_ report: Report) -> String {
    String(decoding: HTMLReport.render(report, toolVersion: "1.2.3"), as: UTF8.self)
  }

  @Test(
    "SHA-256 is that of FIPS 180-4",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func digest(_ message: String, _ hex: String) {
    #expect(SHA256.digest(Array(message.utf8)).map { String(format: "%02x", $0) }.joined() == hex)
  }

  @Test("SHA-256 of a million a is that of FIPS 180-4")
  func longDigest() {
    let digest = SHA256.digest([UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000))
    #expect(
      digest.map { String(format: "%02x", $0) }.joined()
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test("Base64 pads as RFC 4648 does", arguments: ["", "f", "fo", "foo", "foob"])
  func base64(_ text: String) {
    let digest = SHA256.digest(Array(text.utf8))
    #expect(SHA256.base64(Array(text.utf8)) == Data(digest).base64EncodedString())
  }

  @Test("the policy names the hashes of the page's own style and script, and allows nothing else")
  func policy() throws {
    let page = page(TimelineTests.seedBug.report(.arguments))
    let policy = try #require(page.firstMatch(of: #/content="(default-src[^"]+)"/#)?.1)
    let style = try #require(page.firstMatch(of: #/<style>([\s\S]*?)<\/style>/#)?.1)
    let script = try #require(page.firstMatch(of: #/<script>([\s\S]*?)<\/script>/#)?.1)
    let unescaped = policy.replacing("&#39;", with: "'")
    #expect(
      unescaped
        == "default-src 'none'; script-src 'sha256-\(SHA256.base64(Array(script.utf8)))'; "
        + "style-src 'sha256-\(SHA256.base64(Array(style.utf8)))'; base-uri 'none'; form-action 'none'")
  }

  @Test("the page names no address from which anything could be loaded")
  func standsAlone() {
    let page = page(TimelineTests.seedBug.report(.arguments))
    for sign in ["src=", "@import", "url(http", "fetch(", "XMLHttpRequest", " style="] {
      #expect(!page.contains(sign), "\(sign)")
    }
  }

  @Test("a clock that counts something else than time shows plain numbers")
  func ticks() throws {
    var report = TimelineTests.seedBug.report(.arguments)
    let time = try #require(report.groups[0].changes.first?.time)
    #expect(page(report).contains("<td>\(time.secondsText)</td>"))
    report.sources[0].countsTicks = true
    let page = page(report)
    #expect(page.contains("<th scope=\"col\">tick</th>"))
    #expect(page.contains("<td>\(time.value)</td>"))
    #expect(!page.contains("<td>\(time.secondsText)</td>"))
    #expect(page.contains("\"ticks\":true"))
  }

  @Test("the same report gives the same bytes")
  func deterministic() {
    let report = TimelineTests.seedBug.report(.arguments)
    #expect(HTMLReport.render(report, toolVersion: "1") == HTMLReport.render(report, toolVersion: "1"))
  }

  @Test(
    "hostile text is neither markup nor control in the page",
    arguments: [
      "</script>", "<!--", "\u{202E}", "\u{2028}", "\u{0}", "\"'>",
    ])
  func hostile(_ text: String) {
    var report = TimelineTests.seedBug.report(.arguments)
    let calm = page(report)
    let hostile = "x\(text)y"
    report.groups[0].devices[0].name = hostile
    for index in report.groups[0].changes.indices {
      report.groups[0].changes[index].device = hostile
      report.groups[0].changes[index].driver = hostile
      report.groups[0].changes[index].comm = hostile
    }
    report.groups[0].holders[0].device = hostile
    report.sources[0].path = hostile
    report.reasons = [hostile]
    for index in report.findings.indices {
      report.findings[index].message = hostile
      report.findings[index].remedy = hostile
      for line in report.findings[index].evidence.indices {
        report.findings[index].evidence[line].text = hostile
      }
    }
    let page = page(report)
    #expect(!page.contains(hostile))
    #expect(page.ranges(of: "<script").count == calm.ranges(of: "<script").count)
    #expect(page.ranges(of: "</script").count == calm.ranges(of: "</script").count)
  }

  @Test("nothing at all still gives a page")
  func empty() {
    let report = Report(
      verdict: .inconclusive, reasons: ["nothing"], kernel: KernelSummary(), sources: [], groups: [],
      unattributed: CallTally(), findings: [], diagnostics: [])
    #expect(page(report).hasSuffix("</html>\n"))
  }
}
