/// One record of a journal or of `dmesg -J`, whose message, time and facility come as members of their own.
struct LogEntry {
  /// The message; a message of several lines keeps its newlines.
  var text: [UInt8] = []
  var hasText = false
  /// The line that holds the message.
  var line = 0
  /// Seconds since boot, by the kernel's own clock.
  var time: Nanoseconds?
  /// The syslog facility: 0 is the kernel's.
  var facility: Int?
  /// False where a member names another transport than the kernel's.
  var isKernels = true
  /// Whether a program structured its log so; a message of the kernel stands in none of these.
  var isOfProgram = false
  var pid: Int32 = -1
  var cpu: Int32 = -1

  /// Whether nothing that is still to come could change what the message means.
  var isComplete: Bool { hasText && time != nil && (facility != nil || !isKernels) }

  var isEmpty: Bool { !hasText && time == nil && facility == nil && isKernels }

  /// Takes over a member; false where it is none that bears on a message.
  @discardableResult
  mutating func take(_ key: Span<UInt8>, _ value: LogJSON.Value, line: Int) -> Bool {
    switch value {
    case .text(let text): take(key, text: text, line: line)
    case .number(let number, let whole): take(key, number, whole)
    case .other: false
    }
  }

  @discardableResult
  mutating func take(_ key: Span<UInt8>, text: [UInt8], line: Int) -> Bool {
    switch key.count {
    case 7 where key.hasText("MESSAGE", at: 0): setText(text, line)
    case 3 where key.hasText("msg", at: 0): setText(text, line)
    case 3 where key.hasText("fac", at: 0): facility = text.span.is("kern") ? 0 : 1
    case 6 where key.hasText("caller", at: 0): setCaller(text)
    case 10 where key.hasText("_TRANSPORT", at: 0): isKernels = isKernels && text.span.is("kernel")
    case 15 where key.hasText("SYSLOG_FACILITY", at: 0): facility = Self.decimal(text)
    case 17 where key.hasText("SYSLOG_IDENTIFIER", at: 0): isKernels = isKernels && text.span.is("kernel")
    case 27 where key.hasText("_SOURCE_MONOTONIC_TIMESTAMP", at: 0):
      time = Self.decimal(text).flatMap(Nanoseconds.init(microseconds:))
    case 9 where key.hasText("component", at: 0): isOfProgram = true
    case 5 where key.hasText("level", at: 0): isOfProgram = true
    default: return false
    }
    return true
  }

  private mutating func take(_ key: Span<UInt8>, _ number: Nanoseconds, _ whole: Int?) -> Bool {
    switch key.count {
    case 3 where key.hasText("pri", at: 0): facility = whole.map { $0 >> 3 }
    case 4 where key.hasText("time", at: 0): time = number
    case 27 where key.hasText("_SOURCE_MONOTONIC_TIMESTAMP", at: 0):
      time = whole.flatMap(Nanoseconds.init(microseconds:))
    default: return false
    }
    return true
  }

  private mutating func setText(_ text: [UInt8], _ line: Int) {
    self.text = text
    hasText = true
    self.line = line
  }

  private mutating func setCaller(_ text: [UInt8]) {
    guard let first = text.first, let number = Self.decimal(Array(text.dropFirst())) else { return }
    if first == 0x54 { pid = Int32(clamping: number) }
    if first == 0x43 { cpu = Int32(clamping: number) }
  }

  private static func decimal(_ text: [UInt8]) -> Int? {
    var cursor = ByteCursor(text.span)
    guard let number = cursor.takeDecimal(), cursor.isAtEnd else { return nil }
    return number
  }
}
