/// What stands behind the context of a record: a function line, a probe, a tracepoint.
///
/// A probe is known by its symbol, never by its name: `anything: (iommu_device_use_default_domain+0x0/0x8c) …` is
/// an entry, `(caller <- symbol)` a return, and libtraceevent's `(address <- address)` is a return the other way
/// round.
struct EventBody {
  enum Outcome {
    case event
    /// Understood, and it bears on nothing.
    case irrelevant
    /// A stack trace follows; its first frame names the function of the event before.
    case stack
    /// A record of `trace-cmd report` whose body is a function_graph line starting here.
    case graph(Int, isExit: Bool)
  }

  /// Entry offsets a probe may have: 0, or behind a landing pad or a patchable nop.
  private static let entryOffsets: ClosedRange<UInt64> = 0...16

  let fields: ProbeFields

  /// Reads the body of `line` from `start` into `event`.
  func read(
    _ line: Span<UInt8>, from start: Int, into event: inout TraceEvent, names: inout NameTable,
    addresses: inout AddressBook, neighbour: KernelFunction?
  ) -> Outcome {
    var cursor = ByteCursor(line, at: start)
    if cursor.peek() == 0x3C {
      return line.hasText("<stack trace", at: start) ? .stack : .irrelevant
    }
    while !cursor.isAtEnd, cursor.peek().isSymbol { cursor.index += 1 }
    let name = start..<cursor.index
    if name.isEmpty { return .irrelevant }
    // `group:event:` is how perf names an event.
    if cursor.peek() == 0x3A, cursor.peek(1).isWord {
      let inner = cursor.index + 1
      var end = inner
      while end < line.count, line[end].isSymbol { end += 1 }
      if end < line.count, line[end] == 0x3A {
        cursor.index = end
        return named(line, inner..<end, &cursor, &event, &names, &addresses, neighbour)
      }
    }
    if cursor.peek() == 0x3A, cursor.peek(1) == 0x20 || cursor.index + 1 == line.count {
      return named(line, name, &cursor, &event, &names, &addresses, neighbour)
    }
    return functionLine(line, name, &cursor, into: &event, names: &names)
  }

  /// `really_probe+0x0/0x380 <ffffffff909a4480>(dev=0x…, drv=0x…) <-__driver_probe_device+0x87/0x150 <…>`
  @_lifetime(cursor: copy cursor)
  private func functionLine(
    _ line: Span<UInt8>, _ name: Range<Int>, _ cursor: inout ByteCursor, into event: inout TraceEvent,
    names: inout NameTable
  ) -> Outcome {
    guard let function = KernelFunction.named(line.extracting(name)) else { return .irrelevant }
    skipOffsetAndAddress(&cursor)
    if cursor.take("(") {
      let open = cursor.index
      guard cursor.skip(to: 0x29) else { return .irrelevant }
      event.fields = fields.readArguments(line, open..<cursor.index, names: &names)
      cursor.index += 1
    }
    if cursor.take(" <-") {
      // trace-cmd writes ` <-- `.
      _ = cursor.take("- ")
      event.parent = parent(&cursor)
    } else if !line.hasText(" (repeats: ", at: cursor.index) {
      // Anything else behind the symbol is somebody's sentence.
      cursor.skipBlanks()
      guard cursor.isAtEnd else { return .irrelevant }
    }
    event.kind = .entry
    event.observer = .function
    event.function = function
    return .event
  }

  @_lifetime(cursor: copy cursor)
  private func parent(_ cursor: inout ByteCursor) -> KernelFunction? {
    let start = cursor.index
    while !cursor.isAtEnd, cursor.peek().isSymbol { cursor.index += 1 }
    return KernelFunction.named(cursor.bytes.extracting(start..<cursor.index))
  }

  /// `+0x4/0x70`, ` [e1000e]`, ` <ffffffff90987b94>`; the offset, where there is one.
  @discardableResult
  @_lifetime(cursor: copy cursor)
  private func skipOffsetAndAddress(_ cursor: inout ByteCursor) -> UInt64? {
    var offset: UInt64?
    if cursor.take("+0x") {
      offset = cursor.takeHex()
      if cursor.take("/0x") { _ = cursor.takeHex() }
    }
    if cursor.peek() == 0x20, cursor.peek(1) == 0x5B {
      cursor.index += 2
      if cursor.skip(to: 0x5D) { cursor.index += 1 }
    }
    if cursor.peek() == 0x20, cursor.peek(1) == 0x3C, cursor.peek(2).hexValue != nil {
      cursor.index += 2
      if cursor.skip(to: 0x3E) { cursor.index += 1 }
    }
    return offset
  }

  @_lifetime(cursor: copy cursor)
  private func named(
    _ line: Span<UInt8>, _ name: Range<Int>, _ cursor: inout ByteCursor, _ event: inout TraceEvent,
    _ names: inout NameTable, _ addresses: inout AddressBook, _ neighbour: KernelFunction?
  ) -> Outcome {
    cursor.index += 1
    cursor.skipBlanks()
    let label = line.extracting(name)
    if cursor.peek() == 0x28 {
      return probe(line, label, &cursor, &event, &names, &addresses, neighbour)
    }
    if line.hasText("__probe_", at: cursor.index) {
      return probeAsFields(line, label, &cursor, &event, &names, &addresses, neighbour)
    }
    switch label.count {
    case 7 where label.hasText("console", at: 0):
      // The option `fields` and `-R` write `msg=` in front.
      _ = cursor.take("msg=")
      guard let message = KernelMessage.parse(line.extracting(cursor.index..<line.count), names: &names)
      else {
        return .irrelevant
      }
      event.kind = .message
      event.message = message
      return .event
    case 8 where label.hasText("function", at: 0):
      return traceCmdFunction(line, &cursor, &event, &names)
    case 12 where label.hasText("kernel_stack", at: 0):
      return .stack
    case 14 where label.hasText("funcgraph_exit", at: 0):
      return .graph(name.upperBound + 1, isExit: true)
    case 15 where label.hasText("funcgraph_entry", at: 0):
      return .graph(name.upperBound + 1, isExit: false)
    case 19 where label.hasText("add_device_to_group", at: 0):
      event.kind = .joined
      return membership(line, &cursor, &event, &names)
    case 24 where label.hasText("remove_device_from_group", at: 0):
      event.kind = .left
      return membership(line, &cursor, &event, &names)
    case 23 where label.hasText("attach_device_to_domain", at: 0):
      event.kind = .attached
      return membership(line, &cursor, &event, &names)
    default:
      return .irrelevant
    }
  }

  /// `IOMMU: groupID=2 device=0000:00:02.0`, with the option `fields` `gid=0x2 (2) device=…`.
  @_lifetime(cursor: copy cursor)
  private func membership(
    _ line: Span<UInt8>, _ cursor: inout ByteCursor, _ event: inout TraceEvent, _ names: inout NameTable
  ) -> Outcome {
    let read = fields.read(line, from: max(0, cursor.index - 1), isReturn: false, names: &names)
    guard let device = read.device, event.kind == .attached || read.groupID != nil else { return .irrelevant }
    event.observer = .probe
    event.fields.device = device
    event.fields.groupID = read.groupID
    return .event
  }

  /// `function:             really_probe <-- __driver_probe_device`, `-R`: `ip=really_probe parent_ip=…`.
  @_lifetime(cursor: copy cursor)
  private func traceCmdFunction(
    _ line: Span<UInt8>, _ cursor: inout ByteCursor, _ event: inout TraceEvent, _ names: inout NameTable
  ) -> Outcome {
    let isRaw = cursor.take("ip=")
    let start = cursor.index
    while !cursor.isAtEnd, cursor.peek().isSymbol { cursor.index += 1 }
    guard let function = KernelFunction.named(line.extracting(start..<cursor.index)) else {
      return .irrelevant
    }
    if isRaw {
      if cursor.take(" parent_ip=") { event.parent = parent(&cursor) }
      event.kind = .entry
      event.observer = .function
      event.function = function
      return .event
    }
    return functionLine(line, start..<cursor.index, &cursor, into: &event, names: &names)
  }

  /// `(really_probe+0x0/0x380) dev=…`, `(caller+0xff/0x150 <- really_probe) ret=0`, `(ffffffff8bda4480 <- ffff…)`.
  @_lifetime(cursor: copy cursor)
  private func probe(
    _ line: Span<UInt8>, _ label: Span<UInt8>, _ cursor: inout ByteCursor, _ event: inout TraceEvent,
    _ names: inout NameTable, _ addresses: inout AddressBook, _ neighbour: KernelFunction?
  ) -> Outcome {
    cursor.index += 1
    let open = cursor.index
    guard cursor.skip(to: 0x29) else { return .irrelevant }
    let close = cursor.index
    let place = line.extracting(open..<close)
    let arrow = place.firstIndex(of: " <- ")
    let isReturn = arrow != nil
    let found: KernelFunction?
    if let arrow {
      found = returningFunction(place, arrow: arrow, label, &addresses)
    } else {
      found = enteredFunction(place, label, &addresses, neighbour)
    }
    event.observer = .probe
    if let function = addresses.declaredFunction(label) ?? found {
      event.kind = isReturn ? .exit : .entry
      event.function = function
    } else if let address = probedAddress(place, arrow: arrow) {
      event.kind = isReturn ? .exitAtAddress : .entryAtAddress
      event.number = Int(bitPattern: UInt(address))
      if addresses.isStranger(address) { return .event }
    } else {
      return .irrelevant
    }
    event.fields = fields.read(line, from: close + 1, isReturn: isReturn, names: &names)
    return .event
  }

  /// The address of the function that was probed, where the text has no symbol.
  private func probedAddress(_ place: Span<UInt8>, arrow: Int?) -> UInt64? {
    guard let arrow else { return bareAddress(place) }
    guard bareAddress(place.extracting(arrow + 4..<place.count)) != nil else { return nil }
    return bareAddress(place.extracting(0..<arrow))
  }

  /// What the boot option `tp_printk` printed: the body of an event with nothing in front, in the kernel's own words
  /// only, because a log holds anybody's sentences. False where `line` is none of ours.
  func readPrinted(
    _ line: Span<UInt8>, into event: inout TraceEvent, names: inout NameTable, addresses: inout AddressBook
  ) -> Bool {
    var cursor = ByteCursor(line)
    while cursor.peek().isWord { cursor.index += 1 }
    guard cursor.index > 0, cursor.take(": "),
      cursor.peek() == 0x28 || line.hasText("IOMMU: ", at: cursor.index)
    else { return false }
    var printed = event
    guard
      case .event = read(line, from: 0, into: &printed, names: &names, addresses: &addresses, neighbour: nil),
      printed.observer == .probe, printed.unnamedAddress == nil
    else { return false }
    event = printed
    return true
  }

  private func enteredFunction(
    _ place: Span<UInt8>, _ label: Span<UInt8>, _ addresses: inout AddressBook, _ neighbour: KernelFunction?
  ) -> KernelFunction? {
    if let address = bareAddress(place) {
      return addresses.function(at: address, event: label, after: neighbour)
    }
    var cursor = ByteCursor(place)
    while !cursor.isAtEnd, cursor.peek().isSymbol { cursor.index += 1 }
    guard let function = KernelFunction.named(place.extracting(0..<cursor.index)),
      let offset = skipOffsetAndAddress(&cursor), Self.entryOffsets.contains(offset)
    else { return nil }
    return function
  }

  private func returningFunction(
    _ place: Span<UInt8>, arrow: Int, _ label: Span<UInt8>, _ addresses: inout AddressBook
  ) -> KernelFunction? {
    let right = place.extracting(arrow + 4..<place.count)
    if let address = probedAddress(place, arrow: arrow) {
      return addresses.function(at: address, event: label, after: nil)
    }
    var end = 0
    while end < right.count, right[end].isSymbol { end += 1 }
    return KernelFunction.named(right.extracting(0..<end))
  }

  /// libtraceevent prints addresses as bare hexadecimal digits; uprobes print `0x…` and are nothing of ours.
  private func bareAddress(_ place: Span<UInt8>) -> UInt64? {
    guard (8...16).contains(place.count) else { return nil }
    var cursor = ByteCursor(place)
    guard let address = cursor.takeHex(), cursor.isAtEnd else { return nil }
    return address
  }

  /// The option `fields` and `trace-cmd report -R`: `__probe_ip=really_probe+0x0/0x380 (-1168489344) dev=…`,
  /// `__probe_func=… __probe_ret_ip=… ret=0`.
  @_lifetime(cursor: copy cursor)
  private func probeAsFields(
    _ line: Span<UInt8>, _ label: Span<UInt8>, _ cursor: inout ByteCursor, _ event: inout TraceEvent,
    _ names: inout NameTable, _ addresses: inout AddressBook, _ neighbour: KernelFunction?
  ) -> Outcome {
    let isReturn = line.hasText("__probe_func=", at: cursor.index)
    guard isReturn || line.hasText("__probe_ip=", at: cursor.index), cursor.skip(to: 0x3D) else {
      return .irrelevant
    }
    let start = cursor.index + 1
    var end = start
    while end < line.count, line[end] != 0x20 { end += 1 }
    let place = line.extracting(start..<end)
    guard let function = enteredFunction(place, label, &addresses, isReturn ? nil : neighbour) else {
      return .irrelevant
    }
    event.kind = isReturn ? .exit : .entry
    event.observer = .probe
    event.function = function
    event.fields = fields.read(line, from: end, isReturn: isReturn, names: &names)
    return .event
  }
}
