/// What is kept of a `really_probe()` window that has ended, for kernel logs to be held against: its moments, and the
/// uses where nothing in the trace names its device.
struct SeenWindow: Sendable {
  var device: NameID?
  var driver: NameID?
  var entry: Witness
  var remove: Witness?
  /// The uses to be named; empty where the trace names the device.
  var uses: [OwnershipCall]
  /// Moments on the trace's clock, in nanoseconds.
  var start: Int64?
  var firstUse: Int64?
  var bound: Int64?
  var end: Int64?
  var result: Int?
  /// Whether a driver was bound in the end, as far as that was seen.
  var isBound: Bool
  var pid: Int32
  /// Which boot of the trace it is of.
  var boot: Int
  var hasLoss: Bool
  /// It came as far as the debug line: a probe that is put off for want of a supplier prints none.
  var mustBeTold: Bool

  init(_ window: ProbeWindow, boot: Int) {
    device = window.device
    driver = window.driver
    entry = window.entry
    remove = window.remove
    uses = window.device == nil ? window.keptUses : []
    if uses.isEmpty {
      // Nothing will be quoted of it.
      entry.text = .none
      remove?.text = .none
    }
    start = Self.time(window.entry)
    firstUse = window.keptUses.first.flatMap { Self.time($0.entry) }
    bound = window.bound.flatMap(Self.time)
    end = window.isEndSeen ? window.end.flatMap(Self.time) : nil
    result = window.result
    isBound = window.isBound || window.result == 0
    pid = window.pid
    self.boot = boot
    hasLoss = window.hasLoss
    mustBeTold =
      window.uses + window.refusedUses + window.sysfsAdds + window.configures > 0 || window.isBound
  }

  private static func time(_ witness: Witness) -> Int64? {
    witness.time.flatMap { $0.isSane ? $0.value : nil }
  }
}
