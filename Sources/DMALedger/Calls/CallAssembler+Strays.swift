/// What runs in probes whose beginning no line shows.
extension CallAssembler {
  /// What runs in a probe that began before the first line looks like an unbind until the probe returns.
  mutating func noteStray(_ event: TraceEvent, _ device: NameID, _ key: Int) {
    switch event.function {
    case .deviceRemove:
      if !lanes[key].contains(where: { $0.function == .releaseDriver }),
        strayRemovals.count < TaskLanes.mostRemembered
      {
        strayRemovals[key] = device
      }
    case .dmaCleanup: strayRemovals[key] = nil
    case .dmaConfigure:
      if event.fields.driver.flatMap({ isManaged[$0] }) == true { strayRemovals[key] = nil }
    default: break
    }
  }

  /// A use in no window was refused: where its probe goes on all the same only the return of that shows it.
  mutating func noteStrayUse(_ call: OwnershipCall, _ key: Int) {
    guard call.kind == .use, call.window == nil else { return }
    let isRefused = call.result.map { $0 < 0 } ?? false
    if isRefused, strayRefusals.count < TaskLanes.mostRemembered {
      strayRefusals[key] = call
    } else {
      strayRefusals[key] = nil
    }
  }

  /// A probe returns whose beginning no line shows.
  mutating func leaveStray(_ event: TraceEvent, _ key: Int) {
    if let use = strayRefusals.removeValue(forKey: key), event.fields.result == 0,
      event.fields.device == nil || event.fields.device == use.device
    {
      ledger.swallow(use, bound: nil, isSure: false)
    }
    guard strayRemovals.removeValue(forKey: key) != nil, event.fields.result ?? 0 != 0 else { return }
    evidence.cutPasses += 1
  }
}
