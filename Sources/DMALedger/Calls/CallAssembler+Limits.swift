/// How much is followed at once. What is given up is treated as lost events are: from there on nothing is claimed of the
/// group it was about before a later line shows it.
extension CallAssembler {
  /// Devices that a claim may attach.
  static var mostAttached: Int { 4096 }

  /// Calls and frames that there was no room for any more. A call may have run at any time since its entry.
  mutating func giveUp(_ frames: [(key: Int, frame: OpenCall)]) {
    for (key, frame) in frames {
      if let call = frame.call {
        forgotten.note(.calls, call.entry.at)
        attached[key] = nil
        commit(call, key)
        if let group = call.place {
          resolve(group)
          ledger.lose(group, since: call.entry.at)
        }
      }
      if let index = frame.window { giveUp(window: index) }
    }
  }

  /// A window of which the end will not be seen proves nothing.
  mutating func giveUp(window index: Int) {
    guard let window = windows[index] else { return }
    // Before every loss: it spans one.
    windows[index]?.lossEpoch = -1
    if let device = window.device { ledger.orphan(device) }
    endWindow(index, at: nil)
  }

  /// Everything may have changed since a line.
  mutating func giveUpEverything(since: LineReference) {
    lossEpoch += 1
    note(Loss(kind: .givenUp, witness: Witness(at: since, time: nil, text: .none), cpu: -1, count: 0))
    ledger.lose(since: since)
  }

  /// A line of a CPU; of CPUs beyond those that are told apart anything may be lost at any time.
  mutating func hear(_ cpu: Int32, _ at: LineReference) {
    if lastLineOfCPU[cpu] != nil || lastLineOfCPU.count < TaskLanes.mostRemembered { lastLineOfCPU[cpu] = at }
  }

  /// From here on it is kept when each lane was heard of last.
  mutating func followLanes() { lastLineOfLane = lastLineOfLane ?? [:] }

  /// What any lane did last is not known.
  mutating func forgetLanes() { if lastLineOfLane != nil { lastLineOfLane = [:] } }

  /// A line of a lane.
  mutating func hearLane(_ key: Int, _ at: LineReference) {
    if lastLineOfLane?.count ?? 0 > TaskLanes.mostRemembered { lastLineOfLane = [:] }
    lastLineOfLane?[key] = at
  }

  /// There was no room for the name of the event's device: it is a device, and not the same one as any other.
  mutating func forgetName(in event: inout TraceEvent, _ at: LineReference) {
    event.fields.device = nil
    event.fields.isUnnamed = true
    forgotten.note(.names, at)
    switch event.kind {
    case .joined, .left:
      if let id = event.fields.groupID { ledger.loseMember(ofGroup: id) }
    default: break
    }
  }
}
