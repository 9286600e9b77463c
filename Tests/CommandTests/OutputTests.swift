import Foundation
import TestSupport
import Testing

@Suite("Outputs of the command")
struct OutputTests {
  static let probes = CommandTests.probes

  @Test("one run writes any number of outputs, each complete and alone, beside the report")
  func several() throws {
    try inFolder { folder in
      let options = ["junit", "sarif", "ktap", "tap", "gitlab", "markdown", "github-summary", "json"]
      let run = try CommandRun([Self.probes] + options.flatMap { ["--\($0)", folder + "/" + $0] })
      #expect(run.status == 1 && run.complaint.isEmpty)
      #expect(run.output == (try CommandRun([Self.probes]).output))
      #expect(try names(in: folder) == options.sorted())
      // A file holds what --format writes to standard output.
      for format in options where format != "github-summary" {
        #expect(
          try text(folder + "/" + format) == CommandRun([Self.probes, "--format", format]).output, "\(format)"
        )
      }
      #expect(try text(folder + "/github-summary") == text(folder + "/markdown"))
    }
  }

  @Test("standard output takes one output, and the report gives way to it")
  func standardOutput() throws {
    let run = try CommandRun([Self.probes, "--junit", "-"])
    #expect(run.status == 1 && run.output.hasPrefix("<?xml "))
    for wrong in [
      ["--junit", "-", "--tap", "-"], ["--junit", "-", "--format", "text"], ["--json", "-", "--sarif", "-"],
      ["--junit", "a", "--tap", "a"], ["--json", "a", "-o", "a"],
    ] {
      #expect(try CommandRun([Self.probes] + wrong).status == 64, "\(wrong)")
    }
    #expect(try CommandRun([Self.probes, "--junit", "-", "--format", "text", "-o", "/dev/null"]).status == 1)
  }

  @Test("a path that cannot be written fails before the work, is named, and leaves nothing behind")
  func badPath() throws {
    try inFolder { folder in
      try Data("kept".utf8).write(to: URL(fileURLWithPath: folder + "/junit.xml"))
      for bad in [folder + "/no/such/place", folder] {
        let run = try CommandRun([Self.probes, "--junit", folder + "/junit.xml", "--tap", bad])
        #expect(run.status == 2 && run.output.isEmpty)
        #expect(run.complaint.hasPrefix("dmaledger: \(bad): "))
      }
      #expect(try names(in: folder) == ["junit.xml"])
      #expect(try text(folder + "/junit.xml") == "kept")
    }
  }

  @Test("a file that is full half-way is an error, not half a report")
  func fullDevice() throws {
    let run = try CommandRun([Self.probes, "--junit", "/dev/full"])
    #expect(run.status == 2)
    #expect(run.complaint.contains("/dev/full: No space left on device"))
  }

  @Test("a run that is ended by a signal leaves no draft behind")
  func signals() async throws {
    let folder = try newFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let process = Process()
    process.executableURL = Checkout.command
    process.arguments = ["-", "--junit", folder + "/junit.xml", "--tap", folder + "/tap"]
    // Nothing ever comes through this pipe: the run waits.
    process.standardInput = Pipe()
    process.standardOutput = FileHandle.nullDevice
    // The threads of the test runner block signals, and a child inherits that.
    var terminate = sigset_t()
    unsafe sigemptyset(&terminate)
    unsafe sigaddset(&terminate, SIGTERM)
    unsafe pthread_sigmask(SIG_UNBLOCK, &terminate, nil)
    try process.run()
    defer { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
    for _ in 0..<500 where try names(in: folder).count < 2 { try await Task.sleep(for: .milliseconds(10)) }
    #expect(try names(in: folder).map { $0.hasSuffix(".part") } == [true, true])
    process.terminate()
    for _ in 0..<500 where process.isRunning { try await Task.sleep(for: .milliseconds(10)) }
    try #require(!process.isRunning)
    #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGTERM)
    #expect(try names(in: folder) == [])
  }

  @Test("runs beside each other write one path without harm")
  func parallel() async throws {
    let folder = try newFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/junit.xml"
    try await withThrowingTaskGroup(of: Int32.self) { group in
      for _ in 0..<6 { group.addTask { try CommandRun([Self.probes, "--junit", path]).status } }
      for try await status in group { #expect(status == 1) }
    }
    #expect(try names(in: folder) == ["junit.xml"])
    #expect(try text(path) == CommandRun([Self.probes, "--format", "junit"]).output)
  }

  @Test("what cannot be read is told to a CI system as well, and the exit code is 2")
  func unreadable() throws {
    let missing = try CommandRun(["no-such-file", "--junit", "-"])
    #expect(missing.status == 2 && missing.output.contains(#"errors="1""#))
    #expect(missing.output.contains("no-such-file: No such file or directory"))
    let foreign = try CommandRun(["LICENSE", "--ktap", "-"])
    #expect(foreign.status == 2 && foreign.output.contains("\nnot ok 1 LICENSE # ERROR unreadable\n"))
    #expect(
      try CommandRun(["no-such-file", Self.probes, "--tap", "-"]).output.contains(
        "not ok 1 - capture conclusive"))
  }

  @Test("inside GitHub Actions annotations and a summary come by themselves, beside the report")
  func onGitHub() throws {
    try inFolder { folder in
      let summary = folder + "/summary.md"
      try Data("Before.\n".utf8).write(to: URL(fileURLWithPath: summary))
      let runner = ["GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary]
      let run = try CommandRun([Self.probes, "--format", "json"], environment: runner)
      #expect(run.output == (try CommandRun([Self.probes, "--format", "json"]).output))
      #expect(run.complaint == (try CommandRun([Self.probes, "--format", "github"]).output))
      #expect(try text(summary).hasPrefix("Before.\n### DMA ownership: unbalanced\n"))
      // Other steps of the job are none of our business.
      #expect(try CommandRun([Self.probes, "--no-github"], environment: runner).complaint.isEmpty)
      #expect(try text(summary).components(separatedBy: "###").count == 2)
      let annotated = try CommandRun([Self.probes, "--format", "github"], environment: runner)
      #expect(annotated.complaint.isEmpty && annotated.output.hasPrefix("::error "))
    }
  }

  @Test("a step summary that is nearly full gets what still fits")
  func fullSummary() throws {
    try inFolder { folder in
      let summary = folder + "/summary.md"
      try Data(repeating: 0x20, count: 1_048_576 - 1000).write(to: URL(fileURLWithPath: summary))
      _ = try CommandRun([Self.probes, "--github-summary", summary])
      let size = try #require(FileManager.default.attributesOfItem(atPath: summary)[.size] as? Int)
      #expect((1_048_576 - 999...1_048_576).contains(size))
    }
  }

  @Test("files are named from the root of the checkout that the CI system tells")
  func roots() throws {
    let parent = Checkout.root.deletingLastPathComponent().path
    let folder = Checkout.root.lastPathComponent
    for variable in ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"] {
      let run = try CommandRun([Self.probes, "--format", "github"], environment: [variable: parent])
      #expect(run.output.contains("file=\(folder)/samples/"), "\(variable)")
    }
    let absolute = try CommandRun([Checkout.root.path + "/" + Self.probes, "--format", "gitlab"])
    #expect(absolute.output.contains(#""path": "samples/6.1-unfixed-late-probes/trace.txt""#))
    let anchored = try CommandRun([Self.probes, "--format", "sarif", "--sarif-anchor", "README.md"])
    #expect(anchored.output.contains(#""uri": "README.md""#))
  }

  // MARK: - Files

  private func newFolder() throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder.path
  }

  private func inFolder(_ body: (String) throws -> Void) throws {
    let folder = try newFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }
}
