import DMALedger
import Foundation
import LedgerReports
import TestSupport
import Testing

@Suite("Many captures in one run")
struct BatchTests {
  static let fixed = "samples/6.1-fixed-late-probes/trace.txt"
  static let unfixed = "samples/6.1-unfixed-late-probes/trace.txt"
  static let namesOnly = "samples/6.1-unfixed-late-function/trace.txt"

  /// The records of captures in the order of their names.
  func records(_ bytes: [UInt8]) throws -> [CaptureRecord] {
    var reader = RecordsReader()
    var captures: [CaptureRecord] = []
    try reader.read(bytes.span, into: &captures)
    try reader.finish()
    return captures
  }

  func records(of arguments: [String]) throws -> [CaptureRecord] {
    try records(Array(try CommandRun(["batch", "-o", "-"] + arguments).output.utf8))
  }

  @Test("every capture is judged as if it were alone, whatever the number of threads")
  func sameAsAlone() throws {
    let folder = try CaptureFolder()
    try folder.addCaptures(300)
    let one = try CommandRun(["batch", folder.path, "-o", "-", "-j", "1"])
    let many = try CommandRun(["batch", folder.path, "-o", "-", "-j", "5"])
    #expect(one.output == many.output && one.status == many.status)
    let captures = try records(Array(one.output.utf8))
    #expect(captures.count == 300)
    #expect(Set(captures.map(\.outcome)) == Set(CaptureRecord.Outcome.allCases))
    var alone = ""
    for capture in captures.indices where capture % 12 == 0 {
      alone += try CommandRun([captures[capture].name, "--format", "jsonl"]).output
    }
    #expect(try records(Array(alone.utf8)).count == 25)
    #expect(Set(alone.split(separator: "\n")).isSubset(of: one.output.split(separator: "\n")))
  }

  @Test("a capture that cannot be read is a record, and the others are judged")
  func brokenCaptures() throws {
    let folder = try CaptureFolder()
    let files = FileManager.default
    let trace = try Checkout.bytes(Self.unfixed)
    try folder.write("good", trace)
    try folder.write("empty", [])
    try folder.write("foreign", "nothing to see here\n")
    try folder.write("cut.zst", Array(Zstd.frames(trace, size: 3000).dropLast(20)))
    try folder.write("binary", (0..<4000).map { UInt8(truncatingIfNeeded: $0 &* 37) })
    try folder.write(".hidden", trace)
    try folder.write(".git/trace", trace)
    try folder.write("sub/deep/good", trace)
    try files.createSymbolicLink(atPath: folder.path + "/dangling", withDestinationPath: "nowhere")
    try files.createSymbolicLink(atPath: folder.path + "/loop", withDestinationPath: ".")
    let pipe = unsafe mkfifo(folder.path + "/pipe", 0o644)
    #expect(pipe == 0)
    let run = try CommandRun(["batch", folder.path, "-o", "-"])
    let captures = try records(Array(run.output.utf8))
    let outcomes = captures.map { ($0.name.dropFirst(folder.path.count + 1), $0.outcome) }
    try #require(captures.count == 7)
    #expect(
      outcomes.map { "\($0) \($1)" } == [
        "binary unreadable", "cut.zst unbalanced", "dangling unreadable", "empty unreadable",
        "foreign unreadable", "good unbalanced", "sub/deep/good unbalanced",
      ])
    #expect(captures[1].report.diagnostics.contains { $0.level == .error })
    #expect(captures[2].unreadable.map(\.reason) == ["is a link to a file that does not exist"])
    #expect(run.status == 2)
    #expect(try CommandRun(["batch", folder.path, "-q", "--unreadable", "ok"]).status == 1)
  }

  @Test("a path that is not there is a record, too; no captures at all is an error")
  func missingPaths() throws {
    let captures = try records(of: [Self.fixed, "no-such-file"])
    #expect(captures.map(\.outcome) == [.unreadable, .balanced])
    let folder = try CaptureFolder()
    let nothing = try CommandRun(["batch", folder.path])
    #expect(nothing.status == 2 && nothing.complaint.contains("no captures there"))
    #expect(try CommandRun(["batch"]).status == 64)
    let locked = try CommandRun(["batch", Self.fixed, "-o", folder.path + "/no/such/place"])
    #expect(locked.status == 2 && locked.output.isEmpty)
  }

  @Test(
    "the exit code is that of the worst capture",
    arguments: [
      ([fixed], 0), ([fixed, namesOnly], 3), ([fixed, namesOnly, unfixed], 1),
      ([fixed, namesOnly, unfixed, "LICENSE"], 2), ([unfixed, "LICENSE", "--unreadable", "ok"], 1),
      ([fixed, "LICENSE", "--unreadable", "fail"], 1), ([fixed, namesOnly, "--inconclusive", "ok"], 0),
      ([fixed, namesOnly, "--inconclusive", "fail"], 1), ([unfixed, "--fail-on", "never"], 0),
      ([fixed, "--fail-on", "note"], 1), ([fixed, "--fail-on", "new-error"], 64), ([fixed, "--resume"], 64),
      ([fixed, "--shard", "3/3"], 64), ([fixed, "--shard", "x"], 64), ([fixed, "-j", "0"], 64),
    ] as [([String], Int32)])
  func exitCode(_ arguments: [String], _ status: Int32) throws {
    let run = try CommandRun(["batch", "-q"] + arguments)
    #expect(run.status == status, "\(run.complaint)")
    #expect(run.output.isEmpty)
  }

  @Test("paths come from a list, ended by newlines or NUL, each once")
  func lists() throws {
    let list = [Self.unfixed, Self.fixed, Self.unfixed].joined(separator: "\n")
    let lines = try CommandRun(["batch", "--from-file", "-", "-o", "-"], input: Data(list.utf8))
    #expect(try records(Array(lines.output.utf8)).map(\.name) == [Self.fixed, Self.unfixed])
    #expect(lines.complaint.contains("1 paths were given more than once"))
    let folder = try CaptureFolder()
    let odd = try folder.write("a\nb", try Checkout.bytes(Self.fixed))
    let list0 = try folder.write("list", odd + "\0" + Self.unfixed + "\0")
    #expect(try records(of: ["-0", "--from-file", list0]).map(\.name) == [odd, Self.unfixed])
  }

  @Test("files in folders can be chosen by name")
  func matching() throws {
    let captures = try records(of: ["samples", "--match", "trace*.txt"])
    #expect(captures.count > 5 && captures.allSatisfy { $0.name.hasSuffix("/trace.txt") })
  }

  @Test("a folder that is an incident is one capture of several files")
  func incidents() throws {
    let folder = try CaptureFolder()
    let sample = "samples/6.1-unfixed-late-function/"
    let files = try ["trace.txt", "vmm.log", "groups.txt"].map { ($0, try Checkout.bytes(sample + $0)) }
    for (name, bytes) in files {
      try folder.write("all/a.incident/\(name)", bytes)
      try folder.write("all/listed/\(name)", bytes)
      try folder.write("all/unlisted/\(name)", bytes)
      try folder.write("all/broken/\(name)", bytes)
      try folder.write("all/outside/\(name)", bytes)
    }
    try folder.write("all/listed/noise.txt", try Checkout.bytes(Self.fixed))
    try folder.write(
      "all/listed/manifest.json",
      #"{"host": null, "files": ["trace.txt", {"path": "vmm.log", "role": "refusal"}, "gone.txt", "./groups.txt"]}"#
    )
    try folder.write("all/unlisted/manifest.json", #"{"load": 1.5e3}"#)
    try folder.write("all/broken/manifest.json", #"{"files": "#)
    try folder.write("all/outside/manifest.json", #"{"files": ["../listed/trace.txt"]}"#)
    let captures = try records(of: [folder.path + "/all"])
    #expect(
      captures.map { String($0.name.dropFirst(folder.path.count)) } == [
        "/all/a.incident", "/all/broken", "/all/listed", "/all/outside", "/all/unlisted",
      ])
    #expect(captures.map { $0.report.sources.count } == [3, 3, 3, 3, 3])
    #expect(captures.map(\.unreadable.count) == [0, 1, 1, 1, 0])
    #expect(Set(captures.map(\.id)).count == 1)
    #expect(captures[2].unreadable[0].path.hasSuffix("listed/gone.txt"))
    #expect(captures[1].unreadable[0].reason.contains("at byte 10"))
    #expect(captures[3].unreadable[0].reason.contains("does not lie inside"))
    let alone = try records(of: [folder.path + "/all/a.incident"])
    #expect(String(describing: alone[0]) == String(describing: captures[0]))
  }

  @Test("shards together are the whole, and merging them in any grouping gives the bytes of one run")
  func shards() throws {
    let folder = try CaptureFolder()
    try folder.addCaptures(150)
    let run = { (arguments: [String]) in try CommandRun(arguments + ["--junit", "-"]) }
    let captures = folder.path + "/host"
    let hosts = (0..<4).map { captures + "\($0)" }
    let place = { folder.path + "/out/" + $0 }
    try folder.write("out/keep", "")
    let whole = try run(["batch"] + hosts + ["-o", place("whole.jsonl")])
    _ = try CommandRun(["batch", "-q"] + hosts + ["-o", place("whole.jsonl.zst")])
    var count = 0
    for part in 0..<5 {
      let name = place(part == 2 ? "part\(part).jsonl" : "part\(part).jsonl.zst")
      _ = try CommandRun(["batch", "-q"] + hosts.reversed() + ["--shard", "\(part)/5", "-o", name])
    }
    count = try records(folder.bytes("out/part2.jsonl")).count
    #expect(count > 10 && count < 60)
    let parts = [3, 1, 4, 0].map { place("part\($0).jsonl.zst") } + [place("part2.jsonl")]
    let merged = try run(["merge"] + parts + ["-o", place("merged.jsonl")])
    #expect(merged.output == whole.output && merged.status == whole.status && merged.status == 2)
    #expect(try folder.bytes("out/merged.jsonl") == folder.bytes("out/whole.jsonl"))
    // Pairs of parts, then the pairs, with one of them and the result itself again.
    _ = try CommandRun(["merge", "-q"] + parts[2...4] + ["-o", place("a.jsonl.zst")])
    _ = try CommandRun(["merge", "-q"] + parts[0...2] + ["-o", place("b.jsonl")])
    _ = try CommandRun(["merge", "-q", place("b.jsonl"), place("a.jsonl.zst"), "-o", place("c.jsonl.zst")])
    #expect(try folder.bytes("out/c.jsonl.zst") == folder.bytes("out/whole.jsonl.zst"))
    _ = try CommandRun(["merge", "-q", place("c.jsonl.zst"), place("whole.jsonl"), "-o", place("d.jsonl")])
    #expect(try folder.bytes("out/d.jsonl") == folder.bytes("out/whole.jsonl"))
    // Frames concatenate.
    let joined = try (0..<5).filter { $0 != 2 }.flatMap { try folder.bytes("out/part\($0).jsonl.zst") }
    try folder.write("out/joined.jsonl.zst", joined)
    _ = try CommandRun(
      ["merge", "-q", place("joined.jsonl.zst"), place("part2.jsonl"), "-o", place("e.jsonl")])
    #expect(try folder.bytes("out/e.jsonl") == folder.bytes("out/whole.jsonl"))
  }

  @Test("records that are damaged are refused with the place")
  func damagedRecords() throws {
    let folder = try CaptureFolder()
    let good = try CommandRun([Self.fixed, "--format", "jsonl"]).output
    let cut = try folder.write("cut.jsonl", String(good.dropLast(10)))
    let run = try CommandRun(["merge", cut])
    #expect(run.status == 2 && run.output.isEmpty)
    #expect(run.complaint.contains("cut.jsonl: line \(good.split(separator: "\n").count), byte "))
    let packed = try folder.write("cut.zst", Array(Zstd.frame(Array(good.utf8)).dropLast(3)))
    #expect(try CommandRun(["merge", packed]).complaint.contains("cut off"))
    #expect(try CommandRun(["merge", "LICENSE"]).complaint.contains("line 1, byte"))
  }

  @Test("records that claim more bytes than there can be are merged all the same")
  func impossibleSizes() throws {
    let folder = try CaptureFolder()
    let listing = "samples/6.1-fixed-late-probes/groups.txt"
    let good = try CommandRun(["analyze", Self.fixed, listing, "--format", "jsonl"]).output
    let huge = good.replacing(try Regex("\"bytes\": ?[0-9]+"), with: "\"bytes\": 9223372036854775807")
    #expect(huge != good)
    let name = try folder.write("huge.jsonl", huge)
    let run = try CommandRun(["merge", name, "-o", folder.path + "/merged.jsonl"])
    #expect(run.status == 0)
    #expect(try folder.bytes("merged.jsonl") == Array(huge.utf8))
  }

  @Test("on anything but a terminal a short run is silent on standard error")
  func silence() throws {
    let run = try CommandRun(["batch", Self.fixed])
    #expect(run.complaint.isEmpty)
    #expect(run.output.hasPrefix("balanced      \(Self.fixed)\n\n1 capture: balanced\n"))
  }
}
