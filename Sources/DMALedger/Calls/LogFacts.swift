/// What the kernel logs of an incident say, boot by boot.
///
/// A file begins a boot of its own, and so do a banner and a clock that starts again; whether two of them are one and the
/// same boot only their content shows.
///
/// What boots tell of devices takes so much memory and no more. A long log is most likely asked about its end, so the
/// oldest boots are emptied first; the last one, if it tells too much alone. An emptied boot is believed in nothing but
/// its warnings.
struct LogFacts: Sendable {
  /// Boots told apart; of more the older half goes.
  private static let mostBoots = 1024
  private static let mostWarnings = 1024

  private(set) var boots: [LogBoot] = []
  /// Warnings of boots that are not among ``boots`` any more.
  private(set) var strayWarnings: [OwnershipWarning] = []
  /// What was given up.
  private(set) var forgotten = Forgotten()
  /// Boots of which nothing is known any more but warnings, among ``boots`` or not.
  private(set) var emptied = 0

  /// Bytes of what is kept, and how many there may be.
  private var kept = 0
  private let most: Int
  private var warnings = 0
  /// The boots before this one are empty.
  private var oldest = 0

  init(most: Int) {
    self.most = most
  }

  /// Takes a message; `line` is its text with everything around it.
  mutating func note(_ message: KernelMessage, _ witness: Witness, caller: Int32, line: Span<UInt8>) {
    if beginsBoot(message, witness) {
      if boots.count >= Self.mostBoots { forgetOlderHalf() }
      boots.append(LogBoot(first: witness))
    }
    let last = boots.count - 1
    let before = boots[last].size
    boots[last].note(message, witness, caller: caller, textSize: min(line.count, TextArena.longest))
    kept += boots[last].size - before
    while kept > most { emptyOldest() }
    if case .warning = message, let warning = OwnershipWarning(line, witness) {
      warnings += 1
      if warnings <= Self.mostWarnings {
        boots[last].note(warning)
      } else {
        forgotten.note(.warnings, witness.at)
      }
    }
  }

  private mutating func emptyOldest() {
    while boots[oldest].size == 0 { oldest += 1 }
    kept -= boots[oldest].size
    boots[oldest].empty()
    emptied += 1
    forgotten.note(.boots, boots[oldest].first.at)
  }

  private mutating func forgetOlderHalf() {
    let count = Self.mostBoots / 2
    for boot in boots[..<count] {
      kept -= boot.size
      strayWarnings += boot.warnings
      if boot.isEmptied { continue }
      emptied += 1
      forgotten.note(.boots, boot.first.at)
    }
    boots.removeFirst(count)
    oldest = max(0, oldest - count)
  }

  /// Puts the boots in the order of the report's sources.
  mutating func arrange(_ rank: (Int) -> Int) {
    let arranged = boots.indices.sorted { (rank(boots[$0].source), $0) < (rank(boots[$1].source), $1) }
    boots = arranged.map { boots[$0] }
  }

  private func beginsBoot(_ message: KernelMessage, _ witness: Witness) -> Bool {
    guard let boot = boots.last else { return true }
    if boot.source != witness.at.source { return true }
    if case .boot = message { return boot.hasFacts }
    if case .anotherBoot = message { return true }
    guard let before = boot.lastTime, let time = witness.time else { return false }
    return Nanoseconds.isFarBack(from: before, to: time)
  }
}

/// What a kernel log says about one boot, in the order of its lines.
struct LogBoot: Sendable {
  /// A device joined a group, or left it.
  struct Membership: Sendable {
    var device: NameID
    var group: Int
    var hasJoined: Bool
    var witness: Witness
  }

  /// A driver was bound to a device.
  struct Bind: Sendable {
    var device: NameID
    var driver: NameID
    var witness: Witness
  }

  /// The first line that says anything.
  let first: Witness
  private(set) var probes: [LogProbe] = []
  private(set) var memberships: [Membership] = []
  private(set) var warnings: [OwnershipWarning] = []
  private(set) var binds: [Bind] = []
  /// The trace buffers were emptied here.
  private(set) var traceReset: Witness?
  /// `uname -r`, from the banner.
  private(set) var release: NameID?
  /// The release of kernel.org that it is built from, where the banner of a distribution tells.
  private(set) var upstream: NameID?
  /// What printk adds to the raw scheduler clock, where the kernel said so, in nanoseconds.
  private(set) var clockOffset: Int64?
  private(set) var firstTime: Nanoseconds?
  private(set) var lastTime: Nanoseconds?
  private(set) var hasFacts = false
  /// Messages are missing: that there is no line shows nothing.
  private(set) var hasLoss = false
  /// Probes whose end was not told yet, by device.
  private var open: [NameID: Int] = [:]
  /// Bytes of what is kept of devices, with the text of its lines.
  private(set) var size = 0
  /// It told more than is kept: of its devices nothing is known.
  private(set) var isEmptied = false

  init(first: Witness) {
    self.first = first
  }

  var source: Int { first.at.source }

  /// Whether the banner of this boot is in the log, so that what follows is not missing its beginning.
  private(set) var hasBanner = false

  mutating func note(_ message: KernelMessage, _ witness: Witness, caller: Int32, textSize: Int) {
    hasFacts = true
    if let time = witness.time, time.isSane {
      firstTime = firstTime ?? time
      lastTime = max(lastTime ?? time, time)
    }
    if !isEmptied { noteDevice(message, witness, caller, textSize) }
    switch message {
    case .clockStable(let offset): clockOffset = offset
    case .boot(let name, let version):
      release = name
      upstream = version
      hasBanner = true
    case .traceReset: traceReset = witness
    case .dropped: hasLoss = true
    default: break
    }
  }

  mutating func note(_ warning: OwnershipWarning) {
    warnings.append(warning)
  }

  /// Lets go of what is known of devices; that something is missing is known.
  mutating func empty() {
    isEmptied = true
    hasLoss = true
    size = 0
    probes = []
    memberships = []
    binds = []
    open = [:]
  }

  /// What a message says of a device.
  private mutating func noteDevice(
    _ message: KernelMessage, _ witness: Witness, _ caller: Int32, _ textSize: Int
  ) {
    switch message {
    case .probing(let device, let driver):
      add(
        LogProbe(device: device, driver: driver, start: Self.time(witness), caller: caller, witness: witness))
    case .bound(let device, let driver):
      if let place = open[device], probes[place].bound == nil { probes[place].bound = Self.time(witness) }
      guard let driver else { return }
      binds.append(Bind(device: device, driver: driver, witness: witness))
      size += MemoryLayout<Bind>.stride
    case .returned(let device, let driver, let result, let microseconds):
      finish(device, driver, result, microseconds, witness, caller)
    case .added(let device, let group):
      note(Membership(device: device, group: group, hasJoined: true, witness: witness))
    case .removed(let device, let group):
      note(Membership(device: device, group: group, hasJoined: false, witness: witness))
    default: return
    }
    size += textSize
  }

  private mutating func note(_ membership: Membership) {
    memberships.append(membership)
    size += MemoryLayout<Membership>.stride
  }

  private mutating func add(_ probe: LogProbe) {
    open[probe.device] = probes.count
    probes.append(probe)
    size += MemoryLayout<LogProbe>.stride
  }

  /// `initcall_debug` tells the end and the duration: an earlier debug line of the same probe lies right behind its
  /// beginning, and where there is none the beginning is known all the same.
  private mutating func finish(
    _ device: NameID, _ driver: NameID?, _ result: Int, _ microseconds: Int, _ witness: Witness,
    _ caller: Int32
  ) {
    let end = Self.time(witness)
    let (duration, overflow) = Int64(microseconds).multipliedReportingOverflow(by: 1000)
    let start = overflow ? nil : end.flatMap { $0 >= duration ? $0 - duration : nil }
    if let place = open[device], probes[place].isTold(from: start) {
      probes[place].end = end
      probes[place].duration = duration
      probes[place].result = result
      probes[place].driver = probes[place].driver ?? driver
      probes[place].ending = witness
      open[device] = nil
      return
    }
    guard let start else { return }
    add(
      LogProbe(
        device: device, driver: driver, start: start, end: end, duration: duration, result: result,
        caller: caller,
        witness: witness, ending: witness))
    open[device] = nil
  }

  private static func time(_ witness: Witness) -> Int64? {
    witness.time.flatMap { $0.isSane ? $0.value : nil }
  }

  // MARK: - Members

  /// Where each device is when the log ends.
  var lastMemberships: [Membership] {
    var last: [NameID: Int] = [:]
    for (index, membership) in memberships.enumerated() { last[membership.device] = index }
    return last.values.sorted().map { memberships[$0] }.filter(\.hasJoined)
  }

  /// The driver that each device was bound to last. An unbind is not in the log: it may have lost it since.
  var lastBinds: [Bind] {
    var last: [NameID: Int] = [:]
    for (index, bind) in binds.enumerated() { last[bind.device] = index }
    return last.values.sorted().map { binds[$0] }
  }
}

/// One `really_probe()` as debug lines and `initcall_debug` tell it. Times are the log's, in nanoseconds.
struct LogProbe: Sendable {
  var device: NameID
  var driver: NameID?
  /// The debug line, right behind the entry; or, where only the end is told, the end less the duration.
  var start: Int64?
  /// The debug line of `driver_bound()`.
  var bound: Int64?
  var end: Int64?
  var duration: Int64?
  /// What `really_probe()` returned: 0, a positive error of the driver's probe, a negative one of the core.
  var result: Int?
  /// The task that printed it; -1 where the log does not say.
  var caller: Int32 = -1
  /// The line that names device and driver.
  var witness: Witness
  /// The line that tells the end.
  var ending: Witness?

  /// The debug line and the computed beginning lie this close, in nanoseconds.
  private static let tolerance: Int64 = 10_000_000

  /// Whether an end that gives `start` as the beginning is the end of this probe.
  func isTold(from start: Int64?) -> Bool {
    guard end == nil, let start, let own = self.start else { return false }
    return abs(own - start) <= Self.tolerance
  }
}
