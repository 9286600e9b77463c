/// Probes at addresses that no line has named so far: their events wait, in order with those behind them, until a stack
/// trace or another line tells the function. What is named by nothing is counted, and a reader is told what to do.
struct NamelessProbes {
  /// What comes next in the order of the source.
  enum Next {
    case event(TraceEvent, line: [UInt8])
    /// A probe that nothing has named in time.
    case stranger(TraceEvent, line: [UInt8], address: UInt64)
  }

  /// Events that wait at once. The stack trace of an event is the next record of its CPU.
  private static let most = 64
  /// Addresses that are told one by one.
  private static let mostTold = 4

  private var waiting: [(event: TraceEvent, line: [UInt8])] = []
  private var first = 0
  /// Lines of probes that were given up.
  private(set) var count = 0
  private(set) var firstLine = 0
  private var told: [(name: String, address: UInt64)] = []
  private var hasMore = false

  var isEmpty: Bool { first == waiting.count }

  mutating func keep(_ event: TraceEvent, _ line: Span<UInt8>) {
    waiting.append((event, [UInt8](copying: line)))
  }

  /// The next event that need not wait, or that has waited long enough; `atEnd` of the source all of them have.
  mutating func next(_ addresses: AddressBook, atEnd: Bool) -> Next? {
    guard !isEmpty else { return nil }
    let (event, line) = waiting[first]
    var next = Next.event(event, line: line)
    if let address = event.unnamedAddress {
      if let function = addresses.function(at: address) {
        next = .event(event.named(function), line: line)
      } else if atEnd || waiting.count - first > Self.most || addresses.isStranger(address) {
        next = .stranger(event, line: line, address: address)
      } else {
        return nil
      }
    }
    first += 1
    if isEmpty || first > 4 * Self.most {
      waiting.removeFirst(first)
      first = 0
    }
    return next
  }

  /// Counts an event that was given up.
  mutating func giveUp(_ event: TraceEvent, _ line: Span<UInt8>, _ address: UInt64) {
    if count == 0 { firstLine = event.line }
    count += 1
    if told.contains(where: { $0.address == address }) { return }
    if told.count < Self.mostTold {
      told.append((Self.name(in: line), address))
    } else {
      hasMore = true
    }
  }

  /// The name of the event: the word in front of `: (`.
  private static func name(in line: Span<UInt8>) -> String {
    var end = (line.firstIndex(of: "(") ?? 0)
    while end > 0, !line[end - 1].isWord { end -= 1 }
    var start = end
    while start > 0, line[start - 1].isWord { start -= 1 }
    return line.extracting(start..<end).text(limit: 64)
  }

  /// What a reader should know and do about them.
  func remark(source: Int) -> Diagnostic? {
    guard count > 0 else { return nil }
    let places = told.map { "\($0.name) at \(String($0.address, radix: 16))" } + (hasMore ? ["…"] : [])
    return Diagnostic(
      level: .warning, source: source, line: firstLine,
      message:
        "\(counted(count, "line is of a probe", "lines are of probes")) without a symbol that nothing here names "
        + "(\(places.joined(separator: ", "))); left out, the first of them here. Where such a probe watches a function "
        + "of ours, say --probe ADDRESS=FUNCTION; /proc/kallsyms of that boot has the addresses")
  }
}
