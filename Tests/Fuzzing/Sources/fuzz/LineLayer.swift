@testable import DMALedger

/// The zstd and line layer against the plainest possible way to cut text into lines.
///
/// Input: a byte that says how the rest is packed, a byte for sizes, and the rest.
enum LineLayer {
  private struct Reading: Equatable {
    var lines: [[UInt8]] = []
    var isTerminated = true
    var bytes = 0
    var issues: [InputIssue] = []

    /// Of a block that is damaged at its end libzstd may give a part, more of it where the bytes came in more portions.
    func agrees(with other: Reading) -> Bool {
      guard issues == other.issues else { return false }
      if !issues.contains(where: { $0.kind == .damagedFrame || $0.kind == .wrongChecksum }) {
        return self == other
      }
      let common = max(0, min(lines.count, other.lines.count) - 1)
      return lines.prefix(common) == other.lines.prefix(common)
    }

    func difference(_ other: Reading) -> String {
      "\(lines.count) and \(other.lines.count) lines, \(bytes) and \(other.bytes) bytes, \(issues) and \(other.issues)"
    }
  }

  static func check(_ input: [UInt8]) {
    guard input.count > 2 else { return }
    var random = SplitMix(state: UInt64(input[1]))
    var content = Array(input[2...])
    switch input[0] % 4 {
    case 0:
      // Perhaps frames that nobody would write. A block of four bytes can hold 128 KiB.
      content = Array(content.prefix(1024))
      let whole = read(LineReader(ByteSource(bytes: content, name: "bytes")))
      let portions = readInPortions(content, &random)
      require(portions.agrees(with: whole), "portions change what is read: \(whole.difference(portions))")
    case 1:
      content = Array(content.prefix(Portions.most))
      require(
        readInPortions(content, &random).lines == lines(of: content) || isFrame(content), "lines differ")
    case 2:
      let packed = Packing.frames(content, size: 1 + Int(input[1]) * 8, &random)
      let reading = read(LineReader(ByteSource(bytes: packed, name: "frames")))
      require(reading.issues.isEmpty, "good frames are complained of")
      require(reading.bytes == content.count, "bytes are lost in frames")
      require(reading.lines == lines(of: content), "frames change what is read")
    default:
      var packed = Packing.frames(content, size: 1 + Int(input[1]) * 64, &random)
      if packed.count > Portions.most { return }
      let place = Int(random.next() % UInt64(packed.count))
      if random.next() % 2 == 0 { packed.removeSubrange(place...) } else { packed[place] ^= input[1] | 1 }
      let whole = read(LineReader(ByteSource(bytes: packed, name: "damaged")))
      let portions = readInPortions(packed, &random)
      require(
        portions.agrees(with: whole), "portions change what is read of damage: \(whole.difference(portions))")
    }
    checkSieve(content)
  }

  private static func isFrame(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 4
      && ZstdFrame.isMagic(bytes[0..<4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
  }

  private static func lines(of text: [UInt8]) -> [[UInt8]] {
    var lines = text.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
      Array(line.reversed().drop { $0 == 0x0D }.reversed())
    }
    if text.last == 0x0A || text.isEmpty { lines.removeLast() }
    return lines.filter { $0.count <= LineReader.longestLine }
  }

  private static func readInPortions(_ bytes: [UInt8], _ random: inout SplitMix) -> Reading {
    let portions = Portions(bytes, &random)
    defer { portions.end() }
    guard let source = try? ByteSource(path: PathName(portions.path)) else {
      require(false, "a pipe cannot be opened")
      return Reading()
    }
    return read(LineReader(source))
  }

  private static func read(_ lines: consuming LineReader) -> Reading {
    var reader = lines
    var reading = Reading()
    while reader.advance() {
      let line = reader.line
      reading.lines.append(line.withUnsafeBufferPointer { Array($0) })
      require(reader.number >= reading.lines.count, "a line has the number of another")
    }
    reading.isTerminated = reader.isTerminated
    reading.bytes = reader.bytes
    reading.issues = reader.issues
    if let issue = reader.sourceIssue { reading.issues.append(issue) }
    return reading
  }

  // MARK: - Sieve

  /// A line that the sieve passes over names no function that matters.
  private static func checkSieve(_ text: [UInt8]) {
    let all = lines(of: text)
    for line in all {
      guard let graph = GraphLine.parse(line.span, needsColumns: true),
        let columns = GraphSieve.Columns(graph)
      else { continue }
      let sieve = GraphSieve(columns, deepest: 3)
      checkSieve(sieve, text, all)
      return
    }
  }

  private static func checkSieve(_ sieve: GraphSieve, _ text: [UInt8], _ all: [[UInt8]]) {
    var reader = LineReader(ByteSource(bytes: [0x0A] + text, name: "sieve"))
    var passedOver = 0
    var kept = 0
    while reader.advance(past: sieve) {
      passedOver += reader.rejected
      kept += 1
    }
    passedOver += reader.rejected
    require(passedOver + kept == all.count + 1, "the sieve loses lines")
    for line in all {
      guard sieve.rejects(line.span) else { continue }
      // The sieve asks less of a line: it may pass over a damaged one, which would have been no event.
      guard let graph = GraphLine.parse(line.span, needsColumns: true) else { continue }
      require(
        KernelFunction.named(line.span.extracting(graph.symbol)) == nil || TornLine.isTorn(line.span),
        "the sieve passes over a function that matters")
    }
  }
}
