/// Kernel log and trace on one clock: windows without a device take it from the lines of the same probe, and devices
/// their group from the lines that announce it.
///
/// printk stamps a line with the scheduler known. `trace_clock` global and perf count the same; `local` counts the
/// raw clock, and the log says what lies between (`sched_clock: Marking stable`). Which one the trace used is
/// written nowhere, so both are tried. Of other clocks the offset is fitted on what both sides show. Whatever is not
/// the only answer names nothing: a log of another boot may fit by chance.
struct LogJoin {
  /// What the joining came to for one boot of the trace.
  enum Outcome: Sendable {
    /// There was nothing to compare.
    case open
    /// The log's boots with these indices are this boot, and their clock is `offset` nanoseconds ahead of the trace's.
    case joined([Int], offset: Int64)
    /// No boot of the log is this one, or it is not known which. `isTold`: a diagnostic says so already.
    case refused(isTold: Bool)
  }

  /// What is known beforehand.
  struct Knowledge: Sendable {
    /// printk time less trace time in nanoseconds, as the user says.
    var offset: Int64?
    /// Sources whose clock counts something else than time.
    var ticking: Set<Int> = []
    /// `uname -r` by source, where a trace header names it.
    var releases: [Int: String] = [:]
    /// The groups of devices by a listing: a log whose beginning is missing does not announce them.
    var listed: [NameID: Int] = [:]
  }

  private let log: LogFacts
  private let known: Knowledge
  private var diagnostics: [Diagnostic] = []
  /// What may still be compared, in windows and votes.
  private var patience = 1 << 25
  /// The probes of each boot by their beginnings, and its groups.
  private var lines: [[ClockFit.Line]] = []
  private var lives: [GroupLives] = []

  /// Odds, as a binary logarithm, from which on a fit is no chance.
  private static let enoughWeight = 10.0
  /// Votes for clocks that are held at one time, 16 bytes each.
  private static let mostVotes = 1 << 18

  private init(_ log: LogFacts, _ known: Knowledge) {
    self.log = log
    self.known = known
  }

  /// Names what can be named; what each boot of the trace came to.
  static func join<Sink: CallSink>(
    _ log: LogFacts, with assembler: inout CallAssembler<Sink>, known: Knowledge, names: borrowing NameTable,
    diagnostics: inout [Diagnostic]
  ) -> [Outcome] {
    var join = LogJoin(log, known)
    join.lines = log.boots.map { Self.sorted($0, names) }
    join.lives = log.boots.map { GroupLives($0) }
    var outcomes: [Outcome] = []
    for boot in 0...assembler.boot {
      outcomes.append(join.join(boot, with: &assembler, names: names))
    }
    diagnostics += join.diagnostics
    return outcomes
  }

  private mutating func join<Sink: CallSink>(
    _ boot: Int, with assembler: inout CallAssembler<Sink>, names: borrowing NameTable
  ) -> Outcome {
    var windows = assembler.seen.filter { $0.boot == boot }
    // The pointer of a device is not its name, and contradicts none.
    for place in windows.indices {
      if let device = windows[place].device, names.withBytes(device, DeviceAliases.isPointer) {
        windows[place].device = nil
      }
    }
    guard let first = windows.first, !log.boots.allSatisfy(\.probes.isEmpty) else { return .open }
    let wanting = windows.count { !$0.uses.isEmpty }
    let source = first.entry.at.source
    let possible = log.boots.indices.filter { index in
      guard !log.boots[index].probes.isEmpty else { return false }
      return !isOfAnotherKernel(log.boots[index], source, names)
    }
    guard !possible.isEmpty else { return .refused(isTold: true) }
    if known.ticking.contains(source) {
      if wanting > 0 {
        note(
          source,
          "this trace's clock counts something else than time (counter, uptime, x86-tsc), so the kernel log was not "
            + "joined to it"
            + (known.offset == nil ? "" : ", and --clock-offset has no meaning for it")
            + ". Record with trace_clock=global")
      }
      return .open
    }
    guard !possible.allSatisfy({ lines[$0].isEmpty }) else {
      if wanting > 0 {
        note(
          source,
          "the kernel log has no times since boot, so it was not joined to the trace. `dmesg` without -T prints them, and so "
            + "does `journalctl -k -o short-monotonic`"
        )
      }
      return .open
    }
    guard windows.contains(where: { $0.start != nil }) else {
      if wanting > 0 {
        note(source, "this trace has no timestamps, so the kernel log was not joined to it")
      }
      return .open
    }
    patience -= cost(windows, possible)
    guard patience >= 0 else {
      note(
        source,
        "there are too many boots in the kernel logs, and too many in the trace, to compare all of them; nothing was joined"
      )
      return .refused(isTold: true)
    }
    let fits = self.fits(windows, possible)
    guard let best = best(fits, windows) else {
      refuse(fits, wanting: wanting, source)
      return .refused(isTold: wanting > 0)
    }
    name(windows, best.boot, best.fit, in: &assembler)
    tell(windows, best, source, isLast: boot == assembler.boot)
    let same = fits.filter { 2 * $0.fit.pairs >= best.fit.pairs }.map(\.boot)
    return .joined(same.uniqued, offset: best.fit.offset)
  }

  // MARK: - Fits

  private struct Candidate {
    var boot: Int
    var fit: ClockFit
    var isFitted: Bool
  }

  /// What it takes at most to try every boot, roughly: each window for each offset, and each vote.
  private func cost(_ windows: [SeenWindow], _ boots: [Int]) -> Int {
    boots.reduce(0) { sum, index in
      let votes = min(mostVotes(of: boots), windows.count * lines[index].count)
      return sum + (ClockVote.finalists + 2) * (windows.count + 8) + votes
    }
  }

  /// Votes on the offset of one of these boots.
  private func mostVotes(of boots: [Int]) -> Int { max(20_000, Self.mostVotes / boots.count) }

  /// Every fit that is no chance: on the clocks that are known, or else on one that the anchors give.
  private func fits(_ windows: [SeenWindow], _ boots: [Int]) -> [Candidate] {
    var found: [Candidate] = []
    // A boot that was given up might have fitted as well.
    let trials = ClockFit.binaryLogarithm(Double(2 * (boots.count + log.emptied)))
    for index in boots {
      let boot = log.boots[index]
      var offsets: [Int64] = known.offset.map { [$0] } ?? [0]
      if known.offset == nil, let stable = boot.clockOffset, stable != 0 { offsets.append(stable) }
      for offset in offsets {
        var fit = ClockFit(windows, boot, lines[index], offset: offset)
        if fit.strangers > 0 {
          // A window without a line shows that lines are missing or of another boot. The others may have been given to
          // the wrong windows as well, unless something else says that they are right.
          let isEnough = fit.confirmed >= 2 && fit.confirmed >= 2 * fit.strangers
          guard isEnough || boot.hasLoss && fit.confirmed >= 1 else { continue }
          fit.keepConfirmed()
        }
        guard fit.pairs > 0, known.offset != nil || fit.weight >= Self.enoughWeight + trials else { continue }
        found.append(Candidate(boot: index, fit: fit, isFitted: false))
      }
    }
    if !found.isEmpty || known.offset != nil { return found }
    for index in boots {
      let (offsets, tried) = ClockVote.offsets(
        windows, log.boots[index], lines[index], limit: mostVotes(of: boots))
      let needed = Self.enoughWeight + trials + ClockFit.binaryLogarithm(Double(tried))
      for offset in offsets {
        let fit = ClockFit(windows, log.boots[index], lines[index], offset: offset)
        // Its own offset proves nothing: every window must have its line, and every line its window.
        guard fit.pairs >= 3, fit.strangers == 0, fit.strays == 0, fit.weight - fit.greatestWeight >= needed
        else { continue }
        found.append(Candidate(boot: index, fit: fit, isFitted: true))
      }
    }
    return found
  }

  /// The best fit, unless another one that is not much worse would name something else.
  private func best(_ fits: [Candidate], _ windows: [SeenWindow]) -> Candidate? {
    guard
      let best = fits.max(by: { ($0.fit.pairs, $0.fit.weight) < ($1.fit.pairs, $1.fit.weight) })
    else { return nil }
    let isUnique = fits.allSatisfy { 2 * $0.fit.pairs < best.fit.pairs || agree($0, best, windows) }
    return isUnique ? best : nil
  }

  /// Whether two fits give every window that needs a name the same one.
  private func agree(_ left: Candidate, _ right: Candidate, _ windows: [SeenWindow]) -> Bool {
    windows.indices.allSatisfy { place in
      guard let first = left.fit.lines[place], let second = right.fit.lines[place] else { return true }
      let one = log.boots[left.boot].probes[first]
      let other = log.boots[right.boot].probes[second]
      return one.device == other.device
        && lives[left.boot].place(of: one.device, before: one)?.id
          == lives[right.boot].place(of: other.device, before: other)?.id
    }
  }

  private static func sorted(_ boot: LogBoot, _ names: borrowing NameTable) -> [ClockFit.Line] {
    var lines: [ClockFit.Line] = []
    for (index, probe) in boot.probes.enumerated() {
      guard let time = probe.start else { continue }
      let isManaged = probe.driver.map { names.withBytes($0, ManagedDriver.isManaged) } ?? false
      lines.append(ClockFit.Line(time: time, index: index, isManaged: isManaged))
    }
    lines.sort { ($0.time, $0.index) < ($1.time, $1.index) }
    return lines
  }

  // MARK: - Names

  private func name<Sink: CallSink>(
    _ windows: [SeenWindow], _ index: Int, _ fit: ClockFit, in assembler: inout CallAssembler<Sink>
  ) {
    let boot = log.boots[index]
    for (place, window) in windows.enumerated() {
      guard let line = fit.lines[place], !window.uses.isEmpty else { continue }
      let probe = boot.probes[line]
      var window = window
      // The device may have left the group since without a word, and the group with it.
      if lives[index].mayHaveLeft(probe.device, since: probe) { window.hasLoss = true }
      let membership = self.place(of: probe, index, isLast: window.boot == assembler.boot)
      assembler.attribute(
        window, device: probe.device, driver: probe.driver, group: membership, witness: probe.witness)
    }
  }

  /// The group of a probe's device by the log, or, where the log never announces the device, by a listing.
  private func place(of probe: LogProbe, _ boot: Int, isLast: Bool) -> GroupLives.Place? {
    if let place = lives[boot].place(of: probe.device, before: probe) { return place }
    guard isLast, !lives[boot].announces(probe.device) else { return nil }
    return known.listed[probe.device].map { GroupLives.Place(id: $0, life: 0) }
  }

  // MARK: - Words

  private mutating func note(_ source: Int?, _ message: String, line: Int? = nil) {
    diagnostics.append(Diagnostic(level: .note, source: source, line: line, message: message))
  }

  /// Whether trace and log name different kernels.
  private mutating func isOfAnotherKernel(_ boot: LogBoot, _ source: Int, _ names: borrowing NameTable)
    -> Bool
  {
    guard let traced = known.releases[source], let release = boot.release.map(names.text), traced != release
    else { return false }
    diagnostics.append(
      Diagnostic(
        level: .warning, source: boot.source, line: boot.first.at.line,
        message: "this log is of a kernel \(release), the trace of a kernel \(traced); they were not joined"))
    return true
  }

  private mutating func refuse(_ fits: [Candidate], wanting: Int, _ source: Int) {
    guard wanting > 0 else { return }
    if !fits.isEmpty {
      note(
        source,
        "the kernel log fits the trace's really_probe() windows in more than one way, and they name different devices; "
          + "nothing was joined" + (log.boots.count > 1 ? ". The log is one of several boots" : ""))
    } else if known.offset != nil {
      note(
        source,
        "with --clock-offset the kernel log's probe lines do not fit the trace's really_probe() windows; nothing was "
          + "joined")
    } else {
      note(
        source,
        "the kernel log's probe lines do not fit the trace's really_probe() windows on any clock; nothing "
          + "was joined. They may belong to another boot")
    }
  }

  private mutating func tell(_ windows: [SeenWindow], _ best: Candidate, _ source: Int, isLast: Bool) {
    let wanting = windows.indices.filter { !windows[$0].uses.isEmpty }
    let named = wanting.count { best.fit.lines[$0] != nil }
    let delays = best.fit.delays ?? 0...0
    let worst = max(delays.lowerBound.magnitude, delays.upperBound.magnitude)
    var message =
      wanting.isEmpty
      ? "the kernel log is of the same boot: \(best.fit.pairs) of \(windows.count) really_probe() windows fit its lines"
      : "\(named) of \(wanting.count) really_probe() windows took device and driver from the kernel log"
    message += " (clock offset \(Nanoseconds(best.fit.offset).secondsText) s"
    if known.offset != nil {
      message += " as --clock-offset says"
    } else if best.isFitted {
      message += ", fitted on \(best.fit.pairs) windows"
    }
    message += ", \(worst / 1000) us apart at most"
    let confirmed = (wanting.isEmpty ? Array(windows.indices) : wanting).count { best.fit.isConfirmed[$0] }
    if confirmed > 0 { message += "; \(confirmed) confirmed by a second line" }
    message += ")"
    let boot = log.boots[best.boot]
    let homeless = wanting.count { window in
      best.fit.lines[window].map {
        place(of: boot.probes[$0], best.boot, isLast: isLast) == nil
      } ?? false
    }
    if homeless > 0 {
      message +=
        ". For \(homeless) of them no line tells the group: add the beginning of the log, or a listing"
    }
    if best.fit.strangers > 0 {
      message +=
        ". Of \(best.fit.strangers) more the log has no line, so only what a second line confirms was believed"
    }
    note(
      log.boots.count > 1 ? log.boots[best.boot].source : nil, message,
      line: log.boots.count > 1 ? log.boots[best.boot].first.at.line : nil)
  }
}

extension [Int] {
  /// Each number once, in order.
  fileprivate var uniqued: [Int] {
    var seen: Set<Int> = []
    return filter { seen.insert($0).inserted }
  }
}
