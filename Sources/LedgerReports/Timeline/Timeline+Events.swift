import DMALedger

extension GroupTimeline {
  /// The group's calls, and between them the other lines that findings quote.
  static func events(of group: GroupReport, _ report: Report, _ axis: Timeline.Axis) -> [Event] {
    let quoted = quotedLines(of: group, report)
    var quotesAt: [LineReference: [Quote]] = [:]
    for quote in quoted { quotesAt[quote.line.at, default: []].append(quote) }
    let leaks = leakLines(of: group, report)
    var known: Set<LineReference> = []
    var events: [Event] = []
    var last = group.initial
    var position = Int64.min
    for (index, change) in group.changes.enumerated() {
      known.insert(change.at)
      if let folded = group.foldedChanges, folded.place == index {
        position = max(position, place(folded.firstTime, folded.firstAt, axis) ?? position)
        known.insert(folded.firstAt)
        events.append(
          Event(
            kind: .folded, position: position, at: folded.firstAt,
            notes: [
              "\(counted(folded.count, "call")) from here on \(folded.count == 1 ? "is" : "are") counted and not told one by one"
            ], count: last,
            mark: .line))
      }
      position = max(position, place(change.time, change.at, axis) ?? position)
      let lines = quotesAt[change.at] ?? []
      var event = Event(
        kind: .change(index), position: position, at: change.at, text: lines.first?.line.text,
        notes: unique(lines.map(\.line.note)), count: change.after)
      let isAfterFold = group.foldedChanges?.place == index
      if isAfterFold || change.isAfterGap || !change.before.isWithin(last) {
        event.gap = change.before
        event.notes.append(
          isAfterFold && !change.isAfterGap
            ? "the calls before this are only counted" : "evidence is missing before this")
      }
      event.mark = mark(change, isLeak: leaks.contains(change.at), rules: lines.map(\.rule))
      events.append(event)
      last = change.after
    }
    // A change without a time stands with the one before it, or, at the beginning, with the first that has one.
    if let first = events.first(where: { $0.position != .min })?.position {
      for index in events.indices where events[index].position == .min { events[index].position = first }
    } else {
      for index in events.indices { events[index].position = 0 }
    }
    let endsInGap = !group.final.isWithin(last)
    return withoutForeignLosses(
      woven(events, quoted.filter { !known.contains($0.line.at) }, group, axis), endsInGap: endsInGap)
  }

  /// A loss is told where it took something from this group: a change behind it, or the end, comes after a gap.
  private static func withoutForeignLosses(_ events: [Event], endsInGap: Bool) -> [Event] {
    let lastGap = endsInGap ? events.count : events.lastIndex { $0.gap != nil } ?? -1
    return events.enumerated().filter { $1.mark != .loss || $0 < lastGap || $1.change != nil }.map(\.element)
  }

  private typealias Quote = (line: Evidence, rule: Rule)

  /// Lines that findings about the group quote, and places where the capture lost events.
  private static func quotedLines(of group: GroupReport, _ report: Report) -> [Quote] {
    report.findings.filter { $0.isAbout(group) || $0.rule == .evidenceLost }.flatMap { finding in
      // A return says nothing that its code does not, and the code stands with the call.
      finding.evidence.filter { !$0.isReturn }.map { ($0, finding.rule) }
    }
  }

  /// Where the second use stands that made a leak of the first.
  static func leakLines(of group: GroupReport, _ report: Report) -> Set<LineReference> {
    var lines: Set<LineReference> = []
    let uses = uses(of: group)
    for finding in report.findings where finding.tellsOfLeak && finding.isAbout(group) {
      if let again = finding.evidence.compactMap({ uses[$0.at] }).max() {
        lines.insert(group.changes[again].at)
      }
    }
    return lines
  }

  /// The group's uses by their lines, as indices into its changes.
  static func uses(of group: GroupReport) -> [LineReference: Int] {
    var uses: [LineReference: Int] = [:]
    for (index, change) in group.changes.enumerated() where change.call == .use { uses[change.at] = index }
    return uses
  }

  private static func place(_ time: Nanoseconds?, _ at: LineReference, _ axis: Timeline.Axis) -> Int64? {
    switch axis {
    case .time: time?.value
    // Sources beyond 2^20 or lines beyond 2^42 would have to be read first.
    case .order: Int64(at.source) << 42 | Int64(at.line)
    }
  }

  /// Where a line without a time stands: with the call before it in the same file, or else the one after it.
  private static func neighbour(of at: LineReference, in changes: [Event]) -> Int64? {
    let own = changes.filter { $0.at.source == at.source }
    return own.filter { $0.at < at }.map(\.position).max() ?? own.map(\.position).min()
  }

  private static func mark(_ change: Change, isLeak: Bool, rules: [Rule]) -> Mark {
    if isLeak { return .leak }
    let warned: Set<Rule> = [.overRelease, .releaseUnowned, .pasidBlockedUnuse, .groupFreedWithCount]
    if rules.contains(where: warned.contains) { return .warning }
    // Without its code a call was refused where a finding says so.
    let isRefused = rules.contains(.notViable)
    switch change.call {
    case .query: return change.result.map { $0 != 0 } ?? isRefused ? .refusal : .none
    case .use: return change.result ?? 0 < 0 ? .refusal : .none
    case .claim, .deviceClaim: return change.result.map { $0 < 0 } ?? isRefused ? .refusal : .claim
    case .release, .deviceRelease: return .claim
    case .unuse: return .none
    }
  }

  private static func unique(_ notes: [String]) -> [String] {
    var kept: [String] = []
    for note in notes where !kept.contains(note) { kept.append(note) }
    return kept
  }

  /// Puts the other lines where they happened; what has no place on the axis is told with its finding only.
  private static func woven(
    _ changes: [Event], _ quotes: [Quote], _ group: GroupReport, _ axis: Timeline.Axis
  ) -> [Event] {
    var lines: [Event] = []
    var placeOf: [LineReference: Int] = [:]
    for quote in quotes {
      let line = quote.line
      guard line.time?.isSane ?? true,
        let position = place(line.time, line.at, axis) ?? neighbour(of: line.at, in: changes)
      else { continue }
      if let index = placeOf[line.at] {
        lines[index].notes = unique(lines[index].notes + [line.note])
        continue
      }
      placeOf[line.at] = lines.count
      let isLoss = quote.rule == .evidenceLost
      let isWarning = line.text.contains("WARNING: ") || quote.rule == .groupFreedWithCount
      lines.append(
        Event(
          kind: isLoss ? .loss : .line, position: position, at: line.at, text: line.text, notes: [line.note],
          count: group.initial, mark: isLoss ? .loss : isWarning ? .warning : .line))
    }
    lines.sort { ($0.position, $0.at) < ($1.position, $1.at) }
    var events: [Event] = []
    var next = 0
    var count = group.initial
    for change in changes {
      while next < lines.count, (lines[next].position, lines[next].at) < (change.position, change.at) {
        lines[next].count = count
        events.append(lines[next])
        next += 1
      }
      count = change.count
      events.append(change)
    }
    for var line in lines[next...] {
      line.count = count
      events.append(line)
    }
    return events
  }
}
