/// Records of a trace that were read before, from another file: a trace that was printed twice, packed and plain, or saved
/// before and after an attempt; a trace beside a kernel log that holds its dump.
///
/// A file is taken to repeat what was read as long as every record of it was. Only records of ownership are
/// compared, and only those with times: by time, CPU, task and function, whatever dialect printed them; of function_graph,
/// which prints no time unless asked, by their text and line, once a duration has shown that they are the same.
struct RepeatedRecords {
  /// What a record is to those that were read before.
  enum Verdict: Equatable {
    case new
    /// It was taken before, and so were those held.
    case repeated
    /// It has no time, and is what the record behind it is.
    case held
    /// The first that is new, behind those held; `isNext`: it comes right behind what was read last.
    case first(isNext: Bool)
  }

  /// Records that are remembered; from there on a copy is read as another trace.
  private static let most = 1 << 14
  private static let mostHeld = 64

  /// No other file follows.
  var isOff = false
  /// Records of other files, of this boot.
  private var known: Set<Int> = []
  /// Records of the file at hand.
  private var own: [Int] = []
  private var source: Int?
  /// Everything in the file at hand was known so far.
  private var isRepeating = false
  /// Records of it that were known.
  private var count = 0
  /// The last record that was taken, and the last one that was known; `nil` where it is not remembered.
  private var lastTaken: Int?
  private var lastKnown: Int?
  private var held: [(event: TraceEvent, line: [UInt8])] = []

  mutating func judge(_ event: TraceEvent, _ line: Span<UInt8>, of index: Int) -> Verdict {
    if isOff { return .new }
    if source != index { begin(index) }
    let record = event.time == nil ? identity(of: event, line) : Self.identity(of: event)
    guard isRepeating else {
      if let record { remember(record) }
      return .new
    }
    guard let record else { return hold(event, line) }
    let isKnown = known.contains(record)
    // Braces that close nothing that is followed are passed over or not, as a file is read.
    if !isKnown, event.kind == .closed { return hold(event, line) }
    if isKnown {
      // Calls that begin are written alike in many a trace.
      if count == 0, event.time == nil, !line.contains(" us ") { return hold(event, line) }
      count += 1
      lastKnown = record
      return .repeated
    }
    isRepeating = false
    let isNext = lastKnown != nil && lastKnown == lastTaken
    remember(record)
    return .first(isNext: isNext)
  }

  private mutating func hold(_ event: TraceEvent, _ line: Span<UInt8>) -> Verdict {
    if held.count < Self.mostHeld {
      held.append((event, [UInt8](copying: line)))
      return .held
    }
    isRepeating = false
    return .first(isNext: false)
  }

  /// Gives what was held, and forgets it.
  mutating func release() -> [(event: TraceEvent, line: [UInt8])] {
    defer { held = [] }
    return held
  }

  /// A file is at its end: what of it is held, if that is not behind records that were known.
  mutating func releaseAtEnd(of index: Int) -> [(event: TraceEvent, line: [UInt8])] {
    source != index || count > 0 ? [] : release()
  }

  /// What a reader should know about a file at its end.
  func remark(on index: Int) -> Diagnostic? {
    guard source == index, count > 0 else { return nil }
    return Diagnostic(
      level: .note, source: index,
      message: isRepeating
        ? "every record on ownership is in another trace, too, and was taken once"
        : "the first \(counted(count, "record", "records")) on ownership are in another trace, too, and were taken once"
    )
  }

  /// Another boot begins: its clock starts again.
  mutating func beginBoot() {
    known = []
    lastTaken = nil
  }

  private mutating func begin(_ index: Int) {
    known.formUnion(own)
    own = []
    held = []
    source = index
    count = 0
    lastKnown = nil
    isRepeating = !known.isEmpty
  }

  private mutating func remember(_ record: Int) {
    lastTaken = hasRoom ? record : nil
    if hasRoom { own.append(record) }
  }

  private var hasRoom: Bool { known.count + own.count < Self.most }

  private static func identity(of event: TraceEvent) -> Int? {
    guard let time = event.time, time.isSane else { return nil }
    var hasher = Hasher()
    hasher.combine(time.value)
    hasher.combine(event.cpu)
    hasher.combine(event.pid)
    hasher.combine(event.kind)
    hasher.combine(event.observer)
    hasher.combine(event.function)
    hasher.combine(event.depth)
    hasher.combine(event.fields.device)
    hasher.combine(event.fields.result)
    hasher.combine(event.fields.count)
    return hasher.finalize()
  }

  /// The same of a call without a time.
  private func identity(of event: TraceEvent, _ line: Span<UInt8>) -> Int? {
    guard event.observer == .graph, isRepeating || hasRoom else { return nil }
    switch event.kind {
    case .entry, .leaf, .exit, .closed: break
    default: return nil
    }
    var hasher = Hasher()
    hasher.combine(event.line)
    for index in line.indices { hasher.combine(line[index]) }
    return hasher.finalize()
  }
}
