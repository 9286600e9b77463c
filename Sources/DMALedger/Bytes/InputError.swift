/// A source cannot be read at all: the file is missing, a directory, unreadable.
///
/// Damage inside a source is not an error but an `InputIssue`: what stands before it is still evidence.
public struct InputError: Error, Sendable {
  /// The path as given.
  public var path: String
  /// What the operating system said, for example `No such file or directory`.
  public var reason: String

  /// A path with the reason why it cannot be read.
  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }
}

/// Damage found while reading a source: a value with the place in the file, never a crash, never silence.
package struct InputIssue: Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    /// A zstd frame ends before its end; everything before it was read.
    case truncatedFrame
    /// zstd cannot decode what stands here; everything before it was read.
    case damagedFrame
    /// The checksum at the end of a zstd frame is not that of what was decoded: some of the frame is not what was written.
    case wrongChecksum
    /// It holds something else than text, and was not read.
    case foreign(ForeignFormat)
    /// Bytes behind a zstd frame that are no frame.
    case trailingBytes
    /// `read(2)` failed half-way.
    case readFailed
    /// A zstd frame wants a window of so many bytes, more than may be; it was not decoded.
    case windowTooLarge(Int, limit: Int)
    /// As many bytes were read as were asked for, and more may follow.
    case tooManyBytes
    /// The file got shorter while it was read.
    case shrank
    /// The file was written to while it was read, and not at its end alone.
    case rewritten
    /// The file got longer while it was read.
    case grew
    /// More lines were too long than are told one by one: so many.
    case moreLongLines(Int)
    /// A line longer than `LineReader.longestLine`; it was skipped.
    case lineTooLong
    /// The last line has no newline: it may be cut in the middle of a number.
    case unterminatedLine
  }

  package var kind: Kind
  /// Offset in the file as it lies on disk, for `lineTooLong` and `unterminatedLine` after decompression.
  package var offset: Int
  package var line: Int?
  package var detail: String

  package init(kind: Kind, offset: Int, line: Int? = nil, detail: String = "") {
    self.kind = kind
    self.offset = offset
    self.line = line
    self.detail = detail
  }

  /// Whether events may be missing from here on. What a recorder wrote most likely stands beside its own text.
  package var losesEvents: Bool {
    switch kind {
    case .foreign(let format): format.isPacked
    case .truncatedFrame, .damagedFrame, .wrongChecksum, .trailingBytes, .readFailed: true
    case .lineTooLong, .moreLongLines: true
    case .windowTooLarge, .tooManyBytes, .shrank, .rewritten: true
    case .unterminatedLine, .grew: false
    }
  }

  /// Whether what was read may not be what was written.
  var isMisread: Bool { kind == .wrongChecksum }

  /// Whether reading was stopped by a limit: then nobody knows what the rest is about, be it beside a log or a trace.
  var isStop: Bool {
    switch kind {
    case .windowTooLarge, .tooManyBytes: true
    case .foreign(let format): format.isPacked
    default: false
    }
  }

  /// Whether something was not read that should have been.
  var isError: Bool {
    if case .foreign = kind { true } else { losesEvents }
  }

  package var message: String {
    switch kind {
    case .foreign(let format): format.words
    case .truncatedFrame:
      "the zstd frame is cut off at byte \(offset); everything before it was read. Copy the file again"
    case .damagedFrame:
      "zstd cannot decode byte \(offset): \(detail); everything before it was read. Copy the file again"
    case .wrongChecksum:
      "the zstd frame whose checksum is at byte \(offset) is not what was written: nobody knows which of its lines are, so that "
        + "none of them proves anything. Copy the file again"
    case .trailingBytes:
      "the bytes from \(offset) on follow a zstd frame but are none themselves; they were not read"
    case .readFailed:
      "reading stopped at byte \(offset): \(detail)"
    case .windowTooLarge(let window, let limit): Self.refusal(of: window, limit: limit, at: offset)
    case .tooManyBytes:
      "reading stopped at byte \(offset) of the file, because --max-bytes allows no more; what follows was not read. "
        + "Say a larger --max-bytes to read it"
    case .shrank:
      "the file got shorter while it was read: \(detail). Read a copy that nobody writes to"
    case .rewritten:
      "the file was written to while it was read, so that its lines may not belong together. Read a copy that nobody "
        + "writes to"
    case .grew:
      "the file got longer while it was read: \(detail). What came later may be missing here"
    case .moreLongLines(let count):
      "\(counted(count, "more line is", "more lines are")) longer than \(LineReader.longestLine) bytes, and skipped"
    case .lineTooLong:
      "a line is longer than \(LineReader.longestLine) bytes; it was skipped"
    case .unterminatedLine:
      "the last line has no newline and may be cut in the middle of a number; it is not used as evidence"
    }
  }

  private static func refusal(of window: Int, limit: Int, at offset: Int) -> String {
    let start =
      "the zstd frame at byte \(offset) asks for a window of \(ByteSize(bytes: window).words); it and what follows were not "
      + "read. "
    guard window <= ZstdStream.largestWindow else {
      return start
        + "No zstd can decode more than 2 GiB at a time: copy the file again, or compress it anew with --long=31"
    }
    return start
      + "--memory-limit allows \(ByteSize(bytes: limit).words): say --memory-limit "
      + ByteSize(bytes: window).option + ", or decompress it first with zstd -d --long=31"
  }
}
