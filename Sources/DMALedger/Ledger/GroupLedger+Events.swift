/// What happens to a group beside calls: binds and unbinds, members that come and go, lost events.
extension GroupLedger {
  /// The account of a device, opened where there is none.
  mutating func account(_ device: NameID) -> Int {
    if let index = deviceIndex[device] { return index }
    devices.append(DeviceAccount(name: device, firstStep: history.count - 1))
    deviceIndex[device] = devices.count - 1
    members.insert(device)
    return devices.count - 1
  }

  /// A driver was bound, or found not to be.
  mutating func setBound(_ device: NameID, _ isBound: Bool, driver: NameID?) {
    guard let index = deviceIndex[device] else { return }
    devices[index].isBound = isBound
    if !isBound, devices[index].holding != nil || losses > 0 { mayGiveBack(device, .possible) }
    // Its driver is being removed; the reference is still out until the unuse.
    if !isBound, devices[index].holding != nil { devices[index].isRemoved = true }
    devices[index].lastDriver = driver ?? devices[index].lastDriver
  }

  /// A probe ended without binding and without giving back what it took.
  mutating func abandon(_ device: NameID, window: ProbeWindow, context: CallContext) {
    guard let index = deviceIndex[device], let holding = devices[index].holding else { return }
    mayGiveBack(device, .over)
    devices[index].holding = nil
    devices[index].isBound = false
    var leak = Leak(
      cause: window.hasSecondPass ? .testRemoveUnbound : .probeFailure, use: holding, again: nil,
      remove: window.remove, window: window.entry,
      certainty: .suspected, step: history.count - 1)
    leak.awaitsUnuse = awaitsUnuse(leak, context)
    leak.certainty = leakCertainty(leak, context)
    keep(leak, of: index)
  }

  /// An unuse was seen somewhere: the return codes of leaks found before that are proof as well.
  mutating func confirmLeaks() {
    for index in devices.indices {
      for place in devices[index].leaks.indices
      where devices[index].leaks[place].awaitsUnuse && isWatched(devices[index].leaks[place]) {
        devices[index].leaks[place].certainty = devices[index].leaks[place].promise
      }
    }
    for index in pastLeaks.indices where pastLeaks[index].leak.awaitsUnuse && isWatched(pastLeaks[index].leak)
    {
      pastLeaks[index].leak.certainty = pastLeaks[index].leak.promise
    }
  }

  /// The driver was unbound to the end without an unuse.
  mutating func leaveBehind(_ device: NameID, context: CallContext) {
    // A use that was in no window may have been in one that nobody watches, and this its test-remove.
    guard let index = deviceIndex[device], let holding = devices[index].holding, holding.window != nil else {
      return
    }
    mayGiveBack(device, .over)
    devices[index].holding = nil
    devices[index].isBound = false
    var leak = Leak(
      cause: .unbind, use: holding, again: nil, remove: nil, window: nil, certainty: .suspected,
      step: history.count - 1)
    // One that no group can be named for may have been its.
    leak.awaitsUnuse = awaitsUnuse(leak, context) && unseen.unuses == devices[index].unusesBefore
    leak.certainty = leakCertainty(leak, context)
    keep(leak, of: index)
  }

  /// The unuse of a device was refused: its driver is let go all the same.
  mutating func leaveBlocked(_ device: NameID) {
    guard let index = deviceIndex[device], let holding = devices[index].holding else { return }
    devices[index].holding = nil
    devices[index].isRemoved = false
    devices[index].isBound = false
    var leak = Leak(
      cause: .blocked, use: holding, again: nil, remove: nil, window: nil, certainty: .proved,
      step: history.count - 1)
    leak.countsProve = true
    keep(leak, of: index)
  }

  /// The capture ends between the passes of a probe: whether the first one gave back nobody sees.
  mutating func leaveOpen(_ device: NameID) {
    guard let index = deviceIndex[device], devices[index].holding != nil else { return }
    mayGiveBack(device, .possible)
    devices[index].isRemoved = true
  }

  /// A driver was bound although its use was refused, or may have been.
  mutating func swallow(_ use: OwnershipCall, bound: Witness?, isSure: Bool) {
    if isSure { note(.swallowed(use, bound: bound)) } else { doubtedBind = doubtedBind ?? use.entry.at }
  }

  /// The last member has left, as far as the members are known.
  mutating func noteFreed(_ witness: Witness) {
    guard hasAllMembers, count.min > 0 else { return }
    note(.freed(witness, count))
  }

  /// The last use of a device was refused after all.
  mutating func undoTake(_ device: NameID) {
    guard let index = deviceIndex[device], devices[index].holding?.result == nil else { return }
    devices[index].holding = nil
  }

  /// Whether a device took a reference that it was not seen to give back.
  func isHolding(_ device: NameID) -> Bool {
    deviceIndex[device].map { devices[$0].holding != nil } ?? false
  }

  /// A driver is being bound to a device whose last reference was never seen to be given back.
  mutating func orphan(_ device: NameID) {
    guard let index = deviceIndex[device], let holding = devices[index].holding else { return }
    mayGiveBack(device, .over)
    devices[index].holding = nil
    keep(
      Leak(
        cause: .unexplained, use: holding, again: nil, remove: nil, window: nil, certainty: .suspected,
        step: history.count - 1), of: index)
  }

  /// Events were lost behind the line `since`, or behind the beginning: nothing is known until the next observation,
  /// and what rested on nothing having happened since then proves nothing.
  mutating func lose(since: LineReference?) {
    for index in devices.indices {
      let mayBeUnblocked = anomalies.contains {
        if case .pasidBlocked(let call) = $0.kind {
          call.device == devices[index].name && $0.isDoubted(behind: since)
        } else {
          false
        }
      }
      for place in devices[index].leaks.indices {
        if mayBeUnblocked, devices[index].leaks[place].cause == .blocked {
          devices[index].leaks[place].countsProve = nil
        }
        devices[index].leaks[place].doubt(since: mayBeUnblocked ? nil : since)
      }
    }
    for index in pastLeaks.indices { pastLeaks[index].leak.doubt(since: since) }
    anomalies.removeAll { $0.isDoubted(behind: since) }
    // What is missing may have run between any two calls since then.
    if let first = changes.firstStep(behind: since) { history.loosen(from: first) }
    var step = CountHistory.Step()
    step.isBreak = true
    addAside(step)
    losses += 1
    hasAllMembers = false
    owner = .unknown
    ownerPointer = nil
    ownerCall = nil
    for index in devices.indices {
      devices[index].holding = nil
      devices[index].isBound = nil
      devices[index].givenBackAt = nil
    }
    givingBack = [:]
    retireLeaks()
  }

  /// A device that is not told from others came, went, or took or gave back a reference.
  mutating func admitStranger() {
    forget()
    losses += 1
    hasUnknownMembers = true
    hasAllMembers = false
    if owner == .none { owner = .unknown }
  }

  /// It may be another group from here on: the count is not known, and leaks of the old one are history.
  mutating func doubtIdentity() {
    guard !changes.isEmpty else { return }
    forget()
    retireLeaks()
  }

  /// It may live on under another name.
  mutating func doubtEnd() {
    forget()
    doubtOwner()
  }

  /// Who owns it is not known from here on.
  mutating func doubtOwner() {
    owner = .unknown
    ownerPointer = nil
    ownerCall = nil
  }

  private mutating func retireLeaks() {
    for index in devices.indices {
      for leak in devices[index].leaks {
        let device = devices[index].name
        let alike =
          pastLeaks.count < mostAlike
          ? nil : pastLeaks.lastIndex { $0.device == device && $0.leak.isAlike(leak) }
        if let alike {
          pastLeaks[alike].leak.join(leak)
        } else {
          pastLeaks.append((device, leak))
        }
      }
      devices[index].leaks = []
    }
  }

  /// Keeps a leak: of very many those that differ in nothing but their time are told once.
  mutating func keep(_ leak: Leak, of device: Int) {
    let lastRefusal = refusals.last?.step ?? -1
    if devices[device].leaks.count >= mostAlike,
      let alike = devices[device].leaks.lastIndex(where: { $0.step > lastRefusal && $0.isAlike(leak) })
    {
      devices[device].leaks[alike].join(leak)
    } else {
      devices[device].leaks.append(leak)
    }
  }

  mutating func note(_ kind: Anomaly.Kind) {
    let anomaly = Anomaly(kind)
    if anomalies.count >= mostAlike, let alike = anomalies.lastIndex(where: { $0.isAlike(anomaly) }) {
      anomalies[alike].alike.add(anomaly.alike, at: anomaly.witness)
    } else {
      anomalies.append(anomaly)
    }
  }

  /// The count is not known from here on; who holds what is.
  mutating func forget() {
    var step = CountHistory.Step()
    step.isBreak = true
    addAside(step)
  }

  /// Adds a step that is no call's. Signs of what nobody watches and losses may come by the million: where there are many,
  /// those that no call and no refusal needs are folded.
  mutating func addAside(_ step: CountHistory.Step) {
    history.add(step)
    guard history.kept > mostSteps, !isOverlapped else { return }
    let needed = (changes.kept.map(\.step) + refusals.steps).sorted()
    history.fold(0..<history.count - 1, keeping: needed)
    mostSteps = history.kept + max(Self.mostAside, history.kept / 4)
  }

  /// Steps that are kept beside those of calls; where those are many, a quarter of them, so that folding takes no longer than
  /// what it folds.
  static let mostAside = 16

  /// The count may be up to `most` higher: a use that must have run was not recorded.
  mutating func widen(by most: Int) {
    var step = CountHistory.Step()
    step.high = most
    addAside(step)
    losses += 1
  }

  /// A device left; true where no known member is left.
  mutating func remove(_ device: NameID) -> Bool {
    // Whoever was bound before the capture gave back before it left.
    if !changes.isEmpty, !hasAllMembers { mayGiveBack(device, .over) }
    members.remove(device)
    if let index = deviceIndex[device] { devices[index].isBound = false } else { hasLostMember = true }
    return members.isEmpty && !hasUnknownMembers
  }

  /// Every leak ever found, those before a loss first.
  var allLeaks: [(device: NameID, leak: Leak)] {
    pastLeaks + devices.flatMap { device in device.leaks.map { (device.name, $0) } }
  }

  /// The kernel was seen to give back in another window: return codes alone prove no leak here.
  mutating func doubtLeaks() {
    for index in devices.indices {
      for place in devices[index].leaks.indices { devices[index].leaks[place].doubt(since: nil) }
    }
    for index in pastLeaks.indices { pastLeaks[index].leak.doubt(since: nil) }
  }

  /// The last member left: the group is freed, and its count with it.
  mutating func end() {
    hasEnded = true
  }
}
