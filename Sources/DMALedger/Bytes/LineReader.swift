import CByteScan

// Safe: throughout this file. `buffer` has `lineRoom` bytes and slack behind them; `start`, `end` and all lines lie in order within them, see `refill`.
// Of a mapped file `buffer` begins at or behind its first byte, `end` lies at or before its last, and the mapping has slack on both sides.

/// Cuts the bytes of a source into lines. Memory is one buffer, whatever the input; of a file that is mapped as much is
/// resident as two pieces.
///
/// A line is what stands between newlines, without the newline and without carriage returns before it.
/// Lines longer than ``longestLine`` are skipped and leave an issue.
@safe package struct LineReader: ~Copyable {
  /// The longest line that is read, in bytes. The kernel cuts trace lines at 8 KiB and log records at 1 KiB.
  package static let longestLine = 256 << 10

  /// What has been read of a mapped file is let go in pieces of this size.
  private static let piece = 2 << 20

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
  /// What is read: the buffer of the workspace, or the place in a mapped file where it begins.
  private var buffer: UnsafePointer<UInt8>
  /// The current line begins here. Of a mapped file it is a copy, because the file may change.
  private var lineBase: UnsafePointer<UInt8>
  /// What of a mapped file is still to be read before `source`.
  private var mapped: MappedPart?
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

  private let newlines: UnsafeMutablePointer<UInt32>
  private var newlineCount = 0
  private var nextNewline = 0
  private var windowStart = 0
  private var windowEnd = 0

  package init(_ source: consuming ByteSource) {
    self.init(source, in: Workspace())
  }

  init(_ source: consuming ByteSource, in workspace: Workspace) {
    self.init(ByteFeed(source, ahead: false), in: workspace)
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
    unsafe newlines = workspace.newlines
    isSkipping = carry.isSkipping
    for byte in carry.bytes {
      unsafe workspace.lines[end] = byte
      end += 1
    }
    unsafe buffer = UnsafePointer(workspace.lines)
    unsafe lineBase = buffer
    windowEnd = end
  }

  /// Reads `range` of a mapped file, and behind it what `source` has, which stands there. The line of `carry` stands
  /// before it in the file.
  init(
    _ mapping: FileMapping, _ range: Range<Int>, then source: ByteFeed, continuing carry: Carry = Carry(),
    behind number: Int = 0, bytes: Int = 0, isLast: Bool = true, in workspace: Workspace = Workspace()
  ) {
    self.workspace = workspace
    self.source = source
    self.number = number
    self.isLast = isLast
    let first = range.lowerBound - carry.bytes.count
    end = range.upperBound - first
    self.bytes = bytes + range.count
    isSkipping = carry.isSkipping
    windowEnd = carry.bytes.count
    unsafe buffer = mapping.bytes + first
    unsafe lineBase = unsafe UnsafePointer(workspace.lines)
    unsafe newlines = workspace.newlines
    mapped = MappedPart(mapping: mapping, first: first, dropped: first)
  }

  /// Reads a regular file where it lies, and what was written behind its size since it was opened; `nil` where it
  /// cannot be mapped.
  package init?(mapping file: OpenFile) {
    guard let size = file.size, let mapping = file.map(piece: Self.piece) else { return nil }
    let rest = ByteSource(file, range: size..<Int.max, compression: .none, limits: ReadingLimits())
    self.init(mapping, 0..<size, then: ByteFeed(rest, ahead: false))
  }

  deinit {
    mapped?.drop(to: windowEnd)
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
      let slice = unsafe UnsafeBufferPointer(start: lineBase + lineStart, count: lineEnd - lineStart)
      return unsafe _overrideLifetime(Span(_unsafeElements: slice), borrowing: self)
    }
  }

  /// The same with the carriage returns that its newline had before it.
  var fullLine: Span<UInt8> {
    @_lifetime(borrow self)
    get {
      let slice = unsafe UnsafeBufferPointer(start: lineBase + lineStart, count: lineFullEnd - lineStart)
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
    // A line that was dropped too early would bring its whole piece back.
    mapped?.drop(behind: max(start, windowStart - LineReader.longestLine))
    if isSound(to: windowEnd), windowEnd < end {
      // While the lines of this window are judged, those of the next are fetched: pages that the system has not at hand yet
      // would not come.
      unsafe bytescan_touch(buffer + min(windowEnd + Workspace.window, end) - 1)
    }
  }

  /// Whether the first `count` bytes of a mapped file's rest were what the file has. Where not, reading ends earlier, and
  /// goes on behind the current line.
  private mutating func isSound(to count: Int) -> Bool {
    guard let mapped else { return true }
    let sound = max(start, mapped.mapping.sound - mapped.first)
    guard sound < count, sound < end else { return true }
    bytes -= end - sound
    end = sound
    windowEnd = start
    newlineCount = 0
    nextNewline = 0
    return false
  }

  /// The first line of the window that is to be read.
  private mutating func takeLine<Sieve: LineSieve>(past sieve: Sieve) -> Bool {
    while nextNewline < newlineCount {
      if !isSkipping { passOver(sieve) }
      guard nextNewline < newlineCount else { return false }
      let newline = unsafe windowStart + Int(newlines[nextNewline])
      let first = start
      if mapped != nil, !isSkipping, newline - first <= LineReader.longestLine {
        unsafe workspace.lines.update(from: buffer + first, count: newline - first)
        if !isSound(to: newline + 1) { return false }
      }
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
    let (count, began) = (newlineCount, nextNewline)
    // Held here, because nothing shows the compiler that a sieve does not write to them.
    let (places, window) = unsafe (newlines, buffer + windowStart)
    var index = began
    var first = start &- windowStart
    // Places in the buffer ascend and lie within it: nothing here can overflow.
    while index < count {
      let newline = unsafe Int(places[index])
      // Nearly every line asks for as much as it has, so the next window is there when its newlines are looked for.
      unsafe bytescan_prefetch(window + first + Workspace.window)
      guard unsafe sieve.rejects(window + first, length: newline &- first) else { break }
      first = newline &+ 1
      index &+= 1
    }
    start = first &+ windowStart
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
    // A line that has begun there goes on where it is, in however small portions it comes.
    if start >= Workspace.page || mapped != nil {
      let first = Self.place(before: end - start)
      unsafe workspace.lines.advanced(by: first).update(from: buffer + start, count: end - start)
      if !isSound(to: end) { return true }
      leaveMapping()
      end += first - start
      start = first
      windowEnd = end
    }
    let room = unsafe UnsafeMutableRawBufferPointer(
      start: workspace.lines + end, count: min(Workspace.lineRoom + Workspace.page - end, workspace.block))
    let count = unsafe source.fill(room)
    bytes += count
    end += count
    return count > 0
  }

  /// Where the `count` bytes that a line has so far go, so that what is read behind them begins in the middle of a page.
  private static func place(before count: Int) -> Int {
    (Workspace.page / 2 - count) & (Workspace.page - 1)
  }

  private mutating func noteLongLine(at offset: Int, line: Int) {
    longLines += 1
    if longLines <= Self.mostIssues {
      issues.append(InputIssue(kind: .lineTooLong, offset: offset, line: line))
    }
  }

  /// What follows is read into the buffer.
  private mutating func leaveMapping() {
    guard let mapped else { return }
    source.move(to: mapped.first + end)
    mapped.drop(to: end)
    unsafe buffer = UnsafePointer(workspace.lines)
    unsafe lineBase = buffer
    self.mapped = nil
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
    lineStart = mapped == nil ? first : 0
    lineEnd = lineStart + last - first
    lineFullEnd = lineEnd
    while lineEnd > lineStart, unsafe lineBase[lineEnd - 1] == 0x0D { lineEnd -= 1 }
  }
}
