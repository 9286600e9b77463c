/// What kernel drivers do to a group: they take a reference when they are bound and give it back when they let go.
extension GroupLedger {
  mutating func applyUse(
    _ call: OwnershipCall, _ step: inout CountHistory.Step, _ context: CallContext
  ) {
    switch call.result {
    case 0:
      step.low = 1
      step.high = 1
      step.post = Count(min: 1, max: nil)
      if mayComeEarlier, call.countAfter == nil {
        // What those before it read may be what it left.
        step.low = 0
        step.post = .unknown
      }
      // Where its reference was taken from it, nothing keeps drivers out, and it stays the owner.
      let isIllegal = owner == .user && count.exact == 0
      // An owner that was read beside others, or of a count that may be 0, is there still or has let go.
      let mayBeOwned =
        owner == .user
        ? max(count.min, step.pre.min) == 0 : !readsAlone && call.ownerAfter ?? call.ownerBefore ?? 0 != 0
      if owner == .user, !mayBeOwned {
        // The owner must have let go unseen, after whatever was read; what the count was then is not known.
        step.isBreak = true
        step.pre = .unknown
        readsAlone = false
        note(.impossible(call))
      }
      record(call, step, .proved)
      if !isIllegal { owner = mayBeOwned ? .unknown : .none }
      take(call, context)
    case let code?:
      // -EBUSY needs a count: it is owned, or a foreign domain is attached while it is used.
      if code == -16, let narrower = step.pre.intersection(Count(min: 1, max: nil)) { step.pre = narrower }
      record(call, step, .proved)
      if code == -16 { refusals.refuseBind(call) }
    case nil:
      step.high = 1
      record(call, step, call.countAfter == nil ? .suspected : .proved)
      if context.isUsePlausible { take(call, context) }
    }
  }

  private mutating func take(_ call: OwnershipCall, _ context: CallContext) {
    guard let device = call.device else { return }
    let index = account(device)
    let isSameWindow = call.window != nil && devices[index].holding?.window == call.window
    // Between two windows that only a log named, the unuse may be one of those that nothing names.
    if let earlier = devices[index].holding, isSameWindow || !call.isNamedLater {
      var leak = Leak(
        cause: isSameWindow ? .testRemove : .unexplained, use: earlier, again: call, remove: context.remove,
        window: context.windowEntry, naming: context.naming, certainty: .suspected,
        step: history.count - 1)
      if isSameWindow {
        leak.countsProve = countsProve(call, after: earlier, since: devices[index].holdingStep)
        leak.awaitsUnuse = leak.countsProve == nil && awaitsUnuse(leak, context)
        // Names alone: a second pass runs only where the first use succeeded, and log lines say where. Of an owned
        // group no use succeeds, and a bus may take no notice.
        let isNamesOnly =
          leak.use.result == nil && call.result == nil && !call.isNamedLater && !context.spansLoss
          && leak.use.ownerBefore ?? 0 == 0 && call.ownerBefore ?? 0 == 0
        if leak.countsProve == nil, isNamesOnly {
          leak.awaitsUnuse = true
          leak.promise = .consistent
        }
        leak.certainty = leakCertainty(leak, context)
      }
      keep(leak, of: index)
    }
    devices[index].holding = call
    if call.result == nil { hasUnsureHolders = true }
    devices[index].holdingStep = history.count - 1
    devices[index].unusesBefore = context.isDisturbed ? nil : unseen.unuses
    devices[index].givenBackAt = nil
    givingBack[device] = nil
    devices[index].isRemoved = false
    devices[index].driver = call.driver ?? devices[index].driver
    devices[index].lastDriver = call.driver ?? devices[index].lastDriver
  }

  /// The group is idle: a use whose code is not known was refused, or has been given back.
  mutating func dropUnsureHolders() {
    hasUnsureHolders = false
    for index in devices.indices {
      guard let use = devices[index].holding, use.result == nil else { continue }
      // Whoever is bound would be seen to give back what it took.
      if devices[index].isBound == true, watch.unuses { swallow(use, bound: nil, isSure: false) }
      devices[index].holding = nil
    }
  }

  /// A leak is proved by the counts themselves, or by return codes where a release would have been seen.
  func leakCertainty(_ leak: Leak, _ context: CallContext) -> Certainty {
    if leak.use.isNamedLater {
      return context.spansLoss || !context.unuseIsTraceable ? .suspected : .consistent
    }
    if let proof = leak.countsProve { return proof ? .proved : .suspected }
    return leak.awaitsUnuse && context.unuseIsTraceable && isWatched(leak) ? leak.promise : .suspected
  }

  /// Whether the unuse that is missing would have been seen. A hook that calls it shows where none was called; where it ran,
  /// only the unuse itself tells.
  func isWatched(_ leak: Leak) -> Bool { leak.cause == .testRemove || watch.unuses }

  /// Whether the count that the second use read shows that nothing was given back since the first: it is what the
  /// history foretold, or one more than the first one read with nobody else in between. `nil` where it was not read.
  private func countsProve(_ again: OwnershipCall, after first: OwnershipCall, since step: Int) -> Bool? {
    guard let read = countRead(again, isAlone: readsAlone) else { return nil }
    // A history that broke in between foretells nothing about what came before the break.
    if step < history.count - 1, history.hasBreak(in: step + 1...history.count - 1) {
      return false
    }
    if history.mayHaveMovedUnseen(between: step, and: history.count - 1) {
      // As high as it can be: nothing of what may have come back unseen did. What was read in between does not tell that.
      if let most = history.most(between: step, and: history.count - 1) { return read == most }
    } else if let exact = foretold.exact {
      return exact == read
    }
    guard let before = countRead(first, isAlone: first.arrivedAlone) else { return nil }
    return foretoldSerial == step + 1 && read == before + 1
  }

  /// The count that a successful use found: as its entry read it, or one less than its return did.
  private func countRead(_ use: OwnershipCall, isAlone: Bool) -> Int? {
    if isAlone, let before = use.countBefore { return before }
    if isOverlapped { return use.countBefore == found ? found : nil }
    guard use.result == 0, use.arrivedAlone, !use.wasJoined else { return nil }
    return use.countAfter.map { $0 - 1 }
  }

  func awaitsUnuse(_ leak: Leak, _ context: CallContext) -> Bool {
    !leak.use.isNamedLater && leak.use.result == 0 && leak.again?.result ?? 0 == 0 && !context.spansLoss
  }

  mutating func applyUnuse(
    _ call: OwnershipCall, _ step: inout CountHistory.Step, _ context: CallContext
  ) {
    // A count that the call itself read as something else is believed, even where it was not alone.
    let isFoundAtZero = isOverlapped ? found == 0 : count.exact == 0
    // Beside others it read 0, and in every order that is possible found just that.
    let isReadBesideOthers = isOverlapped && found == 0 && call.countBefore == 0
    let isAtZero =
      step.pre.exact == 0 || call.countBefore == nil && isFoundAtZero || isReadBesideOthers
    if isAtZero {
      let isRead = step.pre.exact == 0 || isReadBesideOthers
      if isRead || context.useIsTraceable && changes.sawUse && !mayComeEarlier {
        note(.overRelease(call, isRead ? .proved : .consistent))
        record(call, step, isRead ? .proved : .consistent)
        giveBack(call, context)
        return
      }
      // A use that no probe watched must have come before, or this one did where its entry was missed.
      step.isBreak = true
    }
    if call.leavesCount, step.pre.exact != nil, !call.wasJoined {
      // The kernel refuses while a PASID is attached; the count stays.
      record(call, step, .proved)
      note(.pasidBlocked(call))
      if let device = call.device { leaveBlocked(device) }
      return
    }
    step.low = -1
    step.high = mayComeEarlier && call.countAfter == nil ? 0 : -1
    let holdsNothing = call.device.flatMap({ deviceIndex[$0] }).map({ devices[$0].holding == nil }) ?? true
    let grouplessUse = holdsNothing ? context.grouplessUse : nil
    let leastFound = max(step.pre.min, isOverlapped ? found ?? 0 : count.min)
    // A driver that is bound although its use was refused gives back what is another's, who then finds nothing to give back.
    if holdsNothing, let device = call.device, refusals.binds.contains(where: { $0.device == device }) {
      isRobbed = true
    }
    let readNone = call.countBefore == 0 && (!isOverlapped || found ?? 0 == 0)
    if readNone || isRobbed && leastFound == 0 || !isOverlapped && grouplessUse != nil && leastFound == 0 {
      // It gave back what came after the reading, or found none, which the kernel only warns of.
      step.high = 0
    } else {
      step.pre = step.pre.intersection(Count(min: 1, max: nil)) ?? step.pre
    }
    record(call, step, call.countBefore == nil ? .consistent : .proved)
    if let use = grouplessUse { note(.stolen(call, use: use, leastFound > 0 ? .proved : .suspected)) }
    giveBack(call, context)
  }

  private mutating func giveBack(_ call: OwnershipCall, _ context: CallContext) {
    guard let device = call.device else { return }
    let isNew = deviceIndex[device] == nil
    let index = account(device)
    if isNew, !context.deviceWasProbed {
      devices[index].wasBoundBefore = true
      devices[index].firstUnuse = call
    }
    letGo(device)
    devices[index].driver = call.driver ?? devices[index].driver
    devices[index].lastDriver = call.driver ?? devices[index].lastDriver
  }

  /// A device holds nothing any more.
  mutating func letGo(_ device: NameID) {
    guard let index = deviceIndex[device] else { return }
    devices[index].holding = nil
    devices[index].isRemoved = false
    devices[index].isBound = false
  }

  /// Whether a device holds anything nobody knows.
  mutating func forgetHolder(_ device: NameID) {
    guard let index = deviceIndex[device] else { return }
    letGo(device)
    devices[index].isBound = nil
  }
}
