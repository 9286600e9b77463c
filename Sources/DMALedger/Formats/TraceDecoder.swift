/// Lines of one source to events: tells the dialect of each line by its content and hands it to that dialect.
///
/// Contract: any lines in any order, at most one event a line, and every line is accounted for: understood,
/// neutral, continued text, or counted by shape.
struct TraceDecoder {
  enum Outcome {
    case event
    case irrelevant
    /// Blank lines, comments, separators: neither understood nor left over.
    case neutral
    case unknown
  }

  private enum Layout {
    case none, standard, latency, graph, verbose, perf
  }

  /// What the source was recognised as, for the report.
  var format = "unknown"
  /// `uname -r`, where a latency header names it.
  private(set) var release: String?
  /// The clock counts something else than time: it prints no fraction.
  private(set) var countsTicks = false
  private(set) var shapes = LineShapes()
  /// Lines of text without context: messages of several lines, `printk-msg-only`.
  private(set) var continued = (count: 0, firstLine: 0)
  private(set) var rawLines = RawTrace()
  /// What the headers say of the records below them.
  private(set) var stated = StatedEntries()
  /// Events dropped or overrun according to a statistics block.
  private(set) var overrun = 0
  var kernelLogLines = 0

  let body: EventBody
  var listing = GroupListing()
  private var layout = Layout.none
  private var tracer = ""
  private(set) var hasTraceHeader = false
  private var hasLegend = false
  /// Records seen since the last header.
  private(set) var records = 0
  var canContinue = false
  var continuedInARow = 0
  private var isInSideBlock = false
  var userSpace = UserSpaceLog()
  var envelope = LogEnvelope()
  /// What the envelope gave back at the end of the source.
  var drained: LogEnvelope.Content?
  /// The text of the last event, where it came from earlier lines than the last.
  var joinedText: [UInt8] = []
  var isJoined = false
  /// Wrappings taken off the line at hand, one inside the other.
  var unwrappings = 0
  var logNotes = LogNotes()
  /// Lines of a kernel log's file that are none of the kernel's: firmware, programs on the console.
  private(set) var foreign = (count: 0, firstLine: 0)
  private var unknownNamesOurs = false
  /// Between the two rules of a trace that was dumped into the log.
  var isInDump = false
  var dumpRules = 0
  var isTraceCmd = false
  /// Events were printed to this log.
  var printsEvents = false
  /// The source is UTF-16.
  var isWide = false
  private var isPerf = false
  /// The last function line, for probes without symbols: its task and function.
  private var neighbour: (pid: Int32, function: KernelFunction)?
  /// A probe at an address, waiting for the first frame of its stack.
  private var awaitsFrame = false
  var graphColumns = GraphSieve.Learner()
  private var recordColumns = RecordSieve.Learner()
  /// A short line that may be the first half of a comm with a newline in it.
  private var halfComm: (length: Int, line: Int)?

  init(fields: ProbeFields) {
    body = EventBody(fields: fields)
  }

  /// Decodes one line whose wrapping is off.
  mutating func decodeInner(
    _ line: Span<UInt8>, number: Int, into event: inout TraceEvent, names: inout NameTable,
    addresses: inout AddressBook
  ) -> Outcome {
    event = TraceEvent(line: number)
    let outcome = decodeLine(line, into: &event, names: &names, addresses: &addresses)
    settleHalfComm(line, number: number, outcome)
    switch outcome {
    case .event, .irrelevant, .neutral: return outcome
    case .unknown: return classifyUnknown(line, number: number)
    }
  }

  /// What may be passed over behind the line decoded last.
  var sieve: GraphSieve {
    layout == .graph && mayPassOver ? graphColumns.sieve : .open
  }

  var isGraph: Bool { layout == .graph }
  /// Whether times count from the beginning of the trace and not from the boot.
  var hasRelativeTimes: Bool { layout == .latency }

  /// The same for records of the usual layout.
  var recordSieve: RecordSieve {
    layout == .standard && mayPassOver ? recordColumns.sieve : .open
  }

  private var mayPassOver: Bool { halfComm == nil && kernelLogLines == 0 && !envelope.isWatching }

  /// Takes note of lines that the sieve passed over: records, all of them understood.
  mutating func pass(_ lines: Int) {
    guard lines > 0 else { return }
    records += lines
    continuedInARow = 0
    isInSideBlock = false
    guard layout == .standard else { return }
    neighbour = nil
    awaitsFrame = isPerf
    canContinue = true
  }

  /// Call once behind the last line.
  mutating func finish() {
    if let half = halfComm { noteContinued(half.line) }
    halfComm = nil
    stated.endSection(records: records)
    // A serial console shows more than the kernel; that is no dialect that was missed.
    if kernelLogLines > 8 * shapes.total || logNotes.isBare && !logNotes.isMixed { setStrangersAside() }
  }

  /// Lines that were not understood are none of the kernel's, unless they name what the ledger lives on.
  mutating func setStrangersAside() {
    guard shapes.total > 0, !hasTraceHeader, !unknownNamesOurs else { return }
    foreign = (foreign.count + shapes.total, foreign.count > 0 ? foreign.firstLine : shapes.firstLine)
    shapes = LineShapes()
  }

  mutating func decodeLine(
    _ line: Span<UInt8>, into event: inout TraceEvent, names: inout NameTable, addresses: inout AddressBook
  ) -> Outcome {
    if line.isEmpty {
      listing.end()
      return .neutral
    }
    switch line[0] {
    case 0x23:  // '#'
      if line.count > 8, line[8] == 0x2D, RecordContext.fromLatency(line) != nil { break }
      return header(line, into: &event)
    case 0x43 where line.hasText("CPU:", at: 0):
      if let outcome = lostMarker(line, from: 0, into: &event) { return outcome }
    case 0x3D where line.hasText("=> ", at: 0):
      return frame(line, from: 3, addresses: &addresses)
    case 0x20:
      if line.hasText(" => ", at: 0) { return frame(line, from: 4, addresses: &addresses) }
      if line.hasText(" ---------------------", at: 0) { return .irrelevant }
    case 0x09 where canContinue:
      if let outcome = callchainFrame(line, addresses: &addresses) { return outcome }
    case 0x2D where line.count == 2 && line[1] == 0x2D:
      return .neutral
    default: break
    }
    let outcome =
      numbered(line, into: &event, names: &names, addresses: &addresses)
      ?? record(line, into: &event, names: &names, addresses: &addresses)
    if let outcome {
      records += 1
      continuedInARow = 0
      isInSideBlock = false
      return outcome
    }
    stated.noteText()
    return text(line, into: &event, names: &names, addresses: &addresses)
  }

  // MARK: - Records

  mutating func record(
    _ line: Span<UInt8>, into event: inout TraceEvent, names: inout NameTable, addresses: inout AddressBook
  ) -> Outcome? {
    // The layout of the line before is nearly always right.
    switch layout {
    case .graph:
      if let outcome = graph(line, &event, &names, &addresses) { return outcome }
    case .standard:
      if let context = RecordContext.fromDefault(line) {
        return take(context, line, &event, &names, &addresses)
      }
    case .latency:
      if let context = RecordContext.fromLatency(line) {
        return take(context, line, &event, &names, &addresses)
      }
    case .verbose:
      if let context = RecordContext.fromVerbose(line) {
        return take(context, line, &event, &names, &addresses)
      }
    case .perf:
      if let context = RecordContext.fromPerf(line) { return take(context, line, &event, &names, &addresses) }
    case .none: break
    }
    let before = layout
    if before != .graph, let outcome = graph(line, &event, &names, &addresses) {
      layout = .graph
      return outcome
    }
    if before != .standard, let context = RecordContext.fromDefault(line) {
      // Stack traces keep their own context inside a graph: the graph goes on below them.
      if before != .graph { layout = .standard }
      return take(context, line, &event, &names, &addresses)
    }
    if before != .latency, let context = RecordContext.fromLatency(line) {
      layout = .latency
      return take(context, line, &event, &names, &addresses)
    }
    if before != .verbose, let context = RecordContext.fromVerbose(line) {
      layout = .verbose
      return take(context, line, &event, &names, &addresses)
    }
    if before != .perf, let context = RecordContext.fromPerf(line) {
      layout = .perf
      isPerf = true
      return take(context, line, &event, &names, &addresses)
    }
    return nil
  }

  private mutating func take(
    _ context: RecordContext, _ line: Span<UInt8>, _ event: inout TraceEvent, _ names: inout NameTable,
    _ addresses: inout AddressBook
  ) -> Outcome {
    event.cpu = context.cpu
    event.pid = context.pid
    event.time = context.hasTime ? context.time : nil
    if !context.isSeconds { countsTicks = true }
    var start = context.body
    // `trace-cmd report --ts-diff`
    if start < line.count, line[start] == 0x20 || line[start] == 0x28 {
      start = skipTimeDifference(line, start)
    }
    let last = neighbour?.pid == context.pid ? neighbour?.function : nil
    if layout == .standard {
      recordColumns.learn(line, body: context.isSeconds && start == context.body ? start : nil)
    }
    let outcome = body.read(
      line, from: start, into: &event, names: &names, addresses: &addresses, neighbour: last)
    neighbour = nil
    awaitsFrame = isPerf
    canContinue = true
    if format == "unknown" { nameFormat() }
    switch outcome {
    case .event:
      event.comm = names.intern(line.extracting(context.commStart..<context.commEnd))
      if event.observer == .function { neighbour = (context.pid, event.function) }
      return .event
    case .stack:
      awaitsFrame = true
      return .irrelevant
    case .irrelevant:
      if start < line.count, line.hasText("PERF_RECORD_LOST", at: start) {
        event.kind = .lost
        return .event
      }
      return .irrelevant
    case .graph(let bodyStart, let isExit):
      return traceCmdGraph(line, from: bodyStart, isExit: isExit, context, &event, &names, &addresses)
    }
  }

  private func skipTimeDifference(_ line: Span<UInt8>, _ start: Int) -> Int {
    var cursor = ByteCursor(line, at: start)
    cursor.skipBlanks()
    if cursor.take("(+"), cursor.takeDecimal() != nil, cursor.take(")") { cursor.skipBlanks() }
    return cursor.index
  }

  // MARK: - Lines without context

  /// A frame below a stack trace; the first one names the function of a probe that printed only an address.
  private mutating func frame(
    _ line: Span<UInt8>, from start: Int, addresses: inout AddressBook
  ) -> Outcome {
    guard awaitsFrame else { return .irrelevant }
    awaitsFrame = false
    // `=> really_probe (ffffffff8bda4481)`: one behind the probed address.
    var cursor = ByteCursor(line, at: start)
    while !cursor.isAtEnd, cursor.peek().isSymbol { cursor.index += 1 }
    guard let function = KernelFunction.named(line.extracting(start..<cursor.index)), cursor.take(" ("),
      let address = cursor.takeHex(), address > 0
    else { return .irrelevant }
    addresses.learn(address - 1, function)
    return .irrelevant
  }

  /// `perf script`: a tab, `ffffffff929a4481 really_probe+0x1 ([kernel.kallsyms])`.
  private mutating func callchainFrame(_ line: Span<UInt8>, addresses: inout AddressBook) -> Outcome? {
    var cursor = ByteCursor(line, at: 1)
    cursor.skipBlanks()
    guard let address = cursor.takeHex(), cursor.take(" ") else { return nil }
    defer { awaitsFrame = false }
    let start = cursor.index
    while !cursor.isAtEnd, cursor.peek().isSymbol { cursor.index += 1 }
    if awaitsFrame, let function = KernelFunction.named(line.extracting(start..<cursor.index)),
      cursor.take("+0x1 "), address > 0
    {
      addresses.learn(address - 1, function)
    }
    return .irrelevant
  }

  /// `CPU:1 [LOST 3651848 EVENTS]`, `CPU:3 [LOST EVENTS]`, `CPU:1 [580 EVENTS DROPPED]`.
  private mutating func lostMarker(_ line: Span<UInt8>, from start: Int, into event: inout TraceEvent)
    -> Outcome?
  {
    var cursor = ByteCursor(line, at: start)
    guard cursor.take("CPU:"), let cpu = cursor.takeDecimal(), cursor.take(" [") else { return nil }
    _ = cursor.take("LOST ")
    event.number = cursor.takeDecimal() ?? 0
    cursor.skipBlanks()
    guard cursor.take("EVENTS") else { return nil }
    event.kind = .lost
    event.cpu = Int32(clamping: cpu)
    return .event
  }

  /// A line behind its number. The number comes off first: a graph line without its CPU would still read.
  private mutating func numbered(
    _ line: Span<UInt8>, into event: inout TraceEvent, names: inout NameTable, addresses: inout AddressBook
  ) -> Outcome? {
    guard line[0].isDigit, let start = grepPrefix(line) else { return nil }
    // A comm of eight bytes may begin like a line number.
    if line.count > 20, line[8] == 0x2D, RecordContext.fromLatency(line) != nil { return nil }
    return record(line.extracting(start..<line.count), into: &event, names: &names, addresses: &addresses)
      ?? lostMarker(line, from: start, into: &event) ?? unwrapped(line, from: start)
  }

  private func unwrapped(_ line: Span<UInt8>, from start: Int) -> Outcome? {
    if start == line.count { return .neutral }
    if line.hasText(" ---------------------", at: start) || line.hasText(" => ", at: start) {
      return .irrelevant
    }
    return line[start] == 0x23 || line.hasText("cpus=", at: start) ? .neutral : nil
  }

  /// `grep -n` puts `123:` or `123-` in front.
  private func grepPrefix(_ line: Span<UInt8>) -> Int? {
    var cursor = ByteCursor(line)
    guard cursor.takeDecimal() != nil, cursor.peek() == 0x3A || cursor.peek() == 0x2D else { return nil }
    return cursor.index + 1
  }

  /// A header line; the legend tells the layout, the first line that a new capture begins.
  private mutating func header(_ line: Span<UInt8>, into event: inout TraceEvent) -> Outcome {
    if line.hasText("# tracer: ", at: 0) {
      tracer = line.extracting(10..<line.count).text(limit: 40)
      // Every tracer has a word for a name; what is none is not repeated to a terminal.
      let isName = !tracer.isEmpty && tracer.utf8.allSatisfy { $0.isWord || $0 == 0x2D }
      format = tracer == "nop" ? "ftrace events" : isName ? "ftrace \(tracer)" : "ftrace"
      layout = tracer == "function_graph" ? .graph : .none
      graphColumns.forget()
      hasLegend = false
      let isFirst = !hasTraceHeader && records == 0
      hasTraceHeader = true
      stated.endSection(records: records)
      records = 0
      canContinue = true
      continuedInARow = 0
      if isFirst { return .irrelevant }
      event.kind = .restarted
      return .event
    }
    if line.hasText("##### CPU ", at: 0), line.contains(" buffer started ####") {
      var cursor = ByteCursor(line, at: 10)
      event.kind = .bufferStarted
      event.cpu = Int32(clamping: cursor.takeDecimal() ?? -1)
      return .event
    }
    // Of other tracers a line is not an entry.
    let countsLines = tracer == "nop" || tracer == "function"
    if let place = line.firstIndex(of: "entries-in-buffer/entries-written: ") {
      stated.read(line, at: place + 35, countsLines: countsLines)
    } else if line.hasText("# latency: ", at: 0), let place = line.firstIndex(of: ", #") {
      stated.read(line, at: place + 3, countsLines: countsLines)
    } else if let place = line.firstIndex(of: " latency trace v"),
      let on = line.firstIndex(of: " on ", from: place)
    {
      release = line.extracting(on + 4..<line.count).text(limit: 80)
    } else if line.contains("TASK-PID") || line.contains("FUNCTION CALLS") || line.contains("cmd     pid") {
      hasLegend = true
    }
    return .neutral
  }

  /// `trace-cmd report` and its relatives print more than records.
  mutating func sideNote(_ line: Span<UInt8>, into event: inout TraceEvent) -> Outcome? {
    if line.hasText("cpus=", at: 0) {
      isTraceCmd = true
      format = "trace-cmd report"
      return .irrelevant
    }
    var cursor = ByteCursor(line)
    cursor.skipBlanks()
    let rest = line.extracting(cursor.index..<line.count)
    if rest.isEmpty { return .neutral }
    if rest.hasText("overrun: ", at: 0) || rest.hasText("dropped events: ", at: 0) {
      var number = ByteCursor(rest, at: (rest.firstIndex(of: 0x3A) ?? 0) + 2)
      overrun = overrun.clampedSum(number.takeDecimal() ?? 0)
      return .irrelevant
    }
    if SideNotes.opensBlock(rest) {
      isInSideBlock = true
      return .neutral
    }
    if SideNotes.isKnown(rest) { return .neutral }
    return isInSideBlock && line.count < 200 && (cursor.index > 0 || rest.hasText("CPU: ", at: 0))
      ? .neutral : nil
  }

  /// With the option `context-info` off a line is nothing but its body.
  mutating func bare(
    _ line: Span<UInt8>, into event: inout TraceEvent, names: inout NameTable, addresses: inout AddressBook
  ) -> Outcome {
    if rawLines.take(line, number: event.line, isTrace: hasTraceHeader, records: records) { return .unknown }
    // A pipe reader that lost events may print the marker in the middle of a graph line.
    if let place = line.firstIndex(of: "CPU:"), let outcome = lostMarker(line, from: place, into: &event) {
      return outcome
    }
    guard hasTraceHeader, !hasLegend else { return .unknown }
    if tracer == "function_graph" {
      guard let graph = GraphLine.parse(line, needsColumns: false) else { return .unknown }
      return graphEvent(graph, line, &event, &names, &addresses)
    }
    // In front of the caller stand arguments.
    guard line.firstIndex(of: 0x3A).map({ $0 < 80 }) ?? false || line.firstIndex(of: "<-") != nil else {
      return .unknown
    }
    let outcome = body.read(
      line, from: 0, into: &event, names: &names, addresses: &addresses, neighbour: nil)
    canContinue = true
    if case .event = outcome { return .event }
    return .irrelevant
  }

  // MARK: - What is left

  private mutating func classifyUnknown(_ line: Span<UInt8>, number: Int) -> Outcome {
    if line.count < 16, canContinue, halfComm == nil {
      // Perhaps the first half of a comm that holds a newline: the next line tells.
      halfComm = (line.count, number)
      return .neutral
    }
    // Text that goes on, or messages without context. A line that names one of our functions is never text.
    if canContinue, continuedInARow < 64, !namesOurs(line), !rawLines.isProved(records: records) {
      continuedInARow += 1
      noteContinued(number)
      return .neutral
    }
    if namesOurs(line) { unknownNamesOurs = true }
    shapes.add(line, number: number)
    return .unknown
  }

  /// Counts a record that turned out not to be understood.
  mutating func leaveOver(_ line: Span<UInt8>, number: Int) {
    shapes.add(line, number: number)
  }

  private mutating func noteContinued(_ number: Int) {
    if continued.count == 0 { continued.firstLine = number }
    continued.count += 1
  }

  private mutating func settleHalfComm(_ line: Span<UInt8>, number: Int, _ outcome: Outcome) {
    guard let half = halfComm, half.line < number else { return }
    halfComm = nil
    let isRecord = outcome == .event || outcome == .irrelevant
    // The two halves and the newline between them fill the sixteen bytes of the column.
    if isRecord, let dash = line.firstIndex(of: 0x2D), dash + half.length + 1 == 16 { return }
    noteContinued(half.line)
  }

  private mutating func nameFormat() {
    if isPerf || layout == .perf {
      format = "perf script"
    } else {
      format = "ftrace events"
    }
  }
}
