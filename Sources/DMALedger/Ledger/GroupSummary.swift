/// What the ledger of a group comes to: counts narrowed in both directions, who holds what, and the verdict.
struct GroupSummary: Sendable {
  let ledger: GroupLedger
  let initial: Count
  let final: Count
  let peak: Count
  /// Before and after of every step of the history.
  let counts: NarrowedCounts
  /// References held by right when the capture ends, as far as it shows.
  let held: Int
  /// References proved to belong to nobody.
  let leaked: Int
  /// Leaks that a pattern alone suggests.
  let suspected: Int
  /// The final count less its legitimate holders.
  let excess: Count
  /// Who the holders are the calls themselves show, and no listing is needed for it.
  let seesHolders: Bool
  /// The verdict by the counts; a finding that proves a defect outweighs it.
  let verdict: Verdict
  let reasons: [String]

  /// `useIsTraceable`: every use would have been seen, so that a member that shows none holds nothing.
  /// `unuseIsTraceable`: every unuse would have been seen, so that a count stays up until one is.
  /// `order`: where lines really stand.
  init(_ ledger: GroupLedger, useIsTraceable: Bool, unuseIsTraceable: Bool, order: SourceOrder) {
    var ledger = ledger
    let narrowed = ledger.history.narrowed()
    // Whoever has held the group all along was in every count that was read.
    if let lowest = narrowed.lowest, ledger.owner != .user, lowest < ledger.listedHolders.count {
      ledger.isListingRefuted = true
    }
    self.ledger = ledger
    initial = narrowed.initial
    counts = narrowed
    var final = narrowed.final
    let readsCounts = ledger.changes.readsCounts
    var peak = narrowed.peak
    // While events were lost it may have been higher.
    if ledger.losses > 0 { peak.max = nil }
    let leaks = ledger.devices.flatMap(\.leaks)
    leaked = leaks.filter { $0.certainty > .suspected }.references
    let removed = ledger.devices.filter { $0.holding != nil && $0.isRemoved }.count
    suspected = leaks.references - leaked + removed
    let listed = ledger.listedHolders.count
    held = ledger.devices.filter { $0.holding != nil }.count - removed + listed
    // Holders whose unuse was not seen may hold nothing any more; the listed ones do.
    let gone = min(held - listed, ledger.hiddenUnuses)
    if ledger.owner != .user, listed > 0, let narrower = final.intersection(Count(min: held - gone, max: nil))
    {
      final = narrower
    }
    self.final = final
    // A listing tells more of the last count than any call.
    peak.min = max(peak.min, final.min)
    self.peak = peak
    let isContradicted = ledger.anomalies.contains { if case .impossible = $0.kind { true } else { false } }
    seesHolders = ledger.hasAllMembers && useIsTraceable
    let knowsHolders =
      (seesHolders || ledger.listingIsConfirmed) && !isContradicted
      // What may have been given back unseen is no excess, unless the counts were read.
      && (suspected == 0 || readsCounts)
    var excess = Self.excess(
      ledger, final: final, held: held, gone: min(gone, ledger.shownUnuses.most),
      leaked: leaked, knowsHolders: knowsHolders)
    // What an unbind or a failed probe gives back is not seen: no excess may be told from what is left.
    if !unuseIsTraceable {
      excess.min = leaked
      // Nor is a driver bound for sure whose probe nobody watches, and where no count tells what is left it may have failed.
      if ledger.owner != .user, final.exact == nil {
        let unsure = ledger.devices.count { device in
          device.isBound != true && device.holding.map { $0.window == nil } ?? false
        }
        excess.max = Count.lesser(excess.max.map { $0 + unsure }, final.max)
      }
    }
    self.excess = excess
    let isBlind =
      !unuseIsTraceable && ledger.devices.contains { $0.holding != nil && $0.isBound == false }
    (verdict, reasons) = Self.judge(
      ledger, initial: initial, final: final, excess: excess, suspected: suspected, isBlind: isBlind,
      order: order)
  }

  /// References whose holder the capture does not show.
  var unexplained: Count {
    if ledger.owner == .user { return Count(exactly: 0) }
    return final.shifted(by: -(held + leaked))
  }

  private static func excess(
    _ ledger: GroupLedger, final: Count, held: Int, gone: Int, leaked: Int, knowsHolders: Bool
  ) -> Count {
    // An owner got in when the count was 0: whatever it is now is the owner's.
    if ledger.owner == .user { return Count(exactly: 0) }
    var excess = final.shifted(by: -held)
    // Members that the capture never names may hold references by right, and so do drivers that are being removed until
    // their unuse comes.
    let silent = ledger.hasAllMembers ? 0 : ledger.listedIdle
    let leaving = ledger.devices.count { $0.holding != nil && $0.isRemoved }
    excess.min =
      knowsHolders
      ? ledger.ownerless(
        excess.min - silent - leaving, owner: ledger.owner, idle: ledger.devices.count { $0.holding == nil })
      : 0
    // A use that read an owner and whose code nobody saw was refused, unless that one had let go meanwhile.
    let mayBeRefused = ledger.devices.count { device in
      device.holding.map { $0.result == nil && $0.ownerBefore ?? 0 != 0 } ?? false
    }
    // What a holder that was gone when the count was read seems to hold is somebody else's, and so is what one holds
    // that a listing shows without its driver.
    excess.max = excess.max.map { $0 + max(gone, ledger.listedWithoutDriver) + mayBeRefused }
    excess.min = max(excess.min, leaked)
    if let max = excess.max, max < excess.min { excess.min = max }
    return excess
  }

  /// A holder whose reference is not in the count any more: somebody else gave it back.
  private static func stolenReason(_ ledger: GroupLedger, final: Count, _ order: SourceOrder) -> String? {
    // No driver holds anything of an owned group: whatever it gave back was the owner's.
    if let theft = ledger.changes.theft {
      return
        "the unuse in line \(order.real(theft.entry.at).line) found the group owned, so it may have taken a reference of the "
        + "owner's"
    }
    if ledger.owner == .user, final.max == 0 {
      return "the group has an owner and a count of 0, so a driver gave back what the owner had taken"
    }
    let taken = ledger.devices.reduce(0) { sum, device in
      sum + (device.holding?.result == 0 ? 1 : 0) + device.leaks.filter { $0.certainty == .proved }.references
    }
    let held = taken - ledger.hiddenUnuses
    if ledger.owner == .user, held > 0 {
      return "the group was claimed although a driver that took a reference has not given it back"
    }
    if let max = final.max, max < held {
      return
        "the count is lower than what was taken and not given back, so another device gave back one of the references"
    }
    return nil
  }

  private static func judge(
    _ ledger: GroupLedger, initial: Count, final: Count, excess: Count, suspected: Int, isBlind: Bool,
    order: SourceOrder
  ) -> (Verdict, [String]) {
    let pastLeaks = ledger.pastLeaks.count { $0.leak.certainty > .suspected }
    let isBroken = ledger.anomalies.contains {
      switch $0.kind {
      case .overRelease(_, let certainty), .stolen(_, _, let certainty): certainty > .suspected
      case .releaseUnowned, .pasidBlocked, .swallowed, .freed: true
      case .impossible: false
      }
    }
    if excess.min > 0 || pastLeaks > 0 || isBroken { return (.unbalanced, []) }
    let contradictions = ledger.anomalies.compactMap { anomaly -> OwnershipCall? in
      if case .impossible(let call) = anomaly.kind { call } else { nil }
    }
    let stolen = stolenReason(ledger, final: final, order)
    let isOpenTheft = ledger.anomalies.contains {
      if case .stolen(_, _, .suspected) = $0.kind { true } else { false }
    }
    if excess.max == 0, suspected == 0, contradictions.isEmpty, stolen == nil, !isOpenTheft, !isBlind,
      ledger.doubtedBind == nil
    {
      return (.balanced, [])
    }
    var reasons: [String] = []
    if let stolen { reasons.append(stolen) }
    if isBlind {
      reasons.append(
        "a driver was unbound, but no unuse appears anywhere in the capture; make sure it is traced")
    }
    if let first = contradictions.first {
      reasons.append(
        "line \(order.real(first.entry.at).line) contradicts what came before it, so events are missing or were misread"
      )
    }
    if suspected > 0 {
      reasons.append(
        suspected == 1
          ? "a reference may have been left behind, but the lines that would prove it are not in the capture"
          : "\(suspected) references may have been left behind, but the lines that would prove it are not in the capture"
      )
    }
    if let use = ledger.doubtedBind {
      reasons.append(
        "the use in line \(order.real(use).line) was most likely refused, and a driver was bound all the same, which may give "
          + "back what another one took")
    }
    if isOpenTheft {
      reasons.append(
        "a device gave back what it had not taken, and nothing says whether the group had a reference to lose"
      )
    }
    if final.max == nil {
      reasons.append(
        ledger.losses > 0
          ? "events were lost, and nothing after that says what the count is"
          : "nothing in the capture says what the count is")
    } else if let open = excess.max, open > 0 {
      let whose = ledger.losses > 0 ? "events that were lost would show whose" : "nothing shows whose"
      reasons.append(
        "\(open == 1 ? "1 reference was" : "up to \(open) references were") taken outside what the capture shows, "
          + "and \(whose) \(open == 1 ? "it is" : "they are")")
    }
    return (.inconclusive, reasons)
  }
}
