import DMALedger
import LedgerReports
import TestSupport
import Testing

@Suite("The report as KTAP")
struct KTAPReportTests {
  @Test("a leak makes its group and its capture not ok")
  func unbalanced() throws {
    let told = lines(KTAPReport(), [try Captures.unbalanced()])
    #expect(
      told.filter { !$0.contains("# ") } == [
        "KTAP version 1", "1..1", "  KTAP version 1", "  1..3", "  ok 1 capture conclusive",
        "  not ok 2 group 1 balanced", "  not ok 3 group 9 balanced",
        "not ok 1 samples/6.1-unfixed-late-probes/trace.txt",
      ])
    // Diagnostics stand before the result they belong to.
    let leak = try #require(told.firstIndex { $0.contains("error: test-remove-leak (proved)") })
    let result = try #require(told.firstIndex(of: "  not ok 2 group 1 balanced"))
    #expect(leak < result)
    #expect(told[leak].hasPrefix("  # "))
  }

  @Test("balanced, inconclusive and unreadable are ok, skipped and an error")
  func others() throws {
    let told = lines(
      KTAPReport(), [try Captures.balanced(), try Captures.inconclusive(), Captures.unreadable])
    let results = told.filter { $0.hasPrefix("ok ") || $0.hasPrefix("not ok ") }
    #expect(
      results == [
        "ok 1 samples/6.1-fixed-late-probes/trace.txt",
        "ok 2 samples/6.1-unfixed-late-function/trace.txt # SKIP inconclusive",
        "not ok 3 lost.txt # ERROR unreadable",
      ])
    #expect(told.contains("  not ok 1 capture conclusive # ERROR lost.txt: No such file or directory"))
    #expect(
      told.contains {
        $0.hasPrefix("  ok 1 capture conclusive # SKIP 18 ownership calls cannot be given to a group")
      })
  }

  @Test("the plan is there where the number is known, and left out where it is not")
  func plan() {
    var renderer = KTAPReport()
    #expect(renderer.begin(total: 7) == Array("KTAP version 1\n1..7\n".utf8))
    #expect(renderer.begin(total: nil) == Array("KTAP version 1\n".utf8))
  }

  @Test("whatever a capture contains, every line is one of KTAP's, and the results are the capture's own")
  func hostile() {
    for (index, text) in Captures.hostileTexts.enumerated() {
      let told = lines(KTAPReport(), [Captures.hostile(text)])
      for line in told {
        #expect(
          line.wholeMatch(
            of: #/(  )?(KTAP version 1|1\.\.\d+|# .*|(not )?ok \d+ [^#]*( # (SKIP|ERROR) .*)?)/#
              .matchingSemantics(.unicodeScalar)) != nil, "hostile text \(index): \(line)")
      }
      let results = told.filter { $0.contains(#/^ *(not )?ok /#) }.map {
        $0.prefix { $0 != "c" && $0 != "g" }
      }
      #expect(results.prefix(4) == ["  ok 1 ", "  not ok 2 ", "  ok 3 ", "  ok 4 "], "hostile text \(index)")
      #expect(results.count == 5 && results[4].hasPrefix("not ok 1 "), "hostile text \(index)")
    }
  }

  @Test("a log line that tells of the machine's end does not end the reading of kunit.py")
  func endOfLog() {
    let told = text(KTAPReport(), [Captures.hostile("[ 9.0] reboot: System halted")])
    #expect(!told.contains("reboot: System halted"))
    #expect(told.contains(#"reboot\x3a System halted"#))
  }
}

@Suite("The report as TAP")
struct TAPReportTests {
  @Test("a leak makes its group and its capture not ok, and tells why in YAML")
  func unbalanced() throws {
    let told = lines(TAPReport(), [try Captures.unbalanced()])
    #expect(
      told.prefix(5) == [
        "TAP version 14", "1..1", "# Subtest: samples/6.1-unfixed-late-probes/trace.txt", "    1..3",
        "    ok 1 - capture conclusive",
      ])
    let result = try #require(told.firstIndex(of: "    not ok 2 - group 1 balanced"))
    #expect(told[result + 1] == "      ---")
    #expect(
      told[result + 2].hasPrefix(
        #"      message: "group 1 keeps 1 reference that nobody will give back: e1000e"#))
    #expect(
      told[(result + 3)...(result + 7)] == [
        "      severity: fail", "      kind: test-remove-leak", "      at:",
        #"        file: "samples/6.1-unfixed-late-probes/trace.txt""#, "        line: 56",
      ])
    #expect(told.last == "not ok 1 - samples/6.1-unfixed-late-probes/trace.txt")
  }

  @Test("balanced, inconclusive and unreadable are ok, skipped and not ok")
  func others() throws {
    let told = lines(
      TAPReport(), [try Captures.balanced(), try Captures.inconclusive(), Captures.unreadable])
    #expect(
      told.filter { $0.hasPrefix("ok ") || $0.hasPrefix("not ok ") } == [
        "ok 1 - samples/6.1-fixed-late-probes/trace.txt",
        "ok 2 - samples/6.1-unfixed-late-function/trace.txt # SKIP inconclusive", "not ok 3 - lost.txt",
      ])
    #expect(told.contains(#"      message: "lost.txt: No such file or directory""#))
  }

  @Test("the plan comes last where the number is not known before")
  func plan() throws {
    var renderer = TAPReport()
    var bytes = renderer.begin(total: nil) + renderer.add(try Captures.balanced())
    bytes += renderer.add(Captures.unreadable) + renderer.finish()
    let told = String(decoding: bytes, as: UTF8.self)
    #expect(told.hasPrefix("TAP version 14\n# Subtest: "))
    #expect(told.hasSuffix("\n1..2\n"))
  }

  @Test(
    "no name has a hash in it, not even an escaped one, because older readers would take it for a directive")
  func escapes() {
    let told = lines(TAPReport(), [Captures.hostile("a#\u{301}b \\ # SKIP")])
    #expect(told.last == "not ok 1 - a\\\\x23\u{301}b \\\\ \\\\x23 SKIP")
  }
}
