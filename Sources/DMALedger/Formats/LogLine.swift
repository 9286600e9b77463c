/// A line of a kernel log without what stands around the message: level, times, caller, host, the wrapping of
/// journals and CI runners. Dialects: formats.md 8 and 10.3.
///
///     `[    5.690716] [    T1] text`          dmesg, consoles, pstore
///     `<6>[    0.000000] text`                 dmesg -r, /proc/kmsg, console_msg_format=syslog
///     `kern  :info  : 2026-11-22T08:15:01,000000+00:00 text`
///     `6,339,5140900,-;text`                   /dev/kmsg
///     `Nov 22 08:15:27 myhost kernel: [    5.140900] text`
///
/// Only a time since boot is kept: wall-clock times are when somebody received a message.
struct LogLine {
  /// Seconds since boot, by the kernel's scheduler clock.
  var time: Nanoseconds?
  /// Where the message begins.
  var start = 0

  /// Reads the prefixes of `line`; `nil` where it has none that only a log has.
  static func parse(_ line: Span<UInt8>) -> LogLine? {
    var cursor = ByteCursor(line)
    skipRunnerTime(&cursor)
    if let log = kmsg(cursor) { return log }
    var log = LogLine()
    var isLog = takeFacility(&cursor)
    if takePriority(&cursor) { isLog = true }
    if takeISOTime(&cursor) {
      isLog = true
    } else if takeSyslogTime(&cursor) {
      guard takeHost(&cursor) else { return nil }
      isLog = true
    }
    if takeHost(&cursor) { isLog = true }
    // One or two brackets: boot time, wall-clock time, deltas; newer dmesg prints several in a row.
    for _ in 0..<2 {
      guard let bracket = takeBracket(&cursor) else { break }
      isLog = true
      log.time = log.time ?? bracket.time
      if takeHost(&cursor) { isLog = true }
    }
    guard isLog else { return nil }
    takeCaller(&cursor)
    log.start = cursor.index
    return log
  }

  // MARK: - Wrappers

  /// GitHub `2026-01-01T00:00:00.0000000Z `, GitLab `2026-07-21T18:06:18.101984Z 00O `, both in front of anything.
  @_lifetime(cursor: copy cursor)
  private static func skipRunnerTime(_ cursor: inout ByteCursor) {
    let start = cursor.index
    guard takeDate(&cursor), cursor.take("T"), takeClock(&cursor), cursor.take("Z ") else {
      cursor.index = start
      return
    }
    if cursor.peek().hexValue != nil, cursor.peek(1).hexValue != nil,
      cursor.peek(2) == 0x4F || cursor.peek(2) == 0x45
    {
      cursor.index += 4
    }
  }

  /// `6,339,5140900,-;text`: level, sequence number, microseconds, flags and `key=value` pairs.
  private static func kmsg(_ at: ByteCursor) -> LogLine? {
    var cursor = ByteCursor(at.bytes, at: at.index)
    guard cursor.takeDecimal() != nil, cursor.take(","), cursor.takeDecimal() != nil, cursor.take(","),
      let micros = cursor.takeDecimal(), cursor.take(","), cursor.skip(to: 0x3B)
    else { return nil }
    return LogLine(
      time: Nanoseconds(Int64(micros).multipliedReportingOverflow(by: 1000).partialValue),
      start: cursor.index + 1)
  }

  /// `kern  :info  : ` (dmesg -x)
  @_lifetime(cursor: copy cursor)
  private static func takeFacility(_ cursor: inout ByteCursor) -> Bool {
    let start = cursor.index
    guard
      cursor.bytes.hasText("kern", at: start) || cursor.bytes.hasText("user", at: start)
        || cursor.bytes.hasText("daemon", at: start) || cursor.bytes.hasText("auth", at: start)
        || cursor.bytes.hasText("syslog", at: start) || cursor.bytes.hasText("local", at: start)
    else { return false }
    for _ in 0..<2 {
      let word = cursor.index
      while cursor.peek().isLetter || cursor.peek().isDigit { cursor.index += 1 }
      guard cursor.index > word, cursor.index - word <= 8 else {
        cursor.index = start
        return false
      }
      cursor.skipBlanks()
      guard cursor.take(":") else {
        cursor.index = start
        return false
      }
    }
    return cursor.take(" ")
  }

  /// `<6>`
  @_lifetime(cursor: copy cursor)
  private static func takePriority(_ cursor: inout ByteCursor) -> Bool {
    let start = cursor.index
    guard cursor.take("<"), let level = cursor.takeDecimal(), level < 1024, cursor.take(">") else {
      cursor.index = start
      return false
    }
    return true
  }

  // MARK: - Times

  /// `2026-11-22`
  @_lifetime(cursor: copy cursor)
  private static func takeDate(_ cursor: inout ByteCursor) -> Bool {
    let start = cursor.index
    guard let year = cursor.takeDecimal(), year > 1900, year < 10_000, cursor.take("-"),
      cursor.takeDecimal() != nil,
      cursor.take("-"), cursor.takeDecimal() != nil
    else {
      cursor.index = start
      return false
    }
    return true
  }

  /// `08:15:01`, `08:15:01.654727`, `08:15:01,654727`
  @_lifetime(cursor: copy cursor)
  private static func takeClock(_ cursor: inout ByteCursor) -> Bool {
    let start = cursor.index
    guard cursor.takeDecimal() != nil, cursor.take(":"), cursor.takeDecimal() != nil, cursor.take(":"),
      cursor.takeDecimal() != nil
    else {
      cursor.index = start
      return false
    }
    if cursor.peek() == 0x2E || cursor.peek() == 0x2C, cursor.peek(1).isDigit {
      cursor.index += 1
      while cursor.peek().isDigit { cursor.index += 1 }
    }
    return true
  }

  /// `2026-11-22T08:15:01,000000+00:00 `
  @_lifetime(cursor: copy cursor)
  private static func takeISOTime(_ cursor: inout ByteCursor) -> Bool {
    let start = cursor.index
    guard takeDate(&cursor), cursor.take("T"), takeClock(&cursor) else {
      cursor.index = start
      return false
    }
    while cursor.peek() == 0x2B || cursor.peek() == 0x2D || cursor.peek() == 0x3A || cursor.peek() == 0x5A
      || cursor.peek().isDigit
    { cursor.index += 1 }
    guard cursor.take(" ") else {
      cursor.index = start
      return false
    }
    return true
  }

  /// `Nov 22 08:15:27 `, `Nov 22 08:15:27.654727 `, `Sun 2026-11-22 08:15:26 UTC `, `1795335326.654727 `
  @_lifetime(cursor: copy cursor)
  private static func takeSyslogTime(_ cursor: inout ByteCursor) -> Bool {
    let start = cursor.index
    if cursor.peek().isDigit, let (time, isSeconds) = cursor.takeTime(), isSeconds,
      time.value > 1_000_000_000_000_000,
      cursor.take(" ")
    {
      return true
    }
    cursor.index = start
    guard takeWord(&cursor, letters: 3), cursor.take(" ") else {
      cursor.index = start
      return false
    }
    if takeDate(&cursor), cursor.take(" "), takeClock(&cursor), cursor.take(" "),
      takeWord(&cursor, letters: nil),
      cursor.take(" ")
    {
      return true
    }
    cursor.index = start + 4
    cursor.skipBlanks()
    guard cursor.takeDecimal() != nil, cursor.take(" "), takeClock(&cursor), cursor.take(" ") else {
      cursor.index = start
      return false
    }
    return true
  }

  @_lifetime(cursor: copy cursor)
  private static func takeWord(_ cursor: inout ByteCursor, letters: Int?) -> Bool {
    let start = cursor.index
    while cursor.peek().isLetter { cursor.index += 1 }
    let count = cursor.index - start
    if count > 0, letters.map({ $0 == count }) ?? true { return true }
    cursor.index = start
    return false
  }

  /// `myhost kernel: `, or `kernel: ` where the host is left out.
  @_lifetime(cursor: copy cursor)
  private static func takeHost(_ cursor: inout ByteCursor) -> Bool {
    if cursor.take("kernel: ") { return true }
    let start = cursor.index
    while !cursor.isAtEnd, cursor.peek() != 0x20, cursor.index - start < 256 { cursor.index += 1 }
    if cursor.index > start, cursor.take(" kernel: ") { return true }
    cursor.index = start
    return false
  }

  /// `[   19.990716] `, `[   19.990716 <   14.300000>] `, `[<   14.300000>] `, `[Sun Nov 22 07:49:15 2026] `,
  /// `[Nov22 07:49] `, `[  +0.549816] `, `[2026-01-01T00:00:00.000Z] `
  @_lifetime(cursor: copy cursor)
  private static func takeBracket(_ cursor: inout ByteCursor) -> (time: Nanoseconds?, Void)? {
    let start = cursor.index
    guard cursor.take("["), let close = cursor.bytes.firstIndex(of: 0x5D, from: cursor.index),
      close - start < 64
    else {
      cursor.index = start
      return nil
    }
    cursor.skipBlanks()
    var time: Nanoseconds?
    if let (read, isSeconds) = cursor.takeTime(), isSeconds {
      cursor.skipBlanks()
      if cursor.peek() == 0x5D || cursor.peek() == 0x3C { time = read }
    } else {
      cursor.index = start + 1
    }
    if time == nil, !isWallClock(cursor.bytes, start + 1..<close) {
      cursor.index = start
      return nil
    }
    cursor.index = close + 1
    _ = cursor.take(" ")
    return (time, ())
  }

  private static func isWallClock(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    var cursor = ByteCursor(bytes, at: range.lowerBound)
    cursor.skipBlanks()
    if cursor.peek() == 0x3C || cursor.peek() == 0x2B {
      cursor.index += 1
      cursor.skipBlanks()
      return cursor.takeTime() != nil
    }
    if takeDate(&cursor) { return cursor.take("T") || cursor.take(" ") }
    guard takeWord(&cursor, letters: 3) else { return false }
    if cursor.peek().isDigit { return true }
    guard cursor.take(" "), takeWord(&cursor, letters: 3) else { return false }
    cursor.skipBlanks()
    guard cursor.takeDecimal() != nil else { return false }
    cursor.skipBlanks()
    return takeClock(&cursor)
  }

  /// `[    T1] `, `[C0] `: CONFIG_PRINTK_CALLER.
  @_lifetime(cursor: copy cursor)
  private static func takeCaller(_ cursor: inout ByteCursor) {
    let start = cursor.index
    guard cursor.take("[") else { return }
    cursor.skipBlanks()
    guard cursor.peek() == 0x54 || cursor.peek() == 0x43 else {
      cursor.index = start
      return
    }
    cursor.index += 1
    guard cursor.takeDecimal() != nil, cursor.take("]") else {
      cursor.index = start
      return
    }
    _ = cursor.take(" ")
  }
}
