/// THE main path: bytes to lines, lines to events, events to calls, calls to the ledger, and a report at the end.
///
/// Feed it the sources of one incident, one after the other, then ask for the report:
///
///     var analyzer = Analyzer()
///     try analyzer.read(path: "trace.txt.zst")
///     let report = analyzer.finish()
///
/// Memory grows with groups, devices, open calls and ownership calls, never with the length of the input. Nothing
/// is printed and nothing is thrown for bad content: damage becomes diagnostics and lost evidence.
public struct Analyzer {
  private var names = NameTable()
  private var addresses = AddressBook()
  private(set) var assembler = CallAssembler(ledger: Ledger())
  private var log = LogFacts()
  private var incident = IncidentFacts()
  private let fields: ProbeFields
  let jobs: Int
  private let questions: [Question]
  private var sources: [SourceSummary] = []
  private var diagnostics: [Diagnostic] = []
  private var release: String?
  private var lostBefore = 0
  /// The source whose trace is being replayed.
  private var traceSource: Int?
  private var countsTicks = false

  /// An analyzer that knows the usual probe fields and those of `options`.
  public init(options: Options = Options()) {
    fields = options.probeFields
    jobs = options.jobs
    questions = options.questions
    addresses.declared = options.declaredProbes
  }

  /// Reads one file to its end; `-` is standard input. Throws only where it cannot be opened.
  public mutating func read(path: String) throws(InputError) {
    var pass = SourcePass(path: path, index: sources.count, fields: fields)
    read(try OpenFile(path: path), &pass)
    finish(&pass)
  }

  /// Reads bytes that are already in memory, plain or zstd, under a name for the report.
  public mutating func read(bytes: [UInt8], name: String) {
    var pass = SourcePass(path: name, index: sources.count, fields: fields)
    readInOrder(LineReader(ByteSource(bytes: bytes, name: name)), &pass)
    finish(&pass)
  }

  /// A line that no sieve passed over.
  mutating func digest(_ line: Span<UInt8>, isTerminated: Bool, _ pass: inout SourcePass) {
    let outcome = pass.decoder.decode(
      line, number: pass.number, into: &pass.event, names: &names, addresses: &addresses)
    switch outcome {
    case .event:
      pass.summary.understoodLines += 1
      // A number at the end of a line without newline may be cut: it proves nothing.
      if isTerminated {
        if pass.decoder.isJoined {
          let text = pass.decoder.joinedText
          accept(pass.event, text.span, &pass.summary, pass.index, &pass.last)
        } else {
          accept(pass.event, line, &pass.summary, pass.index, &pass.last)
        }
      }
    case .irrelevant: pass.summary.understoodLines += 1
    case .neutral, .unknown: break
    }
    pass.sieve = pass.decoder.sieve
  }

  private mutating func accept(
    _ event: TraceEvent, _ line: Span<UInt8>, _ source: inout SourceSummary, _ index: Int,
    _ last: inout Witness
  ) {
    if event.kind == .logged || event.kind == .told {
      note(event, line, &source, index)
    } else {
      take(event, line, &source, index, &last)
    }
  }

  private mutating func take(
    _ event: TraceEvent, _ line: Span<UInt8>, _ source: inout SourceSummary, _ index: Int,
    _ last: inout Witness
  ) {
    // What closes nothing that is followed is passed over elsewhere: braces move no clock and no place.
    if event.kind == .closed {
      assembler.take(event, line: line, source: index, names: names)
      return
    }
    if let time = event.time {
      if let before = last.time, Nanoseconds.isFarBack(from: before, to: time) {
        assembler.lose(
          .timeWentBack,
          witness: Witness(
            at: LineReference(source: index, line: event.line), time: time, text: assembler.arena.store(line))
        )
      }
      if source.firstTime == nil { source.firstTime = time }
      source.lastTime = max(source.lastTime ?? time, time)
      last.time = time
    }
    if traceSource == nil { traceSource = index }
    if let first = traceSource, first != index {
      // Two traces are not one: what lies between them, or beside each other, is in neither.
      traceSource = index
      let witness = Witness(
        at: LineReference(source: index, line: event.line), time: event.time,
        text: assembler.arena.store(line))
      assembler.lose(.restarted, witness: witness)
    }
    last.at.line = event.line
    if event.kind == .lost { source.lostEvents = source.lostEvents.clampedSum(max(1, event.number)) }
    if event.kind != .switched { source.events += 1 }
    assembler.take(event, line: line, source: index, names: names)
  }

  private mutating func note(
    _ event: TraceEvent, _ line: Span<UInt8>, _ source: inout SourceSummary, _ index: Int
  ) {
    if let fact = event.fact {
      source.events += 1
      incident.note(
        fact,
        Witness(
          at: LineReference(source: index, line: event.line), time: nil, text: assembler.arena.store(line)))
    }
    guard let message = event.message else { return }
    if case .boot(let name) = message, release == nil { release = names.text(name) }
    let witness = Witness(
      at: LineReference(source: index, line: event.line), time: event.time, text: assembler.arena.store(line))
    source.events += 1
    log.note(message, witness)
  }

  private mutating func finish(_ pass: inout SourcePass) {
    while pass.decoder.drains() { digest(Span(), isTerminated: pass.isTerminated, &pass) }
    pass.decoder.finish()
    let index = pass.index
    let decoder = pass.decoder
    var source = pass.summary
    source.format = decoder.format
    source.bytes = pass.bytes
    source.lines = pass.number
    let lost = decoder.overwritten.clampedSum(decoder.overrun)
    source.lostEvents = source.lostEvents.clampedSum(lost)
    source.unparsed = decoder.shapes.summary
    // A header alone does not make a raw dump a capture that was understood.
    if decoder.rawLines.count > 0, source.understoodLines <= 1 { source.understoodLines = 0 }
    lostBefore = lostBefore.clampedSum(lost)
    release = release ?? decoder.release
    for issue in pass.allIssues {
      diagnostics.append(
        Diagnostic(
          level: issue.losesEvents ? .error : .warning, source: index, line: issue.line, offset: issue.offset,
          message: issue.message))
    }
    if pass.allIssues.contains(where: \.losesEvents) { assembler.lose(.damaged, witness: pass.last) }
    diagnostics += SourceRemarks.remarks(on: source, index: index, decoder)
    sources.append(source)
  }

  /// The report over everything that was read. Call once.
  public mutating func finish() -> Report {
    assembler.finish()
    LogJoin.join(log, with: &assembler, names: names, diagnostics: &diagnostics)
    assembler.ledger.settleNames()
    assembler.evidence.countsShowLeak = assembler.ledger.groups.contains { group in
      group.allLeaks.contains { $0.leak.countsProve == true }
    }
    for membership in log.lastMemberships {
      incident.announce(membership.device, in: membership.group, membership.witness)
    }
    assembler.ledger.add(
      incident, questions: Set(questions.compactMap { $0.group(in: incident, names) }), names: names)
    if addresses.hasGuessed {
      diagnostics.append(
        Diagnostic(
          level: .note,
          message: "probes without symbols were recognised by their names (use, unuse, claim, …); "
            + "say --probe NAME=FUNCTION where that is wrong"))
    }
    if assembler.ledger.doubtedCalls > 0 {
      diagnostics.append(
        Diagnostic(
          level: .note,
          message:
            "\(assembler.ledger.doubtedCalls) calls print a group although their device most likely has none "
            + "(stale bytes behind a NULL pointer); they were left out. Capture the group pointer to be sure")
      )
    }
    return ReportBuilder(
      names: names, arena: assembler.arena, ledger: assembler.ledger, incident: incident,
      questions: questions,
      evidence: assembler.evidence,
      losses: assembler.losses, sources: sources, release: release, diagnostics: diagnostics,
      lostBefore: lostBefore, countsTicks: countsTicks
    ).build()
  }
}

extension Analyzer {
  /// What the user knows about the capture and the capture does not say.
  public struct Options: Sendable {
    /// Devices and groups to be answered for, whatever the capture shows of them.
    public var questions: [Question] = []
    var probeFields = ProbeFields()
    var declaredProbes: [(name: [UInt8], function: KernelFunction)] = []
    /// How many threads may read a source; what is said does not depend on it.
    public var jobs = 1

    /// Nothing but the usual names.
    public init() {}

    /// Maps a probe field to its meaning: `device`, `driver`, `group`, `id`, `count`, `owner`, `new-owner` or
    /// `result`. False where the meaning is none of these.
    public mutating func addField(meaning: String, name: String) -> Bool {
      let meanings: [String: ProbeFields.Meaning] = [
        "device": .device, "driver": .driver, "group": .group, "id": .groupID, "count": .count,
        "owner": .owner,
        "new-owner": .newOwner, "result": .result,
      ]
      guard let known = meanings[meaning] else { return false }
      probeFields.extra.append((Array(name.utf8), known))
      return true
    }

    /// Says which kernel function a probe watches whose text has no symbol. False where the function is none that
    /// bears on ownership.
    public mutating func addProbe(name: String, function: String) -> Bool {
      let symbol = Array(function.utf8)
      guard let known = KernelFunction.named(symbol.span) else { return false }
      declaredProbes.append((Array(name.utf8), known))
      return true
    }
  }
}
