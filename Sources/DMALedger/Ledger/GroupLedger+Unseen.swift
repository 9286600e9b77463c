/// Calls on a group that the capture does not show as such: no group can be named for them, or nobody watches their
/// function.
extension GroupLedger {
  /// How many there may have been.
  struct Unseen: Sendable {
    var uses = 0
    var unuses = 0
    var claims = 0
  }

  /// Which of the functions of drivers are watched, as far as the capture has shown.
  struct Watch: Sendable {
    var uses = false
    var unuses = false
  }

  /// Uses and unuses that cannot be placed or that nobody watches.
  var hiddenUses: Int { unseen.uses + unwatched.uses }
  var hiddenUnuses: Int { unseen.unuses + unwatched.unuses }

  /// Calls that took effect somewhere may have taken it here.
  mutating func allow(_ calls: CallTally, since before: CallTally) {
    func more(_ kind: OwnershipCallKind) -> Int { calls[kind] - before[kind] }
    let claims = more(.claim) + more(.deviceClaim)
    unseen.uses += more(.use)
    unseen.unuses += more(.unuse)
    unseen.claims += claims
    var step = CountHistory.Step()
    step.high = more(.use) + claims
    step.low = -more(.unuse) - more(.deviceRelease)
    // A release brings whatever it finds to 0.
    step.isBreak = more(.release) > 0
    guard step.high > 0 || step.low < 0 || step.isBreak else { return }
    addAside(step)
    if step.isBreak || more(.deviceRelease) > 0 { refusals.mayHaveBeenOwned() }
    if claims > 0 || step.isBreak || more(.deviceRelease) > 0 {
      owner = .unknown
      ownerPointer = nil
    }
  }

  /// Drivers may have called what nobody watches; nothing where that turns out to be watched.
  mutating func allowUnwatched(uses: Int, unuses: Int, leaving left: Count = .unknown) {
    var step = CountHistory.Step()
    step.isUnwatched = true
    step.post = left
    step.high = watch.uses ? 0 : uses
    step.low = watch.unuses ? 0 : -unuses
    guard step.high > 0 || step.low < 0 else { return }
    unwatched.uses += step.high
    unwatched.unuses -= step.low
    addAside(step)
  }

  /// What nobody watches did not take anything the last time that it was allowed to.
  mutating func disallowLastUse() {
    unwatched.uses -= history.dismissLastTakes()
  }

  /// Something shows that the driver of a device may give back what it took.
  mutating func mayGiveBack(_ device: NameID, _ progress: GivingBack) {
    guard !watch.unuses else { return }
    let index = deviceIndex[device]
    if allowsUnuse(index.flatMap { devices[$0].givenBackAt } ?? givingBack[device]) {
      allowUnwatched(uses: 0, unuses: 1)
    }
    if let index { devices[index].givenBackAt = serial - 1 }
    switch progress {
    case .over: givingBack[device] = nil
    case .goingOn where members.contains(device) || givingBack[device] != nil:
      givingBack[device] = serial - 1
    case .goingOn, .possible: break
    }
  }

  /// Whether the unuse of a device is still to be allowed for, which one step did or none. It runs once: before the next call
  /// on the group, or behind it, where another sign of it comes then.
  private func allowsUnuse(_ former: Int?) -> Bool { former != serial - 1 || lastArrival == serial }

  /// Behind a call: whoever was giving back before it may do so only now.
  mutating func mayStillGiveBack(behind call: OwnershipCall) {
    if givingBack.isEmpty || watch.unuses { return }
    // What was read behind the call is what some of them left, or all.
    let read = call.wasJoined || isOverlapped ? nil : call.countAfter
    allowUnwatched(uses: 0, unuses: givingBack.count, leaving: Count(min: 0, max: read))
    for device in givingBack.keys {
      givingBack[device] = serial - 1
      if let index = deviceIndex[device] { devices[index].givenBackAt = serial - 1 }
    }
  }

  /// The same of every device that holds what it took, in one step: which of them did nothing shows.
  mutating func mayGiveBackAll() {
    guard !watch.unuses else { return }
    // One answer for all whom no step allows for yet, and one for those whom the last one does.
    let (last, mayAgain) = (serial - 1, allowsUnuse(serial - 1))
    var leaving: [Int] = []
    for index in devices.indices where devices[index].isHolding {
      if !mayAgain, devices[index].givenBackAt ?? givingBack[devices[index].name] == last { continue }
      leaving.append(index)
    }
    allowUnwatched(uses: 0, unuses: leaving.count)
    for index in leaving { devices[index].givenBackAt = serial - 1 }
  }

  /// The same, before a use of a device that still holds what it took.
  mutating func mayHaveGivenBack(before call: OwnershipCall) {
    guard call.kind == .use, let device = call.device, let index = deviceIndex[device],
      devices[index].holding != nil
    else { return }
    mayGiveBack(device, .possible)
  }

  /// A call bounds the count from above, whatever came before it: of the hidden unuses since the last such call as many may
  /// have run as it is lower than it could be.
  mutating func noteBound(_ step: CountHistory.Step) {
    guard let bound = Count.lesser(step.pre.max, step.post.max.map { max(0, $0 - step.high) }) ?? step.reset
    else { return }
    let most = hiddenUnuses - shownUnuses.read
    shownUnuses.most += min(most, count.max.map { max(0, $0 - bound) } ?? most)
    shownUnuses.read = hiddenUnuses
  }

  /// Uses, or unuses, turn out to be watched.
  mutating func isWatched(_ kind: OwnershipCallKind) {
    if kind == .use {
      watch.uses = true
      unwatched.uses = 0
    } else {
      watch.unuses = true
      givingBack = [:]
      unwatched.unuses = 0
      shownUnuses.read = hiddenUnuses
      shownUnuses.most = min(shownUnuses.most, hiddenUnuses)
    }
    let impossible = history.dismissUnwatched(takes: kind == .use)
    for entry in changes.kept where impossible.contains(entry.step) { note(.impossible(entry.call)) }
  }

  /// Of references that no call accounts for, those that belong to nobody at least. `idle` devices that calls name hold
  /// nothing as far as those show; a use that was not seen, or was lost, may have given each of them 1 by right. A claim
  /// that was not seen may have made all of them an owner's.
  func ownerless(_ references: Int, owner: Ownership, idle: Int) -> Int {
    if owner == .unknown, unseen.claims > 0 || losses > 0 { return 0 }
    // Where its unuse was not seen, each may have held one before it was named; where none is watched, all of them.
    return max(0, references - (losses > 0 || !watch.unuses ? idle : min(idle, hiddenUses + hiddenUnuses)))
  }
}
