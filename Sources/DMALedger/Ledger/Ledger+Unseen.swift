/// Calls that may have been made on any group: nothing names theirs, or nobody watches them.
extension Ledger {
  /// Calls that nothing names may have been calls on this group.
  mutating func allowElsewhere(_ index: Int) {
    if unwatched != appliedUnwatched[index], groups[index].boot == boot {
      groups[index].allowUnwatched(
        uses: unwatched.uses - appliedUnwatched[index].uses,
        unuses: unwatched.unuses - appliedUnwatched[index].unuses)
      appliedUnwatched[index] = unwatched
    }
    guard elsewhere != applied[index] else { return }
    groups[index].allow(elsewhere, since: applied[index])
    applied[index] = elsewhere
  }

  mutating func mayGiveBack(_ device: NameID?, _ progress: GivingBack) {
    if watch.unuses { return }
    if let device, let index = touchGroup(ofDevice: device) {
      groups[index].mayGiveBack(device, progress)
    } else {
      unwatched.unuses += 1
    }
  }

  func givingBack(at index: Int) -> Int { groups[index].givingBack.count }

  func isHolding(_ device: NameID, at index: Int) -> Bool { groups[index].isHolding(device) }

  func isIdle(_ index: Int) -> Bool { groups[index].count.exact == 0 }

  mutating func gaveBack(_ device: NameID, at index: Int) { groups[index].letGo(device) }

  mutating func forgetHolder(_ device: NameID, at index: Int) { groups[index].forgetHolder(device) }

  mutating func mayGiveBackAll(at index: Int) {
    groups[index].mayGiveBackAll()
    // So may those that took theirs before anything was seen, and how many these are nobody knows.
    let others = groups[index].count.max ?? Reach.far
    if others > 0, groups[index].owner != .user { groups[index].allowUnwatched(uses: 0, unuses: others) }
  }

  mutating func mayGiveBackEverywhere() {
    for index in groups.indices where groups[index].boot == boot && !groups[index].hasEnded {
      mayGiveBackAll(at: index)
    }
  }

  /// A device that is bound anew, or gone, gave back what its driver had taken.
  mutating func orphan(_ device: NameID, in index: Int) {
    if groups[index].losses == 0, groups[index].isHolding(device) { showsHiddenUnuse = true }
    groups[index].orphan(device)
  }

  mutating func mayTake(_ device: NameID?, _ most: Int) {
    if watch.uses { return }
    if let device, let index = touchGroup(ofDevice: device) {
      groups[index].allowUnwatched(uses: most, unuses: 0)
    } else {
      unwatched.uses += most
    }
  }

  mutating func disallow(_ calls: UnwatchedCalls) -> Bool {
    let isAllowed = groups.indices.contains {
      groups[$0].boot == boot && !groups[$0].hasEnded && appliedUnwatched[$0] == unwatched
    }
    guard !isAllowed, unwatched.uses >= calls.uses, unwatched.unuses >= calls.unuses else { return false }
    unwatched = unwatched - calls
    return true
  }

  mutating func mayNotTake(_ device: NameID) {
    if let index = touchGroup(ofDevice: device) { groups[index].disallowLastUse() }
  }

  mutating func isWatched(_ kind: OwnershipCallKind) {
    if kind == .use {
      watch.uses = true
      unwatched.uses = 0
    } else {
      watch.unuses = true
      unwatched.unuses = 0
    }
    for index in groups.indices where groups[index].boot == boot {
      if kind == .use { appliedUnwatched[index].uses = 0 } else { appliedUnwatched[index].unuses = 0 }
      groups[index].isWatched(kind)
    }
  }

  mutating func doubtUnseenEntries() {
    for index in groups.indices where groups[index].boot == boot { groups[index].doubtUnseenEntries() }
  }

  mutating func forgetResults(of kind: OwnershipCallKind, since: LineReference) {
    for index in groups.indices where groups[index].boot == boot {
      groups[index].forgetResults(of: kind, since: since)
    }
  }

  func unwatchedCalls(at index: Int) -> Int {
    unwatched.uses + unwatched.unuses + groups[index].unwatched.uses + groups[index].unwatched.unuses
  }

  mutating func allowUnwatched(_ calls: Int, at index: Int) {
    groups[index].allowUnwatched(uses: calls, unuses: calls)
  }
}
