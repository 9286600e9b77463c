import DMALedger
import Foundation
import TestSupport
import Testing

@Suite("Bytes to lines")
struct LineReaderTests {
  // MARK: Ends of lines

  @Test(
    "a line ends at its newline, carriage returns before it are no part of it",
    arguments: [
      ("a\nb\n", ["a", "b"]),
      ("a\r\nb\r\n", ["a", "b"]),
      ("a\r\r\nb\r\r\n", ["a", "b"]),
      ("a\rb\n", ["a\rb"]),
      ("\n\n\na\n", ["", "", "", "a"]),
      ("\r\n", [""]),
      ("", []),
      ("a\n\n", ["a", ""]),
      ("a\0b\n\0\n", ["a\0b", "\0"]),
      ("tail", ["tail"]),
      ("a\ntail\r", ["a", "tail"]),
    ])
  func ends(text: String, lines: [String]) {
    #expect(read(text).lines == lines)
  }

  @Test("bytes that are no UTF-8 pass unchanged")
  func anyBytes() {
    let bytes: [UInt8] = [0xFF, 0x80, 0x0A, 0xC3, 0x0A]
    var reader = LineReader(ByteSource(bytes: bytes, name: "noise"))
    var lines: [[UInt8]] = []
    while reader.advance() { lines.append(bytesOf(reader.line)) }
    #expect(lines == [[0xFF, 0x80], [0xC3]])
  }

  @Test("only a last line without newline is unterminated")
  func unterminated() {
    #expect(read("a\nb\n").isTerminated)
    #expect(read("").isTerminated)
    #expect(!read("a\nb").isTerminated)
    #expect(!read("a").isTerminated)
  }

  @Test("lines and bytes are counted")
  func counts() {
    let result = read("one\r\n\nthree")
    #expect(result.numbers == [1, 2, 3])
    #expect(result.bytes == 11)
  }

  // MARK: Lines that are too long

  @Test("the longest line is read, a longer one is skipped and the lines behind it keep their numbers")
  func longLines() {
    let longest = String(repeating: "x", count: LineReader.longestLine)
    let fits = read("before\n" + longest + "\nafter\n")
    #expect(fits.lines.map(\.utf8.count) == [6, LineReader.longestLine, 5])
    #expect(fits.issues.isEmpty)

    for length in [LineReader.longestLine + 1, 2 * LineReader.longestLine + 1, 5 * LineReader.longestLine] {
      let long = String(repeating: "y", count: length)
      let result = read("before\n" + long + "\nafter\nlast")
      #expect(result.lines == ["before", "after", "last"])
      #expect(result.numbers == [1, 3, 4])
      #expect(result.issues == [InputIssue(kind: .lineTooLong, offset: 7, line: 2)])
    }
  }

  @Test("a long line that is the last one is counted too")
  func longLastLine() {
    let result = read("before\n" + String(repeating: "z", count: 3 * LineReader.longestLine))
    #expect(result.lines == ["before"])
    #expect(result.issues.map(\.kind) == [.lineTooLong])
    #expect(result.issues.map(\.line) == [2])
  }

  @Test("many long lines in a row leave an issue each")
  func longLinesInARow() {
    let long = String(repeating: "y", count: 2 * LineReader.longestLine + 5) + "\n"
    let result = read(long + long + "end\n")
    #expect(result.lines == ["end"])
    #expect(result.numbers == [3])
    #expect(result.issues.map(\.line) == [1, 2])
    #expect(result.issues.map(\.offset) == [0, long.utf8.count])
  }

  @Test("a line that was skipped is an error of the report, and what follows is still read")
  func longLineInReport() {
    let text =
      String(repeating: "x", count: 600_000) + "\n" + OwnershipHistory.balanced.text(.defaultLines)
    let report = report(on: text)
    let remark = report.diagnostics.first { $0.level == .error }
    #expect(remark?.line == 1)
    #expect(remark?.offset == 0)
    #expect(remark?.message.contains("longer than") == true)
    #expect(report.changes.count == OwnershipHistory.balanced.expectedChanges)
    #expect(report.verdict != .balanced)
  }

  // MARK: A cut last line

  @Test("a last line without newline is no evidence, and the report says so")
  func cutLastLine() {
    let whole = OwnershipHistory.leaking.text(.defaultLines)
    let complete = report(on: whole)
    let cut = report(on: String(whole.dropLast()))
    #expect(cut.sources[0].lines == complete.sources[0].lines)
    #expect(cut.changes.count <= complete.changes.count)
    let remark = cut.diagnostics.first { $0.message.contains("no newline") }
    #expect(remark?.level == .warning)
    #expect(remark?.line == cut.sources[0].lines)
    #expect(complete.diagnostics.allSatisfy { !$0.message.contains("no newline") })
  }

  // MARK: Pipes and files

  @Test("short reads of a pipe give the same lines", arguments: [1, 2, 3, 7, 4096])
  func pipes(chunk: Int) throws {
    let bytes = Array("first\r\n\nthird line\nlast".utf8)
    let result = try read(throughPipe: bytes, chunk: chunk)
    #expect(result.lines == ["first", "", "third line", "last"])
    #expect(!result.isTerminated)
    #expect(result.bytes == bytes.count)
  }

  @Test("a zstd frame comes through a pipe byte by byte", arguments: [1, 5, 4096])
  func zstdPipe(chunk: Int) throws {
    let packed = Zstd.frame(Array("one\ntwo\n".utf8)) + Zstd.emptyFrame + Zstd.frame(Array("three\n".utf8))
    let result = try read(throughPipe: packed, chunk: chunk)
    #expect(result.lines == ["one", "two", "three"])
    #expect(result.sourceIssue == nil)
  }

  @Test("a file gives the same report as its bytes")
  func files() throws {
    let bytes = OwnershipHistory.leaking.bytes(.defaultLines)
    try withFile(bytes) { path in
      var analyzer = Analyzer()
      try analyzer.read(path: path)
      let fromFile = analyzer.finish()
      #expect(fromFile.sources[0].path == path)
      #expect(fromFile.sources[0].bytes == bytes.count)
      #expect(ReportDigest(fromFile) == ReportDigest(report(on: bytes)))
    }
  }

  @Test("what cannot be opened is an error in words")
  func errors() throws {
    func reason(_ path: String) -> String? {
      var analyzer = Analyzer()
      do throws(InputError) {
        try analyzer.read(path: path)
        return nil
      } catch {
        #expect(error.path == path)
        return error.reason
      }
    }
    #expect(reason("/nonexistent/trace.txt") == "No such file or directory")
    #expect(reason(NSTemporaryDirectory())?.contains("directory") == true)
    #expect(reason("") == "No such file or directory")
  }
}

// MARK: - Reading in tests

private struct ReadResult {
  var lines: [String] = []
  var numbers: [Int] = []
  var bytes = 0
  var isTerminated = true
  var issues: [InputIssue] = []
  var sourceIssue: InputIssue?
}

private func bytesOf(_ span: Span<UInt8>) -> [UInt8] {
  span.indices.map { span[$0] }
}

private func read(_ text: String) -> ReadResult {
  read(ByteSource(bytes: Array(text.utf8), name: "test"))
}

private func read(_ source: consuming ByteSource) -> ReadResult {
  var reader = LineReader(source)
  var result = ReadResult()
  while reader.advance() {
    result.lines.append(String(decoding: bytesOf(reader.line), as: UTF8.self))
    result.numbers.append(reader.number)
  }
  result.bytes = reader.bytes
  result.isTerminated = reader.isTerminated
  result.issues = reader.issues
  result.sourceIssue = reader.sourceIssue
  return result
}

/// Writes `bytes` into a pipe in small pieces while the reader reads its other end.
private func read(throughPipe bytes: [UInt8], chunk: Int) throws -> ReadResult {
  let pipe = Pipe()
  let input = pipe.fileHandleForWriting
  let writer = Thread {
    for start in stride(from: 0, to: bytes.count, by: chunk) {
      input.write(Data(bytes[start..<min(start + chunk, bytes.count)]))
      if start % 16 == 0 { Thread.sleep(forTimeInterval: 0.0005) }
    }
    input.closeFile()
  }
  let source = try ByteSource(path: PathName("/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"))
  writer.start()
  return read(source)
}

private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
  let path = NSTemporaryDirectory() + "/dmaledger-\(UUID().uuidString)"
  try Data(bytes).write(to: URL(fileURLWithPath: path))
  defer { try? FileManager.default.removeItem(atPath: path) }
  try body(path)
}
