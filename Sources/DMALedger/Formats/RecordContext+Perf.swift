/// Records of `perf script`.
extension RecordContext {
  /// `            bash   126 [000]    16.080873:   kprobes:kp_really: body`: no dash, tid and maybe pid/tid.
  static func fromPerf(_ line: Span<UInt8>) -> RecordContext? {
    var bracket = 0
    for _ in 0..<4 {
      guard let found = line.firstIndex(of: 0x5B, from: bracket) else { break }
      if let context = perfRecord(line, bracket: found) { return context }
      bracket = found + 1
    }
    return perfFields(line)
  }

  private static func perfRecord(_ line: Span<UInt8>, bracket: Int) -> RecordContext? {
    let end = lastByte(line, before: bracket)
    guard end < bracket, let (pid, start) = perfTask(line, before: end), start > 0 else { return nil }
    var cursor = ByteCursor(line, at: bracket)
    guard var context = bracketTail(&cursor) else { return nil }
    cursor.skipBlanks()
    // `-F +period` puts a number in front of the event.
    if cursor.takeDecimal() != nil { cursor.skipBlanks() }
    context.body = cursor.index
    return finish(context, line: line, pid: pid, commEnd: start - 1)
  }

  /// What `-F` leaves of a record: any of the task, `[000]` and `16.080873:` may be missing before `group:event: body`.
  ///
  /// The event is what such a line is known by, so without a time and a CPU it must be a probe's, `own:use: (ffffffff…) …`,
  /// or a tracepoint of the kernel's log or of its groups.
  private static func perfFields(_ line: Span<UInt8>) -> RecordContext? {
    guard let start = perfEvent(line) else { return nil }
    var context = RecordContext()
    context.body = start
    context.hasTime = false
    var end = beforePeriod(line, lastByte(line, before: start))
    if end > 0, line[end - 1] == 0x3A {
      var token = end - 1
      while token > 0, line[token - 1].isDigit || line[token - 1] == 0x2E { token -= 1 }
      var cursor = ByteCursor(line, at: token)
      guard let (time, isSeconds) = cursor.takeTime(), isSeconds, cursor.index == end - 1 else { return nil }
      context.time = time
      context.hasTime = true
      end = lastByte(line, before: token)
    } else if !isKnown(line, eventAt: start), end == 0 || line[end - 1] != 0x5D {
      return nil
    }
    if end > 0, line[end - 1] == 0x5D {
      var token = end - 1
      while token > 0, line[token - 1].isDigit { token -= 1 }
      var cursor = ByteCursor(line, at: token)
      guard token > 0, line[token - 1] == 0x5B, let cpu = cursor.takeDecimal(), cpu < 1 << 20 else {
        return nil
      }
      context.cpu = Int32(cpu)
      end = lastByte(line, before: token - 1)
    }
    guard end > 0 else { return context }
    guard let (pid, start) = perfTask(line, before: end) else { return nil }
    return finish(context, line: line, pid: pid, commEnd: max(0, start - 1))
  }

  /// The thread of `126` or `126/127` that ends at `end`, and where it begins: at the line's first byte or behind a blank.
  private static func perfTask(_ line: Span<UInt8>, before end: Int) -> (pid: Int, start: Int)? {
    var start = end
    while start > 0, line[start - 1].isDigit || line[start - 1] == 0x2F { start -= 1 }
    var number = ByteCursor(line, at: start)
    guard start == 0 || line[start - 1] == 0x20, var pid = number.takeDecimal() else { return nil }
    if number.take(0x2F) {
      guard let thread = number.takeDecimal() else { return nil }
      pid = thread
    }
    return number.index == end && pid <= Int32.max ? (pid, start) : nil
  }

  /// Where ` group:event: ` begins, the first of a line.
  private static func perfEvent(_ line: Span<UInt8>) -> Int? {
    var colon = 0
    while let found = line.firstIndex(of: 0x3A, from: colon) {
      colon = found + 1
      var start = found
      while start > 0, line[start - 1].isWord || line[start - 1] == 0x2D { start -= 1 }
      guard start < found, line[start].isLetter, start == 0 || line[start - 1] == 0x20 else { continue }
      var end = found + 1
      while end < line.count, line[end].isWord { end += 1 }
      if end > found + 1, end + 1 < line.count, line[end] == 0x3A, line[end + 1] == 0x20 { return start }
    }
    return nil
  }

  private static func isKnown(_ line: Span<UInt8>, eventAt start: Int) -> Bool {
    if line.hasText("printk:", at: start) || line.hasText("iommu:", at: start) { return true }
    guard let place = line.firstIndex(of: ": (", from: start) else { return false }
    var cursor = ByteCursor(line, at: place + 3)
    return cursor.takeHex().map { $0 > 0xFFFF } ?? false
  }

  /// `16.080873:          1 own:use:`: the end of the time, where a period stands between it and the event.
  private static func beforePeriod(_ line: Span<UInt8>, _ end: Int) -> Int {
    var token = end
    while token > 0, line[token - 1].isDigit { token -= 1 }
    let time = lastByte(line, before: token)
    return token < end && time < token && time > 0 && line[time - 1] == 0x3A ? time : end
  }

  /// The end of what stands before the blanks in front of `index`.
  private static func lastByte(_ line: Span<UInt8>, before index: Int) -> Int {
    var end = index
    while end > 0, line[end - 1] == 0x20 { end -= 1 }
    return end
  }
}
