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
  package enum Kind: Sendable {
    /// A zstd frame ends before its end; everything before it was read.
    case truncatedFrame
    /// zstd cannot decode what stands here; everything before it was read.
    case damagedFrame
    /// Bytes behind a zstd frame that are no frame.
    case trailingBytes
    /// `read(2)` failed half-way.
    case readFailed
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

  /// Whether events may be missing from here on.
  package var losesEvents: Bool {
    switch kind {
    case .truncatedFrame, .damagedFrame, .trailingBytes, .readFailed, .lineTooLong: true
    case .unterminatedLine: false
    }
  }

  package var message: String {
    switch kind {
    case .truncatedFrame:
      "the zstd frame is cut off at byte \(offset); everything before it was read. Copy the file again"
    case .damagedFrame:
      "zstd cannot decode byte \(offset): \(detail); everything before it was read. Copy the file again"
    case .trailingBytes:
      "the bytes from \(offset) on follow a zstd frame but are none themselves; they were not read"
    case .readFailed:
      "reading stopped at byte \(offset): \(detail)"
    case .lineTooLong:
      "a line is longer than \(LineReader.longestLine) bytes; it was skipped"
    case .unterminatedLine:
      "the last line has no newline and may be cut in the middle of a number; it is not used as evidence"
    }
  }
}
