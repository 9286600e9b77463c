/// Kernel logs in all their dialects, the logs of programs that use VFIO, and listings of groups.
extension TraceDecoder {
  /// A line that is no record of a tracer.
  mutating func text(
    _ line: Span<UInt8>, into event: inout TraceEvent, names: inout NameTable, addresses: inout AddressBook
  ) -> Outcome {
    if unwrappings < 4, let outcome = unwrapped(line, into: &event, names: &names, addresses: &addresses) {
      return outcome
    }
    if let outcome = incident(line, into: &event, names: &names) { return outcome }
    // The kernel first: its messages name tasks, and tasks are called like programs.
    return kernelLog(line, into: &event, names: &names, addresses: &addresses)
      ?? sideNote(line, into: &event) ?? logRemnant(line, into: &event)
      ?? bareLog(line, into: &event, names: &names, addresses: &addresses) ?? programLine(line)
      ?? bare(line, into: &event, names: &names, addresses: &addresses)
  }

  /// A wrapping that begins in the middle of a source, and what terminals leave in a line.
  private mutating func unwrapped(
    _ line: Span<UInt8>, into event: inout TraceEvent, names: inout NameTable, addresses: inout AddressBook
  ) -> Outcome? {
    unwrappings += 1
    defer { unwrappings -= 1 }
    if !envelope.isWatching || unwrappings > 1 {
      let content = envelope.open(line, number: event.line)
      if case .plain = content {
      } else {
        return opened(content, line, number: event.line, isLate: true, &event, &names, &addresses)
      }
    }
    if event.line == 1, ConsoleBytes.hasWideMark(line) { isWide = true }
    // NULs in a trace are the kernel's option `bin`, unless every character has one.
    guard ConsoleBytes.areIn(line), !hasTraceHeader || isWide || line.firstIndex(of: 0) == nil else {
      return nil
    }
    let clean = ConsoleBytes.cleaned(line)
    if clean.isEmpty { return .neutral }
    if clean.span.equals(line) { return nil }
    return decodeLine(clean.span, into: &event, names: &names, addresses: &addresses)
  }

  // MARK: - Kernel log

  /// A kernel log line, perhaps with a trace dumped into it: the prefix is one blank wide, the rest column-exact.
  private mutating func kernelLog(
    _ line: Span<UInt8>, into event: inout TraceEvent, names: inout NameTable, addresses: inout AddressBook
  ) -> Outcome? {
    // A logger's file that holds no word of the kernel is not understood.
    if let log = LogLine.parse(line), !log.isOfLogger || kernelLogLines > 0 {
      return message(line, log, into: &event, names: &names, addresses: &addresses)
    }
    // Firmware and programs write to the same console.
    if let place = LogLine.nativePrefix(in: line), let log = LogLine.parse(line, from: place) {
      return message(line, log, into: &event, names: &names, addresses: &addresses)
    }
    // Members of a /dev/kmsg record, and the further lines of a message.
    guard logNotes.lastLine + 1 == event.line, line[0] == 0x20 || line[0] == 0x09 else { return nil }
    logNotes.lastLine = event.line
    return .irrelevant
  }

  private mutating func message(
    _ line: Span<UInt8>, _ log: LogLine, into event: inout TraceEvent, names: inout NameTable,
    addresses: inout AddressBook
  ) -> Outcome {
    if let sequence = log.sequence { logNotes.note(sequence: sequence, line: event.line) }
    logNotes.hasPrefixes = true
    event.pid = log.pid
    event.cpu = log.cpu
    let isKernels = log.isKernels && !log.isFragment && !logNotes.isOfProgram(line, log)
    let text = line.extracting(log.start..<max(log.start, log.end))
    guard log.isEscaped, text.contains("\\x") else {
      return message(
        text, time: log.time, isKernels: isKernels, into: &event, names: &names, addresses: &addresses)
    }
    let plain = Self.unescaped(text)
    return message(
      plain.span, time: log.time, isKernels: isKernels, into: &event, names: &names, addresses: &addresses)
  }

  /// An entry of a journal or a document. Programs may say what they like about groups; only the kernel's word counts
  /// for what the kernel did.
  mutating func message(
    of entry: LogEntry, into event: inout TraceEvent, names: inout NameTable, addresses: inout AddressBook
  ) -> Outcome {
    logNotes.hasPrefixes = true
    if let outcome = incident(entry.text.span, into: &event, names: &names) { return outcome }
    if entry.isOfProgram {
      if format == "unknown" { format = "user-space log" }
      return .irrelevant
    }
    event.pid = entry.pid
    event.cpu = entry.cpu
    let first = entry.text.firstIndex(of: 0x0A) ?? entry.text.count
    var end = first
    while end > 0, entry.text[end - 1] == 0x0D { end -= 1 }
    return message(
      entry.text.span.extracting(0..<end), time: entry.time,
      isKernels: entry.isKernels && (entry.facility ?? 0) == 0, into: &event, names: &names,
      addresses: &addresses)
  }

  private mutating func message(
    _ text: Span<UInt8>, time: Nanoseconds?, isKernels: Bool, into event: inout TraceEvent,
    names: inout NameTable, addresses: inout AddressBook
  ) -> Outcome {
    kernelLogLines += 1
    // Before the first word of the kernel there was firmware.
    if kernelLogLines == 1, records == 0 { setStrangersAside() }
    logNotes.lastLine = event.line
    listing.end()
    if format == "unknown" { format = "kernel log" }
    canContinue = true
    continuedInARow = 0
    guard isKernels else { return .irrelevant }
    if text.hasText("Dumping ftrace ", at: 0) {
      isInDump = true
    } else if isInDump, text.hasText("---------------------------------", at: 0) {
      dumpRules += 1
      if dumpRules == 2 {
        isInDump = false
        dumpRules = 0
      }
      return .irrelevant
    }
    // A dump whose beginning is missing (pstore, a scrolled console) is still told by its columns.
    if isInDump || isDumped(text) {
      let caller = (event.pid, event.cpu)
      if let outcome = record(text, into: &event, names: &names, addresses: &addresses) { return outcome }
      (event.pid, event.cpu) = caller
    }
    if body.readPrinted(text, into: &event, names: &names, addresses: &addresses) {
      event.time = time
      // Records are missing, and with them events: a line says one thing only, and this one says that.
      let gap = logNotes.takeGap()
      defer { printsEvents = true }
      // Before the first of them nothing was known anyway.
      if gap > 0, printsEvents {
        event = TraceEvent(kind: .lost, line: event.line)
        event.number = gap
      }
      return .event
    }
    logNotes.note(text, line: event.line)
    guard let message = KernelMessage.parse(text, names: &names) else { return .irrelevant }
    if case .dropped(let count) = message { logNotes.drop(count, line: event.line) }
    event.kind = .logged
    event.time = time
    event.message = message
    return .event
  }

  private func isDumped(_ text: Span<UInt8>) -> Bool {
    if text.count > 20, text[8] == 0x2D { return RecordContext.fromLatency(text) != nil }
    return GraphLine.parse(text, needsColumns: true) != nil
  }

  /// /dev/kmsg writes bytes that are no text as `\xHH`; a message says what its first line says.
  private static func unescaped(_ text: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    var index = 0
    while index < text.count {
      if text.hasText("\\x", at: index), index + 3 < text.count, let high = text[index + 2].hexValue,
        let low = text[index + 3].hexValue
      {
        let byte = high << 4 | low
        if byte == 0x0A { break }
        bytes.append(byte)
        index += 4
      } else {
        bytes.append(text[index])
        index += 1
      }
    }
    return bytes
  }

  // MARK: - Lines without a prefix

  /// What loggers, pstore and consoles print between the messages.
  private mutating func logRemnant(_ line: Span<UInt8>, into event: inout TraceEvent) -> Outcome? {
    if line.hasText("** ", at: 0) {
      if line.hasText("** replaying previous printk message", at: 0) { return .irrelevant }
      var cursor = ByteCursor(line, at: 3)
      guard let count = cursor.takeDecimal(), cursor.take(" printk messages dropped") else { return nil }
      logNotes.drop(count, line: event.line)
      event.kind = .logged
      event.message = .dropped(count: count)
      return .event
    }
    if line.hasText("-- Boot ", at: 0) || line.hasText("-- Reboot --", at: 0) {
      event.kind = .logged
      event.message = .anotherBoot
      return .event
    }
    return logNotes.isKnown(line, number: event.line) ? .irrelevant : nil
  }

  /// Kernel messages without anything in front: `dmesg -t`, `journalctl -o cat`, `printk.time=0`. Only in a file that
  /// is neither a trace nor a log with prefixes, where such a line is somebody else's.
  private mutating func bareLog(
    _ line: Span<UInt8>, into event: inout TraceEvent, names: inout NameTable, addresses: inout AddressBook
  ) -> Outcome? {
    guard !hasTraceHeader, records == 0 || isInDump, !logNotes.hasPrefixes, LogLine.parse(line) == nil,
      !namesOurCalls(line)
    else {
      return nil
    }
    if !logNotes.isBare, line.hasText("Dumping ftrace ", at: 0) {
      logNotes.isBare = true
    } else if !logNotes.isBare {
      switch KernelMessage.parse(line, names: &names) {
      case nil, .warning, .task, .dropped, .anotherBoot: return nil
      default: logNotes.isBare = true
      }
      if format == "group listing" || format == "user-space log" { logNotes.isMixed = true }
    }
    let outcome = message(
      line, time: nil, isKernels: true, into: &event, names: &names, addresses: &addresses)
    return outcome == .event || !logNotes.isMixed ? outcome : nil
  }

  /// Whether a line names what the ledger lives on.
  func namesOurs(_ line: Span<UInt8>) -> Bool {
    line.contains("really_probe") || line.contains("_default_domain") || line.contains("_dma_owner")
      || line.contains("device_to_group") || line.contains("device_from_group")
  }

  /// A frame of a trace that was cut out of its file is not to pass for a message.
  private func namesOurCalls(_ line: Span<UInt8>) -> Bool {
    line.contains("_default_domain <-") || line.contains("really_probe <-") || line.contains("_dma_owner <-")
  }

  // MARK: - Programs and listings

  /// A line that VFIO's users or a lister of groups printed.
  private mutating func incident(
    _ line: Span<UInt8>, into event: inout TraceEvent, names: inout NameTable
  ) -> Outcome? {
    // What stands behind the columns of function_graph is a call, whatever it is called.
    if isGraph, line.firstIndex(of: 0x7C) != nil { return nil }
    let told = userSpace.fact(line, names: &names)
    if let fact = told ?? listing.fact(line, names: &names) {
      event.kind = .told
      event.fact = fact
      if format == "unknown" { format = told != nil ? "user-space log" : "group listing" }
      return .event
    }
    return nil
  }

  /// A line that belongs to the log of a program or to a listing and says nothing.
  private mutating func programLine(_ line: Span<UInt8>) -> Outcome? {
    if userSpace.isKnown(line) {
      if format == "unknown" { format = "user-space log" }
      return .irrelevant
    }
    return listing.isKnown(line) ? .irrelevant : nil
  }
}
