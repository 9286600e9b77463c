/// Bytes that terminals, serial lines and loggers mix into a text: colours, cursor movements, NULs, byte order marks,
/// and the same sequences written out as `\x1b[`, `#033[`, `\u001b[` or `^[[`.
enum ConsoleBytes {
  /// Whether `line` holds anything that ``cleaned(_:)`` would take out.
  static func areIn(_ line: Span<UInt8>) -> Bool {
    hasWideMark(line) || line.firstIndex(of: 0x1B) != nil || line.firstIndex(of: 0) != nil
      || line.firstIndex(of: 0x0D) != nil
      || line.firstIndex(of: 0x08) != nil || hasMark(line, 0) || endsInSymbol(line)
      || line.contains("\\x1b[") || line.contains("#033[") || line.contains("\\u001b[")
      || line.contains("^[[")
  }

  /// The line as a terminal would leave it, without colour. Text that a lone carriage return overwrote is gone.
  static func cleaned(_ line: Span<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(line.count)
    var index = hasMark(line, 0) ? 3 : hasWideMark(line) ? 2 : 0
    var hasReturned = false
    func append(_ byte: UInt8) {
      // A progress bar, a section mark: what follows a carriage return stands in place of what was there.
      if hasReturned { text.removeAll(keepingCapacity: true) }
      hasReturned = false
      text.append(byte)
    }
    let end = end(of: line)
    while index < end {
      let byte = line[index]
      switch byte {
      case 0x1B: index = escapeEnd(line, from: index + 1)
      case 0x00: index += 1
      case 0x0D:
        hasReturned = true
        index += 1
      case 0x08:
        _ = text.popLast()
        index += 1
      case 0x5C, 0x23, 0x5E:
        if let next = writtenOutEnd(line, from: index) {
          index = next
        } else {
          append(byte)
          index += 1
        }
      default:
        append(byte)
        index += 1
      }
    }
    return text
  }

  /// The byte order mark of UTF-16, in either order: every second byte that follows is a NUL, as far as the text is ASCII.
  static func hasWideMark(_ line: Span<UInt8>) -> Bool {
    line.count >= 2 && (line[0] == 0xFF && line[1] == 0xFE || line[0] == 0xFE && line[1] == 0xFF)
  }

  /// The UTF-8 byte order mark.
  private static func hasMark(_ line: Span<UInt8>, _ place: Int) -> Bool {
    line.count >= place + 3 && line[place] == 0xEF && line[place + 1] == 0xBB && line[place + 2] == 0xBF
  }

  /// `␍`, the picture of a carriage return, as test frameworks show it.
  private static func endsInSymbol(_ line: Span<UInt8>) -> Bool {
    let count = line.count
    return count >= 3 && line[count - 3] == 0xE2 && line[count - 2] == 0x90 && line[count - 1] == 0x8D
  }

  /// The end of a line without the picture of a carriage return.
  static func end(of line: Span<UInt8>) -> Int { endsInSymbol(line) ? line.count - 3 : line.count }

  /// Behind a sequence whose escape byte stands before `start`.
  private static func escapeEnd(_ line: Span<UInt8>, from start: Int) -> Int {
    guard start < line.count else { return start }
    switch line[start] {
    case 0x5B: return controlEnd(line, from: start + 1) ?? start + 1
    case 0x5D, 0x50, 0x5E, 0x5F, 0x58:
      // Operating system commands and their like end in BEL or ESC backslash.
      var index = start + 1
      while index < line.count {
        if line[index] == 0x07 { return index + 1 }
        if line[index] == 0x1B {
          return index + 1 < line.count && line[index + 1] == 0x5C ? index + 2 : index
        }
        index += 1
      }
      return start + 1
    case 0x20...0x2F:
      // `ESC ( B` and other two-byte selections.
      var index = start
      while index < line.count, (0x20...0x2F).contains(line[index]) { index += 1 }
      return min(index + 1, line.count)
    default: return start + 1
    }
  }

  /// `?25;1m` behind `[`: parameters, intermediates, one final byte.
  private static func controlEnd(_ line: Span<UInt8>, from start: Int) -> Int? {
    var index = start
    while index < line.count, (0x20...0x3F).contains(line[index]) { index += 1 }
    guard index < line.count, (0x40...0x7E).contains(line[index]) else { return nil }
    return index + 1
  }

  private static func writtenOutEnd(_ line: Span<UInt8>, from start: Int) -> Int? {
    if line.hasText("\\x1b[", at: start) || line.hasText("#033[", at: start) {
      return controlEnd(line, from: start + 5)
    }
    if line.hasText("\\u001b[", at: start) { return controlEnd(line, from: start + 7) }
    return line.hasText("^[[", at: start) ? controlEnd(line, from: start + 3) : nil
  }
}
