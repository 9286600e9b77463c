import Foundation
import LedgerReports
import TestSupport
import Testing

@Suite("The command")
struct CommandTests {
  static let probes = "samples/6.1-unfixed-late-probes/trace.txt"
  static let fixed = "samples/6.1-fixed-late-probes/trace.txt"
  static let namesOnly = "samples/6.1-unfixed-late-function/trace.txt"

  @Test(
    "the exit code is the verdict",
    arguments: [
      ([fixed], 0), ([probes], 1), ([namesOnly], 3), (["analyze", fixed], 0),
      ([probes, "--fail-on", "never"], 0), ([fixed, "--fail-on", "warning"], 1),
      ([fixed, "--fail-on", "note"], 1),
      ([namesOnly, "--inconclusive", "ok"], 0), ([namesOnly, "--inconclusive", "fail"], 1),
      (["LICENSE"], 2), (["no-such-file"], 2), (["samples"], 2), ([], 64), (["--nonsense", fixed], 64),
      ([fixed, "--format", "klingon"], 64), ([fixed, "--field", "count"], 64),
      ([fixed, "--probe", "a=b"], 64),
      (["explain", "no-such-rule"], 64), (["explain", "test-remove-leak"], 0), (["explain"], 0),
      (["explain", "--all"], 0), (["explain", "--all", "--format", "markdown"], 0),
      (["explain", "--format", "markdown"], 64), (["explain", "--all", "not-viable"], 64),
      (["--version"], 0),
      (["--help"], 0),
    ] as [([String], Int32)])
  func exitCode(_ arguments: [String], _ status: Int32) throws {
    let run = try CommandRun(arguments)
    #expect(run.status == status, "\(arguments): \(run.complaint)")
  }

  @Test("standard input gives the report of the file, whatever the packing")
  func standardInput() throws {
    let data = Data(try Checkout.bytes(Self.probes))
    let piped = try CommandRun(["-"], input: data)
    let file = try CommandRun([Self.probes])
    #expect(piped.status == 1)
    // Only the last paragraph names the source.
    #expect(piped.output.split(separator: "\nread ")[0] == file.output.split(separator: "\nread ")[0])
  }

  @Test("a file that cannot be opened is named with the reason, and the others are still read")
  func missingFile() throws {
    let run = try CommandRun(["no-such-file", Self.probes])
    #expect(run.status == 2)
    #expect(run.complaint.contains("no-such-file: No such file or directory"))
    #expect(run.output.hasPrefix("UNBALANCED"))
  }

  @Test("what is no capture is refused with a word on what is expected, and nothing on standard output")
  func foreignFile() throws {
    let run = try CommandRun(["LICENSE"])
    #expect(run.complaint.contains("LICENSE: \(CaptureRecord.nothingRecognised)"))
    #expect(run.output.isEmpty)
  }

  @Test("an empty input is unreadable, never balanced")
  func emptyInput() throws {
    #expect(try CommandRun(["-"]).status == 2)
  }

  @Test("results go to standard output and nothing else does")
  func streams() throws {
    let run = try CommandRun([Self.probes, "--format", "json"])
    #expect(run.complaint.isEmpty)
    #expect(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) is [String: Any])
  }

  @Test("the id of a capture is the same in any packing and order, and only there when asked for")
  func captureID() throws {
    let plain = try CommandRun([Self.fixed, "--format", "json"]).output
    #expect(!plain.contains("capture_id"))
    let line = { (output: String) in output.split(separator: "\n").first { $0.contains("\"capture_id\"") } }
    let id = try #require(line(try CommandRun([Self.fixed, "--format", "json", "--capture-id"]).output))
    // xxhsum -H2 samples/6.1-fixed-late-probes/trace.txt
    #expect(id == "  \"capture_id\": \"xxh3:5cbffb9a218f61928df9fd0fab7a98c5\",")
    let piped = try CommandRun(
      ["-", "--format", "json", "--capture-id"],
      input: Data(Zstd.frames(try Checkout.bytes(Self.fixed), size: 1000)))
    #expect(line(piped.output) == id)
  }

  @Test("records can be written compressed, and compressed files concatenate")
  func compressedRecords() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("records.jsonl.zst").path
    let plain = try CommandRun([Self.probes, "--format", "jsonl"])
    let packed = try CommandRun([Self.probes, "--format", "jsonl", "-o", path])
    #expect(plain.status == 1 && packed.status == 1 && packed.output.isEmpty)
    let frame = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(frame.count * 4 < plain.output.utf8.count)
    #expect(Zstd.unpacked(frame + frame) == Array((plain.output + plain.output).utf8))
  }

  @Test("colour appears only when asked for, because this is no terminal")
  func colour() throws {
    #expect(!(try CommandRun([Self.probes])).output.contains("\u{1B}"))
    #expect(try CommandRun([Self.probes, "--color", "always"]).output.contains("\u{1B}[1;31m"))
  }

  @Test("a report for people fits into 100 columns", arguments: [probes, fixed, namesOnly])
  func width(_ path: String) throws {
    // Commands at the end are to be pasted and are not wrapped.
    let output = try CommandRun([path]).output.split(separator: "what would settle it")[0]
    for line in output.split(separator: "\n") {
      #expect(line.count <= 100, "\(line)")
    }
  }

  @Test("a chart is drawn when asked for, with characters that the locale has")
  func chart() throws {
    let utf8 = ["LC_ALL": "C.UTF-8"]
    #expect(try !CommandRun([Self.probes], environment: utf8).output.contains("┣━"))
    #expect(try CommandRun([Self.probes, "--chart"], environment: utf8).output.contains("┣━ leaked"))
    #expect(
      try CommandRun([Self.probes, "--chart"], environment: ["LC_ALL": "C"]).output.contains("## leaked"))
    #expect(
      try CommandRun([Self.probes, "--chart", "--ascii"], environment: utf8).output.contains("## leaked"))
    #expect(try !CommandRun([Self.probes, "--no-chart"], environment: utf8).output.contains("leaked ━"))
  }

  @Test("a file given with -o appears complete and alone")
  func outputFile() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("report.json").path
    let run = try CommandRun([Self.probes, "--format", "json", "-o", path])
    #expect(run.status == 1 && run.output.isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["report.json"])
    #expect(try CommandRun([Self.probes, "-o", folder.path + "/no/such/place"]).status == 2)
  }

  @Test("hostile names reach the terminal as text")
  func hostileNames() throws {
    let line =
      "            init-1       [001] .....     1.000000: use: (iommu_device_use_default_domain+0x0/0x8c) "
      + "dev=\"0000:03:00.0\u{1B}[31m\u{202E}x\" drv=\"a\u{07}b\" grp=0xff11000000de8400 id=2 cnt=1\n"
    let run = try CommandRun(["-"], input: Data(line.utf8))
    #expect(
      !run.output.contains("\u{1B}") && !run.output.contains("\u{202E}") && !run.output.contains("\u{07}"))
    #expect(run.output.contains("\\x1b[31m\\u{202e}"))
  }

  @Test("unusual field names are told with --field")
  func fieldNames() throws {
    let text = String(decoding: try Checkout.bytes(Self.probes), as: UTF8.self)
      .replacing("cnt=", with: "my_cnt=").replacing("grp=", with: "iommu_gid=")
    let plain = try CommandRun(["-"], input: Data(text.utf8))
    #expect(plain.status == 3)
    let told = try CommandRun(
      ["-", "--field", "count=my_cnt", "--field", "id=iommu_gid"], input: Data(text.utf8))
    #expect(told.status == 1)
    #expect(told.output.contains("count 8 → 9"))
  }

  @Test(
    "a field that cannot be told gets a hint",
    arguments: [
      ("my_cnt=count", "did you mean --field count=my_cnt?"),
      ("owner_cnt=mine", "did you mean --field count=mine?"),
      ("grp_id=gid2", "did you mean --field id=gid2?"), ("dev=who", "did you mean --field device=who?"),
    ])
  func fieldHints(pair: String, hint: String) throws {
    let run = try CommandRun([Self.fixed, "--field", pair])
    #expect(run.status == 64)
    #expect(run.complaint.contains(hint))
  }

  @Test("a field that no probe has is told, and one that is there is not")
  func absentField() throws {
    let run = try CommandRun([Self.fixed, "--field", "count=my_cnt", "--field", "device=dev"])
    #expect(run.output.contains("--field count=my_cnt: no probe that was read has a field my_cnt"))
    #expect(!run.output.contains("--field device=dev:"))
  }

  @Test("the command does not load Foundation")
  func lean() throws {
    let bytes = try Data(contentsOf: Checkout.command)
    #expect(bytes.range(of: Data("libFoundation.so".utf8)) == nil)
  }
}
