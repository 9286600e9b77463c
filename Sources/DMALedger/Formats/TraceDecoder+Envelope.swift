/// Lines whose wrapping comes off before anything else looks at them.
extension TraceDecoder {
  /// Decodes one line. `event` is only meaningful where the outcome is `.event`.
  mutating func decode(
    _ line: Span<UInt8>, number: Int, into event: inout TraceEvent, names: inout NameTable,
    addresses: inout AddressBook
  ) -> Outcome {
    isJoined = false
    if let content = drained {
      drained = nil
      event = TraceEvent(line: number)
      return opened(content, line, number: number, isLate: false, &event, &names, &addresses)
    }
    guard envelope.isWatching else {
      return decodeInner(line, number: number, into: &event, names: &names, addresses: &addresses)
    }
    event = TraceEvent(line: number)
    let content = envelope.open(line, number: number)
    return opened(content, line, number: number, isLate: false, &event, &names, &addresses)
  }

  /// Whether something waited for a rest that never came: then the next call of `decode` reads that, whatever its
  /// line. Ask only at the end of the source, until it says no.
  mutating func drains() -> Bool {
    drained = envelope.drain()
    return drained != nil
  }

  private mutating func note(joined text: [UInt8]) {
    joinedText = text
    isJoined = true
  }

  /// `isLate`: the line has been looked at already and is counted by whoever called.
  mutating func opened(
    _ content: LogEnvelope.Content, _ line: Span<UInt8>, number: Int, isLate: Bool, _ event: inout TraceEvent,
    _ names: inout NameTable, _ addresses: inout AddressBook
  ) -> Outcome {
    switch content {
    case .plain: return inner(line, number, isLate, &event, &names, &addresses)
    case .inner(let range):
      return inner(line.extracting(range), number, isLate, &event, &names, &addresses)
    case .text(var text, let first):
      while text.last == 0x0A || text.last == 0x0D { text.removeLast() }
      if first != number { note(joined: text) }
      event.line = first
      guard unwrappings < 4 else { return inner(text.span, first, isLate, &event, &names, &addresses) }
      unwrappings += 1
      defer { unwrappings -= 1 }
      let content = envelope.openText(text.span, number: first)
      return opened(content, text.span, number: first, isLate: isLate, &event, &names, &addresses)
    case .entry(let entry):
      if entry.line != number { note(joined: entry.text) }
      event.line = entry.line
      return message(of: entry, into: &event, names: &names, addresses: &addresses)
    case .structure: return .irrelevant
    case .held: return .neutral
    }
  }

  private mutating func inner(
    _ line: Span<UInt8>, _ number: Int, _ isLate: Bool, _ event: inout TraceEvent, _ names: inout NameTable,
    _ addresses: inout AddressBook
  ) -> Outcome {
    if isLate { return decodeLine(line, into: &event, names: &names, addresses: &addresses) }
    return decodeInner(line, number: number, into: &event, names: &names, addresses: &addresses)
  }
}
