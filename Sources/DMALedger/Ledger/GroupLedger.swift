/// The state machine of one IOMMU group: the only place that changes a count.
///
/// Rules of `drivers/iommu/iommu.c` as kernel-model 1.2 and 1.3 state them. The ledger never fails: what cannot be
/// is recorded as an ``Anomaly`` and the count is taken up again from the observation.
struct GroupLedger: Sendable {
  enum Anomaly: Sendable {
    /// An unuse of a group whose count was 0: the kernel warns and changes nothing.
    case overRelease(OwnershipCall, Certainty)
    /// A release of a group that nobody owned.
    case releaseUnowned(OwnershipCall)
    /// An unuse that the kernel refused because a PASID is attached: the reference stays.
    case pasidBlocked(OwnershipCall)
    /// An unuse by a device whose use had no group: it gave back somebody else's reference.
    case stolen(OwnershipCall, use: OwnershipCall)
    /// A use was refused and the driver was bound all the same.
    case swallowed(OwnershipCall, bound: Witness?)
    /// The last member left while the count was not 0.
    case freed(Witness, Count)
    /// The line contradicts everything before it; the count was taken up again here.
    case impossible(OwnershipCall)
  }

  /// A query that said "claimed" or a claim that was refused.
  struct Refusal: Sendable {
    var call: OwnershipCall
    /// The claim by the same task that followed the query, and the other way round.
    var second: OwnershipCall?
    var step: Int
    var owner: Ownership
    var ownerCall: OwnershipCall?
    /// Device index, whether it held a reference by right, references it had leaked.
    var devices: [(device: Int, holding: OwnershipCall?, isRemoved: Bool)]
    var isComplete: Bool
  }

  /// A change as the report will show it; counts come from the history.
  struct Entry: Sendable {
    var call: OwnershipCall
    var step: Int
    var certainty: Certainty
  }

  var id: Int?
  var pointer: UInt64?
  let incarnation: Int
  /// Which boot of the capture it lived in.
  var boot = 0
  var history: CountHistory
  var entries: [Entry] = []
  var owner = Ownership.unknown
  /// What the history foretold for the call at hand, and whether that call read the count with nobody else there.
  private var foretold = Count.unknown
  private var readsAlone = false
  /// The calls at hand were at the group at the same time.
  private(set) var overlap: OverlapOrder?
  private var overlapStart: Int?
  /// What the call at hand found, where the orders of the calls around it agree.
  var found: Int?
  /// Steps of calls that were at the group at the same time, and the highest count among them.
  private(set) var overlaps: [(steps: ClosedRange<Int>, peak: Count)] = []
  var ownerPointer: UInt64?
  var ownerCall: OwnershipCall?
  var devices: [DeviceAccount] = []
  var anomalies: [Anomaly] = []
  var refusals: [Refusal] = []
  /// Binds refused because the group was owned.
  var refusedBinds: [OwnershipCall] = []
  /// Claims refused for the domain attached to the group (`-EBUSY` at count 0).
  var domainRefusals: [OwnershipCall] = []
  /// Leaks that were found before events were lost: history, but no part of the count any more.
  var pastLeaks: [(device: NameID, leak: Leak)] = []
  /// Members by name, where the capture names them.
  var members: Set<NameID> = []
  /// The members as a listing shows them, at the end.
  var listing: [ListedMember] = []
  /// Whether counts show that the listed holders did not hold the group all along.
  var isListingRefuted = false
  /// Lines of user-space logs that say VFIO was refused this group.
  var toldRefusals: [(witness: Witness, device: NameID?)] = []
  /// The last line of such a log that says that VFIO got it.
  var toldGrant: Witness?
  /// Somebody asked for it by name, whatever the capture shows of it.
  var isAskedFor = false
  /// Whether `members` are all there are.
  var hasAllMembers = false
  var hasEnded = false
  /// Breaks by lost events, and the last of them.
  var losses = 0
  var deviceIndex: [NameID: Int] = [:]

  /// A group of which nothing is known, or one that is seen being born with its first member.
  init(id: Int?, pointer: UInt64?, incarnation: Int, isNewborn: Bool) {
    self.id = id
    self.pointer = pointer
    self.incarnation = incarnation
    history = CountHistory(start: isNewborn ? Count(exactly: 0) : .unknown)
    hasAllMembers = isNewborn
    if isNewborn { owner = .none }
  }

  var count: Count { history.current }

  /// Steps so far: a call whose entry saw the same number had the group to itself.
  var serial: Int { history.steps.count }

  // MARK: - Calls

  /// The calls that follow were at the group at the same time.
  mutating func begin(_ order: OverlapOrder) {
    guard order.isPossible else { return }
    var step = CountHistory.Step()
    step.pre = order.before
    history.add(step)
    overlap = order
    overlapStart = history.steps.count - 1
  }

  /// They have all taken effect.
  mutating func end(_ order: OverlapOrder) {
    found = nil
    guard order.isPossible else { return }
    if let first = overlapStart { overlaps.append((first...history.steps.count - 1, order.peak)) }
    overlap = nil
    var step = CountHistory.Step()
    step.pre = order.after
    // Another order would have left another count behind.
    step.isBreak = history.current.intersection(order.after) != order.after
    history.add(step)
    if owner != order.owner {
      owner = order.owner
      ownerPointer = nil
    }
    if owner != .user { ownerCall = nil }
  }

  /// Replays one call. `isAlone` says that `countBefore` was read while nobody else was at the group.
  mutating func apply(_ call: OwnershipCall, isAlone: Bool, context: CallContext) {
    var step = CountHistory.Step()
    if isAlone, let before = call.countBefore {
      step.pre = Count(exactly: before)
    } else if call.arrivedAlone, let before = call.countBefore, let serial = call.arrivalSerial {
      // Others came before it took effect: what it read is what the first of them found.
      history.observe(Count(exactly: before), before: serial)
    }
    foretold = count
    readsAlone = isAlone
    learnOwner(call, isAlone: isAlone)
    switch call.kind {
    case .use: applyUse(call, &step, context)
    case .unuse: applyUnuse(call, &step, context)
    case .claim: applyClaim(call, &step)
    case .release: applyRelease(call, &step, context)
    case .deviceClaim: applyDeviceClaim(call, &step)
    case .deviceRelease: applyDeviceRelease(call, &step, context)
    case .query: applyQuery(call, &step)
    }
    if isAlone, let pointer = call.ownerAfter { setOwner(pointer) }
  }

  /// Adds the step and the entry; records a contradiction.
  private mutating func record(_ call: OwnershipCall, _ step: CountHistory.Step, _ certainty: Certainty) {
    var step = step
    let isDecided = step.low == step.high || step.reset != nil
    if overlap != nil {
      // What it found may have been there before it, or come and gone meanwhile: that is told of all of them together.
      step.pre = .unknown
    } else if let after = call.countAfter, isDecided, !call.wasJoined {
      // Read after the lock was dropped: another call may have come in between, but only one that is in flight.
      if let narrower = step.post.intersection(Count(exactly: after)) { step.post = narrower }
    }
    if !history.add(step) {
      anomalies.append(.impossible(call))
    }
    entries.append(
      Entry(call: call, step: history.steps.count - 1, certainty: call.isNamedLater ? .consistent : certainty)
    )
  }

  private mutating func learnOwner(_ call: OwnershipCall, isAlone: Bool) {
    // A refusal changes nothing: what is read behind it was there before it.
    let isRefusal = call.result.map { $0 < 0 } ?? false
    guard isAlone, let pointer = call.ownerBefore ?? (isRefusal ? call.ownerAfter : nil) else { return }
    setOwner(pointer)
  }

  private mutating func setOwner(_ pointer: UInt64) {
    if pointer == 0 {
      owner = .none
      ownerPointer = nil
    } else {
      owner = .user
      ownerPointer = pointer
    }
  }

  private mutating func applyUse(
    _ call: OwnershipCall, _ step: inout CountHistory.Step, _ context: CallContext
  ) {
    switch call.result {
    case 0:
      step.low = 1
      step.high = 1
      step.post = Count(min: 1, max: nil)
      // Where its reference was taken from it, nothing keeps drivers out, and it stays the owner.
      let isIllegal = owner == .user && count.exact == 0
      if owner == .user, !isIllegal {
        // The owner must have let go unseen; what the count was then is not known.
        step.isBreak = true
        anomalies.append(.impossible(call))
      }
      record(call, step, .proved)
      if !isIllegal { owner = .none }
      take(call, context)
    case let code?:
      // -EBUSY needs a count: it is owned, or a foreign domain is attached while it is used.
      if code == -16, let narrower = step.pre.intersection(Count(min: 1, max: nil)) { step.pre = narrower }
      record(call, step, .proved)
      if code == -16 { refusedBinds.append(call) }
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
        step: history.steps.count - 1)
      if isSameWindow {
        leak.countsProve = countsProve(call, after: earlier, since: devices[index].holdingStep)
        leak.awaitsUnuse = leak.countsProve == nil && awaitsUnuse(leak, context)
        // Names alone: a second pass runs only where the first use succeeded, and log lines say where.
        let isNamesOnly =
          leak.use.result == nil && call.result == nil && !call.isNamedLater && !context.spansLoss
        if leak.countsProve == nil, isNamesOnly {
          leak.awaitsUnuse = true
          leak.promise = .consistent
        }
        leak.certainty = leakCertainty(leak, context)
      }
      devices[index].leaks.append(leak)
    }
    devices[index].holding = call
    devices[index].holdingStep = history.steps.count - 1
    devices[index].isRemoved = false
    devices[index].driver = call.driver ?? devices[index].driver
    devices[index].lastDriver = call.driver ?? devices[index].lastDriver
  }

  /// A leak is proved by the counts themselves, or by return codes where a release would have been seen.
  func leakCertainty(_ leak: Leak, _ context: CallContext) -> Certainty {
    if leak.use.isNamedLater {
      return context.spansLoss || !context.unuseIsTraceable ? .suspected : .consistent
    }
    if let proof = leak.countsProve { return proof ? .proved : .suspected }
    return leak.awaitsUnuse && context.unuseIsTraceable ? leak.promise : .suspected
  }

  /// Whether the count that the second use read shows that nothing was given back since the first: it is what the
  /// history foretold, or one more than the first one read with nobody else in between. `nil` where it was not read.
  private func countsProve(_ again: OwnershipCall, after first: OwnershipCall, since step: Int) -> Bool? {
    guard let read = countRead(again, isAlone: readsAlone) else { return nil }
    // A history that broke in between foretells nothing about what came before the break.
    if step < history.steps.count - 1, history.hasBreak(in: step + 1...history.steps.count - 1) {
      return false
    }
    if let exact = foretold.exact { return exact == read }
    guard let before = countRead(first, isAlone: first.arrivedAlone) else { return nil }
    return history.steps.count - 1 == step + 1 && read == before + 1
  }

  /// The count that a successful use found: as its entry read it, or one less than its return did.
  private func countRead(_ use: OwnershipCall, isAlone: Bool) -> Int? {
    if isAlone, let before = use.countBefore { return before }
    if overlap != nil { return use.countBefore == found ? found : nil }
    guard use.result == 0, use.arrivedAlone, !use.wasJoined else { return nil }
    return use.countAfter.map { $0 - 1 }
  }

  func awaitsUnuse(_ leak: Leak, _ context: CallContext) -> Bool {
    !leak.use.isNamedLater && leak.use.result == 0 && leak.again?.result ?? 0 == 0 && !context.spansLoss
  }

  private mutating func applyUnuse(
    _ call: OwnershipCall, _ step: inout CountHistory.Step, _ context: CallContext
  ) {
    // A count that the call itself read as something else is believed, even where it was not alone.
    let isAtZero = step.pre.exact == 0 || call.countBefore == nil && count.exact == 0
    if isAtZero {
      let isRead = step.pre.exact == 0
      if isRead || context.useIsTraceable && entries.contains(where: { $0.call.kind == .use }) {
        anomalies.append(.overRelease(call, isRead ? .proved : .consistent))
        record(call, step, isRead ? .proved : .consistent)
        giveBack(call, context)
        return
      }
      // A use that no probe watched must have come before.
      step.isBreak = true
    }
    if call.countAfter != nil, call.countAfter == call.countBefore, step.pre.exact != nil, !call.wasJoined {
      // The kernel refuses while a PASID is attached; the count stays.
      record(call, step, .proved)
      anomalies.append(.pasidBlocked(call))
      return
    }
    step.low = -1
    step.high = -1
    step.pre = step.pre.intersection(Count(min: 1, max: nil)) ?? step.pre
    record(call, step, call.countBefore == nil ? .consistent : .proved)
    if let use = context.grouplessUse,
      call.device.flatMap({ deviceIndex[$0] }).map({ devices[$0].holding == nil }) ?? true
    {
      anomalies.append(.stolen(call, use: use))
    }
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
    devices[index].holding = nil
    devices[index].isRemoved = false
    devices[index].isBound = false
    devices[index].driver = call.driver ?? devices[index].driver
    devices[index].lastDriver = call.driver ?? devices[index].lastDriver
  }

  private mutating func applyClaim(_ call: OwnershipCall, _ step: inout CountHistory.Step) {
    switch call.result {
    case 0:
      step.pre = step.pre.intersection(Count(exactly: 0)) ?? Count(exactly: 0)
      step.low = 1
      step.high = 1
      step.post = Count(exactly: 1)
      record(call, step, .proved)
      own(call)
    case -1:
      step.pre = step.pre.intersection(Count(min: 1, max: nil)) ?? step.pre
      record(call, step, .proved)
      refuse(call)
    case -16:
      step.pre = step.pre.intersection(Count(exactly: 0)) ?? step.pre
      record(call, step, .proved)
      domainRefusals.append(call)
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

  private mutating func applyRelease(
    _ call: OwnershipCall, _ step: inout CountHistory.Step, _ context: CallContext
  ) {
    if isUnowned(call, step, context) {
      anomalies.append(.releaseUnowned(call))
      record(call, step, .proved)
      return
    }
    if owner == .user {
      step.reset = 0
      step.pre = step.pre.intersection(Count(min: 1, max: nil)) ?? step.pre
    } else {
      // The count becomes 0 if the group was owned; if it was not, the kernel warns and changes nothing.
      step.mayReset = true
    }
    record(call, step, owner == .user ? .proved : .consistent)
    disown()
  }

  /// Whether a release finds nobody to release: the count is 0, or drivers hold it and not an owner.
  private func isUnowned(_ call: OwnershipCall, _ step: CountHistory.Step, _ context: CallContext) -> Bool {
    if step.pre.exact == 0 { return true }
    // It saw the owner itself: whoever claimed the group was not seen.
    if let owner = call.ownerBefore, owner != 0, call.countBefore != 0 { return false }
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

  private mutating func disown() {
    owner = .none
    ownerPointer = nil
    ownerCall = nil
  }

  private mutating func applyDeviceClaim(_ call: OwnershipCall, _ step: inout CountHistory.Step) {
    switch call.result {
    case 0:
      step.low = 1
      step.high = 1
      step.post = Count(min: 1, max: nil)
      if owner == .none { step.pre = step.pre.intersection(Count(exactly: 0)) ?? step.pre }
      record(call, step, .proved)
      if owner != .user { own(call) }
    case -1:
      step.pre = step.pre.intersection(Count(min: 1, max: nil)) ?? step.pre
      record(call, step, .proved)
      refuse(call)
    case -16:
      step.pre = step.pre.intersection(Count(exactly: 0)) ?? step.pre
      record(call, step, .proved)
      domainRefusals.append(call)
    case nil:
      step.high = 1
      record(call, step, .suspected)
      if owner != .user { owner = .unknown }
    default:
      record(call, step, .proved)
    }
  }

  private mutating func applyDeviceRelease(
    _ call: OwnershipCall, _ step: inout CountHistory.Step, _ context: CallContext
  ) {
    if isUnowned(call, step, context) {
      anomalies.append(.releaseUnowned(call))
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
    record(call, step, .proved)
    if count.max == 0 {
      disown()
    } else if count.min == 0 {
      owner = .unknown
    }
  }

  private mutating func applyQuery(_ call: OwnershipCall, _ step: inout CountHistory.Step) {
    switch call.result {
    case 0: step.pre = step.pre.intersection(Count(exactly: 0)) ?? Count(exactly: 0)
    case nil: break
    default: step.pre = step.pre.intersection(Count(min: 1, max: nil)) ?? step.pre
    }
    record(call, step, call.result == nil && call.countBefore == nil ? .suspected : .proved)
    // An owner whose reference was taken from it stays the owner of an idle group.
    let isIllegal = owner == .user && (foretold.exact == 0 || call.ownerBefore ?? 0 != 0)
    if call.result == 0 || step.pre.exact == 0, !isIllegal { disown() }
    if call.result == 1 || call.result == nil && step.pre.min > 0 { refuse(call) }
  }

  private mutating func refuse(_ call: OwnershipCall) {
    // VFIO asks first and claims next: one refusal.
    if let last = refusals.indices.last, refusals[last].second == nil, refusals[last].call.kind == .query,
      call.kind != .query, refusals[last].call.pid == call.pid, refusals[last].step == history.steps.count - 2
    {
      refusals[last].second = call
      return
    }
    refusals.append(
      Refusal(
        call: call, second: nil, step: history.steps.count - 1, owner: owner, ownerCall: ownerCall,
        devices: devices.indices.map { ($0, devices[$0].holding, devices[$0].isRemoved) },
        isComplete: losses == 0))
  }
}
