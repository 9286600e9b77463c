/// Records that take several lines, a member each: `dmesg -J`, `journalctl -o json-pretty`, `-o export`, `-o verbose`.
/// Members come in any order; a message is handed on as soon as nothing to come can change what it means.
struct LogDocument {
  private enum Form {
    case none, indented, exported, verbose
  }

  private var form = Form.none
  private var entry = LogEntry()
  private var isHandedOn = false
  /// A value of `-o export` that is given by its length: its key and what was read of it, the length first.
  private var binary: (key: [UInt8], bytes: [UInt8])?

  var isOpen: Bool { form != .none }

  /// `nil` where the line is none of a document's.
  mutating func read(_ line: Span<UInt8>, number: Int) -> LogEnvelope.Content? {
    if binary != nil { return more(line, number: number) }
    if line.isEmpty { return isOpen ? close() : nil }
    switch line[0] {
    case 0x5F where line.hasText("__CURSOR=", at: 0) || line.hasText("__REALTIME_TIMESTAMP=", at: 0):
      let before = line.hasText("__CURSOR=", at: 0) ? close() : .structure
      form = .exported
      return before
    case 0x7B, 0x7D, 0x5D, 0x20, 0x09:
      if let content = indented(line, number: number) { return content }
    default: break
    }
    if isVerboseHead(line) {
      let before = close()
      form = .verbose
      return before
    }
    switch form {
    case .exported: return exported(line, number: number)
    case .verbose where line.hasText("    ", at: 0): return member(line, from: 4, number: number)
    default:
      form = .none
      return nil
    }
  }

  mutating func finish() -> LogEntry? {
    guard !isHandedOn, entry.hasText else { return nil }
    isHandedOn = true
    return entry
  }

  /// The end of a record: its message, unless it was handed on before.
  private mutating func close() -> LogEnvelope.Content {
    let last = finish()
    entry = LogEntry()
    isHandedOn = false
    return last.map { .entry($0) } ?? .structure
  }

  private mutating func handOn() -> LogEnvelope.Content {
    guard !isHandedOn, entry.isComplete else { return .structure }
    isHandedOn = true
    return .entry(entry)
  }

  // MARK: - JSON over several lines

  private mutating func indented(_ line: Span<UInt8>, number: Int) -> LogEnvelope.Content? {
    var cursor = ByteCursor(line)
    while cursor.peek() == 0x20 || cursor.peek() == 0x09 { cursor.index += 1 }
    guard cursor.peek() == 0x22 else {
      guard isBrackets(line) else { return nil }
      if form == .indented { return close() }
      // The brace of what may become a document.
      return line.count - cursor.index == 1 && line[cursor.index] == 0x7B ? .held : nil
    }
    if line.hasText("\"dmesg\": [", at: cursor.index) {
      form = .indented
      return .structure
    }
    var json = LogJSON(line, at: cursor.index)
    guard let (range, value) = json.next(), json.isAtEnd else { return nil }
    let key = line.extracting(range)
    let isOfJournal =
      cursor.index == 1 && (key.hasText("__", at: 0) || key.is("MESSAGE") || key.is("_TRANSPORT"))
    guard form == .indented || isOfJournal else { return nil }
    form = .indented
    entry.take(key, value, line: number)
    // dmesg prints the message last.
    if key.is("msg"), entry.hasText, !isHandedOn {
      isHandedOn = true
      return .entry(entry)
    }
    return handOn()
  }

  private func isBrackets(_ line: Span<UInt8>) -> Bool {
    for index in 0..<line.count {
      switch line[index] {
      case 0x7B, 0x7D, 0x5B, 0x5D, 0x2C, 0x20, 0x09: continue
      default: return false
      }
    }
    return true
  }

  // MARK: - KEY=value

  private mutating func exported(_ line: Span<UInt8>, number: Int) -> LogEnvelope.Content? {
    if let content = member(line, from: 0, number: number) { return content }
    for index in 0..<line.count where !isKeyByte(line[index]) {
      form = .none
      return nil
    }
    binary = ([UInt8](copying: line), [])
    // The message begins on the next line.
    return .held
  }

  private mutating func member(_ line: Span<UInt8>, from start: Int, number: Int) -> LogEnvelope.Content? {
    var equals = start
    while equals < line.count, isKeyByte(line[equals]) { equals += 1 }
    guard equals > start, equals < line.count, line[equals] == 0x3D else {
      // A value over several lines, indented once more.
      return form == .verbose ? .structure : nil
    }
    let value = [UInt8](copying: line.extracting((equals + 1)...))
    entry.take(line.extracting(start..<equals), text: value, line: number)
    return handOn()
  }

  private func isKeyByte(_ byte: UInt8) -> Bool { byte.isWord && !(byte >= 0x61 && byte <= 0x7A) }

  /// Eight bytes of length, lowest first, then that many bytes, then a newline; each may itself hold newlines.
  private mutating func more(_ line: Span<UInt8>, number: Int) -> LogEnvelope.Content? {
    // Taken out while it grows, so that no line copies those before it.
    guard case (let key, var bytes)? = binary.take() else { return nil }
    if !bytes.isEmpty { bytes.append(0x0A) }
    bytes.append(copying: line)
    // A newline inside the length: an empty first line.
    if bytes.isEmpty { bytes.append(0x0A) }
    var length = 0
    if bytes.count >= 8 {
      for index in (0..<8).reversed() { length = length << 8 | Int(bytes[index]) & 0xFF }
    }
    let isWhole = bytes.count >= 8 && (length < 0 || bytes.count - 8 >= length)
    guard isWhole || bytes.count > 64 << 10 else {
      binary = (key, bytes)
      return .held
    }
    entry.take(key.span, text: Array(bytes.dropFirst(8)), line: number)
    return handOn()
  }

  /// `Sun 2026-11-22 08:15:26.654727 UTC [s=…;i=…]`
  private func isVerboseHead(_ line: Span<UInt8>) -> Bool {
    guard line.count > 40, line[3] == 0x20 || line[4] == 0x20 else { return false }
    var cursor = ByteCursor(line)
    return WallClock.take(&cursor) == .full && cursor.take(" [s=")
  }
}
