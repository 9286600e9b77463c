/// Who, where and when: what stands before the body of a record.
///
/// Grammars: formats.md of `trace` (default, latency, verbose), of `trace-cmd report`, of `perf script`. Fixed
/// columns are used where they hold, because a comm may contain anything, and searched for where a transport
/// took the blanks away.
struct RecordContext {
  var pid: Int32 = -1
  var cpu: Int32 = -1
  /// 0 where the line does not say, and then `hasTime` is false.
  var time = Nanoseconds(0)
  var hasTime = true
  /// Whether `time` counts nanoseconds; other clocks only order events.
  var isSeconds = true
  var commStart = 0
  var commEnd = 0
  var body = 0

  /// `            bash-112     (    112) [000] d....    34.497897: body`, trace-cmd's text included.
  static func fromDefault(_ line: Span<UInt8>) -> RecordContext? {
    if line.count > 24, line[16] == 0x2D, let context = defaultTail(line, dash: 16, isAtColumn: true) {
      return context
    }
    // Blanks lost on the way, or a name in front (`foo:   bash-12 …`): the first dash from which the rest reads.
    var dash = 0
    for _ in 0..<8 {
      guard let found = line.firstIndex(of: 0x2D, from: dash) else { return nil }
      if found + 1 < line.count, line[found + 1].isDigit,
        let context = defaultTail(line, dash: found, isAtColumn: false)
      {
        return context
      }
      dash = found + 1
    }
    return nil
  }

  private static func defaultTail(_ line: Span<UInt8>, dash: Int, isAtColumn: Bool) -> RecordContext? {
    var cursor = ByteCursor(line, at: dash + 1)
    guard let pid = cursor.takeDecimal(), pid <= Int32.max else { return nil }
    cursor.skipBlanks()
    if cursor.take(0x28) {
      // record-tgid: digits, or dashes for an unknown one.
      guard cursor.skip(to: 0x29), cursor.index - dash < 40 else { return nil }
      cursor.index += 1
      cursor.skipBlanks()
    }
    guard let context = bracketTail(&cursor) else { return nil }
    // In front of the sixteen bytes of the comm may stand a line number or the name of a buffer.
    return finish(context, line: line, pid: pid, commStart: max(0, dash - 16), commEnd: dash)
  }

  /// `[000] d....    34.497897: ` at the cursor, which is left at the body.
  @_lifetime(cursor: copy cursor)
  static func bracketTail(_ cursor: inout ByteCursor) -> RecordContext? {
    guard cursor.take(0x5B) else { return nil }
    let digits = cursor.index
    guard let cpu = cursor.takeDecimal(), cursor.index - digits >= 3, cpu < 1 << 20, cursor.take(0x5D) else {
      return nil
    }
    cursor.skipBlanks()
    if !cursor.peek().isDigit || !hasTime(cursor) {
      guard takeFlags(&cursor) else { return nil }
    }
    guard let (time, isSeconds) = cursor.takeTime(), cursor.take(0x3A) else { return nil }
    _ = cursor.take(0x20)
    var context = RecordContext()
    context.cpu = Int32(cpu)
    context.time = time
    context.isSeconds = isSeconds
    context.body = cursor.index
    return context
  }

  private static func hasTime(_ cursor: ByteCursor) -> Bool {
    var probe = ByteCursor(cursor.bytes, at: cursor.index)
    return probe.takeTime() != nil && probe.peek() == 0x3A
  }

  /// The irq-info column: four to eight characters whose letters grow over time, or trace-cmd's `-0x1`.
  @_lifetime(cursor: copy cursor)
  private static func takeFlags(_ cursor: inout ByteCursor) -> Bool {
    let start = cursor.index
    while !cursor.isAtEnd, cursor.peek() != 0x20 {
      let byte = cursor.peek()
      guard byte.isLetter || byte.isDigit || byte == 0x2E || byte == 0x23 || byte == 0x2D else {
        return false
      }
      cursor.index += 1
    }
    guard (2...10).contains(cursor.index - start) else { return false }
    cursor.skipBlanks()
    return true
  }

  /// `    bash-112       0d.... 94548us*: body` and trace-cmd's `-l`; also what a dump into the log prints.
  static func fromLatency(_ line: Span<UInt8>) -> RecordContext? {
    if line.count > 20, line[8] == 0x2D, let context = latencyTail(line, dash: 8) { return context }
    guard let dash = line.firstIndex(of: 0x2D), dash < 16 else { return nil }
    return latencyTail(line, dash: dash)
  }

  private static func latencyTail(_ line: Span<UInt8>, dash: Int) -> RecordContext? {
    var cursor = ByteCursor(line, at: dash + 1)
    guard let pid = cursor.takeDecimal(), pid <= Int32.max, cursor.take(0x20) else { return nil }
    cursor.skipBlanks()
    guard let cpu = cursor.takeDecimal(), cpu < 1 << 20 else { return nil }
    var flags = 0
    while cursor.peek() != 0x20, flags < 8 {
      let byte = cursor.peek()
      guard byte.isLetter || byte.isDigit || byte == 0x2E else { return nil }
      flags += 1
      cursor.index += 1
    }
    guard flags >= 4 else { return nil }
    cursor.skipBlanks()
    guard var (time, isSeconds) = cursor.takeTime() else { return nil }
    if cursor.take("us") {
      guard time.value < 9_000_000_000_000_000 else { return nil }
      time = Nanoseconds(time.value * 1000)
      isSeconds = true
      if cursor.peek() != 0x3A { cursor.index += 1 }
    }
    guard cursor.take(0x3A) else { return nil }
    _ = cursor.take(0x20)
    var context = RecordContext()
    context.cpu = Int32(cpu)
    context.time = time
    context.isSeconds = isSeconds
    context.body = cursor.index
    return finish(context, line: line, pid: pid, commEnd: dash)
  }

  /// latency-format with `verbose`: `bash     112   0 1 00000000 00000000 [010c3aee] 194.235ms (+87.615ms): body`.
  static func fromVerbose(_ line: Span<UInt8>) -> RecordContext? {
    guard let bracket = line.firstIndex(of: " ["), bracket > 40 else { return nil }
    var cursor = ByteCursor(line, at: 16)
    cursor.skipBlanks()
    guard let pid = cursor.takeDecimal(), pid <= Int32.max, cursor.take(0x20) else { return nil }
    cursor.skipBlanks()
    guard let cpu = cursor.takeDecimal(), cpu < 1 << 20 else { return nil }
    cursor.index = bracket + 2
    guard cursor.takeHex() != nil, cursor.take("] "), let (time, _) = cursor.takeTime(), cursor.take("ms (+"),
      cursor.takeTime() != nil, cursor.take("ms): ")
    else { return nil }
    var context = RecordContext()
    context.cpu = Int32(cpu)
    context.time = Nanoseconds(time.value / 1000)
    context.body = cursor.index
    return finish(context, line: line, pid: pid, commEnd: 16)
  }

  static func finish(
    _ context: RecordContext, line: Span<UInt8>, pid: Int, commStart: Int = 0, commEnd: Int
  ) -> RecordContext {
    var context = context
    context.pid = Int32(pid)
    context.commStart = commStart
    context.commEnd = commEnd
    while context.commEnd > commStart, line[context.commEnd - 1] == 0x20 { context.commEnd -= 1 }
    while context.commStart < context.commEnd, line[context.commStart] == 0x20 { context.commStart += 1 }
    return context
  }
}
