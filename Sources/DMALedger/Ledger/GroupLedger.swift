/// The state machine of one IOMMU group: the only place that changes a count.
///
/// Rules of `drivers/iommu/iommu.c` as kernel-model 1.2 and 1.3 state them. The ledger never fails: what cannot be
/// is recorded as an ``Anomaly`` and the count is taken up again from the observation.
struct GroupLedger: Sendable {
  /// Anomalies and leaks of one device that are told one by one.
  let mostAlike: Int
  var id: Int?
  var pointer: UInt64?
  var incarnation: Int
  /// Which boot of the capture it lived in.
  var boot = 0
  var history: CountHistory
  /// Steps of it beyond which some are folded.
  var mostSteps = GroupLedger.mostAside
  var changes = ChangeList()
  var owner = Ownership.unknown
  /// What the history foretold for the call at hand, and whether that call read the count with nobody else there.
  private(set) var foretold = Count.unknown
  /// Steps before it.
  private(set) var foretoldSerial = 0
  var readsAlone = false
  /// A driver gave back what an owner had taken: the group is owned at a count of 0.
  private(set) var wasIllegal = false
  /// The call at hand may have come before those that were seen before it.
  private(set) var mayComeEarlier = false
  /// Devices whose drivers may be giving back what they took, where nobody watches that, and the last step that allows for it.
  var givingBack: [NameID: Int] = [:]
  /// A driver may have given back what another one took.
  var isRobbed = false
  /// Steps when somebody came to the group last: what was read then lies behind them.
  var lastArrival = 0
  /// The calls at hand were at the group at the same time.
  private(set) var isOverlapped = false
  private var overlapStart: Int?
  /// What the call at hand found, where the orders of the calls around it agree.
  var found: Int?
  /// The same where they do not agree.
  @Boxed var spread: CountHistory.Spread?
  var ownerPointer: UInt64?
  @Boxed var ownerCall: OwnershipCall?
  var devices: [DeviceAccount] = []
  var anomalies: [Anomaly] = []
  var refusals: GroupRefusals
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
  @Boxed var toldGrant: Witness?
  /// Somebody asked for it by name, whatever the capture shows of it.
  var isAskedFor = false
  /// Something has happened to it since events were lost.
  var isTouched = false
  /// A member came or went whose name is not kept.
  var hasUnknownMembers = false
  /// A member left that no call named: what it held nothing shows.
  var hasLostMember = false
  /// Whether `members` are all there are.
  var hasAllMembers = false
  var hasEnded = false
  /// Breaks by lost events.
  var losses = 0
  var unseen = Unseen()
  var unwatched = Unseen()
  var watch = Watch()
  /// Hidden unuses that counts read later show to have run, or do not exclude, and how many there were when the last was read.
  var shownUnuses = (most: 0, read: 0)
  var deviceIndex: [NameID: Int] = [:]
  /// A use that was most likely refused, and whose driver was bound all the same.
  var doubtedBind: LineReference?
  /// A device is taken to hold a reference although no code shows that its use succeeded.
  var hasUnsureHolders = false

  /// A group of which nothing is known, or one that is seen being born with its first member.
  init(id: Int?, pointer: UInt64?, incarnation: Int, isNewborn: Bool, limits: Limits) {
    mostAlike = limits.alike
    refusals = GroupRefusals(most: limits.refusals)
    self.id = id
    self.pointer = pointer
    self.incarnation = incarnation
    history = CountHistory(start: isNewborn ? Count(exactly: 0) : .unknown)
    hasAllMembers = isNewborn
    if isNewborn { owner = .none }
  }

  var count: Count { history.current }

  /// Steps so far: a call whose entry saw the same number had the group to itself.
  var serial: Int { history.count }

  // MARK: - Calls

  /// The calls that follow were at the group at the same time.
  mutating func begin(_ order: OverlapOrder) {
    guard order.isPossible else { return }
    var step = CountHistory.Step()
    step.pre = order.before
    noteBound(step)
    history.add(step)
    isOverlapped = true
    overlapStart = history.count - 1
  }

  /// They have all taken effect.
  mutating func end(_ order: OverlapOrder) {
    found = nil
    spread = nil
    guard order.isPossible else { return }
    if let first = overlapStart { history.markOverlap(first...history.count - 1, peak: order.peak) }
    isOverlapped = false
    var step = CountHistory.Step()
    step.pre = order.after
    // Another order would have left another count behind.
    step.isBreak = history.current.intersection(order.after) != order.after
    noteBound(step)
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
    foretoldSerial = serial
    readsAlone = isAlone
    if hasUnsureHolders, count.exact == 0 || isAlone && call.countBefore == 0 || call.showsIdleGroup {
      dropUnsureHolders()
    }
    mayHaveGivenBack(before: call)
    mayComeEarlier = meetEarlier(call) || call.isFromBefore
    wasIllegal = owner == .user && count.exact == 0
    // No driver changes who owns the group.
    let stays = call.arrivedAlone && call.arrivalSerial.map(history.hasMovedUnseenOnly) ?? false
    learnOwner(call, isAlone: isAlone || stays)
    switch call.kind {
    case .use: applyUse(call, &step, context)
    case .unuse: applyUnuse(call, &step, context)
    case .claim: applyClaim(call, &step)
    case .release: applyRelease(call, &step, context)
    case .deviceClaim: applyDeviceClaim(call, &step)
    case .deviceRelease: applyDeviceRelease(call, &step, context)
    case .query: applyQuery(call, &step)
    }
    if call.isFromBefore { doubtOwner() }
    if isAlone || call.isFromBefore, let pointer = call.ownerAfter { setOwner(pointer) }
    mayStillGiveBack(behind: call)
  }

  /// Keeps `most` changes one by one, and of the history what they and the refusals show.
  mutating func keepChanges(_ most: Int) {
    guard let between = changes.keep(most) else { return }
    history.fold(between, keeping: refusals.steps)
  }

  /// Adds the step and the entry; false where it contradicts what came before, which is recorded.
  @discardableResult
  mutating func record(_ call: OwnershipCall, _ step: CountHistory.Step, _ certainty: Certainty) -> Bool {
    var step = step
    let isDecided = step.low == step.high || step.reset != nil
    if isOverlapped {
      // What it found may have been there before it, or come and gone meanwhile: that is told of all of them together.
      step.pre = .unknown
    } else if let after = call.countAfter, isDecided, !call.wasJoined, !mayComeEarlier {
      // Read after the lock was dropped: another call may have come in between, but only one that is in flight, or an unuse
      // that nobody watches.
      let left = Count(min: after, max: after + givingBack.count)
      if let narrower = step.post.intersection(left) { step.post = narrower }
    }
    noteBound(step)
    let isPossible = history.add(step)
    if !isPossible {
      note(.impossible(call))
      if call.isEntryUnseen {
        _ = meetEarlier(call, isContradicted: true)
        doubtReturns(before: call)
      }
    }
    if let overlapStart, isOverlapped { history.spread(spread, from: overlapStart) }
    changes.append(
      ChangeList.Entry(
        call: call, step: history.count - 1, certainty: call.isNamedLater ? .consistent : certainty))
    if mayComeEarlier, isDecided || step.mayReset, let after = call.countAfter {
      // Those before it may have come behind it, and then this is what they left.
      var read = CountHistory.Step()
      read.isBreak = true
      read.pre = Count(exactly: after)
      history.add(read)
    } else if call.isFromBefore {
      forget()
    }
    return isPossible
  }

  /// Calls whose entries nobody watches may have run into each other: each return then read what all of them left
  /// behind, and a contradiction is what shows it.
  private mutating func doubtReturns(before call: OwnershipCall) {
    // So many are never at a group at once.
    let others = changes.kept.suffix(TaskLanes.mostAtGroup).reversed().prefix {
      $0.call.isEntryUnseen && ($0.call.pid != call.pid || call.pid < 0)
    }
    history.doubt(others.map(\.step))
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
}
