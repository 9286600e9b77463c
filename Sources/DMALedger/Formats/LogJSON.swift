/// The members of one JSON object on one line, and of a line of an indented one: just enough to take log entries apart.
/// An object that is cut off has lost nothing before the cut.
struct LogJSON: ~Escapable {
  enum Value {
    case text([UInt8])
    case number(Nanoseconds, Int?)
    /// `null`, objects, and whatever was cut off.
    case other
  }

  private var cursor: ByteCursor

  /// Reads from `start` on, which is inside an object or in front of its brace.
  @_lifetime(copy line)
  init(_ line: Span<UInt8>, at start: Int) {
    cursor = ByteCursor(line, at: start)
    skipBlanks()
    _ = cursor.take("{")
  }

  /// The next member: the place of its key, and its value.
  @_lifetime(self: copy self)
  mutating func next() -> (key: Range<Int>, value: Value)? {
    skipBlanks()
    while cursor.take(",") { skipBlanks() }
    guard cursor.take("\"") else { return nil }
    let start = cursor.index
    while !cursor.isAtEnd, cursor.peek() != 0x22 { cursor.index += cursor.peek() == 0x5C ? 2 : 1 }
    let key = start..<min(cursor.index, cursor.bytes.count)
    guard cursor.take("\"") else { return nil }
    skipBlanks()
    guard cursor.take(":") else { return nil }
    skipBlanks()
    return (key, value())
  }

  /// Whether the line ends here, with an object closed, a comma or nothing.
  var isAtEnd: Bool {
    var index = cursor.index
    while index < cursor.bytes.count, [0x20, 0x09, 0x7D, 0x2C, 0x5D].contains(cursor.bytes[index]) {
      index += 1
    }
    return index >= cursor.bytes.count
  }

  @_lifetime(self: copy self)
  private mutating func skipBlanks() {
    while cursor.peek() == 0x20 || cursor.peek() == 0x09 { cursor.index += 1 }
  }

  @_lifetime(self: copy self)
  private mutating func value() -> Value {
    switch cursor.peek() {
    case 0x22: return .text(string())
    case 0x5B: return list()
    case 0x30...0x39:
      let start = cursor.index
      let whole = cursor.takeDecimal()
      if cursor.peek() != 0x2E { return .number(Nanoseconds(Int64(whole ?? 0)), whole) }
      cursor.index = start
      guard let (time, _) = cursor.takeTime() else {
        skipValue()
        return .other
      }
      return .number(time, nil)
    default:
      skipValue()
      return .other
    }
  }

  /// Byte numbers, which journald writes for what is no clean text, or strings: a field that is there several times.
  @_lifetime(self: copy self)
  private mutating func list() -> Value {
    let start = cursor.index
    cursor.index += 1
    var text: [UInt8] = []
    while true {
      skipBlanks()
      if cursor.take("]") { return .text(text) }
      if cursor.peek() == 0x22 {
        if !text.isEmpty { text.append(0x0A) }
        text += string()
      } else if let number = cursor.takeDecimal(), let byte = UInt8(exactly: number) {
        text.append(byte)
      } else {
        cursor.index = start
        skipValue()
        return .other
      }
      skipBlanks()
      _ = cursor.take(",")
    }
  }

  @_lifetime(self: copy self)
  private mutating func string() -> [UInt8] {
    var text: [UInt8] = []
    cursor.index += 1
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
      case 0x62: text.append(0x08)
      case 0x66: text.append(0x0C)
      case 0x75: appendUnicode(to: &text)
      default: text.append(escape)
      }
    }
    _ = cursor.take("\"")
    return text
  }

  @_lifetime(self: copy self)
  private mutating func appendUnicode(to text: inout [UInt8]) {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = cursor.peek().hexValue else { return }
      value = value << 4 | UInt32(digit)
      cursor.index += 1
    }
    // Halves of a pair become a replacement: no name of ours is spelled with them.
    text.append(contentsOf: String(Character(Unicode.Scalar(value) ?? "\u{FFFD}")).utf8)
  }

  /// Behind a value of any kind; strings inside it may hold brackets.
  @_lifetime(self: copy self)
  private mutating func skipValue() {
    var depth = 0
    while !cursor.isAtEnd {
      switch cursor.peek() {
      case 0x22:
        _ = string()
        continue
      case 0x7B, 0x5B: depth += 1
      case 0x7D, 0x5D:
        if depth == 0 { return }
        depth -= 1
        if depth == 0 {
          cursor.index += 1
          return
        }
      case 0x2C where depth == 0: return
      default: break
      }
      cursor.index += 1
    }
  }
}
