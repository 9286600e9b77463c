import Foundation
import TestSupport
import Testing

@Suite("A run that goes on")
struct ResumeTests {
  /// Starts the command and kills it after a while; whether it was still running.
  func kill(_ arguments: [String], after seconds: Double) throws -> Bool {
    let process = Process()
    process.executableURL = Checkout.command
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    Thread.sleep(forTimeInterval: seconds)
    let wasRunning = process.isRunning
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    return wasRunning
  }

  @Test(
    "killed at any moment and taken up again it ends with the same bytes", arguments: ["jsonl", "jsonl.zst"])
  func killed(_ suffix: String) throws {
    let folder = try CaptureFolder()
    try folder.addCaptures(40)
    // Captures with long reports, so that blocks and frames end inside the run.
    let trace = try Checkout.bytes("samples/6.1-unfixed-boot-function+probes/trace.txt")
    for index in 0..<10 { try folder.write("boot/trace\(index)", trace) }
    let captures = ["boot", "host0", "host1", "host2", "host3"].map { folder.path + "/" + $0 }
    try folder.write("out/keep", "")
    let place = { folder.path + "/out/" + $0 + "." + suffix }
    let arguments = { ["batch", "-j", "2", "-o", place($0), "--ktap", "-"] + captures }
    let began = Date()
    let whole = try CommandRun(arguments("whole"))
    let duration = Date().timeIntervalSince(began)
    let expected = try folder.bytes("out/whole." + suffix)
    var interrupted = 0
    for round in 0..<10 {
      let name = "run\(round)"
      let moment = duration * (Double(round) + 0.5) / 10
      if try kill(arguments(name) + ["--resume"], after: moment) { interrupted += 1 }
      let last = try CommandRun(arguments(name) + ["--resume"])
      #expect(last.status == whole.status)
      #expect(last.output == whole.output)
      #expect(try folder.bytes("out/\(name).\(suffix)") == expected)
      #expect(!FileManager.default.fileExists(atPath: place(name) + ".part"))
    }
    #expect(interrupted > 0)
  }

  @Test("a torn end is dropped wherever it is torn", arguments: ["jsonl", "jsonl.zst"])
  func torn(_ suffix: String) throws {
    let folder = try CaptureFolder()
    let trace = try Checkout.bytes("samples/6.1-unfixed-boot-function+probes/trace.txt")
    for index in 0..<8 { try folder.write("in/trace\(index)", trace) }
    let place = folder.path + "/out." + suffix
    let arguments = ["batch", "-q", "-o", place, folder.path + "/in"]
    _ = try CommandRun(arguments)
    let whole = try folder.bytes("out." + suffix)
    for length in [0, 1, 3, 9, whole.count / 3, whole.count / 2, whole.count - 1, whole.count] {
      try FileManager.default.removeItem(atPath: place)
      try folder.write("out.\(suffix).part", Array(whole.prefix(length)))
      #expect(try CommandRun(arguments + ["--resume"]).status == 1)
      #expect(try folder.bytes("out." + suffix) == whole, "cut after \(length) bytes")
    }
  }

  @Test("what is in the file already is not read again, and what is new is added")
  func added() throws {
    let folder = try CaptureFolder()
    let first = try folder.write("in/b", try Checkout.bytes(BatchTests.fixed))
    let place = folder.path + "/out.jsonl"
    _ = try CommandRun(["batch", "-q", "-o", place, folder.path + "/in"])
    // Read again it would be unbalanced now.
    try folder.write("in/b", try Checkout.bytes(BatchTests.unfixed))
    try folder.write("in/a", try Checkout.bytes(BatchTests.namesOnly))
    let run = try CommandRun(["batch", "-o", place, "--resume", folder.path + "/in"])
    #expect(run.status == 3)
    #expect(run.output.hasPrefix("balanced      \(first)\ninconclusive  \(folder.path)/in/a"))
  }

  @Test("a file that no run has written is not cut away")
  func foreign() throws {
    let folder = try CaptureFolder()
    for (name, bytes) in [("a.jsonl", Array("my notes\n".utf8)), ("b.jsonl.zst", Array("my notes\n".utf8))] {
      try folder.write(name, bytes)
      let run = try CommandRun(["batch", "-q", "-o", folder.path + "/" + name, "--resume", BatchTests.fixed])
      #expect(run.status == 2 && !run.complaint.isEmpty)
      let left = try folder.bytes(name)
      #expect(left == bytes)
    }
  }
}
