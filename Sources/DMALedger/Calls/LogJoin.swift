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
    _ log: LogFacts, with assembler: inout CallAssembler<Sink>, diagnostics: inout [Diagnostic]
  ) {
    let windows = assembler.nameless
    guard !windows.isEmpty, !log.probes.isEmpty else { return }
    if log.boots.count > 1 {
      diagnostics.append(
        Diagnostic(
          level: .note, source: log.boots[1].at.source, line: log.boots[1].at.line,
          message:
            "the log holds \(log.boots.count) boots; names were not joined to the trace, because nothing says "
            + "which boot it belongs to"))
      return
    }
    guard let match = bestMatch(windows, log) else {
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

  private struct Match {
    var offset: Int64
    /// For each window the index of its line.
    var probes: [Int?]
    var count = 0
    /// The longest delay between entry and line, in nanoseconds.
    var worst: Int64 = 0
  }

  private static func bestMatch(_ windows: [ProbeWindow], _ log: LogFacts) -> Match? {
    var offsets: [Int64] = [0]
    if let offset = log.clockOffset { offsets.append(offset) }
    let matches = offsets.map { match(windows, log, offset: $0) }
    guard let best = matches.max(by: { $0.count < $1.count }), best.count > 0 else { return nil }
    // Two clocks that fit equally well would name different devices: then neither is believed.
    let rivals = matches.filter { $0.count == best.count && $0.probes != best.probes }
    return rivals.isEmpty ? best : nil
  }

  /// Each window takes the one line that was printed right behind its entry; a second candidate makes it nobody's.
  private static func match(_ windows: [ProbeWindow], _ log: LogFacts, offset: Int64) -> Match {
    var match = Match(offset: offset, probes: [])
    let lines = log.probes.enumerated().compactMap { index, probe in
      probe.witness.time.map { (time: $0.value, index: index) }
    }.sorted { $0.time < $1.time }
    for window in windows {
      guard let entry = window.entry.time?.value else {
        match.probes.append(nil)
        continue
      }
      let expected = entry + offset
      let low = firstIndex(in: lines, notBefore: expected - skew)
      var candidates: [Int] = []
      var index = low
      while index < lines.count, lines[index].time <= expected + longestDelay, candidates.count < 2 {
        candidates.append(index)
        index += 1
      }
      if candidates.count == 1, let only = candidates.first {
        match.probes.append(lines[only].index)
        match.count += 1
        match.worst = max(match.worst, abs(lines[only].time - expected))
      } else {
        match.probes.append(nil)
      }
    }
    return match
  }

  private static func firstIndex(in lines: [(time: Int64, index: Int)], notBefore time: Int64) -> Int {
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
