/// Kernel logs in all their wrappings, the logs of programs that use VFIO, and listings of groups.
extension TraceDecoder {
  /// A kernel log line, perhaps with a trace dumped into it: the prefix is one blank wide, the rest column-exact.
  mutating func kernelLog(
    _ line: Span<UInt8>, into event: inout TraceEvent, names: inout NameTable, addresses: inout AddressBook
  ) -> Outcome? {
    if let log = LogLine.parse(line) {
      let text = line.extracting(log.start..<line.count)
      return message(text, time: log.time, into: &event, names: &names, addresses: &addresses)
    }
    switch json.read(line) {
    case nil: return nil
    case .structure: return .irrelevant
    case .message(let text, let time):
      if let outcome = incident(text.span, into: &event, names: &names) { return outcome }
      guard let log = LogLine.parse(text.span) else {
        return message(text.span, time: time, into: &event, names: &names, addresses: &addresses)
      }
      let inner = text.span.extracting(log.start..<text.count)
      return message(inner, time: log.time ?? time, into: &event, names: &names, addresses: &addresses)
    }
  }

  private mutating func message(
    _ text: Span<UInt8>, time: Nanoseconds?, into event: inout TraceEvent, names: inout NameTable,
    addresses: inout AddressBook
  ) -> Outcome {
    kernelLogLines += 1
    if format == "unknown" { format = "kernel log" }
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
    if isInDump || isDumped(text),
      let outcome = record(text, into: &event, names: &names, addresses: &addresses)
    {
      return outcome
    }
    canContinue = true
    continuedInARow = 0
    guard let message = KernelMessage.parse(text, names: &names) else { return .irrelevant }
    event.kind = .logged
    event.time = time
    event.message = message
    return .event
  }

  private func isDumped(_ text: Span<UInt8>) -> Bool {
    if text.count > 20, text[8] == 0x2D { return RecordContext.fromLatency(text) != nil }
    return GraphLine.parse(text, needsColumns: true) != nil
  }

  /// A line that VFIO's users or a lister of groups printed.
  mutating func incident(
    _ line: Span<UInt8>, into event: inout TraceEvent, names: inout NameTable
  ) -> Outcome? {
    if let fact = UserSpaceLog.fact(line, names: &names) ?? listing.fact(line, names: &names) {
      event.kind = .told
      event.fact = fact
      if format == "unknown" {
        if case .refused = fact { format = "user-space log" } else { format = "group listing" }
      }
      return .event
    }
    guard UserSpaceLog.isKnown(line) || listing.isKnown(line) else { return nil }
    return .irrelevant
  }
}
