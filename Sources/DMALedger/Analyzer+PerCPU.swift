/// Files of one incident, and among them the parts of one trace that `per_cpu/cpuN/trace` prints. Those are read side
/// by side: calls on a group, and a task that moves, are spread over them.
extension Analyzer {
  /// Parts that are read side by side; each takes memory.
  private static let mostParts = 64

  /// Reads files in this order; gives what could not be opened.
  public mutating func read(_ paths: [PathName], onlyFiles: Bool = false) -> [InputError] {
    let inputs = paths.map { SourceInput.file($0, isOnlyFile: onlyFiles) }
    return read(inputs, heads: heads(of: inputs))
  }

  /// What the beginnings of sources show, where there are several.
  package func heads(of inputs: [SourceInput]) -> [TraceHead?] {
    inputs.map { inputs.count > 1 ? TraceHead(of: $0, limits: limits) : nil }
  }

  /// Reads sources in this order; gives what could not be opened.
  package mutating func read(_ inputs: [SourceInput], heads: [TraceHead?]) -> [InputError] {
    var unreadable: [InputError] = []
    repeated.isOff = inputs.count == 1
    var taken: Set<Int> = []
    for index in inputs.indices where !taken.contains(index) {
      let parts = Self.parts(with: index, of: heads)
      taken.formUnion(parts)
      if parts.count == 1 {
        read(inputs[index], &unreadable)
      } else {
        read(partsOfOneTrace: parts.map { (inputs[$0], heads[$0]?.cpu) }, &unreadable)
      }
    }
    return unreadable
  }

  /// The files that are parts of one trace together with one of them.
  private static func parts(with index: Int, of heads: [TraceHead?]) -> [Int] {
    guard let head = heads[index] else { return [index] }
    let alike = heads.indices.filter { heads[$0].map(head.hasHeader) ?? false }
    // A CPU that is there twice is in a copy, or in the whole trace beside its parts.
    let cpus = alike.compactMap { heads[$0]?.cpu }
    return Set(cpus).count == cpus.count && alike.count <= mostParts ? alike : [index]
  }

  /// Reads one source by itself.
  private mutating func read(_ input: SourceInput, _ unreadable: inout [InputError]) {
    do throws(InputError) {
      switch input {
      case .file(let path, let isOnlyFile): try read(path, onlyFile: isOnlyFile)
      case .bytes(let bytes, let name): read(bytes: bytes, name: name)
      }
    } catch {
      unreadable.append(error)
    }
  }

  /// Reads the parts of one trace, the events of all of them in the order of their times.
  private mutating func read(
    partsOfOneTrace inputs: [(input: SourceInput, cpu: Int32?)], _ unreadable: inout [InputError]
  ) {
    var parts: [TracePart] = []
    var openable: [SourceInput] = []
    for (input, cpu) in inputs {
      do throws(InputError) {
        let opened = try input.open()
        let pass = SourcePass(path: opened.name, index: sources.count + parts.count, fields: fields)
        // Dozens of them are open at once.
        let workspace = Workspace(block: 16 << 10)
        let source = opened.source(limits: limits, isHashed: identifiesContent, in: workspace)
        let reader = LineReader(source, in: workspace)
        parts.append(TracePart(opened, reader, pass, cpu: cpu))
        openable.append(input)
      } catch {
        unreadable.append(error)
      }
    }
    if parts.isEmpty { return }
    let before = self
    assembler.followLanes()
    var merge = PartMerge(parts)
    self.merge(&merge)
    guard let (flawed, flaw) = merge.flaw else {
      return finish(parts, merge, isComplete: parts.count == inputs.count)
    }
    // They do not go together after all: nothing of what they seemed to say holds.
    self = before
    for (place, input) in openable.enumerated() {
      let index = sources.count
      read(input, &unreadable)
      if place == flawed, sources.count > index { remark(on: flaw, source: index) }
    }
  }

  private mutating func merge(_ merge: inout PartMerge) {
    while true {
      for part in merge.parts { fill(part) }
      guard merge.flaw == nil, let moment = merge.parts.compactMap(\.nextTime).min() else { return }
      let next = merge.parts.filter { $0.nextTime == moment }
      if next.count == 1 || moment == PartMerge.atEnd, let part = next.first {
        for event in part.removeNext() { take(event, of: part, &merge) }
      } else {
        take(simultaneous: next, at: moment, &merge)
      }
    }
  }

  /// Takes what several CPUs have at the same time. Which came first is not known.
  private mutating func take(
    simultaneous parts: [TracePart], at moment: Nanoseconds, _ merge: inout PartMerge
  ) {
    var events: [(event: PartMerge.Event, part: TracePart)] = []
    for part in parts {
      while part.nextTime == moment, events.count < PartMerge.mostSimultaneous {
        events += part.removeNext().map { ($0, part) }
        fill(part)
      }
    }
    let isMore = parts.contains { $0.nextTime == moment || $0.beginsBehindLoss }
    if !isMore, moment != merge.unordered, let order = assembler.beginTie(events.map(\.event.event)) {
      for place in order { take(events[place].event, of: events[place].part, &merge) }
      assembler.endTie()
      return
    }
    // More than the orders of calls depends on it, or there are too many.
    let isNew = moment != merge.unordered
    merge.unordered = moment
    let order = assembler.beginDisorder(events.map(\.event.event), isWhole: isNew && !isMore)
    for (number, place) in order.enumerated() {
      take(events[place].event, of: events[place].part, &merge, losesOrderBefore: isNew && number == 0)
    }
    assembler.endTie()
  }

  private mutating func take(
    _ parked: PartMerge.Event, of part: TracePart, _ merge: inout PartMerge, losesOrderBefore: Bool = false
  ) {
    var (event, line) = parked
    guard merge.number(&event, of: part) else { return }
    if losesOrderBefore { loseOrder(event, line.span, merge, isTold: true) }
    let isUnordered = merge.unordered != nil && event.time == merge.unordered
    begin(part, merge, event, line.span)
    part.take { accept(event, line.span, &$0, merge.lead, &$1) }
    if isUnordered { loseOrder(event, line.span, merge, isTold: false) }
  }

  /// Reads a part until it has an event with a time, or to its end.
  private mutating func fill(_ part: TracePart) {
    while part.isHungry {
      if part.reader.advance(past: part.pass.sieve) {
        part.pass.passOver(part.reader.rejected)
        part.pass.number += 1 + part.reader.skipped
        digest(part.reader.line, isTerminated: part.reader.isTerminated, &part.pass)
      } else {
        part.isAtEnd = true
        close(part.reader, &part.pass)
        drain(&part.pass)
      }
      part.check()
    }
  }

  /// The first event of a CPU whose buffer was overwritten: what came before it is lost.
  private mutating func begin(
    _ part: TracePart, _ merge: PartMerge, _ event: TraceEvent, _ line: Span<UInt8>
  ) {
    defer { part.hasBegun = true }
    if part.beginsBehindLoss, merge.parts.contains(where: { $0 !== part && $0.hasBegun }) {
      lose(.bufferStarted, event, line, merge.lead, cpu: event.cpu)
    }
  }

  /// What came next where several CPUs tell the same time is not known, nor what that means.
  private mutating func loseOrder(
    _ event: TraceEvent, _ line: Span<UInt8>, _ merge: PartMerge, isTold: Bool
  ) {
    let witness = Witness(
      at: LineReference(source: merge.lead, line: event.line), time: event.time,
      text: assembler.arena.store(line))
    assembler.lose(.simultaneous, witness: witness, isTold: isTold)
  }

  /// - Parameter isComplete: Whether every part could be opened.
  private mutating func finish(_ parts: [TracePart], _ merge: PartMerge, isComplete: Bool) {
    // By CPU: how the files were given makes no difference.
    guard let first = merge.parts.first else { return }
    var lines = merge.lines
    // A part with no event has no place among the others.
    let heard = parts.map(\.pass.last).filter { $0.at.line > 0 }.max { $0.at < $1.at }
    let start = LineReference(source: first.pass.index, line: 1)
    let last =
      heard
      ?? Witness(
        at: LineReference(source: merge.lead, line: lines.number(start) ?? 1), time: nil, text: .none)
    merged.append(lines)
    var present = 0
    for part in parts {
      part.pass.isParking = false
      part.pass.isPart = true
      if part.pass.sourceIssue == nil { part.pass.sourceIssue = part.opened.changeSinceOpened() }
      part.pass.last = last
      finish(&part.pass)
      present = present.clampedSum(part.pass.decoder.stated.present)
    }
    let missing = first.pass.decoder.stated.entries - present
    if missing > 0 || !isComplete {
      assembler.loseAnywhere(in: merge.lead, .partial, witness: last, count: max(0, missing))
    } else if merge.isFull {
      assembler.loseAnywhere(in: merge.lead, .givenUp, witness: last)
    }
  }

  /// Says why files that seemed to be parts of one trace are not.
  private mutating func remark(on flaw: (kind: TracePart.Flaw, line: Int), source: Int) {
    let reason =
      switch flaw.kind {
      case .otherCPU(let cpu, let own): "this line is of CPU \(cpu), and the first record of CPU \(own)"
      case .untimed: "this line has no time"
      case .wentBack: "this line is earlier than one before it"
      case .restarted: "another trace begins here"
      }
    remark(
      Diagnostic(
        level: .warning, source: source, line: flaw.line,
        message:
          "\(reason): it is not the file of one CPU, so files with the same header are read one after the other"
      ))
  }
}

/// The parts of a trace on their way to one.
struct PartMerge {
  typealias Event = (event: TraceEvent, line: [UInt8])

  /// Behind every time.
  static let atEnd = Nanoseconds(.max)
  /// Events of one time that are held at once.
  static let mostSimultaneous = 64

  /// In the order of their CPUs.
  let parts: [TracePart]
  /// The source in whose name lines are numbered.
  let lead: Int
  private(set) var lines: MergedLines
  /// There was no room for the places of more lines: nothing is taken any more.
  private(set) var isFull = false
  /// A time whose events are taken in some order, and nothing is known before and behind each.
  var unordered: Nanoseconds?

  init(_ parts: [TracePart]) {
    lead = parts.first?.pass.index ?? 0
    lines = MergedLines(lead: lead)
    self.parts = parts.sorted { ($0.cpu ?? -1) < ($1.cpu ?? -1) }
  }

  /// The first part that is none, by its place among the sources, and why.
  var flaw: (place: Int, flaw: (kind: TracePart.Flaw, line: Int))? {
    let flawed = parts.filter { $0.flaw != nil }.min { $0.pass.index < $1.pass.index }
    return flawed.flatMap { part in part.flaw.map { (part.pass.index - lead, $0) } }
  }

  /// Gives an event its number among the lines of all parts; false where there is no room for it.
  mutating func number(_ event: inout TraceEvent, of part: TracePart) -> Bool {
    let at = LineReference(source: part.pass.index, line: event.line)
    guard !isFull, let number = lines.number(at) else {
      isFull = true
      return false
    }
    event.line = number
    return true
  }
}
