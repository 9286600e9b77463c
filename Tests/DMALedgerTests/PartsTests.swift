import DMALedger
import Foundation
import TestSupport
import Testing

/// Large files read by several threads, in parts, against the same files read in order.
@Suite("Sources read in parts")
struct PartsTests {
  /// A graph capture of about ten megabytes: real lines thinly spread in calls that bear on nothing.
  private static let capture: [UInt8] = {
    let sample = (try? SampleFiles.bytes("6.1-unfixed-late-graph-filtered/trace.txt")) ?? []
    let lines = String(decoding: sample, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    let filler = """
       0)               |            vfs_write() {
       0)   0.100 us    |              mutex_lock();
       1) + 12.345 us   |                }
       0)   1.000 us    |            }
       1)               |                sha256_update.isra.0() {
       1)   0.200 us    |                  e1000_probe [e1000e]();

      """
    let block = Array(String(repeating: filler, count: 180).utf8)
    var text: [UInt8] = []
    for line in lines.dropLast() {
      text += Array((line + "\n").utf8)
      if !line.hasPrefix("#") { text += block }
    }
    return text
  }()

  private static func digest(_ bytes: [UInt8], jobs: Int, isMapped: Bool = false) throws -> String {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("parts-\(UUID().uuidString)")
    try Data(bytes).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    var options = Analyzer.Options()
    options.jobs = jobs
    options.mapsFiles = isMapped
    var analyzer = Analyzer(options: options)
    try analyzer.read(path: file.path)
    return ReportDigest(analyzer.finish()).description
  }

  private static func expectSame(_ bytes: [UInt8], _ comment: Comment? = nil) throws {
    let inOrder = try digest(bytes, jobs: 1)
    for jobs in 2...4 { #expect(try digest(bytes, jobs: jobs) == inOrder, comment) }
    for jobs in 1...4 { #expect(try digest(bytes, jobs: jobs, isMapped: true) == inOrder, comment) }
  }

  @Test("a plain capture says the same on any number of threads")
  func plain() throws {
    #expect(Self.capture.count > 6 << 20)
    try Self.expectSame(Self.capture)
    #expect(try Self.digest(Self.capture, jobs: 2).contains("unfixed"))
  }

  @Test("a capture beside its packed copy, read in another way, is one capture", arguments: [false, true])
  func besideItsCopy(isPackedFirst: Bool) throws {
    let folder = try CaptureFolder()
    let plain = try folder.write("trace.txt", Self.capture)
    let packed = try folder.write("trace.txt.zst", Zstd.frame(Self.capture))
    let once = report(on: Self.capture)
    for jobs in [1, 2] {
      var options = Analyzer.Options()
      options.jobs = jobs
      var analyzer = Analyzer(options: options)
      for path in isPackedFirst ? [packed, plain] : [plain, packed] { try analyzer.read(path: path) }
      let twice = analyzer.finish()
      #expect(twice.kernel.windows == once.kernel.windows)
      #expect(twice.unattributed.total == once.unattributed.total)
      #expect(twice.findings.map(\.rule) == once.findings.map(\.rule))
      #expect(twice.sources.map(\.events) == [once.sources[0].events, once.sources[0].events])
    }
  }

  @Test("frames cut anywhere say the same", arguments: [300_001, 1_000_003])
  func compressed(size: Int) throws {
    let bytes = Zstd.frames(Self.capture, size: size)
    try Self.expectSame(bytes)
    #expect(try Self.digest(bytes, jobs: 2).contains("unfixed"))
  }

  @Test("markers, headers, other columns and line ends in the middle say the same")
  func interruptions() throws {
    var text = Self.capture
    for (place, line) in [
      (5, "CPU:1 [LOST 12 EVENTS]\n"), (4, " ------------------------------------------\n"),
      (3, " 0)    bash-110    =>   kworker-9   \n"), (2, "# tracer: function_graph\n#\n"),
      (1, String(repeating: "   29.257452 |   1)   0.100 us    |    really_probe();\r\n", count: 5)),
    ] {
      let about = text.count * place / 6
      let newline = text[about...].firstIndex(of: 0x0A) ?? about
      text.insert(contentsOf: Array(line.utf8), at: newline + 1)
    }
    try Self.expectSame(text)
    try Self.expectSame(Zstd.frames(text, size: 700_001))
  }

  @Test("first lines of another form than those behind them say the same")
  func wrongGuess() throws {
    let start = Self.capture.firstIndex(of: 0x20) ?? 0
    for line in [
      "   29.257452 |   1)   0.100 us    |    schedule();\n",
      "            bash-112     [000] d....    34.497897: mutex_lock <-uart_ioctl\n",
      " 0)    bash-110    |   0.100 us    |    schedule();\n", "what is this\n",
    ] {
      var text = Self.capture
      text.insert(contentsOf: Array(String(repeating: line, count: 70).utf8), at: start)
      try Self.expectSame(text, "\(line)")
      try Self.expectSame(Zstd.frames(text, size: 700_001), "\(line)")
    }
  }

  @Test("a last line without newline, a line that is too long and a damaged frame say the same")
  func damage() throws {
    try Self.expectSame(Array(Self.capture.dropLast(7)), "unterminated")
    var long = Self.capture
    long.insert(contentsOf: [UInt8](repeating: 0x78, count: 3 * LineReader.longestLine), at: long.count / 2)
    try Self.expectSame(long, "long line")
    var frames = Zstd.frames(Self.capture, size: 500_000)
    try Self.expectSame(Array(frames.dropLast(100)), "cut off")
    frames[frames.count / 2] ^= 0xFF
    try Self.expectSame(frames, "damaged")
    try Self.expectSame(frames + Array("no frame".utf8), "bytes behind the last frame")
  }
}
