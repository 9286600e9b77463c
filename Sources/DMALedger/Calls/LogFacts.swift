/// What the kernel logs of an incident say, in the order of their lines.
struct LogFacts: Sendable {
  /// A driver is about to be probed on a device.
  struct Probe: Sendable {
    var device: NameID
    var driver: NameID
    var witness: Witness
  }

  /// A device joined a group, or left it.
  struct Membership: Sendable {
    var device: NameID
    var group: Int
    var hasJoined: Bool
    var witness: Witness
  }

  /// Probes and memberships kept; a log of more is a log of something else.
  static let limit = 200_000

  private(set) var probes: [Probe] = []
  private(set) var memberships: [Membership] = []
  /// What printk adds to the raw scheduler clock, where the kernel said so.
  private(set) var clockOffset: Int64?
  /// Boots seen: times start again at each.
  private(set) var boots: [Witness] = []

  /// Whether lines of more than one boot may be among them.
  private(set) var isOfSeveralBoots = false
  private var last: Witness?

  /// Where each device is when the log ends.
  var lastMemberships: [Membership] {
    var last: [NameID: Int] = [:]
    for (index, membership) in memberships.enumerated() { last[membership.device] = index }
    return last.values.sorted().map { memberships[$0] }.filter(\.hasJoined)
  }

  var isEmpty: Bool { probes.isEmpty && memberships.isEmpty && boots.isEmpty }

  mutating func note(_ message: KernelMessage, _ witness: Witness) {
    if let last, last.at.source == witness.at.source, let before = last.time, let time = witness.time,
      Nanoseconds.isFarBack(from: before, to: time)
    {
      isOfSeveralBoots = true
      memberships = []
    }
    if case .probing = message, let first = probes.first, first.witness.at.source != witness.at.source {
      isOfSeveralBoots = true
    }
    if witness.time != nil { last = witness }
    switch message {
    case .probing(let device, let driver):
      if probes.count < LogFacts.limit {
        probes.append(Probe(device: device, driver: driver, witness: witness))
      }
    case .added(let device, let group):
      note(Membership(device: device, group: group, hasJoined: true, witness: witness))
    case .removed(let device, let group):
      note(Membership(device: device, group: group, hasJoined: false, witness: witness))
    case .clockStable(let offset): clockOffset = offset
    case .boot:
      if !isEmpty { isOfSeveralBoots = true }
      boots.append(witness)
      // Groups are numbered anew at each boot.
      memberships = []
    case .notAdded, .matched, .bound, .deferred, .retried, .failed, .rejected, .returned, .calling, .called,
      .warning,
      .task, .anotherBoot, .commandLine, .traceReset, .vfioEnabled, .vfioBlocked, .vfioInUse, .dropped:
      break
    }
  }

  private mutating func note(_ membership: Membership) {
    if memberships.count < LogFacts.limit { memberships.append(membership) }
  }
}
