import DMALedger
import Foundation
import TestSupport
import Testing

@Suite("Limits of what a source may cost")
struct LimitTests {
  private static let plain = OwnershipHistory.balanced.bytes(.withHeader)

  private static func frame(window power: Int, eighths: Int = 0) -> [UInt8] {
    Zstd.frame(window: power, eighths: eighths, [.raw(plain)])
  }

  private func report(on bytes: [UInt8], _ change: (inout Analyzer.Options) -> Void = { _ in }) -> Report {
    var options = Analyzer.Options()
    change(&options)
    var analyzer = Analyzer(options: options)
    analyzer.read(bytes: bytes, name: "capture")
    return analyzer.finish()
  }

  // MARK: Windows

  @Test("a window up to the limit is read as if it were none", arguments: [12, 17, 23, 27])
  func allowedWindow(power: Int) {
    let result = report(on: Self.frame(window: power))
    #expect(ReportDigest(result) == ReportDigest(report(on: Self.plain)))
    #expect(result.verdict == .balanced)
  }

  @Test(
    "a window over the limit is refused with the place, the size, the limit and the remedy",
    arguments: [
      (frame(window: 31), "2 GiB", "--memory-limit 2G"),
      (frame(window: 28), "256 MiB", "--memory-limit 256M"),
      (frame(window: 27, eighths: 1), "144 MiB", "--memory-limit 144M"),
      (Zstd.singleSegment(size: 1 << 30, [.raw(plain)]), "1 GiB", "--memory-limit 1G"),
      (frame(window: 41, eighths: 7), "3840 GiB", "compress it anew with --long=31"),
      (Zstd.singleSegment(size: .max, [.raw(plain)]), "9223372036854775807 bytes", "compress it anew"),
    ])
  func refusedWindow(bytes: [UInt8], size: String, remedy: String) throws {
    let alone = report(on: bytes)
    #expect(!alone.understoodAnything && alone.verdict == .inconclusive)
    // Behind a frame that can be read, that one counts, and its end is the place.
    let first = Zstd.frame(Self.plain)
    let result = report(on: first + bytes)
    #expect(result.verdict == .inconclusive)
    #expect(result.changes.count == OwnershipHistory.balanced.expectedChanges)
    let refusal = try #require(result.diagnostics.first { $0.level == .error })
    #expect(refusal.offset == first.count)
    for words in ["at byte \(first.count) ", "window of \(size);", remedy] {
      #expect(refusal.message.contains(words), "\(refusal.message)")
    }
    #expect(refusal.message.contains("allows 128 MiB") == !remedy.contains("anew"))
  }

  @Test("a raised limit lets a large window in, a lowered one keeps a small one out")
  func otherLimits() {
    #expect(report(on: Self.frame(window: 31)) { $0.memoryLimit = 2 << 30 }.verdict == .balanced)
    #expect(report(on: Self.frame(window: 31)) { $0.memoryLimit = 2 << 30 - 1 }.verdict == .inconclusive)
    #expect(report(on: Self.frame(window: 20)) { $0.memoryLimit = 1 << 20 }.verdict == .balanced)
    #expect(report(on: Self.frame(window: 20)) { $0.memoryLimit = 1 << 19 }.verdict == .inconclusive)
  }

  @Test("a frame that is cut off in its header says so", arguments: 4...5)
  func cutHeader(length: Int) {
    let result = report(on: Zstd.frame(Self.plain) + Self.frame(window: 31).prefix(length))
    #expect(result.diagnostics.contains { $0.level == .error && $0.message.contains("cut off") })
  }

  @Test("windows that are open at the same time share the limit, and nobody waits for ever")
  func sharedMemory() {
    let memory = WindowMemory(limit: 10 << 20)
    let threads = (0..<8).compactMap { number in
      WorkerThread {
        for round in 0..<200 {
          var share = WindowMemory.Share(of: memory)
          share.exchange(for: (1 + (number + round) % 10) << 20)
          if round % 3 == 0 { share.exchange(for: 10 << 20) }
          if round % 2 == 0 { share.giveBack() }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(threads.count == 8)
    #expect(memory.mostTaken == 10 << 20)
  }

  @Test("frames read by several threads keep within the limit together and say what one thread says")
  func manyFrames() throws {
    let graph = String(
      decoding: try SampleFiles.bytes("6.1-unfixed-late-graph-filtered/trace.txt"), as: UTF8.self)
    let filler = Array(
      String(repeating: " 0)   0.100 us    |              mutex_lock();\n", count: 2500).utf8)
    var packed: [UInt8] = []
    for line in graph.split(separator: "\n") {
      packed += Zstd.frame(window: 23, [.raw(Array((line + "\n").utf8)), .raw(filler)])
    }
    let path = try Self.file(packed)
    defer { try? FileManager.default.removeItem(atPath: path) }
    var digests: Set<String> = []
    for (jobs, limit) in [(1, 128 << 20), (4, 128 << 20), (4, 17 << 20), (4, 8 << 20)] {
      var options = Analyzer.Options()
      options.jobs = jobs
      options.memoryLimit = limit
      var analyzer = Analyzer(options: options)
      try analyzer.read(path: path)
      digests.insert(ReportDigest(analyzer.finish()).description)
      #expect(options.limits.windows.mostTaken <= limit)
      #expect(options.limits.windows.mostTaken >= 8 << 20)
    }
    #expect(digests.count == 1)
  }

  // MARK: Bytes

  @Test("a source is read up to the limit, and never called balanced for what lies behind it")
  func mostBytes() throws {
    let whole = Self.plain.count
    for bytes in [Self.plain, Zstd.frame(Self.plain), Zstd.frames(Self.plain, size: 100)] {
      #expect(report(on: bytes) { $0.maxBytes = whole }.verdict == .balanced)
      #expect(report(on: bytes) { $0.maxBytes = whole }.diagnostics.isEmpty)
      for limit in [1, 99, 100, whole / 2, whole - 1] {
        let result = report(on: bytes) { $0.maxBytes = limit }
        #expect(result.verdict == .inconclusive)
        #expect(result.sources[0].bytes == limit)
        let stop = try #require(result.diagnostics.first { $0.level == .error })
        #expect(stop.message.contains("--max-bytes") && stop.offset != nil)
        if bytes == Self.plain { #expect(stop.offset == limit) }
      }
    }
  }

  @Test("a file that is stopped early says the same on any number of threads", arguments: [false, true])
  func mostBytesOfFile(isPacked: Bool) throws {
    var text = Self.plain
    while text.count < 6 << 20 { text += Self.plain.drop { $0 == 0x23 } }
    let path = try Self.file(isPacked ? Zstd.frames(text, size: 500_000) : text)
    defer { try? FileManager.default.removeItem(atPath: path) }
    var digests: Set<String> = []
    for jobs in 1...3 {
      var options = Analyzer.Options()
      options.jobs = jobs
      options.maxBytes = 5_000_001
      var analyzer = Analyzer(options: options)
      try analyzer.read(path: path)
      let result = analyzer.finish()
      #expect(result.sources[0].bytes == 5_000_001)
      #expect(result.verdict != .balanced)
      digests.insert(ReportDigest(result).description)
    }
    #expect(digests.count == 1)
  }

  @Test("a log that is stopped early leaves a trace beside it inconclusive")
  func mostBytesOfLog() {
    var options = Analyzer.Options()
    options.maxBytes = Self.plain.count
    var analyzer = Analyzer(options: options)
    analyzer.read(bytes: Self.plain, name: "trace")
    let line = "[   40.000000] pci 0000:00:01.0: Adding to iommu group 1\n"
    analyzer.read(bytes: Array(String(repeating: line, count: 500).utf8), name: "log")
    let result = analyzer.finish()
    #expect(result.sources.map(\.format).contains("kernel log"))
    #expect(result.verdict == .inconclusive)
  }

  @Test("a quarter of a gigabyte of zeros in nine kilobytes is one line that is skipped")
  func bomb() {
    let packed = Zstd.frame(window: 20, Array(repeating: .repeated(0, 128 << 10), count: 2 << 10))
    #expect(packed.count < 9_000)
    let result = report(on: packed)
    #expect(result.sources[0].bytes == 256 << 20)
    #expect(result.sources[0].lines == 1)
    #expect(!result.understoodAnything)
    #expect(result.diagnostics.contains { $0.message.contains("is longer than") })
  }

  // MARK: Long lines

  @Test("lines behind one that is too long keep their numbers")
  func numbers() throws {
    let lines = Self.plain.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
    let long = [UInt8](repeating: 0x78, count: 3 * LineReader.longestLine)
    let expected = report(on: Self.plain).changes.map(\.at.line)
    #expect(expected.count > 2)
    let place = try #require(expected.dropFirst().first) - 1
    for length in [LineReader.longestLine + 1, long.count] {
      let text = lines[..<place] + [Array(long.prefix(length))] + lines[place...]
      let result = report(on: Array(text.joined(separator: [0x0A])))
      #expect(result.changes.map(\.at.line) == expected.map { $0 > place ? $0 + 1 : $0 })
      #expect(result.sources[0].lines == lines.count)
      #expect(result.diagnostics.first { $0.message.contains("is longer than") }?.line == place + 1)
    }
  }

  @Test("of many lines that are too long the first are told one by one and the others counted")
  func manyLongLines() {
    let long = [Zstd.Block](repeating: .repeated(0x78, 128 << 10), count: 3) + [.raw([0x0A])]
    let packed =
      Zstd.frame(window: 20, Array([[Zstd.Block]](repeating: long, count: 1000).joined()))
      + Zstd.frame(Self.plain)
    let result = report(on: packed)
    let told = result.diagnostics.filter { $0.message.contains("longer than") }
    #expect(told.count == LineReader.mostIssues + 1)
    #expect(told.last?.message.hasPrefix("\(1000 - LineReader.mostIssues) more lines") == true)
    #expect(result.verdict == .inconclusive)
    #expect(result.changes.first?.at.line ?? 0 > 1000)
  }

  // MARK: Sizes as people write them

  @Test(
    "sizes are read as zstd reads them, and nothing else is",
    arguments: [
      ("1", 1), ("4096", 4096), ("64M", 64 << 20), ("64MB", 64 << 20), ("64MiB", 64 << 20), ("1g", 1 << 30),
      ("2T", 2 << 40), ("3K", 3072), ("0", 0), ("", nil), ("M", nil), ("-1", nil), ("1.5G", nil),
      ("1 G", nil),
      ("1X", nil), ("99999999999999999999", nil), ("9999999999T", nil), ("1MM", nil), ("0x10", nil),
    ] as [(String, Int?)])
  func sizes(text: String, bytes: Int?) {
    #expect(ByteSize(text)?.bytes == bytes)
    if let bytes { #expect(ByteSize(ByteSize(bytes: bytes).option)?.bytes == bytes) }
  }

  private static func file(_ bytes: [UInt8]) throws -> String {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("limits-\(UUID().uuidString)")
    try Data(bytes).write(to: url)
    return url.path
  }
}
