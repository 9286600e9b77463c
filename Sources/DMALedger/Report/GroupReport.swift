/// The life of one IOMMU group in the capture.
public struct GroupReport: Sendable {
  /// The group's number, where known.
  public var id: GroupID?
  /// Which group of that number, from 0.
  public var incarnation: Int
  /// The verdict on this group.
  public var verdict: Verdict
  /// Why it is inconclusive; empty otherwise.
  public var reasons: [String]
  /// The count when the capture begins, narrowed by everything that was seen later.
  public var initial: Count
  /// The count when the capture ends.
  public var final: Count
  /// The highest count in between.
  public var peak: Count
  /// The final count less its legitimate holders.
  public var excess: Count
  /// Who owns the group when the capture ends.
  public var owner: Ownership
  /// Devices seen in the group, by name.
  public var devices: [DeviceReport]
  /// Who holds what when the capture ends.
  public var holders: [Holder]
  /// The calls on this group, in order of effect: all of them, unless there are very many.
  public var changes: [Change]
  /// Of very many calls those that are only counted.
  public var foldedChanges: FoldedChanges?

  /// A group with everything it says.
  public init(
    id: GroupID?, incarnation: Int, verdict: Verdict, reasons: [String], initial: Count, final: Count,
    peak: Count, excess: Count, owner: Ownership, devices: [DeviceReport], holders: [Holder],
    changes: [Change]
  ) {
    self.id = id
    self.incarnation = incarnation
    self.verdict = verdict
    self.reasons = reasons
    self.initial = initial
    self.final = final
    self.peak = peak
    self.excess = excess
    self.owner = owner
    self.devices = devices
    self.holders = holders
    self.changes = changes
  }
}

extension GroupReport {
  /// Calls on this group, told one by one or not.
  public var changeCount: Int { changes.count + (foldedChanges?.count ?? 0) }
}

/// Calls between the first and the last of a group that are told as totals, because there are very many.
public struct FoldedChanges: Sendable, Equatable {
  /// They come before this one of ``GroupReport/changes``.
  public var place: Int
  /// How many there are.
  public var count: Int
  /// How many of each kind.
  public var calls: CallTally
  /// How many of each kind took effect, or may have: those without an error code.
  public var effective: CallTally
  /// When the first of them took effect, and its line.
  public var firstTime: Nanoseconds?
  /// The line of the first of them.
  public var firstAt: LineReference
  /// When the last of them took effect, and its line.
  public var lastTime: Nanoseconds?
  /// The line of the last of them.
  public var lastAt: LineReference

  /// Totals with everything they say.
  public init(
    place: Int, count: Int, calls: CallTally, effective: CallTally, firstTime: Nanoseconds?,
    firstAt: LineReference, lastTime: Nanoseconds?, lastAt: LineReference
  ) {
    self.place = place
    self.count = count
    self.calls = calls
    self.effective = effective
    self.firstTime = firstTime
    self.firstAt = firstAt
    self.lastTime = lastTime
    self.lastAt = lastAt
  }
}

/// A device of a group.
public struct DeviceReport: Sendable {
  /// The kernel's name of it, for PCI the address `0000:03:00.0`.
  public var name: String
  /// The last driver seen on it.
  public var driver: String?
  /// Whether a driver is bound to it when the capture ends; `nil` where the capture does not tell.
  public var isBound: Bool?
  /// References it took and did not give back, as far as the capture shows.
  public var outstanding: Int

  /// A device with everything it says.
  public init(name: String, driver: String?, isBound: Bool?, outstanding: Int) {
    self.name = name
    self.driver = driver
    self.isBound = isBound
    self.outstanding = outstanding
  }
}

/// One or more references and whose they are.
public struct Holder: Sendable {
  /// What kind of holding it is.
  public enum Kind: String, Sendable {
    /// A bound kernel driver: it will give the reference back when it is unbound.
    case bound
    /// Nobody will give it back.
    case leaked
    /// A user-space owner: a VFIO container or an iommufd context.
    case owner
    /// Held since before the capture began, or lost sight of.
    case unknown
  }

  /// What kind of holding it is.
  public var kind: Kind
  /// How many references; `nil` where only some are known to exist.
  public var count: Int?
  /// The device that took it.
  public var device: String?
  /// The driver that took it.
  public var driver: String?
  /// When it was taken; absent where that was before the capture.
  public var since: Nanoseconds?
  /// The line that shows it being taken.
  public var at: LineReference?

  /// A holding with everything it says.
  public init(
    kind: Kind, count: Int?, device: String? = nil, driver: String? = nil, since: Nanoseconds? = nil,
    at: LineReference? = nil
  ) {
    self.kind = kind
    self.count = count
    self.device = device
    self.driver = driver
    self.since = since
    self.at = at
  }
}

/// One call and what it did to the count.
public struct Change: Sendable {
  /// When it took effect, where the capture tells.
  public var time: Nanoseconds?
  /// Which call.
  public var call: OwnershipCallKind
  /// The device it was made for; a group claim has none.
  public var device: String?
  /// The driver being bound or unbound.
  public var driver: String?
  /// The task that made it.
  public var pid: Int?
  /// The task's name, as the tracer remembered it.
  public var comm: String?
  /// The CPU on which it was seen.
  public var cpu: Int?
  /// The return code: 0 or a negative errno; for a query 1 means claimed. Absent where not captured.
  public var result: Int?
  /// The count before.
  public var before: Count
  /// The count after.
  public var after: Count
  /// How firmly the effect stands.
  public var certainty: Certainty
  /// The line of the call's entry, or of its return where the entry was not seen.
  public var at: LineReference
  /// Whether evidence is missing between the change before it, or the beginning, and this one: the count may have
  /// moved there unseen, even where it is the same on both sides.
  public var isAfterGap: Bool

  /// A change with everything it says.
  public init(
    time: Nanoseconds?, call: OwnershipCallKind, device: String? = nil, driver: String? = nil,
    pid: Int? = nil, comm: String? = nil, cpu: Int? = nil, result: Int? = nil, before: Count, after: Count,
    certainty: Certainty, at: LineReference, isAfterGap: Bool = false
  ) {
    self.time = time
    self.call = call
    self.device = device
    self.driver = driver
    self.pid = pid
    self.comm = comm
    self.cpu = cpu
    self.result = result
    self.before = before
    self.after = after
    self.certainty = certainty
    self.at = at
    self.isAfterGap = isAfterGap
  }
}
