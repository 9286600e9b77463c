import DMALedger
import Foundation
import LedgerReports
import TestSupport
import Testing

@Suite("New, known and gone")
struct BaselineTests {
  let folder: CaptureFolder

  init() throws {
    folder = try CaptureFolder()
    // The same bugs in a capture of another name and packing.
    try folder.write("again.zst", Zstd.frame(try Checkout.bytes(BatchTests.unfixed)))
    try run(BatchTests.unfixed, "-o", path("unfixed.jsonl.zst"))
    try run(BatchTests.fixed, "-o", path("fixed.jsonl"))
  }

  func path(_ name: String) -> String { folder.path + "/" + name }

  @discardableResult
  func run(_ arguments: String...) throws -> CommandRun { try CommandRun(["batch"] + arguments) }

  @Test("a bug that the baseline has does not fail the run, whatever the capture is called")
  func known() throws {
    let baseline = path("unfixed.jsonl.zst")
    let again = try run(
      path("again.zst"), "--baseline", baseline, "--fail-on", "new-note", "--markdown", path("page.md"))
    #expect(again.status == 0)
    #expect(again.output.contains("test-remove-leak  e1000e  (known)"))
    #expect(!again.output.contains("(new)") && !again.output.contains("gone"))
    let page = String(decoding: try folder.bytes("page.md"), as: UTF8.self)
    #expect(page.contains("| error (known) | test-remove-leak |"))
    #expect(!page.contains("gone since"))
    let strict = try run(path("again.zst"), "--baseline", baseline)
    #expect(strict.status == 1)
  }

  @Test("a bug that the baseline does not have fails it, and the records say which")
  func new() throws {
    let run = try run(
      path("again.zst"), "--baseline", path("fixed.jsonl"), "--fail-on", "new-error", "-o", path("out.jsonl"))
    #expect(run.status == 1)
    #expect(run.output.contains("test-remove-leak  e1000e  (new)"))
    let known = String(decoding: try folder.bytes("fixed.jsonl"), as: UTF8.self)
    var marks: Set<String> = []
    // Line by line, without the reader: the marks are for programs that have none of ours.
    for line in String(decoding: try folder.bytes("out.jsonl"), as: UTF8.self).split(separator: "\n") {
      guard line.hasPrefix("{\"type\": \"finding\""), let start = line.firstRange(of: "\"fingerprint\": ")
      else { continue }
      let fingerprint = line[start.upperBound...].prefix(18)
      let mark = known.contains(fingerprint) ? "known" : "new"
      #expect(line.hasSuffix("\"novelty\": \"\(mark)\"}"))
      marks.insert(mark)
    }
    #expect(marks.contains("new"))
    let merged = try CommandRun([
      "merge", "-q", path("out.jsonl"), "--baseline", path("unfixed.jsonl.zst"), "--fail-on", "new-note",
    ])
    #expect(merged.status == 0)
  }

  @Test("what is not found any more is told as gone")
  func gone() throws {
    let run = try run(
      BatchTests.fixed, "--baseline", path("unfixed.jsonl.zst"), "--markdown", path("page.md"))
    let page = String(decoding: try folder.bytes("page.md"), as: UTF8.self)
    #expect(page.contains("| gone since the baseline | rule | driver | was in |"))
    #expect(page.contains("| error | test-remove-leak | `e1000e` | `\(BatchTests.unfixed)` |"))
    let parts = run.output.split(separator: "gone since the baseline\n")
    try #require(parts.count == 2)
    #expect(parts[1].contains("error    test-remove-leak  e1000e  was in \(BatchTests.unfixed)"))
  }

  @Test("a baseline that cannot be read is an error, before anything is judged")
  func unreadable() throws {
    let run = try run(BatchTests.fixed, "--baseline", "LICENSE", "-o", path("nothing.jsonl"))
    #expect(run.status == 2 && run.output.isEmpty && run.complaint.contains("LICENSE: line 1"))
    #expect(!FileManager.default.fileExists(atPath: path("nothing.jsonl")))
  }
}
