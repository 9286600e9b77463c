/// One call that takes, gives back or reads `owner_cnt`, put together from all that saw it: a function line, an
/// entry probe, a return probe, a graph frame.
package struct OwnershipCall: Sendable {
  package var kind: OwnershipCallKind
  @SparseName package var device: NameID?
  @SparseName package var driver: NameID?
  package var group: GroupKey?
  /// The group pointer was captured and is NULL: the call has no effect.
  package var isGroupless = false
  /// `owner_cnt` as the entry probe read it, before the lock.
  @Sparse package var countBefore: Int?
  /// `owner_cnt` as a return probe read it, after the lock was dropped.
  @Sparse package var countAfter: Int?
  /// `iommu_group::owner` at entry.
  @Sparse package var ownerBefore: UInt64?
  /// `iommu_group::owner` at return.
  @Sparse package var ownerAfter: UInt64?
  /// Who a claim is for.
  @Sparse package var newOwner: UInt64?
  /// The return code, where it was captured.
  @Sparse package var result: Int?
  package var pid: Int32 = -1
  @SparseName package var comm: NameID?
  package var cpu: Int32 = -1
  package var entry: Witness
  /// The tie that its entry is in; 0 where it is in none.
  var entryTie: Int32 = 0
  /// The return, where a line of its own shows it.
  package var exit: Witness?
  /// The `really_probe()` window it was made in.
  @Sparse package var window: Int?
  /// The caller, where the tracer names it.
  package var parent: KernelFunction?

  /// The group was printed without its pointer and is not believed: most likely stale bytes.
  package var isDoubted = false
  /// Its device has a name that there was no room for.
  package var isUnnamed = false
  /// Nobody watches the entry: what is known of it was read behind it.
  package var isEntryUnseen = false
  /// The same, although entries of its function are watched: it was there before the capture began, or before events were lost.
  package var isEntryMissed = false
  /// It was entered where lines are missing, and what else is missing may have taken effect behind it.
  package var isFromBefore = false
  /// Device and driver were taken from a log line afterwards.
  package var isNamedLater = false
  /// The group it was made at, as the sink numbers them.
  @Sparse package var place: Int?
  /// Somebody else came to the group while it was open: what a return probe read may be theirs.
  package var wasJoined = false
  /// A call at its group that was open where events went missing may have come before or behind it.
  package var meetsUnfinished = false
  /// Nobody else was at the group when the entry probe read the count.
  package var arrivedAlone = true
  /// Steps in the group's history at that moment.
  @Sparse package var arrivalSerial: Int?
  /// Calls on unknown groups at that moment.
  package var arrivalElsewhere = 0
  /// Calls that nobody watches, as far as they may have been at its group, at that moment.
  package var arrivalUnwatched = 0

  package init(kind: OwnershipCallKind, entry: Witness) {
    self.kind = kind
    self.entry = entry
  }

  /// Whether it is an unuse whose return probe read the count that its entry probe had read.
  var leavesCount: Bool { kind == .unuse && countAfter != nil && countAfter == countBefore }

  /// Nobody waits for a lock that long, in nanoseconds.
  static let longestWait: Int64 = 100_000_000

  /// Its code says that it found a count of 0.
  var showsIdleGroup: Bool { result == 0 && (kind == .claim || kind == .query) }

  /// Its code, or the count behind it, is not that of the count it read at its entry: another call came in between.
  var contradictsItsReading: Bool {
    guard let before = countBefore else { return false }
    if let after = countAfter, after != countLeft(of: before) ?? after { return true }
    switch (kind, result) {
    case (.use, -16), (.claim, -1), (.deviceClaim, -1), (.query, 1): return before == 0
    case (.claim, 0), (.claim, -16), (.query, 0): return before > 0
    default: return false
    }
  }

  /// What it leaves of a count that it finds; `nil` where its code is not known.
  private func countLeft(of count: Int) -> Int? {
    switch kind {
    case .use, .claim, .deviceClaim: result.map { $0 == 0 ? count + 1 : count }
    case .unuse, .deviceRelease: count - 1
    case .release: 0
    case .query: count
    }
  }

  /// No observer named its device or its group so far.
  var namesNothing: Bool { device == nil && group == nil }

  /// When it took effect.
  package var time: Nanoseconds? { exit?.time ?? entry.time }

  /// The return code behind a captured value: an `int`, or the low byte of a `bool` in a wide register.
  static func result(of kind: OwnershipCallKind, printed value: Int64) -> Int? {
    switch kind {
    case .use, .claim, .deviceClaim: Int(Int32(truncatingIfNeeded: value))
    case .query: value & 0xFF != 0 ? 1 : 0
    case .unuse, .release, .deviceRelease: nil
    }
  }
}

/// When a line was written, as far as its place and its tie tell.
struct Moment: Sendable {
  var at: LineReference
  /// Lines of one tie, of different CPUs and tasks, have no order; 0 is no tie.
  var tie: Int32
  var cpu: Int32
  var pid: Int32

  func isTied(with other: Moment) -> Bool {
    tie > 0 && tie == other.tie && cpu != other.cpu && pid != other.pid
  }

  /// Whether it is known to have come first.
  func isBefore(_ other: Moment) -> Bool { at < other.at && !isTied(with: other) }

  /// Whether it is known to have come by then: the line of the other may be the one that shows it.
  func isOver(by other: Moment) -> Bool { at <= other.at && !isTied(with: other) }
}

extension OwnershipCall {
  var entryMoment: Moment { Moment(at: entry.at, tie: entryTie, cpu: cpu, pid: pid) }
}

/// How a call names its group.
package struct GroupKey: Sendable, Equatable {
  @Sparse package var pointer: UInt64?
  @Sparse package var id: Int?

  package init(pointer: UInt64?, id: Int?) {
    self.pointer = pointer
    self.id = id
  }
}

extension OwnershipCallKind {
  /// Whether the function is given a device, and finds the group through it.
  var takesDevice: Bool {
    switch self {
    case .use, .unuse, .deviceClaim, .deviceRelease: true
    case .claim, .release, .query: false
    }
  }

  /// Whether the function returns a code that decides what it did.
  var hasResult: Bool {
    switch self {
    case .use, .claim, .deviceClaim, .query: true
    case .unuse, .release, .deviceRelease: false
    }
  }

  /// Whether an owner lets go with it.
  var isRelease: Bool { self == .release || self == .deviceRelease }
}
