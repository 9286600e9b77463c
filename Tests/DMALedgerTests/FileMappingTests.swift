import DMALedger
import Foundation
import TestSupport
import Testing

/// Files read where they lie in the page cache, against the same files read with `read(2)`.
@Suite("Files that are mapped")
struct FileMappingTests {
  /// A file for one test.
  private final class File: Sendable {
    let path: String

    init(_ text: String) throws {
      path = FileManager.default.temporaryDirectory.appendingPathComponent("mapped-\(UUID().uuidString)").path
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    struct NotMapped: Error {}

    func map() throws -> LineReader {
      guard let reader = LineReader(mapping: try OpenFile(path: PathName(path))) else { throw NotMapped() }
      return reader
    }

    func cut(to size: UInt64) throws {
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try handle.truncate(atOffset: size)
      try handle.close()
    }

    func append(_ text: String) throws {
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data(text.utf8))
      try handle.close()
    }
  }

  /// Lines of 64 bytes, each with its number.
  private static func numbered(_ count: Int) -> String {
    (1...count).map { String($0) + String(repeating: ".", count: 63 - String($0).utf8.count) + "\n" }.joined()
  }

  private static func copy(of line: Span<UInt8>) -> [UInt8] {
    line.indices.map { line[$0] }
  }

  private struct Reading {
    var lines: [[UInt8]] = []
    var number = 0
    var bytes = 0
    var issues: [InputIssue] = []
  }

  private static func readOn(_ reader: inout LineReader, _ result: inout Reading, upTo limit: Int = .max) {
    while result.lines.count < limit, reader.advance() {
      result.lines.append(copy(of: reader.line))
      result.number = reader.number
    }
    result.bytes = reader.bytes
    result.issues = reader.issues
    if let issue = reader.sourceIssue { result.issues.append(issue) }
  }

  private static func read(_ reader: consuming LineReader) -> Reading {
    var reader = reader
    var result = Reading()
    readOn(&reader, &result)
    return result
  }

  @Test(
    "lines, numbers, bytes and issues are those of the same bytes read",
    arguments: [
      "a\n", "a", "\n\n\r\n", "a\r\nb\r\n", numbered(64), numbered(64) + "tail", numbered(100_000),
      numbered(5) + String(repeating: "x", count: LineReader.longestLine) + "\n" + numbered(3),
      numbered(5) + String(repeating: "x", count: LineReader.longestLine + 1) + "\n" + numbered(3),
      numbered(5) + String(repeating: "x", count: 9 << 20) + "\n" + numbered(3),
      numbered(5) + String(repeating: "x", count: 3 << 20),
    ])
  func sameAsRead(text: String) throws {
    let file = try File(text)
    let one = Self.read(try file.map())
    let other = try Self.read(LineReader(ByteSource(path: PathName(file.path))))
    #expect(one.lines == other.lines)
    #expect(one.number == other.number)
    #expect(one.bytes == other.bytes)
    #expect(one.issues == other.issues)
  }

  @Test("a file that grows while it is read is read to its new end")
  func growing() throws {
    let file = try File(Self.numbered(10) + "be")
    var reader = try file.map()
    try file.append("gun\n" + Self.numbered(2))
    var result = Reading()
    Self.readOn(&reader, &result)
    #expect(result.lines.count == 13)
    #expect(result.lines[10] == Array("begun".utf8))
    #expect(result.bytes == 13 * 64 - 64 + 6)
    #expect(result.issues.isEmpty)
  }

  @Test(
    "a file that is cut off while it is read ends there, with an issue",
    arguments: [0, 1000, 4096, 64_000, 70_001])
  func cutOff(size: Int) throws {
    let file = try File(Self.numbered(1 << 17))
    var reader = try file.map()
    var result = Reading()
    Self.readOn(&reader, &result, upTo: 100)
    try file.cut(to: UInt64(size))
    Self.readOn(&reader, &result)
    #expect(result.bytes < 64 << 17)
    // What was read before is not taken back, and no line is anything but a line of the file.
    let kept = max(100, size / 64)
    #expect((100...kept + 64).contains(result.lines.count))
    for (index, line) in result.lines.enumerated() where line.first != 0 {
      let begin = String(decoding: line.prefix { $0 != 0x2E }, as: UTF8.self)
      #expect(begin == String(index + 1))
    }
  }

  @Test("what cannot be mapped says so", arguments: ["/dev/null", "/proc/self/status"])
  func others(path: String) throws {
    let file = try OpenFile(path: PathName(path))
    if case .some = LineReader(mapping: file) { Issue.record("\(path) was mapped") }
  }

  @Test("a report of a file that is cut off at any moment is a report", arguments: 0..<12)
  func cutOffWhileAnalysed(round: Int) throws {
    let line = " 0)   0.100 us    |              mutex_lock();\n"
    let file = try File("# tracer: function_graph\n#\n" + String(repeating: line, count: 300_000))
    // Opened before, so that a file that was short from the beginning is none of these.
    let opened = try OpenFile(path: PathName(file.path))
    let cutter = Thread {
      usleep(UInt32(round * 2000))
      try? file.cut(to: UInt64(1_000_000 + round * 100_003))
    }
    cutter.start()
    var options = Analyzer.Options()
    options.jobs = 1 + round % 3
    options.mapsFiles = true
    var analyzer = Analyzer(options: options)
    analyzer.read(opened)
    let report = analyzer.finish()
    let whole = "# tracer: function_graph\n#\n".utf8.count + 300_000 * line.utf8.count
    if report.sources[0].bytes < whole {
      #expect(report.diagnostics.contains { $0.message.contains("got shorter") })
    }
  }
}
