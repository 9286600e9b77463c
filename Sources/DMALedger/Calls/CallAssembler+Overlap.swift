/// A call that has returned while others were at its group.
struct OverlappingCall<Ledger: CallSink> {
  var call: OwnershipCall
  var context: CallContext
  /// The line that shows that it is over.
  var closed: Moment
  /// It was over among lines whose order is lost.
  var isDisordered = false
  /// What the ledger is to hear of its device behind it, and the line that told it.
  var followers: [Follower] = []

  struct Follower {
    var at: LineReference
    var window: ProbeWindow?
    /// The count may have moved there, if nobody watches that.
    var mayMove: Bool
    /// The device may have taken a reference there, if nobody watches that.
    var mayTake = false
    /// A driver may be giving back there, if nobody watches that.
    var givesBack = false
    var tell: (inout Ledger) -> Void
  }
}

/// Calls of several tasks that are at one group at the same time. Which of them had the lock first no line tells: they
/// wait for each other, and the ledger finds the orders that their codes allow.
extension CallAssembler {
  /// Calls that wait for each other; more are taken in the order of their returns.
  private static var mostOverlapping: Int { 5 }

  /// What the ledger is told of a device while one of its calls waits.
  private static var mostFollowers: Int { 256 }

  /// A call arrives at its group as soon as an observer has named that.
  mutating func arrive(_ open: inout OpenCall, _ key: Int) {
    guard let call = open.call, call.place == nil, let group = ledger.group(of: placed(call)) else { return }
    settleForgotten(at: group, before: call)
    settleRelease(at: group, before: call)
    open.call?.place = group
    ledger.noteArrival(at: group)
    open.call?.arrivalSerial = ledger.serial(of: group)
    open.call?.arrivalElsewhere = ledger.callsElsewhere
    open.call?.arrivalUnwatched = ledger.unwatchedCalls(at: group)
    let isOvertaken = ledger.isOvertaken(call, at: group)
    if isOvertaken { ledger.doubtLastReading(at: group) }
    let meetsUnfinished = meetsUnfinished(at: group, call)
    open.call?.meetsUnfinished = meetsUnfinished
    open.call?.arrivedAlone =
      !lanes.meetOthers(at: group, except: key) && overlaps[group] == nil && drained[group] == nil
      && !meetsUnfinished && !isContested(group) && !isOvertaken
  }

  /// A call that names nothing is at the group of the device that is being probed around it.
  private func placed(_ call: OwnershipCall) -> OwnershipCall {
    guard call.namesNothing, let device = call.window.flatMap({ windows[$0]?.device }) else { return call }
    var call = call
    call.device = device
    return call
  }

  /// Events go missing: releases that are open there, and of which no line will show the return, may still be to come.
  mutating func noteUnfinishedCalls() {
    for (key, index) in lanes.openOwnershipCalls {
      let frame = lanes[key][index]
      guard let call = frame.call, call.kind.isRelease,
        let group = call.place, isReturnUnseen(frame), !TaskLanes.isNobody(key)
      else { continue }
      if unfinished.count > TaskLanes.mostRemembered { unfinished.removeAll() }
      unfinished.insert(key, at: group, call.entry.time)
    }
  }

  /// Whether a call comes to a group where another one may not be over.
  private mutating func meetsUnfinished(at group: Int, _ call: OwnershipCall) -> Bool {
    guard !unfinished.isEmpty, let open = unfinished[group] else { return false }
    if call.ownerBefore == 0 {
      // The owner is gone: it has let go.
      unfinished.remove(group: group)
      return false
    }
    let late = open.filter { _, entered in
      guard let then = entered, let now = call.entry.time, now.isSane, then.isSane else { return false }
      return now.value - then.value > OwnershipCall.longestWait
    }
    for key in late.keys { unfinished.remove(key, at: group) }
    return unfinished[group] != nil
  }

  /// Calls that nobody will see return and that were entered long ago have returned.
  private mutating func settleForgotten(at group: Int, before call: OwnershipCall) {
    guard let now = call.entry.time else { return }
    for key in lanes.keysOfCalls(at: group) {
      guard let open = lanes[key].last, isReturnUnseen(open), let then = open.call?.entry.time,
        now.isSane, then.isSane, now.value - then.value > OwnershipCall.longestWait
      else { continue }
      settle(key)
    }
  }

  /// Whoever finds no owner where the only release that is open found one shows that this has let go.
  private mutating func settleRelease(at group: Int, before call: OwnershipCall) {
    guard call.ownerBefore == 0, !call.isEntryUnseen, !isContested(group) else { return }
    let open = lanes.keysOfCalls(at: group).filter { lanes[$0].last?.call?.kind.isRelease == true }
    guard let key = open.first, open.count == 1, let frame = lanes[key].last, isReturnUnseen(frame),
      frame.call?.ownerBefore ?? 0 != 0,
      overlaps[group]?.contains(where: { $0.call.kind.isRelease }) != true,
      settledEarly.count < TaskLanes.mostRemembered
    else { return }
    settledEarly[key] = frame.function
    settle(key)
  }

  /// A call of this lane that was not seen to return has returned: its task went on.
  mutating func settle(_ key: Int) {
    guard let top = lanes[key].last, var call = top.call else { return }
    lanes.pop(key)
    if TaskLanes.isUnnamed(key) { leavePool(&call, of: top.function) }
    commit(call, key)
  }

  /// All open calls, in the order in which they were entered.
  mutating func settleOpenCalls() {
    // Which of those that were mixed up have returned is not known.
    unnamed.pools = [:]
    cutOff(openCalls)
  }

  /// The lanes of all calls that are open, and where those were entered.
  var openCalls: [(key: Int, at: LineReference)] {
    lanes.openOwnershipCalls.compactMap { key, index in lanes[key][index].call.map { (key, $0.entry.at) } }
  }

  /// Calls take effect although no line shows that they are over.
  mutating func cutOff(_ open: [(key: Int, at: LineReference)]) {
    isCuttingOff = true
    settle(open)
    isCuttingOff = false
  }

  /// A member leaves: calls at the group that nobody will see return have done so before it dies.
  mutating func settleUnseenReturns(at id: Int) {
    var open: [(key: Int, at: LineReference)] = []
    var pooled: Set<Int> = []
    var hasOver = overlaps.keys.contains { ledger.id(of: $0) == id }
    for (key, index) in lanes.openOwnershipCalls {
      let frame = lanes[key][index]
      // Of several that may have returned it is one that has.
      let isPooled = TaskLanes.isUnnamed(key) && unnamed.pools[frame.function] != nil
      guard let call = frame.call, isPooled || isReturnUnseen(frame), let place = call.place,
        ledger.id(of: place) == id
      else { continue }
      open.append((key, call.entry.at))
      if isPooled { pooled.insert(key) }
      if !call.kind.hasResult { hasOver = true }
    }
    guard hasOver else { return }
    if settledEarly.count + open.count > TaskLanes.mostRemembered {
      // Whose returns are still to come is not known any more: they would be taken for other calls.
      settledEarly = [:]
      forgotten.note(.calls, now)
      giveUpEverything(since: now)
    }
    for (key, _) in open where !pooled.contains(key) { settledEarly[key] = lanes[key].last?.function }
    isDraining = true
    settle(open)
    isDraining = false
  }

  private mutating func settle(_ open: [(key: Int, at: LineReference)]) {
    for (key, _) in open.sorted(by: { $0.at < $1.at }) { settle(key) }
  }

  /// Whether no line will show that a call has returned.
  func isReturnUnseen(_ frame: OpenCall) -> Bool {
    frame.hasReturned || frame.depth < 0 && !returning.contains(frame.function)
  }

  /// The task of a lane goes on: what it called has returned.
  mutating func goOn(_ key: Int) {
    drained.remove(lane: key)
    unfinished.remove(lane: key)
  }

  func isOverlapped(at group: Int, except key: Int) -> Bool {
    overlaps[group] != nil || lanes.keysOfCalls(at: group).contains { $0 != key }
  }

  /// Puts a call beside those that it ran into, until the last of them has returned.
  mutating func wait(_ call: OverlappingCall<Ledger>, at group: Int) {
    var call = call
    call.isDisordered = tie?.isDisordered == true
    overlaps[group, default: []].append(call)
    // Of a tie others may still come that were there before it.
    if !isDraining, !isContested(group) { resolveWhenOver(group) }
  }

  /// Lets calls take effect once none of them waits for another one.
  mutating func resolveWhenOver(_ group: Int) {
    let isFull = overlaps[group]?.count ?? 0 >= Self.mostOverlapping
    if isFull {
      // Those whose return nobody will see would keep the others waiting for ever.
      isDraining = true
      for key in lanes.keysOfCalls(at: group) {
        guard let open = lanes[key].last, isReturnUnseen(open) else { continue }
        settle(key)
        drain(key, at: group)
      }
      isDraining = false
    }
    if isFull || lanes.keysOfCalls(at: group).isEmpty { resolve(group) }
  }

  /// A call was taken to be over, for want of room.
  private mutating func drain(_ key: Int, at group: Int) {
    if drained.count >= TaskLanes.mostRemembered {
      drained.removeAll()
      forgotten.note(.calls, now)
      giveUpEverything(since: now)
    }
    drained.insert(key, at: group, ())
  }

  mutating func resolve(_ group: Int) {
    guard let calls = overlaps.removeValue(forKey: group) else { return }
    defer { if let last = calls.last { expectUnbinds(at: group, behind: last.call) } }
    defer { for device in devicesWithoutOrder(calls) { ledger.forgetHolder(device, at: group) } }
    if !isDisturbed(calls, at: group) {
      let unuses = evidence.sawUnuse ? 0 : hiddenUnuses(beside: calls, at: group)
      return ledger.apply(calls, unuses: unuses, to: group)
    }
    // Any of them may have found what others left behind that were not seen.
    ledger.doubtState(of: group)
    for var call in calls {
      call.context.isDisturbed = true
      call.call.countAfter = nil
      call.call.ownerAfter = nil
      ledger.apply(call.call, to: group, isAlone: false, context: call.context)
      for follower in call.followers { follower.tell(&ledger) }
      ledger.doubtState(of: group)
    }
  }

  /// Devices that took and gave back where order is lost: which of it came last is not known.
  private func devicesWithoutOrder(_ calls: [OverlappingCall<Ledger>]) -> Set<NameID> {
    let lost = calls.filter { $0.isDisordered && ($0.call.kind == .use || $0.call.kind == .unuse) }
    let uses = Set(lost.filter { $0.call.kind == .use }.compactMap(\.call.device))
    return uses.intersection(lost.filter { $0.call.kind == .unuse }.compactMap(\.call.device))
  }

  /// Unuses that may have run beside these calls, as far as nobody watches them.
  private func hiddenUnuses(beside calls: [OverlappingCall<Ledger>], at group: Int) -> Int {
    let anew = calls.filter {
      $0.call.kind == .use && $0.call.device.map { ledger.isHolding($0, at: group) } ?? false
    }
    let unwatched = ledger.unwatchedCalls(at: group)
    let since = calls.map { max(0, unwatched - $0.call.arrivalUnwatched) }.max() ?? 0
    return since + anew.count + ledger.givingBack(at: group)
      + calls.reduce(0) { $0 + $1.followers.count(where: \.givesBack) }
  }

  /// Whether others that are not among these calls may have been at the group while they waited.
  private func isDisturbed(_ calls: [OverlappingCall<Ledger>], at group: Int) -> Bool {
    // So many orders are not tried, and lines do not tell any.
    if calls.count > Self.mostOverlapping,
      calls.contains(where: { $0.closed.tie > 0 || $0.call.entryTie > 0 })
    {
      return true
    }
    let unwatched = ledger.unwatchedCalls(at: group)
    let isJoined = calls.contains {
      $0.call.arrivalElsewhere < ledger.callsElsewhere || $0.call.meetsUnfinished
        // Where uses are watched these are unuses, and their number is known.
        || !evidence.sawUse && $0.call.arrivalUnwatched < unwatched
    }
    if isJoined { return true }
    if !evidence.sawUse, calls.contains(where: { mayTake(behind: $0, before: calls) }) { return true }
    if evidence.sawUnuse { return false }
    // A device that is used twice may have been given back in between, and one that was unbound behind it.
    if calls.contains(where: { $0.call.kind == .use && mayBeUnbound(behind: $0.call) }) { return true }
    let users = calls.filter { $0.call.kind == .use }.compactMap(\.call.device)
    let hidden =
      users.count - Set(users).count + calls.reduce(0) { $0 + $1.followers.count(where: \.mayMove) }
    return hidden > 0 && ledger.allows(hidden, beside: calls, at: group)
  }

  /// Whether a device may have taken a reference unseen behind its call, while others could still take effect.
  private func mayTake(behind call: OverlappingCall<Ledger>, before calls: [OverlappingCall<Ledger>]) -> Bool
  {
    call.followers.contains { follower in
      follower.mayTake && calls.contains { $0.call.kind != .query && $0.closed.at > follower.at }
    }
  }

  /// Nobody waits any longer, or nobody at the group of a number.
  mutating func resolveOverlaps(at id: Int? = nil) {
    for group in overlaps.keys.sorted() where id == nil || ledger.id(of: group) == id { resolve(group) }
  }

  /// Tells the ledger something about a device, behind the calls of that device which wait; `window` is the one that it
  /// tells of, where it quotes lines of it. `mayMove`: a reference may have been given back there, or taken; `mayTake`: it may
  /// have been taken.
  mutating func tell(
    _ device: NameID, of window: ProbeWindow? = nil, mayMove: Bool = false, mayTake: Bool = false,
    givesBack: Bool = false,
    _ body: @escaping (inout Ledger) -> Void
  ) {
    let waiting = overlaps.filter { $0.value.contains { $0.call.device == device } }.keys.min()
    if let group = waiting, let place = overlaps[group]?.lastIndex(where: { $0.call.device == device }) {
      overlaps[group]?[place].followers.append(
        OverlappingCall.Follower(
          at: now, window: window, mayMove: mayMove || mayTake, mayTake: mayTake, givesBack: givesBack,
          tell: body))
      // Nobody waits for so much.
      if overlaps[group]?[place].followers.count ?? 0 > Self.mostFollowers { resolve(group) }
      return
    }
    body(&ledger)
  }
}
