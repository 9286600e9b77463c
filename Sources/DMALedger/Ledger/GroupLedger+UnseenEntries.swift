/// Calls that took effect at another time than their lines say: before others that were told before them.
extension GroupLedger {
  /// What rests on nobody having been there beside the calls before this one proves nothing. True where there are any
  /// that it may have met. Where nobody watches its entry it is taken to have come last, unless it `isContradicted` by them,
  /// or one of them by itself.
  mutating func meetEarlier(_ call: OwnershipCall, isContradicted: Bool = false) -> Bool {
    guard call.isEntryMissed || call.isEntryUnseen else { return false }
    // A query changes nothing, but what it found those may have changed since.
    let mayBeQuery = call.kind == .query && !isContradicted
    guard mayBeQuery || call.kind != .query && call.result ?? 0 == 0 else { return false }
    guard call.isEntryMissed || isContradicted || meetsContradiction(call) else { return false }
    let met = changes.kept.reversed().prefix { mayHaveMet($0.call, call) }
    guard let first = met.map(\.call.entry.at).min() else { return false }
    if mayBeQuery { return true }
    retract(behind: first, met.map(\.step))
    // It may have come before them.
    widen(met.filter(\.call.contradictsItsReading).map(\.step), by: call.kind)
    // Whoever owned the group before a release, and how often, those calls do not show.
    if call.kind.isRelease { history.doubt(met.map(\.step)) }
    return true
  }

  /// Whether a call came that it may have met and to which somebody came between its reading and its code.
  private func meetsContradiction(_ call: OwnershipCall) -> Bool {
    changes.kept.suffix(Self.mostMet).contains {
      $0.call.contradictsItsReading && mayHaveMet($0.call, call)
    }
  }

  /// Defects that rest on nobody having been beside these calls, the first of which was entered there, are none.
  private mutating func retract(behind first: LineReference, _ steps: [Int]) {
    for place in anomalies.indices where anomalies[place].witness.at >= first {
      switch anomalies[place].kind {
      case .overRelease(let other, _), .releaseUnowned(let other):
        anomalies[place].kind = .impossible(other)
      case .pasidBlocked(let other):
        anomalies[place].kind = .impossible(other)
        // It may have given back after all.
        history.widen(
          changes.kept.filter { $0.call.entry.at == other.entry.at }.map(\.step), low: -1, high: 0)
      case .stolen, .swallowed, .freed, .impossible: break
      }
    }
    for index in devices.indices {
      for place in devices[index].leaks.indices where devices[index].leaks[place].cause == .blocked {
        guard steps.contains(devices[index].leaks[place].step) else { continue }
        devices[index].leaks[place].countsProve = nil
        devices[index].leaks[place].certainty = .suspected
      }
    }
  }

  /// Calls that show no entry were at the group before the capture began, and in any order.
  mutating func doubtUnseenEntries() {
    var isDoubted = false
    for place in anomalies.indices {
      guard case .releaseUnowned(let call) = anomalies[place].kind, call.isEntryUnseen else { continue }
      anomalies[place].kind = .impossible(call)
      isDoubted = true
    }
    if isDoubted, let first = changes.kept.first(where: \.call.isEntryUnseen) {
      history.loosen(from: first.step)
    }
  }

  /// A call that nothing names took effect behind a line, and maybe here: around any of the calls since then.
  mutating func meetUnplaced(_ call: OwnershipCall, since line: LineReference?) {
    let met = changes.kept.suffix(Self.mostMet).filter { entry in
      let other = entry.call
      if line.map({ (other.exit ?? other.entry).at <= $0 }) ?? false { return false }
      return mayHaveMet(other, call) && (call.isEntryUnseen || mayHaveMet(call, other))
    }
    guard let first = met.first else { return }
    // Behind the one before them, too.
    let steps = (changes.kept.last { $0.step < first.step }.map { [$0.step] } ?? []) + met.map(\.step)
    widen(steps, by: call.kind)
    // What they read may show it, as that of whoever had taken a reference by then.
    let last = steps.last ?? first.step
    if call.kind == .unuse, devices.contains(where: { $0.isHolding && $0.holdingStep < last }) {
      shownUnuses.most += 1
    }
    if call.kind == .release { history.loosen(from: first.step) }
  }

  /// A call may have come with any of these steps, but for a release, which brings whatever it finds to 0.
  private mutating func widen(_ steps: [Int], by kind: OwnershipCallKind) {
    switch kind {
    case .use, .claim, .deviceClaim: history.widen(steps, low: 0, high: 1)
    case .unuse, .deviceRelease: history.widen(steps, low: -1, high: 0)
    case .release, .query: break
    }
  }

  /// Whose returns these were is not known after all.
  mutating func forgetResults(of kind: OwnershipCallKind, since line: LineReference) {
    for step in changes.forgetResults(of: kind, since: line) {
      history.forget(step)
      refusals.forget(step)
    }
  }

  /// So many calls come to a group at most while another one waits for it.
  private static var mostMet: Int { 64 }

  private func mayHaveMet(_ earlier: OwnershipCall, _ late: OwnershipCall) -> Bool {
    if earlier.pid == late.pid, late.pid >= 0 { return false }
    guard let then = earlier.time, let now = late.time, then.isSane, now.isSane else { return true }
    return now.value - then.value <= OwnershipCall.longestWait
  }
}
