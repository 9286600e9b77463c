/// JSON around log lines: `dmesg -J` (an entry over several lines), `journalctl -o json`, LAVA, docker, KubeVirt (an
/// object a line).
///
/// Only what carries a message is read; keys come in any order, and a file that is cut off has lost nothing before.
struct LogJSON {
  enum Part {
    /// A message and the time since boot that stands beside it.
    case message([UInt8], time: Nanoseconds?)
    /// Braces and keys that say nothing here.
    case structure
  }

  /// The time of the entry that is being read, in `dmesg -J`.
  private var time: Nanoseconds?
  private var isInDocument = false

  mutating func read(_ line: Span<UInt8>) -> Part? {
    var cursor = ByteCursor(line)
    cursor.skipBlanks()
    let start = cursor.index
    if cursor.take("- {") || cursor.peek() == 0x7B && cursor.peek(1) == 0x22 {
      return object(line, from: start)
    }
    switch cursor.peek() {
    case 0x7B, 0x7D, 0x5D:
      return isInDocument || line.count - start == 1 ? structure(line, start) : nil
    case 0x22:
      return member(line, from: start)
    default: return nil
    }
  }

  private mutating func structure(_ line: Span<UInt8>, _ start: Int) -> Part? {
    for index in start..<line.count {
      switch line[index] {
      case 0x7B, 0x7D, 0x5B, 0x5D, 0x2C, 0x20: continue
      default: return nil
      }
    }
    time = nil
    return .structure
  }

  /// One key of a `dmesg -J` entry.
  private mutating func member(_ line: Span<UInt8>, from start: Int) -> Part? {
    if line.hasText("\"dmesg\": [", at: start) {
      isInDocument = true
      return .structure
    }
    guard isInDocument else { return nil }
    if line.hasText("\"time\":", at: start) {
      var cursor = ByteCursor(line, at: start + 7)
      cursor.skipBlanks()
      time = cursor.takeTime()?.time
      return .structure
    }
    if let message = Self.value(of: "\"msg\"", in: line, from: start) {
      return .message(message, time: time)
    }
    return .structure
  }

  /// An object in one line: the first of the usual keys that holds text.
  private func object(_ line: Span<UInt8>, from start: Int) -> Part? {
    var time: Nanoseconds?
    if let text = Self.value(of: "\"_SOURCE_MONOTONIC_TIMESTAMP\"", in: line, from: start) {
      var cursor = ByteCursor(text.span)
      time = cursor.takeDecimal().map {
        Nanoseconds(Int64($0).multipliedReportingOverflow(by: 1000).partialValue)
      }
    }
    let message =
      Self.value(of: "\"MESSAGE\"", in: line, from: start) ?? Self.value(of: "\"msg\"", in: line, from: start)
      ?? Self.value(of: "\"log\"", in: line, from: start)
    return message.map { .message($0, time: time) }
  }

  /// The text behind a key: a string, or the array of byte numbers that journald writes for what is no clean text.
  private static func value(of key: StaticString, in line: Span<UInt8>, from start: Int) -> [UInt8]? {
    guard let place = line.firstIndex(of: key, from: start) else { return nil }
    var cursor = ByteCursor(line, at: place + key.utf8CodeUnitCount)
    cursor.skipBlanks()
    guard cursor.take(":") else { return nil }
    cursor.skipBlanks()
    if cursor.take("\"") { return string(&cursor) }
    return cursor.take("[") ? bytes(&cursor) : nil
  }

  @_lifetime(cursor: copy cursor)
  private static func string(_ cursor: inout ByteCursor) -> [UInt8] {
    var text: [UInt8] = []
    while !cursor.isAtEnd, cursor.peek() != 0x22 {
      let byte = cursor.peek()
      cursor.index += 1
      guard byte == 0x5C else {
        text.append(byte)
        continue
      }
      let escape = cursor.peek()
      cursor.index += 1
      switch escape {
      case 0x6E: text.append(0x0A)
      case 0x74: text.append(0x09)
      case 0x72: text.append(0x0D)
      case 0x62, 0x66: text.append(0x20)
      case 0x75: appendUnicode(&cursor, to: &text)
      default: text.append(escape)
      }
    }
    // A record of several lines says what its first line says.
    if let newline = text.firstIndex(of: 0x0A) { text.removeSubrange(newline...) }
    while text.last == 0x0D { text.removeLast() }
    return text
  }

  @_lifetime(cursor: copy cursor)
  private static func appendUnicode(_ cursor: inout ByteCursor, to text: inout [UInt8]) {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = cursor.peek().hexValue else { return }
      value = value << 4 | UInt32(digit)
      cursor.index += 1
    }
    // Halves of a pair become a replacement: no name of ours is spelled with them.
    text.append(contentsOf: String(Character(Unicode.Scalar(value) ?? "\u{FFFD}")).utf8)
  }

  @_lifetime(cursor: copy cursor)
  private static func bytes(_ cursor: inout ByteCursor) -> [UInt8]? {
    var text: [UInt8] = []
    while let number = cursor.takeDecimal(), let byte = UInt8(exactly: number) {
      text.append(byte)
      _ = cursor.take(",")
      cursor.skipBlanks()
    }
    return cursor.peek() == 0x5D ? text : nil
  }
}
