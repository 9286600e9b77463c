/// One of the files of one trace while all of them are read side by side: `per_cpu/cpuN/trace`.
final class TracePart {
  /// Why a file is not what it was taken for.
  enum Flaw {
    /// A line is of another CPU, whose lines the part has.
    case otherCPU(Int32, of: Int32)
    /// A line has no time, or an earlier one than the line before.
    case untimed, wentBack
    /// Another trace begins in it.
    case restarted
  }

  let opened: OpenedSource
  var reader: LineReader
  var pass: SourcePass
  /// The CPU whose file it is; absent where it has no record.
  let cpu: Int32?
  var isAtEnd = false
  /// Its first event was taken.
  var hasBegun = false
  /// What it is that no file of one CPU has, and the line.
  private(set) var flaw: (kind: Flaw, line: Int)?
  /// The time of the event that was read last, and how many of those in the pass have been looked at.
  private var last: Nanoseconds?
  private var seen = 0

  /// Events that have no time of their own and wait for the one behind them.
  private static let mostUntimed = 1024

  /// A source that is number `index` in the report; `cpu` is that of its first record.
  init(_ opened: OpenedSource, _ reader: consuming LineReader, _ pass: SourcePass, cpu: Int32?) {
    self.opened = opened
    self.reader = reader
    self.pass = pass
    self.cpu = cpu
    self.pass.isParking = true
  }

  /// Whether its first event comes next, and what came before that was overwritten.
  var beginsBehindLoss: Bool { !hasBegun && pass.decoder.stated.overwritten > 0 }

  /// The first event with a time, among those that were read and not taken.
  private var firstTimed: Int? { pass.parked.firstIndex { Self.time($0.event) != nil } }

  /// Whether it has to be read on before it is known what comes next.
  var isHungry: Bool { !isAtEnd && flaw == nil && firstTimed == nil }

  /// The time of what comes next, the last of all where nothing more has one; `nil` at the end.
  var nextTime: Nanoseconds? {
    if let firstTimed { return Self.time(pass.parked[firstTimed].event) }
    return pass.parked.isEmpty ? nil : Nanoseconds(.max)
  }

  /// Looks at the events that the last line brought.
  func check() {
    while seen < pass.parked.count, flaw == nil {
      let event = pass.parked[seen].event
      seen += 1
      if event.kind == .restarted { flaw = (.restarted, event.line) }
      if flaw != nil || Self.isBeside(event) { continue }
      if event.cpu >= 0, let cpu, event.cpu != cpu { flaw = (.otherCPU(event.cpu, of: cpu), event.line) }
      if let now = event.time {
        if let last, now < last { flaw = (.wentBack, event.line) }
        last = now
      } else if !Self.isMark(event) || seen > Self.mostUntimed {
        flaw = (.untimed, event.line)
      }
    }
  }

  /// The next event with a time, and those in front of it that have none.
  func removeNext() -> [(event: TraceEvent, line: [UInt8])] {
    let next = Array(pass.parked[...(firstTimed ?? pass.parked.count - 1)])
    pass.parked.removeFirst(next.count)
    seen -= next.count
    return next
  }

  /// Lends what is known of its source to `body`.
  func take(_ body: (inout SourceSummary, inout Witness) -> Void) {
    var summary = pass.summary
    var last = pass.last
    body(&summary, &last)
    pass.summary = summary
    pass.last = last
  }

  /// The time by which an event has its place: what a log says has a clock of its own.
  private static func time(_ event: TraceEvent) -> Nanoseconds? { isBeside(event) ? nil : event.time }

  /// Whether it is none of the trace's.
  private static func isBeside(_ event: TraceEvent) -> Bool { event.kind == .logged || event.kind == .told }

  /// Whether it is what the tracer prints without a time.
  private static func isMark(_ event: TraceEvent) -> Bool {
    switch event.kind {
    case .lost, .bufferStarted, .switched: true
    default: false
    }
  }
}
