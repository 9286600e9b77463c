/// Where a capture begins anew, where it ends, and where something is missing.
extension CallAssembler {
  /// Another boot begins, or another capture: nothing that is open goes on, and nothing that is known holds.
  mutating func beginBoot() {
    finish()
    ledger.beginBoot()
    pastEvidence.append(evidence)
    evidence = KernelEvidence()
    boot += 1
    hasFirstTime = false
    lanes.removeAll()
    windowOfDevice = [:]
    lastMark = [:]
    lastReturned = [:]
    lastLineOfCPU = [:]
    forgetLanes()
    heard = HeardLanes()
    returning = []
    entered = []
    returningByProbe = []
    grouplessUses = [:]
    probedDevices = []
    managedDevices = []
    attached = [:]
    strayRemovals = [:]
    strayRefusals = [:]
    removing = [:]
    overlaps = [:]
    settledEarly = [:]
    drained.removeAll()
    unfinished.removeAll()
    unnamed.forget()
    unnamed.cutProbes = [:]
    seesBraces = false
    beganBoot()
    aliases = DeviceAliases()
  }

  /// Nothing more comes: whatever is open has run to an unknown end.
  mutating func finish() {
    settleOpenCalls()
    resolveOverlaps()
    for index in windows.keys.sorted() { leaveWindow(index) }
    if !evidence.sawUnuse, !evidence.sawUnbind, ledger.showsHiddenUnuse { ledger.mayGiveBackEverywhere() }
    if evidence.unuseIsTraceable { ledger.confirmLeaks() }
    // A kernel that gives back in one window gives back in all: an unuse that is missing elsewhere was lost.
    if evidence.fixed > 0 { ledger.doubtLeaks() }
  }

  /// A window ends without a line that shows it; between its passes nobody saw whether the first gave back.
  mutating func leaveWindow(_ index: Int) {
    let window = windows[index]
    endWindow(index, at: nil)
    guard let window, let device = window.device, let use = window.openUse, let remove = window.remove,
      use.entry.at < remove.at, !window.isBound
    else { return }
    ledger.leaveOpen(device)
  }

  /// The window of a device that something is done to in a task. One task probes it from end to end: where another one is at
  /// it behind lost events, the probe has ended among those.
  mutating func openWindow(of device: NameID, _ pid: Int32) -> Int? {
    guard let index = windowOfDevice[device], let window = windows[index] else { return nil }
    guard window.lossEpoch >= 0, window.lossEpoch != lossEpoch, window.pid >= 0, pid >= 0, window.pid != pid
    else { return index }
    leaveWindow(index)
    return nil
  }

  // MARK: - Losses

  mutating func lose(_ kind: Loss.Kind, _ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference) {
    lose(kind, witness: witness(event, line, at), cpu: event.cpu, count: event.number)
  }

  /// Events are missing here: open calls have unknown ends, and every group may have changed.
  ///
  /// - Parameter isTold: Whether it is no part of a loss that was told.
  mutating func lose(
    _ kind: Loss.Kind, witness: Witness, cpu: Int32 = -1, count: Int = 0, since: LineReference? = nil,
    isTold: Bool = true
  ) {
    if kind == .simultaneous {
      loseOrder()
    } else {
      noteUnfinishedCalls()
      settleOpenCalls()
      resolveOverlaps()
      lastLoss = witness.at
      heard = HeardLanes()
      // A return behind it is no other observer's of a call before it.
      lastReturned.removeAll(keepingCapacity: true)
    }
    if kind == .restarted || kind == .timeWentBack {
      lanes.removeAll()
      for index in windows.keys.sorted() { endWindow(index, at: nil) }
    }
    lossEpoch += 1
    strayRefusals = [:]
    unnamed.forget()
    if isTold { note(Loss(kind: kind, witness: witness, cpu: cpu, count: count)) }
    // The marker stands where the CPU is heard again; what is missing may have run any time since it was heard last.
    let since = kind == .lost || kind == .bufferStarted ? lastLineOfCPU[cpu] : since ?? witness.at
    evidence.doubt(behind: since)
    ledger.lose(since: since)
  }

  /// Events are missing between any two lines of a source, whose last line this is.
  mutating func loseAnywhere(in source: Int, _ kind: Loss.Kind, witness: Witness, count: Int = 0) {
    lose(kind, witness: witness, count: count)
    for index in windows.keys.sorted() { endWindow(index, at: nil) }
    ledger.lose(since: LineReference(source: source, line: 0))
    evidence.isPartial = true
    for boot in pastEvidence.indices { pastEvidence[boot].isPartial = true }
  }

  /// Losses of a kind that are told one by one.
  private static var mostLosses: Int { 256 }

  /// Keeps a loss; of very many those of a kind are told as one.
  mutating func note(_ loss: Loss) {
    lossesOfKind[loss.kind, default: 0] += 1
    if lossesOfKind[loss.kind] ?? 0 > Self.mostLosses,
      let last = losses.lastIndex(where: { $0.kind == loss.kind })
    {
      losses[last].times += loss.times
      losses[last].count = losses[last].count.clampedSum(loss.count)
    } else {
      losses.append(loss)
    }
  }
}
