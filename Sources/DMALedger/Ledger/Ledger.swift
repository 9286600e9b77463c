/// All groups of a capture, under the names that calls give them.
///
/// A group is its pointer where probes captured it; otherwise its number, which the kernel hands out again as soon
/// as the last member has left: every life of a number is an incarnation of its own.
struct Ledger: CallSink, Sendable {
  var groups: [GroupLedger] = []
  let limits: Limits
  /// Groups that something has happened to since the last loss, and where that one reached back to.
  private var touched: [Int] = []
  private var lastLoss: LineReference?
  /// How far back losses have reached, by group, since something has happened to it; never behind ``lastLoss``.
  private var lostSince: [LineReference?] = []
  /// Devices with an account in a group, and members of groups, over all of them.
  var accounts = 0
  private var memberships = 0
  var forgotten = Forgotten()
  /// The furthest line of a call that took effect, or of a member that left.
  var lastHappened = LineReference(source: 0, line: 0)
  /// Changes that are kept one by one.
  var keptChanges = 0
  /// Calls that no group can be named for.
  private(set) var unattributed = CallTally()
  /// Calls on groups that are not followed: no other group may have seen them.
  private(set) var beyond = CallTally()
  /// Successful calls among them, as every group may have seen them.
  var elsewhere = CallTally()
  /// How many of them each group has taken into account.
  var applied: [CallTally] = []
  /// Calls of this boot that nobody watches and that may have been made on any group, and how many each has allowed for.
  var unwatched = UnwatchedCalls()
  var appliedUnwatched: [UnwatchedCalls] = []
  var watch = GroupLedger.Watch()
  /// References were given back in this boot although no unuse was seen: nobody watches it.
  var showsHiddenUnuse = false
  /// Refusals that no group can be named for.
  private(set) var unattributedRefusals: [OwnershipCall] = []
  /// The last query or claim that no group can be named for, whatever came of it.
  private(set) var lastUnattributedRequest: OwnershipCall?
  /// Calls on devices outside every group: the group pointer is NULL, or nothing but its absence fits.
  private(set) var grouplessCalls = 0
  /// Calls whose group had to be doubted, for want of a pointer.
  private(set) var doubtedCalls = 0
  private(set) var byPointer: [UInt64: Int] = [:]
  private var byID: [Int: Int] = [:]
  private var incarnations: [Int: Int] = [:]
  private var groupOfDevice: [NameID: Int] = [:]
  /// A group whose known members have all left: it dies unless somebody turns up in it.
  private var abandoned: Set<Int> = []
  /// Groups that were taken for new ones although the old one of that number may live on.
  private var guesses: [Int: Int] = [:]
  /// The lines at which members left, or at which another group was found to have the number.
  private(set) var lastLeft: [Int: LineReference] = [:]
  private var hasLoss = false
  /// Boots that ended so far; groups of theirs are never touched again.
  private(set) var boot = 0
  /// What nothing could be named for in the boots that ended.
  private var elsewhereBefore = CallTally()
  /// Groups by what logs say of them.
  private var byLife: [LifeKey: Int] = [:]

  private struct LifeKey: Hashable, Sendable {
    var boot: Int
    var id: Int
    var life: Int
  }

  init(limits: Limits = Limits()) {
    self.limits = limits
  }

  // MARK: - Naming

  /// The group of a call, opened where there is none; `nil` where the call names none.
  mutating func group(of call: OwnershipCall) -> Int? {
    // Its group has died since it was entered: it is no call on whoever has that number or that memory now.
    if let place = call.place, groups[place].hasEnded,
      call.group?.pointer == nil || call.group?.pointer == groups[place].pointer
    {
      return place
    }
    if let key = key(of: call), let index = group(key: key, at: call.entry.at) {
      if let device = call.device { join(device, index) }
      allowElsewhere(index)
      touch(index)
      return index
    }
    // Where it names one that is not followed, it is not the one that its device was in before.
    if call.group != nil, isFull { return nil }
    if let device = call.device, let index = groupOfDevice[device], !groups[index].hasEnded {
      allowElsewhere(index)
      touch(index)
      return index
    }
    return nil
  }

  /// `at`: the line that names it, where it is one of the trace.
  private mutating func group(key: GroupKey, at line: LineReference? = nil) -> Int? {
    if let pointer = key.pointer, let index = byPointer[pointer], !groups[index].hasEnded {
      if let id = key.id, groups[index].id == nil {
        absorb(id, into: index)
        name(index, id)
      }
      if key.id == nil || groups[index].id == key.id { return index }
      // Memory of a freed group was given to another one.
    }
    if let id = key.id, let index = byID[id], !groups[index].hasEnded {
      let known = groups[index].pointer
      if key.pointer == nil || known == nil || known == key.pointer {
        if let pointer = key.pointer, known == nil {
          if let old = revive(index, pointer) { return old }
          groups[index].pointer = pointer
          byPointer[pointer] = index
        }
        return index
      }
      // It died unseen somewhere before this line.
      allowElsewhere(index)
      groups[index].end()
      if let line { lastLeft[index] = line }
    }
    return open(key, isNewborn: false)
  }

  /// The group that `index` was taken for the successor of, where the pointer shows that it lives: or its memory was
  /// given to the new one, so that nothing is known of its count.
  private mutating func revive(_ index: Int, _ pointer: UInt64) -> Int? {
    guard let old = guesses[index], let id = groups[index].id else { return nil }
    guard groups[old].pointer == pointer else {
      if groups[old].pointer != nil { guesses[index] = nil }
      return nil
    }
    guard groups[index].changes.isEmpty else { return nil }
    guesses[index] = nil
    groups[index].end()
    groups[old].hasEnded = false
    touch(old)
    groups[old].doubtIdentity()
    for device in groupOfDevice.keys where groupOfDevice[device] == index { join(device, old) }
    byID[id] = old
    incarnations[id] = groups[old].incarnation + 1
    return old
  }

  private mutating func open(_ key: GroupKey, isNewborn: Bool) -> Int? {
    guard groups.count < limits.groups else { return nil }
    let incarnation = key.id.map { incarnations[$0, default: 0] } ?? 0
    // Room for twice as many would cost more than to move them a few times.
    if groups.count == groups.capacity, groups.count >= 512 { groups.reserveCapacity(groups.count + 512) }
    groups.append(
      GroupLedger(
        id: key.id, pointer: key.pointer, incarnation: incarnation, isNewborn: isNewborn,
        limits: limits))
    let index = groups.count - 1
    groups[index].boot = boot
    groups[index].watch = watch
    lostSince.append(nil)
    touch(index)
    applied.append(isNewborn ? elsewhere : elsewhereBefore)
    appliedUnwatched.append(isNewborn ? unwatched : UnwatchedCalls())
    // What its count was when the capture began is lost with the events.
    if hasLoss, !isNewborn { groups[index].lose(since: nil) }
    if let pointer = key.pointer { byPointer[pointer] = index }
    if let id = key.id {
      byID[id] = index
      incarnations[id] = incarnation + 1
    }
    return index
  }

  mutating func group(id: Int, life: Int, boot: Int) -> Int? {
    let key = LifeKey(boot: boot, id: id, life: life)
    if let index = byLife[key] { return index }
    let taken = Set(byLife.filter { $0.key.boot == boot && $0.key.id == id }.values)
    let known = groups.indices.filter {
      groups[$0].boot == boot && groups[$0].id == id && !taken.contains($0)
    }
    // Where the trace itself tells several lives, nothing says which of them is meant.
    guard known.count <= 1 else { return nil }
    guard let index = known.first ?? open(GroupKey(pointer: nil, id: id), isNewborn: false) else {
      return nil
    }
    groups[index].boot = boot
    byLife[key] = index
    touch(index)
    allowElsewhere(index)
    return index
  }

  /// Another boot begins: groups are numbered anew, and nothing is known of them.
  mutating func beginBoot() {
    for index in groups.indices where !groups[index].hasEnded {
      allowElsewhere(index)
      groups[index].end()
    }
    boot += 1
    unwatched = UnwatchedCalls()
    watch = GroupLedger.Watch()
    showsHiddenUnuse = false
    byPointer = [:]
    byID = [:]
    groupOfDevice = [:]
    abandoned = []
    hasLoss = false
    elsewhereBefore = elsewhere
  }

  mutating func name(_ index: Int, _ id: Int) {
    groups[index].id = id
    groups[index].incarnation = max(groups[index].incarnation, incarnations[id, default: 0])
    byID[id] = index
    incarnations[id] = groups[index].incarnation + 1
  }

  /// Devices were told to join a number, and calls came under a pointer: one group, as the number shows now.
  private mutating func absorb(_ id: Int, into index: Int) {
    guard let told = living(id), told != index, groups[told].pointer == nil, groups[told].changes.isEmpty
    else { return }
    for device in groupOfDevice.keys where groupOfDevice[device] == told { join(device, index) }
    groups[told].end()
    incarnations[id] = groups[told].incarnation
  }

  /// The group of a number, as long as it lives.
  func living(_ id: Int) -> Int? { byID[id].flatMap { groups[$0].hasEnded ? nil : $0 } }

  private mutating func join(_ device: NameID, _ index: Int) {
    groupOfDevice[device] = index
    touch(index)
    note(device, memberOf: index)
    abandoned.remove(index)
  }

  private mutating func note(_ device: NameID, memberOf index: Int) {
    if groups[index].members.contains(device) { return }
    if memberships < 4 * limits.devices {
      memberships += 1
      groups[index].members.insert(device)
    } else {
      // Members that are not known of may hold what seems to be in excess.
      groups[index].admitStranger()
      forgotten.note(.devices, LineReference(source: 0, line: 0))
    }
  }

  func groupID(ofDevice device: NameID) -> Int? {
    group(ofDevice: device).flatMap { groups[$0].id }
  }

  /// The group a device is known to be in.
  func group(ofDevice device: NameID) -> Int? {
    guard let index = groupOfDevice[device], !groups[index].hasEnded else { return nil }
    return index
  }

  /// The same, for something that happens to it.
  mutating func touchGroup(ofDevice device: NameID) -> Int? {
    guard let index = group(ofDevice: device) else { return nil }
    touch(index)
    return index
  }

  /// Something happens to a group: what is lost later may bear on it.
  private mutating func touch(_ index: Int) {
    if groups[index].isTouched { return }
    groups[index].isTouched = true
    touched.append(index)
  }

  // MARK: - Members

  /// A device joined a group: the first one to join a number whose group is gone gives birth to a new group.
  mutating func joined(_ device: NameID, id: Int) {
    if let index = byID[id], !groups[index].hasEnded, !abandoned.contains(index) {
      join(device, index)
      return
    }
    // Only where all members are known to have left is the group known to be gone, and the next one new.
    let isSuccessor = byID[id].map { groups[$0].hasAllMembers } ?? false
    let before = byID[id]
    if let before { groups[before].end() }
    guard let index = open(GroupKey(pointer: nil, id: id), isNewborn: isSuccessor) else { return }
    join(device, index)
    // Others may be in the old one still, or in a call on it; its pointer will tell, if it is captured.
    if let before, !isSuccessor {
      // Where nothing has happened to that one since it was taken for the successor of another, it may be that other still.
      let isNew = groups[before].pointer == nil && groups[before].changes.isEmpty
      guesses[index] = isNew ? guesses[before] : before
    }
  }

  /// A device left a group.
  mutating func left(_ device: NameID, id: Int, witness: Witness) {
    guard let index = byID[id] ?? open(GroupKey(pointer: nil, id: id), isNewborn: false) else { return }
    touch(index)
    allowElsewhere(index)
    // A driver gives back before its device leaves.
    orphan(device, in: index)
    lastLeft[index] = witness.at
    lastHappened = max(lastHappened, witness.at)
    if groups[index].members.contains(device) { memberships -= 1 }
    if groups[index].remove(device) {
      abandoned.insert(index)
      groups[index].noteFreed(witness)
    }
    groupOfDevice[device] = nil
  }

  /// A successful claim attached `devices`: they are all the members the group has.
  mutating func setMembers(_ devices: [NameID], of index: Int) {
    for device in devices { join(device, index) }
    if groups[index].hasUnknownMembers { return }
    memberships += Set(devices).count - groups[index].members.count
    groups[index].members = Set(devices)
    groups[index].hasAllMembers = true
  }

  // MARK: - What calls did

  mutating func nameLater(_ call: OwnershipCall, in group: Int) {
    unattributed[call.kind] -= 1
    // Calls without a name may have come in between: what the count was before this one is not known.
    groups[group].forget()
  }

  /// Call when everything is named: a group that was only named by log lines may have been left since.
  mutating func settleNames() {
    // So may have calls that nothing names.
    for index in guesses.keys.sorted()
    where !groups[index].changes.isEmpty || callsElsewhere > 0
      || unwatched != UnwatchedCalls()
    {
      if let old = guesses[index] { groups[old].doubtEnd() }
    }
    for index in groups.indices where !groups[index].hasEnded { allowElsewhere(index) }
    guard unattributed.total > 0 else { return }
    for index in groups.indices where groups[index].changes.last?.call.isNamedLater == true {
      groups[index].forget()
    }
  }

  mutating func countUnattributed(_ call: OwnershipCall, since: LineReference?) {
    unattributed[call.kind] += 1
    if call.result ?? 0 == 0 {
      elsewhere[call.kind] += 1
      meetUnplaced(call, since: since)
    }
    if call.kind == .query || call.kind == .claim || call.kind == .deviceClaim {
      lastUnattributedRequest = call
    }
    let isRefusal =
      switch call.kind {
      case .query: call.result == 1
      case .claim, .deviceClaim: call.result == -1
      default: false
      }
    if isRefusal, unattributedRefusals.count < 64 { unattributedRefusals.append(call) }
  }

  mutating func countGroupless() { grouplessCalls += 1 }

  mutating func countDoubted() { doubtedCalls += 1 }

  mutating func setBound(_ device: NameID, _ isBound: Bool, driver: NameID?) {
    guard let index = touchGroup(ofDevice: device) else { return }
    groups[index].setBound(device, isBound, driver: driver)
  }

  mutating func abandon(_ device: NameID, window: ProbeWindow, context: CallContext) {
    guard let index = touchGroup(ofDevice: device) else { return }
    groups[index].abandon(device, window: window, context: context)
  }

  mutating func orphan(_ device: NameID) {
    guard let index = touchGroup(ofDevice: device) else { return }
    orphan(device, in: index)
  }

  mutating func widen(_ device: NameID, by most: Int) {
    guard let index = touchGroup(ofDevice: device) else { return }
    groups[index].widen(by: most)
  }

  /// Events were lost: every group may have changed.
  mutating func lose(since: LineReference?) {
    hasLoss = true
    // A group that nothing has happened to since the loss before is as unknown as it can be, unless this one reaches
    // further back.
    let from = since ?? LineReference(source: 0, line: 0)
    let reachesFurther = lastLoss.map { from < $0 } ?? true
    let concerned = reachesFurther ? Array(groups.indices) : touched
    if !concerned.isEmpty { lastLoss = from }
    for index in touched {
      groups[index].isTouched = false
      lostSince[index] = nil
    }
    touched.removeAll(keepingCapacity: true)
    for index in concerned {
      if let known = lostSince[index], known <= from { continue }
      lostSince[index] = from
      // What is lost may have run before the marker, and in a group that has died since.
      let isOver =
        groups[index].hasEnded && (lastLeft[index].map { left in since.map { left < $0 } ?? false } ?? true)
      if !isOver { groups[index].lose(since: since) }
    }
  }

  mutating func swallow(_ use: OwnershipCall, bound: Witness?, isSure: Bool) {
    guard let index = group(of: use) else { return }
    groups[index].swallow(use, bound: bound, isSure: isSure)
  }

  mutating func undoTake(_ device: NameID) {
    guard let index = touchGroup(ofDevice: device) else { return }
    groups[index].undoTake(device)
  }

  mutating func leaveBehind(_ device: NameID, context: CallContext) {
    guard let index = touchGroup(ofDevice: device) else { return }
    allowElsewhere(index)
    groups[index].leaveBehind(device, context: context)
  }

  mutating func leaveOpen(_ device: NameID) {
    guard let index = touchGroup(ofDevice: device) else { return }
    groups[index].leaveOpen(device)
  }

  mutating func forget(_ device: NameID) {
    guard let index = touchGroup(ofDevice: device) else { return }
    groups[index].forget()
  }

  /// An unuse was seen somewhere in this boot.
  mutating func confirmLeaks() {
    for index in groups.indices where groups[index].boot == boot { groups[index].confirmLeaks() }
  }

  /// The kernel of this boot was seen to give back in another window.
  mutating func doubtLeaks() {
    for index in groups.indices where groups[index].boot == boot { groups[index].doubtLeaks() }
  }

  /// Adds what logs and listings say. Groups that no call was seen on are opened for those that somebody asked for,
  /// or for all where there is no call at all. `questions` are numbers of groups that the user asks for.
  mutating func add(_ facts: IncidentFacts, questions: Set<Int>, names: borrowing NameTable) {
    let isAlone = groups.allSatisfy { $0.changes.isEmpty } && unattributed.total == 0
    let asked = Set(facts.refusals.compactMap { $0.group ?? $0.device.flatMap(facts.group(of:)) }).union(
      questions)
    for id in facts.groups.keys.sorted() where byID[id] != nil || asked.contains(id) || isAlone {
      guard let index = group(key: GroupKey(pointer: nil, id: id)) else { continue }
      groups[index].isAskedFor = questions.contains(id)
      groups[index].listing = facts.members(of: id).map { place in
        GroupLedger.ListedMember(
          device: place.device, driver: place.driver, tellsDriver: place.tellsDriver,
          holds: place.driver.map { !names.withBytes($0, ManagedDriver.isManaged) } ?? false,
          isBridge: place.driver.map { names.withBytes($0) { $0.hasText("pcieport", at: 0) } } ?? false,
          witness: place.witness,
          logged: place.logged.flatMap { names.withBytes($0.driver, ManagedDriver.isManaged) ? nil : $0 })
      }
    }
    for refusal in facts.refusals {
      guard let id = refusal.group ?? refusal.device.flatMap(facts.group(of:)),
        let index = group(key: GroupKey(pointer: nil, id: id))
      else { continue }
      groups[index].toldRefusals.append((refusal.witness, refusal.device))
      groups[index].toldGrant = facts.grants[id]
    }
  }

  var callsElsewhere: Int { elsewhere.total }

  mutating func forgetCount(of index: Int) {
    groups[index].forget()
    // An owner may have come or gone among them.
    let owners: [OwnershipCallKind] = [.claim, .deviceClaim, .release, .deviceRelease]
    if owners.contains(where: { elsewhere[$0] > 0 }) { groups[index].doubtOwner() }
  }

  mutating func doubtState(of index: Int) { groups[index].doubtEnd() }

  var isFull: Bool { groups.count >= limits.groups }

  mutating func countBeyond(_ call: OwnershipCall, of key: GroupKey) { beyond[call.kind] += 1 }

  mutating func lose(_ index: Int, since: LineReference?) {
    touch(index)
    groups[index].lose(since: since)
  }

  mutating func loseMember(ofGroup id: Int) {
    guard let index = byID[id] else { return }
    groups[index].admitStranger()
  }

  func id(of index: Int) -> Int? { groups[index].id }

  func serial(of index: Int) -> Int { groups[index].serial }
}
