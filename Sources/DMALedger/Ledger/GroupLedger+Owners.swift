/// What user space does to a group: it asks, claims and releases.
extension GroupLedger {
  mutating func applyClaim(_ call: OwnershipCall, _ step: inout CountHistory.Step) {
    guard call.result == 0 else { return applyUnsuccessfulClaim(call, &step) }
    step.pre = step.pre.intersection(Count(exactly: 0)) ?? Count(exactly: 0)
    step.low = 1
    step.high = 1
    step.post = Count(exactly: 1)
    record(call, step, .proved)
    own(call)
  }

  /// Devices of one owner join it, each with a reference of its own.
  mutating func applyDeviceClaim(_ call: OwnershipCall, _ step: inout CountHistory.Step) {
    guard call.result == 0 else { return applyUnsuccessfulClaim(call, &step) }
    step.low = 1
    step.high = 1
    step.post = Count(min: 1, max: nil)
    if owner == .user, let former = ownerPointer, let new = call.newOwner, new != former {
      // Nobody joins another owner: that one has let go since it was seen.
      step.pre = Count(exactly: 0)
      owner = .none
      if count.min > 0 {
        step.isBreak = true
        note(.impossible(call))
      }
    }
    if owner == .none { step.pre = step.pre.intersection(Count(exactly: 0)) ?? step.pre }
    record(call, step, .proved)
    if owner != .user { own(call) }
  }

  /// A claim of a group or of a device that was refused, or whose code is not known.
  private mutating func applyUnsuccessfulClaim(_ call: OwnershipCall, _ step: inout CountHistory.Step) {
    switch call.result {
    case -1:
      step.pre = step.pre.intersection(Count(min: 1, max: nil)) ?? step.pre
      record(call, step, .proved)
      refuse(call)
    case -16:
      step.pre = step.pre.intersection(Count(exactly: 0)) ?? step.pre
      record(call, step, .proved)
      changes.noteRefusal()
      refusals.refuseDomain(call, step: history.count - 1)
    case nil:
      step.high = 1
      record(call, step, .suspected)
      if owner != .user { owner = .unknown }
    default:
      record(call, step, .proved)
    }
  }

  private mutating func own(_ call: OwnershipCall) {
    owner = .user
    ownerPointer = call.newOwner ?? call.ownerAfter
    ownerCall = call
  }

  mutating func applyRelease(
    _ call: OwnershipCall, _ step: inout CountHistory.Step, _ context: CallContext
  ) {
    if isUnowned(call, step, context) {
      note(mayComeEarlier ? .impossible(call) : .releaseUnowned(call))
      step.mayReset = mayComeEarlier
      record(call, step, .proved)
      return
    }
    let mayBeRobbed = mayBeRobbed
    if owner == .user, !mayComeEarlier {
      step.reset = 0
      // Where a driver may have given back the owner's reference it finds none.
      if !mayBeRobbed { step.pre = step.pre.intersection(Count(min: 1, max: nil)) ?? step.pre }
    } else {
      // The count becomes 0 if the group was owned; if it was not, the kernel warns and changes nothing.
      step.mayReset = true
    }
    record(call, step, owner == .user ? .proved : .consistent)
    if owner == .unknown { refusals.mayHaveBeenOwned() }
    disown()
    // A driver that gave back the owner's reference leaves the owner where it is.
    if hiddenUnuses > 0 || mayBeRobbed { owner = .unknown }
  }

  /// Whether a release finds nobody to release: the count is 0, or drivers hold it and not an owner.
  private func isUnowned(_ call: OwnershipCall, _ step: CountHistory.Step, _ context: CallContext) -> Bool {
    if step.pre.exact == 0 { return true }
    // Who of several had the lock first is not known, and so neither what this one found.
    if isOverlapped, found == nil { return false }
    // It saw the owner itself: whoever claimed the group was not seen.
    if let owner = call.ownerBefore, owner != 0, call.countBefore != 0 {
      return wasIllegal && call.countBefore == nil
    }
    if owner == .none, call.ownerBefore == 0 { return true }
    // While a driver holds a reference nobody can claim the group, seen or unseen.
    if owner == .none, count.min > 0, devices.contains(where: { $0.holding?.result == 0 && !$0.isRemoved }) {
      return true
    }
    // Where no claim is watched, one that nobody saw may have come before.
    guard context.claimIsTraceable else { return false }
    if count.exact == 0, step.pre == .unknown { return true }
    return owner == .none && call.ownerBefore == nil && count.min > 0
  }

  /// Whether a driver may have given back the reference of the owner that is there.
  var mayBeRobbed: Bool { owner == .user && count.min == 0 && changes.theft != nil }

  private mutating func disown() {
    owner = .none
    ownerPointer = nil
    ownerCall = nil
  }

  mutating func applyDeviceRelease(
    _ call: OwnershipCall, _ step: inout CountHistory.Step, _ context: CallContext
  ) {
    if isUnowned(call, step, context) {
      note(mayComeEarlier ? .impossible(call) : .releaseUnowned(call))
      // Only the last reference is tested for an owner; of several the kernel takes one, whosever it is.
      let before = count.intersection(step.pre) ?? step.pre
      step.low = before.max == nil || before.max ?? 0 > 1 ? -1 : 0
      step.high = before.min > 1 ? -1 : 0
      record(call, step, .proved)
      return
    }
    step.low = -1
    step.high = -1
    step.pre = step.pre.intersection(Count(min: 1, max: nil)) ?? step.pre
    let isPossible = record(call, step, .proved)
    if count.max == 0 {
      disown()
    } else if count.min == 0 || !isPossible {
      // Whose reference is left where others took or gave back beside it nothing says.
      owner = .unknown
    }
  }

  mutating func applyQuery(_ call: OwnershipCall, _ step: inout CountHistory.Step) {
    switch call.result {
    case nil: break
    case _ where mayComeEarlier: break
    case 0: step.pre = step.pre.intersection(Count(exactly: 0)) ?? Count(exactly: 0)
    default: step.pre = step.pre.intersection(Count(min: 1, max: nil)) ?? step.pre
    }
    record(call, step, call.result == nil && call.countBefore == nil ? .suspected : .proved)
    // An owner whose reference was taken from it stays the owner of an idle group.
    let isIllegal = owner == .user && (foretold.exact == 0 || call.ownerBefore ?? 0 != 0)
    if call.result == 0 && !mayComeEarlier || step.pre.exact == 0, !isIllegal { disown() }
    if call.result == 1 || call.result == nil && step.pre.min > 0 { refuse(call) }
  }

  private mutating func refuse(_ call: OwnershipCall) {
    changes.noteRefusal()
    // VFIO asks first and claims next: one refusal.
    if let last = refusals.last, last.second == nil, last.call.kind == .query, call.kind != .query,
      last.call.pid == call.pid, last.step == history.count - 2
    {
      refusals.join(call)
      return
    }
    var refusal = GroupRefusals.Refusal(
      call: call, step: history.count - 1, owner: owner, ownerCall: ownerCall)
    refusal.knownDevices = devices.count
    refusal.meetsOthers = isOverlapped && found == nil
    for index in devices.indices {
      if !devices[index].leaks.isEmpty { refusal.leaks += devices[index].leaks.references }
      if !devices[index].isHolding { continue }
      refusal.holders += 1
      if devices[index].isRemoved { refusal.leaving += 1 }
      if refusal.holding.count < GroupRefusals.Refusal.mostHolding, let use = devices[index].holding {
        refusal.holding.append((index, use, devices[index].isRemoved))
      }
    }
    refusals.append(refusal)
  }
}
