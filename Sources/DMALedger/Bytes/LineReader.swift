import CByteScan

// Safe: throughout this file. `buffer` has `lineRoom` bytes and slack behind them; `start`, `end` and all lines lie in order within them, see `refill`.

/// Cuts the bytes of a source into lines. Memory is one buffer, whatever the input.
///
/// A line is what stands between newlines, without the newline and without carriage returns before it.
/// Lines longer than ``longestLine`` are skipped and leave an issue.
@safe package struct LineReader: ~Copyable {
  /// The longest line that is read, in bytes. The kernel cuts trace lines at 8 KiB and log records at 1 KiB.
  package static let longestLine = 256 << 10

  /// A line that has begun where a part of a source ends.
  struct Carry {
    var bytes: [UInt8] = []
    /// It is longer than any line that is read, and the rest of it is still to be skipped.
    var isSkipping = false
  }

  let source: ByteFeed
  /// Number of the current line, from 1.
  package private(set) var number = 0
  /// Bytes after decompression so far.
  package private(set) var bytes = 0
  /// Whether the current line ended in a newline. Only the last line of a source may not.
  package private(set) var isTerminated = true
  /// The first ``mostIssues`` of the lines that were too long.
  package private(set) var issues: [InputIssue] = []
  /// All lines that were too long, told in ``issues`` or not: a terabyte can hold millions.
  private(set) var longLines = 0
  package static let mostIssues = 8

  /// How far the source has been read up to the line behind the current one, in bytes after decompression.
  var offset: Int { bytes - (end - start) }
  /// Lines that a sieve passed over since the line before the current one.
  private(set) var rejected = 0
  /// Lines that were too long since the line before the current one.
  private(set) var skipped = 0

  private let workspace: Workspace
  private let buffer: UnsafeMutablePointer<UInt8>
  /// The line that is being read begins here.
  private var start = 0
  private var end = 0
  private var lineStart = 0
  private var lineEnd = 0
  /// The end of the line with the carriage returns before its newline.
  private var lineFullEnd = 0
  private var isSkipping = false
  /// Whether the end of the bytes ends the last line as well.
  private let isLast: Bool

  /// What one read brings at most: it is still in the second cache when it is looked at.
  private static let block = 128 << 10
  private let newlines: UnsafeMutablePointer<UInt32>
  private var newlineCount = 0
  private var nextNewline = 0
  private var windowStart = 0
  private var windowEnd = 0

  package init(_ source: consuming ByteSource) {
    self.init(ByteFeed(source, ahead: false))
  }

  /// Reads all that `source` has, or a part that is not the last: then the line that goes on is left in ``carry``.
  init(
    _ source: ByteFeed, continuing carry: Carry = Carry(), behind number: Int = 0, bytes: Int = 0,
    isLast: Bool = true, in workspace: Workspace = Workspace()
  ) {
    self.workspace = workspace
    self.source = source
    self.number = number
    self.bytes = bytes
    self.isLast = isLast
    unsafe buffer = workspace.lines
    unsafe newlines = workspace.newlines
    isSkipping = carry.isSkipping
    for byte in carry.bytes {
      unsafe buffer[end] = byte
      end += 1
    }
    windowEnd = end
  }

  /// The line that has begun and not ended.
  var carry: Carry {
    let rest = unsafe UnsafeBufferPointer(start: buffer + start, count: end - start)
    return unsafe Carry(bytes: Array(rest), isSkipping: isSkipping)
  }

  /// What ended the bytes early, if anything did.
  package var sourceIssue: InputIssue? { source.issue }

  /// The bytes of the current line.
  package var line: Span<UInt8> {
    @_lifetime(borrow self)
    get {
      let slice = unsafe UnsafeBufferPointer(start: buffer + lineStart, count: lineEnd - lineStart)
      return unsafe _overrideLifetime(Span(_unsafeElements: slice), borrowing: self)
    }
  }

  /// The same with the carriage returns that its newline had before it.
  var fullLine: Span<UInt8> {
    @_lifetime(borrow self)
    get {
      let slice = unsafe UnsafeBufferPointer(start: buffer + lineStart, count: lineFullEnd - lineStart)
      return unsafe _overrideLifetime(Span(_unsafeElements: slice), borrowing: self)
    }
  }

  /// Moves to the next line; false at the end.
  package mutating func advance() -> Bool {
    advance(past: OpenSieve())
  }

  /// Moves to the next line that `sieve` does not reject; false at the end.
  mutating func advance<Sieve: LineSieve>(past sieve: Sieve) -> Bool {
    rejected = 0
    skipped = 0
    while true {
      if nextNewline < newlineCount, takeLine(past: sieve) { return true }
      if windowEnd < end {
        listNewlines()
      } else if !refill() {
        return takeUnterminatedLine()
      }
    }
  }

  private mutating func listNewlines() {
    windowStart = windowEnd
    windowEnd = min(end, windowStart + Workspace.window)
    newlineCount = unsafe bytescan_list(buffer + windowStart, windowEnd - windowStart, 0x0A, newlines)
    nextNewline = 0
  }

  /// The first line of the window that is to be read.
  private mutating func takeLine<Sieve: LineSieve>(past sieve: Sieve) -> Bool {
    while nextNewline < newlineCount {
      if !isSkipping { passOver(sieve) }
      guard nextNewline < newlineCount else { return false }
      let newline = unsafe windowStart + Int(newlines[nextNewline])
      let first = start
      nextNewline += 1
      number += 1
      start = newline + 1
      if isSkipping {
        isSkipping = false
        skipped += 1
      } else if newline - first > LineReader.longestLine {
        // What one read brought whole may have come in pieces through a pipe: both are skipped.
        noteLongLine(at: bytes - (end - first), line: number)
        skipped += 1
      } else {
        setLine(from: first, to: newline)
        return true
      }
    }
    return false
  }

  /// The innermost loop of the reader: nearly every line of a large capture ends here.
  @inline(__always)
  private mutating func passOver<Sieve: LineSieve>(_ sieve: Sieve) {
    let count = newlineCount
    let began = nextNewline
    var index = began
    var first = start
    // Places in the buffer ascend and lie within it: nothing here can overflow.
    while index < count {
      let newline = unsafe windowStart &+ Int(newlines[index])
      guard unsafe sieve.rejects(buffer + first, length: newline &- first) else { break }
      first = newline &+ 1
      index &+= 1
    }
    start = first
    nextNewline = index
    number += index - began
    rejected += index - began
  }

  /// Reads more bytes behind the line that has begun; false at the end.
  private mutating func refill() -> Bool {
    if end - start > LineReader.longestLine || isSkipping {
      if !isSkipping {
        noteLongLine(at: bytes - (end - start), line: number + 1)
      }
      isSkipping = true
      start = end
    }
    if start > 0 {
      unsafe buffer.update(from: buffer + start, count: end - start)
      end -= start
      start = 0
      windowEnd = end
    }
    let room = unsafe UnsafeMutableRawBufferPointer(
      start: buffer + end, count: min(Workspace.lineRoom - end, LineReader.block))
    let count = unsafe source.fill(room)
    bytes += count
    end += count
    return count > 0
  }

  private mutating func noteLongLine(at offset: Int, line: Int) {
    longLines += 1
    if longLines <= Self.mostIssues {
      issues.append(InputIssue(kind: .lineTooLong, offset: offset, line: line))
    }
  }

  private mutating func takeUnterminatedLine() -> Bool {
    if isLast, isSkipping {
      number += 1
      skipped += 1
      isSkipping = false
    }
    guard isLast, end > start, !isSkipping else { return false }
    number += 1
    isTerminated = false
    setLine(from: start, to: end)
    start = end
    return true
  }

  private mutating func setLine(from first: Int, to last: Int) {
    lineStart = first
    lineEnd = last
    lineFullEnd = last
    while lineEnd > lineStart, unsafe buffer[lineEnd - 1] == 0x0D { lineEnd -= 1 }
  }
}
