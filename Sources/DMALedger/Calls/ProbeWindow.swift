/// One `really_probe()`: from its entry to its return, with the passes that `CONFIG_DEBUG_TEST_DRIVER_REMOVE` makes
/// of it.
///
///     really_probe(dev, drv)
///       use                     first pass
///       device_remove           the test-remove
///       unuse                   only on kernels with f429378a9bf8
///       use                     second pass
///       driver_bound
package struct ProbeWindow: Sendable {
  package var device: NameID?
  package var driver: NameID?
  package var entry: Witness
  /// The task that probes; -1 where the capture does not tell.
  package var pid: Int32 = -1
  /// The last use that succeeded, or may have, and was not followed by an unuse.
  package var openUse: OwnershipCall?
  /// The use that is open, and the one before it where that was never given back.
  package var keptUses: [OwnershipCall] = []
  /// Events were lost while it was open.
  package var hasLoss = false
  /// Uses that succeeded or may have.
  package var uses = 0
  /// Uses that were refused.
  package var refusedUses = 0
  /// The last use, where that was refused.
  package var lastRefusal: OwnershipCall?
  /// The same, or one that most likely was, of which the bus took no notice.
  var ignored: OwnershipCall? { ignoring.first }
  /// Few windows have one, so the others carry no room for it.
  private var ignoring: [OwnershipCall] = []
  /// The test-remove, where it was seen.
  package var remove: Witness?
  /// The unuse or `->dma_cleanup()` after it.
  package var cleanup: Witness?
  /// An unuse between two uses.
  package var hasUnuse = false
  package var sysfsAdds = 0
  package var configures = 0
  /// `device_unbind_cleanup()` ran since the last sign of a pass.
  package var mayHaveFailed = false
  package var isBound = false
  package var bound: Witness?
  /// The return value: 0, a positive error of the driver's probe, a negative one of the core.
  package var result: Int?
  /// It ended with an error whose code is not known.
  package var hasFailed = false
  package var isReprobeCounted = false
  /// Losses known when it began: a window that spans one proves nothing.
  package var lossEpoch: Int
  /// Nothing but the order of lines tells what belongs to it: no line names a task, nor how deep it is nested.
  package var isNobodys = false
  package var end: Witness?
  /// Calls on any group that its beginning was taken for a sign of, as its device was not known.
  var allowed = UnwatchedCalls()
  /// `end` is the return itself, and not a sign that it must have come.
  package var isEndSeen = false

  init(entry: Witness, lossEpoch: Int) {
    self.entry = entry
    self.lossEpoch = lossEpoch
  }

  /// Whether what seems to be in it is: calls of other tasks may stand between its lines where nothing tells them apart.
  var isWhole: Bool { !isNobodys || device != nil }

  /// Its bus's `->dma_configure()` runs.
  mutating func noteConfigure() {
    configures += 1
    mayHaveFailed = false
  }

  /// `driver_sysfs_add()` runs, which no pass calls that could not be configured.
  mutating func noteSysfsAdd() {
    sysfsAdds += 1
    mayHaveFailed = false
    goOn()
  }

  /// The driver is removed, for the test.
  mutating func noteRemove(_ seen: Witness) {
    remove = remove ?? seen
    goOn()
  }

  /// `driver_bound()` runs.
  mutating func noteBound(_ seen: Witness) {
    isBound = true
    bound = seen
    goOn()
  }

  /// It went on behind its bus's `->dma_configure()`.
  mutating func goOn() {
    // A use that found an owner was most likely refused, whatever its code.
    let use = lastRefusal ?? openUse.flatMap { $0.result == nil && $0.ownerBefore ?? 0 != 0 ? $0 : nil }
    ignoring = use.map { [$0] } ?? []
  }

  /// Whether anything was seen in it.
  var hasBegun: Bool { configures + sysfsAdds + uses + refusedUses > 0 || remove != nil || cleanup != nil }

  /// Whether the capture shows a second pass, with or without a use in it.
  var hasSecondPass: Bool {
    sysfsAdds > 1 || configures > 1 || uses > 1 || remove != nil
  }
}
