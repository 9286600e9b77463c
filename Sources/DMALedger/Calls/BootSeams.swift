/// Where one boot ends and the next one begins in a trace.
///
/// A trace is in the order of its clock, so a clock that goes far back was started anew: another boot, or another capture
/// that somebody put behind this one. One line alone may be damaged: it takes two in a row. A trace header in between,
/// or pid 1 that is `swapper/0` (again), needs no second line.
struct BootSeams {
  /// What an event shows.
  enum Verdict {
    /// It goes on.
    case goesOn
    /// It cannot be told before the next event comes: keep the event until then.
    case held
    /// Another boot begins with the event, or with those that were held. `isSure`: nothing is missing in between.
    case begins(isSure: Bool)
    /// What was held was a damaged time, or a damaged time came before it.
    case stray
  }

  /// Events held at once; a boot that has more without a time is taken as it comes.
  private static let limit = 64

  private var last: Nanoseconds?
  private var beforeLast: Nanoseconds?
  private(set) var held: [(event: TraceEvent, line: [UInt8])] = []
  /// A trace header is among them.
  private var holdsHeader = false
  /// The time of the first event held.
  private var heldTime: Nanoseconds?
  private var sawInit = false

  /// The last time that came before what is held.
  var lastTime: Nanoseconds? { last }

  /// Looks at an event before it is taken.
  mutating func judge(_ event: TraceEvent, _ names: borrowing NameTable) -> Verdict {
    if event.kind == .restarted, last != nil {
      holdsHeader = true
      // Of headers without anything between them there may be millions.
      return heldTime == nil && held.count >= Self.limit ? .goesOn : hold()
    }
    let isSwapper =
      event.pid == 1 && event.comm.map { names.withBytes($0) { $0.hasText("swapper/", at: 0) } } ?? false
    if event.pid == 1, !isSwapper { sawInit = true }
    if isSwapper, sawInit {
      note(event.time)
      return begin(isSure: true)
    }
    // A banner in the stream; the first line of a boot of its own says nothing new.
    if case .boot? = event.message, event.kind == .message, last != nil {
      note(event.time)
      return begin(isSure: true)
    }
    guard let time = event.time else { return held.isEmpty || heldTime == nil ? .goesOn : hold() }
    guard let last else {
      note(time)
      return .goesOn
    }
    let isBack = Nanoseconds.isFarBack(from: last, to: time)
    if let first = heldTime {
      // The one time that was far ahead of all others may be the damaged one.
      let isAhead = beforeLast.map { !Nanoseconds.isFarBack(from: $0, to: first) } ?? false
      note(time)
      return isBack && !isAhead ? begin(isSure: false) : .stray
    }
    if isBack, holdsHeader || isSwapper {
      note(time)
      return begin(isSure: true)
    }
    if isBack {
      heldTime = time
      return hold()
    }
    note(time)
    return .goesOn
  }

  /// Keeps an event until it can be judged.
  mutating func keep(_ event: TraceEvent, _ line: Span<UInt8>) {
    held.append((event, [UInt8](copying: line)))
  }

  /// Whether the clock went back before what is held.
  var isDoubtful: Bool { heldTime != nil }

  /// Gives what was held, and forgets it. A header that another boot stands behind is no loss.
  mutating func release(beginsBoot: Bool) -> [(event: TraceEvent, line: [UInt8])] {
    defer {
      held = []
      holdsHeader = false
      heldTime = nil
    }
    return beginsBoot ? held.filter { $0.event.kind != .restarted } : held
  }

  /// Another file begins: its times are its own.
  mutating func restart() {
    last = nil
    beforeLast = nil
  }

  private mutating func note(_ time: Nanoseconds?) {
    guard let time else { return }
    beforeLast = last
    last = time
  }

  private mutating func begin(isSure: Bool) -> Verdict {
    beforeLast = nil
    sawInit = false
    return .begins(isSure: isSure)
  }

  private func hold() -> Verdict { held.count < Self.limit ? .held : .begins(isSure: false) }
}
