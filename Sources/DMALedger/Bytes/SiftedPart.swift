/// What a sieve left of a part of a source: the lines to be read, and how many were passed over between them.
struct SiftedPart: Sendable {
  /// A line that was kept.
  struct Line: Sendable {
    /// Lines passed over since the line before.
    var rejected: Int
    /// Where it stands in `text`, with the carriage returns before its newline.
    var range: Range<Int>
    /// Where the line behind it begins, in bytes from the beginning of the part.
    var next: Int
  }

  /// Kept lines that take more bytes than this are not worth keeping: such a part is read in order.
  private static let mostKept = 2 << 20
  /// Sieves look at many bytes at once.
  private static let slack = [UInt8](repeating: 0, count: 128)

  /// The part in the file.
  let range: Range<Int>
  /// The end of a line that began before the part; `nil` where no line ends in it.
  private(set) var head: [UInt8]?
  private(set) var lines: [Line] = []
  private(set) var text: [UInt8] = []
  /// Lines passed over behind the last that was kept.
  private(set) var rejected = 0
  /// The beginning of a line that ends behind the part.
  private(set) var tail: [UInt8] = []
  /// Bytes after decompression.
  private(set) var bytes = 0
  /// Damaged parts, dense ones and those with lines that are too long have to be read in order.
  private(set) var isWhole = false

  /// Sifts a part; `reader` reads it and nothing else, and `sifter` knows nothing of what lies before it.
  init<Sifter: LineSifter>(_ reader: consuming LineReader, range: Range<Int>, with sifter: consuming Sifter) {
    self.range = range
    var reader = reader
    var sifter = sifter
    if reader.advance() {
      head = Self.copy(reader.fullLine)
      while reader.advance(past: sifter.sieve) {
        sifter.learn(reader.line)
        let line = reader.fullLine
        let start = text.count
        // Safe: The line is borrowed while it is copied.
        unsafe line.withUnsafeBufferPointer { unsafe text.append(contentsOf: $0) }
        lines.append(Line(rejected: reader.rejected, range: start..<text.count, next: reader.offset))
        if text.count + lines.count * MemoryLayout<Line>.stride > Self.mostKept {
          text = []
          lines = []
          return
        }
      }
      rejected = reader.rejected
    }
    let carry = reader.carry
    bytes = reader.bytes
    tail = carry.bytes
    text += Self.slack
    isWhole = reader.issues.isEmpty && reader.sourceIssue == nil && !carry.isSkipping
  }

  private static func copy(_ line: Span<UInt8>) -> [UInt8] {
    // Safe: The line is borrowed while it is copied.
    unsafe line.withUnsafeBufferPointer { unsafe Array($0) } + slack
  }

  /// The bytes of a kept line are followed by at least 128 others.
  var headCount: Int { max(0, (head?.count ?? 0) - Self.slack.count) }
}
