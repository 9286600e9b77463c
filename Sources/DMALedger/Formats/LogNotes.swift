/// What is to be said of a kernel log besides its messages: losses, the order of its parts, lines that were left alone.
struct LogNotes {
  /// The last line that was a message or part of one.
  var lastLine = -1
  /// Whether messages carry a time, a level, a host: then a line without is none of the kernel's.
  var hasPrefixes = false
  /// Whether messages stand alone, without anything in front.
  var isBare = false
  /// Whether they stand among other texts.
  var isMixed = false
  /// Messages that were lost according to the log itself.
  private(set) var dropped = (count: 0, firstLine: 0)
  /// Records missing between numbers of /dev/kmsg.
  private(set) var missing = (count: 0, firstLine: 0)
  /// Messages that journald shows as `[15B blob data]`.
  private(set) var blobs = (count: 0, firstLine: 0)
  /// Lines of pstore's function tracer.
  private(set) var pstoreCalls = (count: 0, firstLine: 0)
  /// Parts of crash logs that stand newest first.
  private(set) var reversedParts = (count: 0, firstLine: 0)
  /// The machine that `journalctl -o short-monotonic` names in front of each program.
  private var host: [UInt8] = []
  private var lastPart: Int?
  private var lastSequence: Int?
  private var gap = 0

  mutating func drop(_ count: Int, line: Int) {
    Self.count(&dropped, count, line)
    gap = gap.clampedSum(max(1, count))
  }

  /// Whether the message behind a time since boot is some program's: the host stands in front of it, as in front of the
  /// kernel's.
  mutating func isOfProgram(_ line: Span<UInt8>, _ log: LogLine) -> Bool {
    if !log.host.isEmpty {
      host = log.host.map { line[$0] }
      return false
    }
    guard !host.isEmpty, log.start + host.count < log.end, line[log.start + host.count] == 0x20 else {
      return false
    }
    return line.extracting(log.start..<log.start + host.count).equals(host.span)
  }

  mutating func note(sequence: Int, line: Int) {
    if let last = lastSequence, sequence > last + 1 {
      Self.count(&missing, sequence - last - 1, line)
      gap = gap.clampedSum(sequence - last - 1)
    }
    lastSequence = sequence
  }

  /// How many records are missing since the last time this was asked.
  mutating func takeGap() -> Int {
    defer { gap = 0 }
    return gap
  }

  /// A message whose text the journal kept to itself.
  mutating func note(_ text: Span<UInt8>, line: Int) {
    if text.hasText("[", at: 0), text.hasSuffix("B blob data]"), text.count < 40 {
      Self.count(&blobs, 1, line)
    }
  }

  /// Heads and footers of pstore and journals, marks of CI runners.
  mutating func isKnown(_ line: Span<UInt8>, number: Int) -> Bool {
    if let part = part(line) {
      if let last = lastPart, part > last { Self.count(&reversedParts, 1, number) }
      lastPart = part
      return true
    }
    if isPstoreCall(line) {
      Self.count(&pstoreCalls, 1, number)
      return true
    }
    return line.hasText("ECC: No errors detected", at: 0)
      || line.contains(" Corrected bytes, ") && line.hasSuffix("unrecoverable blocks")
      || line.hasText("-- No entries --", at: 0) || line.hasText("-- Logs begin at ", at: 0)
      || line.hasText("-- Journal begins at ", at: 0) || line.hasText("<LAVA_SIGNAL_", at: 0)
  }

  /// `Panic#1 Part1`
  private func part(_ line: Span<UInt8>) -> Int? {
    guard line.count < 40, let hash = line.firstIndex(of: 0x23), hash > 0 else { return nil }
    let reason = line.extracting(0..<hash)
    guard
      reason.is("Panic") || reason.is("Oops") || reason.is("Emergency") || reason.is("Shutdown")
        || reason.is("Unknown") || reason.is("Halt") || reason.is("Restart")
    else { return nil }
    var cursor = ByteCursor(line, at: hash + 1)
    guard cursor.takeDecimal() != nil, cursor.take(" Part"), let part = cursor.takeDecimal(), cursor.isAtEnd
    else {
      return nil
    }
    return part
  }

  /// `CPU:1 ts:12 ffffffff909a4480  ffffffff909a4897  really_probe <- __driver_probe_device+0x87/0x150`
  private func isPstoreCall(_ line: Span<UInt8>) -> Bool {
    var cursor = ByteCursor(line)
    return cursor.take("CPU:") && cursor.takeDecimal() != nil && cursor.take(" ts:")
      && cursor.takeDecimal() != nil
      && line.contains(" <- ")
  }

  private static func count(_ counter: inout (count: Int, firstLine: Int), _ more: Int, _ line: Int) {
    if counter.count == 0 { counter.firstLine = line }
    counter.count = counter.count.clampedSum(more)
  }

  func remarks(source: Int) -> [Diagnostic] {
    var remarks: [Diagnostic] = []
    func remark(_ counter: (count: Int, firstLine: Int), _ one: String, _ many: String, _ rest: String) {
      guard counter.count > 0 else { return }
      remarks.append(
        Diagnostic(
          level: .note, source: source, line: counter.firstLine,
          message: "\(counted(counter.count, one, many)) \(rest)"))
    }
    remark(
      dropped, "message of the kernel log is lost", "messages of the kernel log are lost",
      "by its own account")
    remark(
      missing, "record is missing", "records are missing",
      "between the numbers of this log; it was filtered, or the buffer was overwritten while it was read")
    remark(
      blobs, "message is", "messages are",
      "shown as blob data without text; `journalctl -a` or `-o json` has it")
    remark(
      pstoreCalls, "line is", "lines are",
      "of pstore's function tracer; nothing was read from there, because its addresses are of the boot before and its "
        + "names of this one")
    remark(
      reversedParts, "part of a crash log stands", "parts of a crash log stand",
      "behind a newer one; Part1 is the newest: put them together from the highest number down to Part1")
    return remarks
  }
}
