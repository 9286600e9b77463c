import CByteScan

/// Cuts the bytes of a source into lines. Memory is one buffer, whatever the input.
///
/// A line is what stands between newlines, without the newline and without carriage returns before it.
/// Lines longer than ``longestLine`` are skipped and leave an issue.
@safe package struct LineReader: ~Copyable {
  /// The longest line that is read, in bytes. The kernel cuts trace lines at 8 KiB and log records at 1 KiB.
  package static let longestLine = 256 << 10

  package private(set) var source: ByteSource
  /// Number of the current line, from 1.
  package private(set) var number = 0
  /// Bytes after decompression so far.
  package private(set) var bytes = 0
  /// Whether the current line ended in a newline. Only the last line of a source may not.
  package private(set) var isTerminated = true
  /// Lines that were too long, and a last line without newline.
  package private(set) var issues: [InputIssue] = []

  private let buffer: UnsafeMutablePointer<UInt8>
  private let capacity = 2 * LineReader.longestLine
  private var start = 0
  private var end = 0
  private var lineStart = 0
  private var lineEnd = 0
  private var isSkipping = false

  package init(_ source: consuming ByteSource) {
    self.source = source
    unsafe buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    unsafe buffer.initialize(repeating: 0, count: capacity)
  }

  deinit {
    unsafe buffer.deallocate()
  }

  /// The bytes of the current line.
  package var line: Span<UInt8> {
    @_lifetime(borrow self)
    get {
      let slice = unsafe UnsafeBufferPointer(start: buffer + lineStart, count: lineEnd - lineStart)
      return unsafe _overrideLifetime(Span(_unsafeElements: slice), borrowing: self)
    }
  }

  /// Moves to the next line; false at the end.
  package mutating func advance() -> Bool {
    var searched = start
    while true {
      let newline = unsafe bytescan_find(buffer, searched, end, 0x0A)
      if newline < end {
        number += 1
        if isSkipping {
          isSkipping = false
          start = newline + 1
          searched = start
          continue
        }
        // What one read brought whole may have come in pieces through a pipe: both are skipped.
        if newline - start > LineReader.longestLine {
          issues.append(InputIssue(kind: .lineTooLong, offset: bytes - (end - start), line: number))
          start = newline + 1
          searched = start
          continue
        }
        setLine(from: start, to: newline)
        start = newline + 1
        return true
      }
      searched = end
      if end - start > LineReader.longestLine || isSkipping {
        if !isSkipping {
          issues.append(InputIssue(kind: .lineTooLong, offset: bytes - (end - start), line: number + 1))
        }
        isSkipping = true
        start = end
      }
      if start > 0 {
        unsafe buffer.update(from: buffer + start, count: end - start)
        searched -= start
        end -= start
        start = 0
      }
      let room = unsafe UnsafeMutableRawBufferPointer(start: buffer + end, count: capacity - end)
      let count = unsafe source.fill(room)
      bytes += count
      end += count
      if count == 0 { return takeUnterminatedLine() }
    }
  }

  private mutating func takeUnterminatedLine() -> Bool {
    guard end > start, !isSkipping else { return false }
    number += 1
    isTerminated = false
    setLine(from: start, to: end)
    start = end
    return true
  }

  private mutating func setLine(from first: Int, to last: Int) {
    lineStart = first
    lineEnd = last
    while lineEnd > lineStart, unsafe buffer[lineEnd - 1] == 0x0D { lineEnd -= 1 }
  }
}
