/// Dates and times of day as loggers, `dmesg` and CI runners write them. None of them is the kernel's own clock: they say
/// when somebody received a line, or what the machine believed the time to be.
enum WallClock {
  enum Form {
    /// `2026-11-22T08:15:26.654727+0000`, `2026-11-22 08:15:27.000+0000`
    case iso
    /// `2026-11-22T08:15:01,654727+00:00`: only dmesg writes the comma.
    case isoComma
    /// `2026-01-01T00:00:00.0000000Z`
    case isoUTC
    /// `Nov 22 08:15:27`
    case syslog
    /// `Sun 2026-11-22 08:15:26 UTC`
    case full
    /// `Sun Nov 22 07:49:15 2026`, in the language of whoever called dmesg
    case ctime
    /// `Nov22 07:49`
    case minute
    /// `1795335326.654727`
    case unix
  }

  /// Moves the cursor behind a date and time; where there is none it stays.
  @_lifetime(cursor: copy cursor)
  static func take(_ cursor: inout ByteCursor) -> Form? {
    let start = cursor.index
    if let form = cursor.peek().isDigit ? numeric(&cursor) : named(&cursor) { return form }
    cursor.index = start
    return nil
  }

  @_lifetime(cursor: copy cursor)
  private static func numeric(_ cursor: inout ByteCursor) -> Form? {
    let start = cursor.index
    if let (time, isSeconds) = cursor.takeTime(), isSeconds, time.value > 1_000_000_000_000_000 {
      return .unix
    }
    cursor.index = start
    guard takeDate(&cursor), cursor.take("T") || cursor.take(" "), let clock = takeClock(&cursor),
      clock.hasSeconds
    else { return nil }
    if cursor.take("Z") { return .isoUTC }
    let zone = cursor.index
    if cursor.take("+") || cursor.take("-") {
      while cursor.peek().isDigit || cursor.peek() == 0x3A && cursor.peek(1).isDigit { cursor.index += 1 }
      // `2026-11-22 08:15:27-text` is no zone.
      if cursor.index - zone < 3 { cursor.index = zone }
    }
    return clock.hasComma ? .isoComma : .iso
  }

  @_lifetime(cursor: copy cursor)
  private static func named(_ cursor: inout ByteCursor) -> Form? {
    guard takeName(&cursor) else { return nil }
    if cursor.peek().isDigit { return dayAndClock(&cursor) }
    guard cursor.take(" ") else { return nil }
    let second = cursor.index
    if takeDate(&cursor) {
      guard cursor.take(" "), takeClock(&cursor) != nil, cursor.take(" "), takeName(&cursor) else {
        return nil
      }
      return .full
    }
    cursor.index = second
    if takeName(&cursor) {
      guard cursor.take(" "), dayAndClock(&cursor) == .syslog, cursor.take(" ") else { return nil }
      // `date` puts the zone between them.
      if !cursor.peek().isDigit { guard takeName(&cursor), cursor.take(" ") else { return nil } }
      guard let year = cursor.takeDecimal(), year > 1900, year < 10_000 else { return nil }
      return .ctime
    }
    cursor.index = second
    return dayAndClock(&cursor)
  }

  @_lifetime(cursor: copy cursor)
  private static func dayAndClock(_ cursor: inout ByteCursor) -> Form? {
    cursor.skipBlanks()
    guard let day = cursor.takeDecimal(), (1...31).contains(day), cursor.take(" "),
      let clock = takeClock(&cursor)
    else { return nil }
    return clock.hasSeconds ? .syslog : .minute
  }

  /// `2026-11-22`
  @_lifetime(cursor: copy cursor)
  private static func takeDate(_ cursor: inout ByteCursor) -> Bool {
    guard let year = cursor.takeDecimal(), year > 1900, year < 10_000, cursor.take("-"),
      cursor.takeDecimal() != nil, cursor.take("-"), cursor.takeDecimal() != nil
    else { return false }
    return true
  }

  /// `08:15`, `08:15:01`, `08:15:01.654727`, `08:15:01,654727`; where there is none the cursor stays.
  @_lifetime(cursor: copy cursor)
  static func takeClock(_ cursor: inout ByteCursor) -> (hasSeconds: Bool, hasComma: Bool)? {
    let start = cursor.index
    // `0000:00:03.0` is a device.
    guard cursor.takeDecimal() != nil, cursor.index - start <= 2, cursor.take(":"),
      let minute = cursor.takeDecimal(),
      minute < 60
    else {
      cursor.index = start
      return nil
    }
    guard cursor.peek() == 0x3A, cursor.peek(1).isDigit else { return (false, false) }
    cursor.index += 1
    _ = cursor.takeDecimal()
    let hasComma = cursor.peek() == 0x2C
    if hasComma || cursor.peek() == 0x2E, cursor.peek(1).isDigit {
      cursor.index += 1
      while cursor.peek().isDigit { cursor.index += 1 }
      return (true, hasComma)
    }
    return (true, false)
  }

  /// A month or day by name, in any language: letters, dots, bytes beyond ASCII.
  @_lifetime(cursor: copy cursor)
  private static func takeName(_ cursor: inout ByteCursor) -> Bool {
    let start = cursor.index
    while cursor.peek().isLetter || cursor.peek() == 0x2E || cursor.peek() > 0x7F { cursor.index += 1 }
    return (1...12).contains(cursor.index - start)
  }
}
