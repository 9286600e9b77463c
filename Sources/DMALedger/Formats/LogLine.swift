/// A line of a kernel log without what stands around the message: level, times, caller, host. Dialects: formats.md 8.
///
///     `[    5.690716] [    T1] text`          dmesg, consoles, pstore
///     `<6>[    0.000000] text`                 dmesg -r, /proc/kmsg, console_msg_format=syslog
///     `kern  :info  : 2026-11-22T08:15:01,000000+00:00 text`
///     `6,339,5140900,-,caller=T1;text`         /dev/kmsg, netconsole
///     `Nov 22 08:15:27 myhost kernel: [    5.140900] text`
///
/// Only a time since boot is kept: wall-clock times are when somebody received a message.
struct LogLine {
  /// Seconds since boot, by the kernel's scheduler clock.
  var time: Nanoseconds?
  /// False where the dialect shows that a program said it: another syslog facility or identifier than the kernel's.
  var isKernels = true
  /// Whether a logger wrote it down and named somebody else than the kernel.
  var isOfLogger = false
  /// Who printed it, with CONFIG_PRINTK_CALLER; -1 elsewhere.
  var pid: Int32 = -1
  /// Where an interrupt printed it, with CONFIG_PRINTK_CALLER; -1 elsewhere.
  var cpu: Int32 = -1
  /// The host in front of `kernel: `, behind a time since boot.
  var host = 0..<0
  /// /dev/kmsg: the number of the record; a gap is a loss.
  var sequence: Int?
  /// /dev/kmsg: bytes that are no text are written `\xHH`.
  var isEscaped = false
  /// netconsole: a later piece of a long record, not a message of its own.
  var isFragment = false
  /// Where the message begins, and where it ends.
  var start = 0
  var end: Int

  private init(end: Int) { self.end = end }

  /// Reads the prefixes of `line` from `origin` on; `nil` where it has none that only a log has. `isRepeated`: it is the
  /// text of a message that was repeated, and holds no other such.
  static func parse(_ line: Span<UInt8>, from origin: Int = 0, isRepeated: Bool = false) -> LogLine? {
    var log = LogLine(end: line.count)
    var cursor = ByteCursor(line, at: origin)
    if log.readRecordHead(&cursor) { return log }
    guard log.readPrefixes(&cursor) else { return nil }
    log.readCaller(&cursor)
    log.start = cursor.index
    if !isRepeated { log.unfoldRepeats(line) }
    return log
  }

  /// The place of a `[    5.140900] ` behind other text: firmware and programs write to the console of the kernel.
  static func nativePrefix(in line: Span<UInt8>) -> Int? {
    var place = 1
    while let open = line.firstIndex(of: 0x5B, from: place) {
      place = open + 1
      var cursor = ByteCursor(line, at: open + 1)
      cursor.skipBlanks()
      let digits = cursor.index
      guard cursor.takeDecimal() != nil, cursor.index - open >= 6, cursor.take("."),
        cursor.index - digits < 12
      else {
        continue
      }
      let fraction = cursor.index
      guard cursor.takeDecimal() != nil, cursor.index - fraction == 6, cursor.take("]"),
        cursor.peek() == 0x20 || cursor.peek() == 0x5B
      else { continue }
      var start = open
      if start > 2, line[start - 1] == 0x3E,
        let less = (max(0, start - 5)..<start).last(where: { line[$0] == 0x3C })
      {
        start = less
      }
      return start
    }
    return nil
  }

  // MARK: - /dev/kmsg

  /// `[7.3.4,]6,339,5140900,-[,caller=T1][,ncfrag=0/1200];`: level, number, microseconds, flag, `key=value` pairs.
  @_lifetime(cursor: copy cursor)
  private mutating func readRecordHead(_ cursor: inout ByteCursor) -> Bool {
    let origin = cursor.index
    if cursor.takeDecimal() == nil || cursor.peek() != 0x2C {
      // netconsole may name the kernel first.
      cursor.index = origin
      while cursor.peek().isSymbol || cursor.peek() == 0x2B || cursor.peek() == 0x2D || cursor.peek() == 0x7E
      {
        cursor.index += 1
      }
      guard cursor.index > origin, cursor.take(",") else {
        cursor.index = origin
        return false
      }
    } else {
      cursor.index = origin
    }
    guard let priority = cursor.takeDecimal(), priority < 1 << 16, cursor.take(","),
      let sequence = cursor.takeDecimal(), cursor.take(","), let micros = cursor.takeDecimal(),
      cursor.take(","),
      cursor.take("-") || cursor.take("c") || cursor.take("+"),
      cursor.peek() == 0x2C || cursor.peek() == 0x3B,
      let semicolon = cursor.bytes.firstIndex(of: 0x3B, from: cursor.index)
    else {
      cursor.index = origin
      return false
    }
    while cursor.index < semicolon, cursor.take(",") {
      if cursor.take("caller=") {
        readCallerName(&cursor)
      } else if cursor.take("ncfrag=") {
        isFragment = cursor.takeDecimal() ?? 0 > 0
      }
      while cursor.index < semicolon, cursor.peek() != 0x2C { cursor.index += 1 }
    }
    time = Nanoseconds(microseconds: micros)
    isKernels = priority >> 3 == 0
    isEscaped = true
    self.sequence = isFragment ? nil : sequence
    start = semicolon + 1
    return true
  }

  // MARK: - Prefixes

  @_lifetime(cursor: copy cursor)
  private mutating func readPrefixes(_ cursor: inout ByteCursor) -> Bool {
    var isLog = readPriority(&cursor)
    if readFacility(&cursor) { isLog = true }
    if readReceipt(&cursor) || readHost(&cursor) { isLog = true }
    // Boot time, wall-clock time, deltas; newer dmesg prints several in a row.
    for _ in 0..<4 {
      if readBracket(&cursor) {
        isLog = true
        let place = cursor.index
        if readHost(&cursor), cursor.index > place + 9 { host = place..<cursor.index - 9 }
        continue
      }
      let place = cursor.index
      if WallClock.take(&cursor) == .isoComma, cursor.take(" ") {
        isLog = true
        continue
      }
      cursor.index = place
      break
    }
    return isLog
  }

  /// `<6>`; in front of a syslog date it is the relay's and says nothing of the message.
  @_lifetime(cursor: copy cursor)
  private mutating func readPriority(_ cursor: inout ByteCursor) -> Bool {
    let origin = cursor.index
    guard cursor.take("<"), let priority = cursor.takeDecimal(), priority < 1024, cursor.take(">") else {
      cursor.index = origin
      return false
    }
    let place = cursor.index
    if cursor.take("1 "), let form = WallClock.take(&cursor), form == .iso || form == .isoUTC,
      cursor.take(" ")
    {
      return readRelayHead(&cursor)
    }
    cursor.index = place
    let isRelayed = WallClock.take(&cursor) == .syslog
    cursor.index = place
    if !isRelayed { isKernels = priority >> 3 == 0 }
    return true
  }

  /// RFC 5424 behind its time: `host kernel - - - `.
  @_lifetime(cursor: copy cursor)
  private mutating func readRelayHead(_ cursor: inout ByteCursor) -> Bool {
    for word in 0..<4 {
      let start = cursor.index
      while !cursor.isAtEnd, cursor.peek() != 0x20 { cursor.index += 1 }
      if word == 1 {
        isKernels = cursor.index - start == 6 && cursor.bytes.hasText("kernel", at: start)
      }
      guard cursor.take(" ") else { return true }
    }
    if cursor.peek() == 0x5B, let close = cursor.bytes.firstIndex(of: "] ", from: cursor.index) {
      cursor.index = close + 2
    } else {
      _ = cursor.take("- ")
    }
    if cursor.peek() == 0xEF, cursor.peek(1) == 0xBB, cursor.peek(2) == 0xBF { cursor.index += 3 }
    return true
  }

  /// `kern  :info  : ` (dmesg -x)
  @_lifetime(cursor: copy cursor)
  private mutating func readFacility(_ cursor: inout ByteCursor) -> Bool {
    let origin = cursor.index
    for part in 0..<2 {
      let start = cursor.index
      while cursor.peek().isLetter || cursor.peek().isDigit { cursor.index += 1 }
      let word = cursor.bytes.extracting(start..<cursor.index)
      cursor.skipBlanks()
      let isColumn = cursor.index - start == 6 || word.count > 6
      guard word.count > 0, word.count <= 8, isColumn, cursor.take(":"), part == 0 || isLevel(word) else {
        cursor.index = origin
        return false
      }
      if part == 0 { isKernels = word.count == 4 && word.hasText("kern", at: 0) }
    }
    guard cursor.take(" ") else {
      cursor.index = origin
      isKernels = true
      return false
    }
    return true
  }

  private func isLevel(_ word: Span<UInt8>) -> Bool {
    switch word.count {
    case 3: word.hasText("err", at: 0)
    case 4: word.hasText("info", at: 0) || word.hasText("warn", at: 0) || word.hasText("crit", at: 0)
    case 5: word.hasText("debug", at: 0) || word.hasText("emerg", at: 0) || word.hasText("alert", at: 0)
    case 6: word.hasText("notice", at: 0)
    default: false
    }
  }

  /// When a logger received the message, and from whom: `Nov 22 08:15:27 myhost kernel: `, `2026-11-22T08:15:26+0000
  /// myhost systemd[1]: `. dmesg's own iso form has neither host nor program.
  @_lifetime(cursor: copy cursor)
  private mutating func readReceipt(_ cursor: inout ByteCursor) -> Bool {
    let origin = cursor.index
    guard let form = WallClock.take(&cursor), form != .minute, cursor.take(" ") else {
      cursor.index = origin
      return false
    }
    if form == .isoComma || readHost(&cursor) { return true }
    let place = cursor.index
    if readBracket(&cursor) {
      cursor.index = place
      return true
    }
    isKernels = false
    isOfLogger = true
    return true
  }

  /// `myhost kernel: `, `myhost kern.info kernel: `, or `kernel: ` where the host is left out.
  @_lifetime(cursor: copy cursor)
  private func readHost(_ cursor: inout ByteCursor) -> Bool {
    let origin = cursor.index
    for _ in 0..<3 {
      if cursor.take("kernel: ") { return true }
      let start = cursor.index
      while !cursor.isAtEnd, cursor.peek() != 0x20, cursor.peek() != 0x3A, cursor.peek() != 0x5B,
        cursor.index - start < 256
      { cursor.index += 1 }
      guard cursor.index > start, cursor.take(" ") else { break }
    }
    cursor.index = origin
    return false
  }

  /// `[   19.990716] `, `[   19.990716 <   14.300000>] `, `[<   14.300000>] `, `[Sun Nov 22 07:49:15 2026] `,
  /// `[Nov22 07:49] `, `[  +0.549816] `, `[2026-01-01T00:00:00.000Z] `
  @_lifetime(cursor: copy cursor)
  private mutating func readBracket(_ cursor: inout ByteCursor) -> Bool {
    let origin = cursor.index
    guard cursor.take("[") else { return false }
    cursor.skipBlanks()
    let inner = cursor.index
    var bootTime: Nanoseconds?
    if let (read, isSeconds) = cursor.takeTime(), isSeconds, cursor.peek() == 0x5D || cursor.peek() == 0x20 {
      bootTime = read
    } else {
      cursor.index = inner
      if cursor.take("+") {
        guard let (_, isSeconds) = cursor.takeTime(), isSeconds else {
          cursor.index = origin
          return false
        }
      } else if WallClock.take(&cursor) == nil, cursor.peek() != 0x3C {
        cursor.index = origin
        return false
      }
    }
    skipDelta(&cursor)
    guard cursor.take("]") else {
      cursor.index = origin
      return false
    }
    if time == nil { time = bootTime }
    _ = cursor.take(" ")
    return true
  }

  /// ` <   14.300000>`, ` <    1.000000 >`
  @_lifetime(cursor: copy cursor)
  private func skipDelta(_ cursor: inout ByteCursor) {
    let origin = cursor.index
    cursor.skipBlanks()
    if cursor.take("<") {
      cursor.skipBlanks()
      if cursor.takeTime() != nil {
        cursor.skipBlanks()
        if cursor.take(">") { return }
      }
    }
    cursor.index = origin
  }

  /// `[    T1] `, `[C0] `: CONFIG_PRINTK_CALLER.
  @_lifetime(cursor: copy cursor)
  private mutating func readCaller(_ cursor: inout ByteCursor) {
    let origin = cursor.index
    guard cursor.take("[") else { return }
    cursor.skipBlanks()
    guard readCallerName(&cursor), cursor.take("]") else {
      cursor.index = origin
      return
    }
    _ = cursor.take(" ")
  }

  /// `T1`, a task; `C0`, a CPU in an interrupt.
  @_lifetime(cursor: copy cursor)
  @discardableResult
  private mutating func readCallerName(_ cursor: inout ByteCursor) -> Bool {
    let isTask = cursor.take("T")
    guard isTask || cursor.take("C"), let number = cursor.takeDecimal() else { return false }
    if isTask { pid = Int32(clamping: number) } else { cpu = Int32(clamping: number) }
    return true
  }

  /// `message repeated 3 times: [ text]`; rsyslog writes a newline inside a message as `#012`.
  private mutating func unfoldRepeats(_ line: Span<UInt8>) {
    if line.hasText("message repeated ", at: start),
      let open = line.firstIndex(of: " times: [ ", from: start),
      line.count > open + 10, line[line.count - 1] == 0x5D
    {
      start = open + 10
      end = line.count - 1
      if let again = LogLine.parse(line.extracting(0..<end), from: start, isRepeated: true) {
        start = again.start
        time = time ?? again.time
      }
    }
    if let newline = line.firstIndex(of: "#012", from: start), newline < end { end = newline }
  }
}
