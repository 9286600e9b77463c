/// THE main path: bytes to lines, lines to events, events to calls, calls to the ledger, and a report at the end.
///
/// Feed it the sources of one incident, one after the other, then ask for the report:
///
///     var analyzer = Analyzer()
///     try analyzer.read(path: "trace.txt.zst")
///     let report = analyzer.finish()
///
/// Memory grows with groups, devices and open calls, each up to a limit, never with the length of the input. Nothing
/// is printed and nothing is thrown for bad content: damage becomes diagnostics and lost evidence.
public struct Analyzer {
  private var names = NameTable()
  private var addresses = AddressBook()
  var assembler: CallAssembler<Ledger>
  private var log: LogFacts
  private var incident: IncidentFacts
  let fields: ProbeFields
  let jobs: Int
  let limits: ReadingLimits
  let mapsFiles: Bool
  private let questions: [Question]
  private(set) var sources: [SourceSummary] = []
  private var diagnostics: [Diagnostic] = []
  private var lostBefore = 0
  /// The source whose trace is being replayed.
  private var traceSource: Int?
  private var traces: Set<Int> = []
  /// Sources that were read as one trace.
  var merged: [MergedLines] = []
  /// The latest time of the traces of this boot that have been read.
  private var latest: Nanoseconds?
  /// Traces that begin before that, and those that they run beside.
  private var overlapping: (source: Int, first: Int)?
  /// Traces that have all that their headers count.
  private var whole: Set<Int> = []
  private var seams = BootSeams()
  var repeated = RepeatedRecords()
  private var known = LogJoin.Knowledge()
  /// Which of the user's own field names some probe had.
  private var usedFields: UInt64 = 0
  let identifiesContent: Bool
  private var hashes: [ContentHash.Value] = []
  /// Sources that do not say what was written.
  private var misread: Set<Int> = []

  /// An analyzer that knows the usual probe fields and those of `options`.
  public init(options: Options = Options()) {
    fields = options.probeFields
    assembler = CallAssembler(ledger: Ledger(limits: options.kept))
    assembler.arena = TextArena(least: options.kept.texts)
    log = LogFacts(most: options.kept.logFacts)
    incident = IncidentFacts(most: options.kept.listed)
    jobs = options.jobs
    limits = options.limits
    mapsFiles = options.mapsFiles
    questions = options.questions
    identifiesContent = options.identifiesContent
    addresses.declared = options.declaredProbes
    for (address, function) in options.declaredAddresses { addresses.learn(address, function) }
    known.offset = options.clockOffset
  }

  /// Reads one file to its end; `-` is standard input. Throws only where it cannot be opened.
  public mutating func read(path: String) throws(InputError) {
    try read(PathName(path))
  }

  /// The same for a path whose bytes need not be text.
  ///
  /// - Parameter onlyFile: Whether to refuse what is no regular file: pipes that nobody writes to, devices without end.
  public mutating func read(_ path: PathName, onlyFile: Bool = false) throws(InputError) {
    read(try OpenFile(path: path, onlyFile: onlyFile))
  }

  /// Reads a file from its beginning; what happens to it from its opening on is told.
  package mutating func read(_ file: OpenFile) {
    var pass = SourcePass(path: file.path, index: sources.count, fields: fields)
    read(file, &pass)
    if pass.sourceIssue == nil { pass.sourceIssue = file.changeSinceOpened() }
    finish(&pass)
  }

  /// Reads bytes that are already in memory, plain or zstd, under a name for the report.
  public mutating func read(bytes: [UInt8], name: String) {
    var pass = SourcePass(path: name, index: sources.count, fields: fields)
    var source = ByteSource(bytes: bytes, name: name, limits: limits)
    if identifiesContent { source.contentHash = ContentHash() }
    readInOrder(LineReader(source), &pass)
    finish(&pass)
  }

  /// The content hash of everything that was read, `xxh3:` and 32 digits: the same for the same bytes in any order of
  /// sources, under any names, however packed. Absent unless the options ask for it.
  public var captureID: String? {
    identifiesContent ? ContentHash.captureID(of: hashes) : nil
  }

  /// A line that no sieve passed over.
  mutating func digest(_ line: Span<UInt8>, isTerminated: Bool, _ pass: inout SourcePass) {
    let outcome = pass.decoder.decode(
      line, number: pass.number, into: &pass.event, names: &names, addresses: &addresses)
    switch outcome {
    case .event:
      // A number at the end of a line without newline may be cut: it proves nothing.
      guard isTerminated else {
        pass.summary.understoodLines += 1
        break
      }
      if pass.decoder.isJoined {
        let text = pass.decoder.joinedText
        offer(pass.event, text.span, &pass)
      } else {
        offer(pass.event, line, &pass)
      }
    case .irrelevant: pass.summary.understoodLines += 1
    case .neutral, .unknown: break
    }
    if !pass.nameless.isEmpty { acceptNamed(&pass, atEnd: false) }
    pass.sieve = pass.decoder.sieve
    pass.recordSieve = pass.decoder.recordSieve
  }

  /// Takes an event, unless it has to wait for the function of a probe.
  private mutating func offer(_ event: TraceEvent, _ line: Span<UInt8>, _ pass: inout SourcePass) {
    if event.unnamedAddress != nil || !pass.nameless.isEmpty {
      pass.nameless.keep(event, line)
      return
    }
    deliver(event, line, &pass)
  }

  private mutating func deliver(_ event: TraceEvent, _ line: Span<UInt8>, _ pass: inout SourcePass) {
    pass.summary.understoodLines += 1
    if pass.isParking {
      pass.parked.append((event, [UInt8](copying: line)))
    } else {
      accept(event, line, &pass.summary, pass.index, &pass.last)
    }
  }

  /// Takes the events that waited, as far as they are named by now.
  private mutating func acceptNamed(_ pass: inout SourcePass, atEnd: Bool) {
    while let next = pass.nameless.next(addresses, atEnd: atEnd) {
      switch next {
      case .event(let event, let line): deliver(event, line.span, &pass)
      case .stranger(let event, let line, let address):
        addresses.giveUp(address)
        pass.nameless.giveUp(event, line.span, address)
        pass.decoder.leaveOver(line.span, number: event.line)
      }
    }
  }

  /// Forgets lines that cannot become evidence any more. Only between lines: the one at hand marks nothing.
  private mutating func forgetTexts() {
    var marks = assembler.arena.marks
    marks.mark(assembler)
    marks.mark(log)
    incident.mark(&marks)
    assembler.arena.forget(allBut: marks)
  }

  mutating func accept(
    _ event: TraceEvent, _ line: Span<UInt8>, _ source: inout SourceSummary, _ index: Int,
    _ last: inout Witness
  ) {
    if assembler.arena.isFull { forgetTexts() }
    usedFields |= event.fields.extras
    if event.kind == .logged || event.kind == .told {
      note(event, line, &source, index)
    } else {
      take(event, line, &source, index, &last)
    }
  }

  /// Takes an event of a trace, once it is known which boot it is of.
  private mutating func take(
    _ event: TraceEvent, _ line: Span<UInt8>, _ source: inout SourceSummary, _ index: Int,
    _ last: inout Witness
  ) {
    switch repeated.judge(event, line, of: index) {
    case .new: break
    case .repeated:
      traces.insert(index)
      for (event, _) in repeated.release() { source.note(event) }
      source.note(event)
      return
    case .held: return
    case .first(let isNext):
      // What was read goes on here, with nothing in between.
      if isNext { traceSource = index }
      for (event, line) in repeated.release() { takeNew(event, line.span, &source, index, &last) }
    }
    takeNew(event, line, &source, index, &last)
  }

  /// Takes an event that no other file had.
  private mutating func takeNew(
    _ event: TraceEvent, _ line: Span<UInt8>, _ source: inout SourceSummary, _ index: Int,
    _ last: inout Witness
  ) {
    // What closes nothing that is followed is passed over elsewhere: braces move no clock and no place.
    if event.kind == .closed, seams.held.isEmpty {
      assembler.take(event, line: line, source: index, names: names)
      return
    }
    source.note(event)
    if event.kind == .lost { source.lostEvents = source.lostEvents.clampedSum(max(1, event.number)) }
    if traceSource != index { enter(index, event, line) }
    let before = seams.lastTime
    switch seams.judge(event, names) {
    case .held:
      seams.keep(event, line)
      return
    case .goesOn: replayHeld(index, &last)
    case .begins(let isSure):
      beginBoot(event, line, index, before: before, isSure: isSure)
      replayHeld(index, &last, beginsBoot: true)
    case .stray:
      if let first = seams.held.first { lose(.timeWentBack, first.event, first.line.span, index) }
      replayHeld(index, &last)
    }
    replay(event, line, index, &last)
  }

  private mutating func replay(
    _ event: TraceEvent, _ line: Span<UInt8>, _ index: Int, _ last: inout Witness
  ) {
    last.at = LineReference(source: index, line: event.line)
    if let time = event.time { last.time = time }
    assembler.take(event, line: line, source: index, names: names)
  }

  private mutating func replayHeld(_ index: Int, _ last: inout Witness, beginsBoot: Bool = false) {
    if seams.held.isEmpty { return }
    for (event, line) in seams.release(beginsBoot: beginsBoot) { replay(event, line.span, index, &last) }
  }

  /// The first event of another trace. Two traces are not one: what lies between them, or beside each other, is in
  /// neither.
  private mutating func enter(_ index: Int, _ event: TraceEvent, _ line: Span<UInt8>) {
    defer {
      traceSource = index
      traces.insert(index)
      seams.restart()
    }
    guard let former = traceSource else { return }
    if let first = sources[former].firstTime, let time = event.time,
      Nanoseconds.isFarBack(from: first, to: time)
    {
      beginBoot(event, line, index, before: sources[former].lastTime, isSure: true)
    } else {
      lose(.restarted, event, line, index)
      if let latest, let time = event.time, time < latest { overlapping = (index, former) }
    }
  }

  /// Traces that run beside each other are replayed one behind the other: the last line of the later one is not what came
  /// last, and what one of them lacks the other may have.
  private mutating func noteOverlap(of source: SourceSummary, _ pass: SourcePass) {
    guard let last = source.lastTime else { return }
    defer { latest = max(latest ?? last, last) }
    guard let (index, former) = overlapping, index == pass.index, !pass.decoder.hasRelativeTimes else {
      return
    }
    if whole.contains(index), whole.contains(former) {
      assembler.lose(.overlapping, witness: pass.last)
    } else {
      assembler.loseAnywhere(in: former, .overlapping, witness: pass.last)
    }
  }

  /// Boots told apart; a clock that starts again more often is broken.
  private static let mostBoots = 256

  private mutating func beginBoot(
    _ event: TraceEvent, _ line: Span<UInt8>, _ index: Int, before: Nanoseconds?, isSure: Bool
  ) {
    let first = seams.held.first { $0.event.time != nil }?.event ?? event
    if assembler.boot >= Self.mostBoots {
      lose(.timeWentBack, event, line, index)
      return
    }
    assembler.beginBoot()
    repeated.beginBoot()
    latest = nil
    var message = "another boot begins here, or another capture"
    if let before, let time = first.time {
      message += ": the clock goes from \(before.secondsText) s to \(time.secondsText) s"
    }
    let place = merged.last { $0.lead == index }?.place(of: first.line)
    diagnostics.append(
      Diagnostic(
        level: .note, source: place?.source ?? index, line: place?.line ?? first.line,
        message: message + ". What came before is judged by itself, and nothing is carried over"))
    if !isSure { lose(.timeWentBack, event, line, index) }
  }

  mutating func lose(
    _ kind: Loss.Kind, _ event: TraceEvent, _ line: Span<UInt8>, _ index: Int, cpu: Int32 = -1
  ) {
    let witness = Witness(
      at: LineReference(source: index, line: event.line), time: event.time, text: assembler.arena.store(line))
    assembler.lose(kind, witness: witness, cpu: cpu)
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
    let witness = Witness(
      at: LineReference(source: index, line: event.line), time: event.time, text: assembler.arena.store(line))
    source.events += 1
    log.note(message, witness, caller: event.pid, line: line)
  }

  mutating func remark(_ diagnostic: Diagnostic) { diagnostics.append(diagnostic) }

  /// Takes what waited for lines that never came.
  mutating func drain(_ pass: inout SourcePass) {
    while pass.decoder.drains() { digest(Span(), isTerminated: pass.isTerminated, &pass) }
    acceptNamed(&pass, atEnd: true)
  }

  mutating func finish(_ pass: inout SourcePass) {
    drain(&pass)
    pass.decoder.finish()
    let index = pass.index
    if seams.isDoubtful, let first = seams.held.first {
      lose(.timeWentBack, first.event, first.line.span, index)
    }
    replayHeld(index, &pass.last)
    for (event, line) in repeated.releaseAtEnd(of: index) {
      takeNew(event, line.span, &pass.summary, index, &pass.last)
    }
    if let remark = repeated.remark(on: index) { diagnostics.append(remark) }
    // Where no line bore on anything, the last one stands for all that is missing.
    if pass.last.at.line == 0 { pass.last.at = LineReference(source: index, line: max(1, pass.number)) }
    let decoder = pass.decoder
    var source = pass.summary
    source.format = decoder.format
    source.bytes = pass.bytes
    source.lines = pass.number
    let lost = decoder.stated.overwritten.clampedSum(decoder.overrun)
    source.lostEvents = source.lostEvents.clampedSum(lost)
    source.unparsed = decoder.shapes.summary
    if let hash = pass.contentHash { hashes.append(hash) }
    // A header alone does not make a raw dump a capture that was understood.
    if decoder.rawLines.count > 0, source.understoodLines <= 1 { source.understoodLines = 0 }
    lostBefore = lostBefore.clampedSum(lost)
    known.releases[index] = decoder.release
    source.countsTicks = decoder.countsTicks
    if decoder.countsTicks { known.ticking.insert(index) }
    for issue in pass.allIssues {
      diagnostics.append(
        Diagnostic(
          level: issue.isError ? .error : .warning, source: index, line: issue.line, offset: issue.offset,
          message: issue.message))
    }
    let isMisread = pass.allIssues.contains(where: \.isMisread)
    if isMisread { misread.insert(index) }
    // What is missing of a log or a listing is not missing of a trace.
    if pass.isPart { traces.insert(index) }
    let isTrace = traces.contains(index) || !SourceOrder.isBesideTrace(source)
    if pass.allIssues.contains(where: { $0.isStop || isTrace && $0.losesEvents }) {
      assembler.lose(isMisread ? .misread : .damaged, witness: pass.last)
    } else if decoder.stated.missing > 0, !pass.isPart {
      assembler.loseAnywhere(in: index, .partial, witness: pass.last, count: decoder.stated.missing)
    }
    if decoder.stated.isWhole { whole.insert(index) }
    noteOverlap(of: source, pass)
    diagnostics += SourceRemarks.remarks(on: source, index: index, decoder)
    if let remark = pass.nameless.remark(source: index) { diagnostics.append(remark) }
    sources.append(source)
  }

  /// The report over everything that was read. Call once.
  public mutating func finish() -> Report {
    assembler.finish()
    assembler.arena.close()
    let order = SourceOrder(sources, traces: traces, merged: merged)
    log.arrange(order.rank)
    incident.arrange(order.rank)
    if let offset = known.offset {
      diagnostics.append(
        Diagnostic(
          level: .note,
          message:
            "--clock-offset: the kernel log's clock is taken to be \(Nanoseconds(offset).secondsText) s ahead of the "
            + "trace's"))
    }
    known.listed = IncidentLog.listed(incident, log, assembler.ledger)
    let outcomes = LogJoin.join(log, with: &assembler, known: known, names: names, diagnostics: &diagnostics)
    assembler.ledger.settleNames()
    for boot in 0...assembler.boot {
      let shows = assembler.ledger.groups.contains { group in
        group.boot == boot && group.allLeaks.contains { $0.leak.countsProve == true }
      }
      if shows { assembler.noteLeakShown(inBoot: boot) }
    }
    var facts = IncidentLog(log, outcomes, known, assembler, names)
    facts.check(&incident, assembler.ledger, names)
    for membership in facts.memberships {
      incident.announce(membership.device, in: membership.group, membership.witness)
    }
    for bind in facts.binds { incident.announceBind(bind) }
    diagnostics += facts.diagnostics
    diagnostics += assembler.ledger.identify(by: incident, wanderers: facts.wanderers, names)
    assembler.ledger.add(
      incident, questions: Set(questions.compactMap { $0.group(in: incident, names) }), names: names)
    for (place, field) in fields.extra.enumerated() where usedFields & 1 << UInt64(place & 63) == 0 {
      let name = field.name.span.text(limit: 80)
      diagnostics.append(
        Diagnostic(
          level: .warning,
          message: "--field \(field.meaning.rawValue)=\(name): no probe that was read has a field \(name)"))
    }
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
            "\(counted(assembler.ledger.doubtedCalls, "call is", "calls are")) left out: a group is printed, and the device "
            + "most likely has none (stale bytes behind a NULL pointer). Capture the group pointer to be sure"
        )
      )
    }
    return ReportBuilder(
      names: names, arena: assembler.arena, ledger: assembler.ledger, incident: incident,
      questions: questions,
      evidence: assembler.pastEvidence + [assembler.evidence], losses: assembler.losses, sources: sources,
      log: facts,
      diagnostics: diagnostics
        + (assembler.forgotten.diagnostics + assembler.ledger.forgotten.diagnostics).map(order.real)
        + log.forgotten.diagnostics
        + incident.forgotten.diagnostics, lostBefore: lostBefore,
      hasForgotten: assembler.forgotten.hasAny || assembler.ledger.forgotten.hasAny,
      hasForgottenLog: log.forgotten.hasAny || incident.forgotten.hasAny,
      countsTicks: !known.ticking.isEmpty,
      order: order, misread: MisreadSources(misread, of: sources, order: order)
    ).build()
  }
}
