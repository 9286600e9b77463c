/// Kernel log and trace on one clock: windows without a device take it from the debug line of the same probe, and
/// devices their group from the lines that announce it.
///
/// printk stamps a line with the scheduler clock. `trace_clock` global and perf count the same; `local` counts the
/// raw clock, and the log says what lies between (`sched_clock: Marking stable`). Which one the trace used is
/// written nowhere, so both are tried and the one that puts every window right after its line is taken. Where
/// none does, nothing is joined.
enum LogJoin {
  /// The debug line is printed right behind the entry of really_probe(): at most this much later, in nanoseconds.
  private static let longestDelay: Int64 = 2_000_000
  /// The clocks of different CPUs may disagree by this much.
  private static let skew: Int64 = 200_000

  static func join<Sink: CallSink>(
    _ log: LogFacts, with assembler: inout CallAssembler<Sink>, names: borrowing NameTable,
    diagnostics: inout [Diagnostic]
  ) {
    let windows = assembler.nameless
    guard !windows.isEmpty, !log.probes.isEmpty else { return }
    if log.isOfSeveralBoots {
      diagnostics.append(
        Diagnostic(
          level: .note, source: log.boots.last?.at.source, line: log.boots.last?.at.line,
          message:
            "the kernel log is one of several boots, or of several files; names were not joined to the trace, because "
            + "nothing says which boot it belongs to"))
      return
    }
    guard let match = bestMatch(windows, log, names) else {
      diagnostics.append(
        Diagnostic(
          level: .note,
          message:
            "the kernel log's probe lines do not fit the trace's really_probe() windows on any clock; nothing "
            + "was joined. They may belong to another boot"))
      return
    }
    for (window, probe) in zip(windows, match.probes) {
      guard let probe else { continue }
      let fact = log.probes[probe]
      let group = group(of: fact.device, at: fact.witness.at, log)
      assembler.attribute(
        window, device: fact.device, driver: fact.driver, group: group, witness: fact.witness)
    }
    diagnostics.append(
      Diagnostic(
        level: .note,
        message:
          "\(match.count) of \(windows.count) really_probe() windows took device and driver from the kernel log "
          + "(clock offset \(seconds(match.offset)) s, \(match.worst / 1000) us apart at most)"))
  }

  /// A probe line: its time in nanoseconds, its place in the log, and whether its driver manages DMA itself.
  private struct Line {
    var time: Int64
    var index: Int
    var isManaged: Bool
  }

  private struct Match {
    var offset: Int64
    /// For each window the index of its line.
    var probes: [Int?]
    var count = 0
    /// Windows within the time of the log that no line fits.
    var strangers = 0
    /// The longest delay between entry and line, in nanoseconds.
    var worst: Int64 = 0
  }

  private static func bestMatch(
    _ windows: [ProbeWindow], _ log: LogFacts, _ names: borrowing NameTable
  ) -> Match? {
    var offsets: [Int64] = [0]
    if let offset = log.clockOffset { offsets.append(offset) }
    var lines: [Line] = []
    for (index, probe) in log.probes.enumerated() {
      guard let time = probe.witness.time, time.isSane else { continue }
      lines.append(
        Line(
          time: time.value, index: index, isManaged: names.withBytes(probe.driver, ManagedDriver.isManaged)))
    }
    lines.sort { $0.time < $1.time }
    // A window without a line, where the log was being written, shows that lines are missing or of another boot: then
    // the others may have been given to the wrong windows as well.
    let matches = offsets.map { match(windows, lines, offset: $0) }.filter { $0.strangers == 0 }
    guard let best = matches.max(by: { $0.count < $1.count }), best.count > 0 else { return nil }
    // Two clocks that fit equally well would name different devices: then neither is believed.
    let rivals = matches.filter { $0.count == best.count && $0.probes != best.probes }
    return rivals.isEmpty ? best : nil
  }

  /// Each window takes the one line that was printed between its entry and its first use; a second candidate makes it
  /// nobody's, and a line that two windows want makes both nobody's.
  private static func match(_ windows: [ProbeWindow], _ lines: [Line], offset: Int64) -> Match {
    var match = Match(offset: offset, probes: [])
    var wanted: [Int: Int] = [:]
    for (place, window) in windows.enumerated() {
      match.probes.append(nil)
      guard let first = lines.first, let last = lines.last, let moment = window.entry.time, moment.isSane
      else {
        continue
      }
      let entry = moment.value
      let (expected, overflow) = entry.addingReportingOverflow(offset)
      guard !overflow, expected >= first.time - skew, expected <= last.time + skew else { continue }
      let use = window.keptUses.first?.entry.time.flatMap { $0.isSane ? $0.value : nil } ?? entry
      let latest = min(expected + longestDelay, expected + max(0, use - entry) + skew)
      var candidates: [Int] = []
      var index = firstIndex(in: lines, notBefore: expected - skew)
      while index < lines.count, lines[index].time <= latest {
        // The window used its group, which no driver does that manages DMA itself.
        if !lines[index].isManaged { candidates.append(index) }
        index += 1
      }
      guard let only = candidates.first else {
        match.strangers += 1
        continue
      }
      guard candidates.count == 1 else { continue }
      if let rival = wanted[only] {
        if match.probes[rival] != nil { match.count -= 1 }
        match.probes[rival] = nil
        continue
      }
      wanted[only] = place
      match.probes[place] = lines[only].index
      match.count += 1
      match.worst = max(match.worst, abs(lines[only].time - expected))
    }
    return match
  }

  private static func firstIndex(in lines: [Line], notBefore time: Int64) -> Int {
    var low = 0
    var high = lines.count
    while low < high {
      let middle = (low + high) / 2
      if lines[middle].time < time { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The group a device was in when its line was printed.
  private static func group(of device: NameID, at line: LineReference, _ log: LogFacts) -> Int? {
    let last = log.memberships.last { $0.device == device && $0.witness.at < line }
    return last.flatMap { $0.hasJoined ? $0.group : nil }
  }

  private static func seconds(_ value: Int64) -> String {
    Nanoseconds(value).secondsText
  }
}
