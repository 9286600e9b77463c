/// Where calls go: the ledger, seen from the left. Groups are named by an index that the sink gives out.
protocol CallSink {
  /// The group of a call, opened where there is none; `nil` where the call names none.
  mutating func group(of call: OwnershipCall) -> Int?
  /// The group that had a number in a life and a boot that logs tell of; `nil` where it cannot be told apart.
  mutating func group(id: Int, life: Int, boot: Int) -> Int?
  /// The number of the group that a device is known to be in.
  func groupID(ofDevice device: NameID) -> Int?
  /// Calls so far that may have been calls on any group, because nothing names theirs.
  var callsElsewhere: Int { get }
  /// Calls so far that nobody watches and that may have been calls on any group.
  var unwatched: UnwatchedCalls { get }
  /// The last of them turn out to be those of one device: true where no group has allowed for them yet.
  mutating func disallow(_ calls: UnwatchedCalls) -> Bool
  /// Calls so far that nobody watches and that may have been calls on a group.
  func unwatchedCalls(at group: Int) -> Int
  /// So many of those that a group has been allowed for may have come behind the last call on it.
  mutating func allowUnwatched(_ calls: Int, at group: Int)
  /// The count of a group is not known from here on, nor its owner where calls elsewhere may have changed that.
  mutating func forgetCount(of group: Int)
  /// Neither its count nor its owner is known.
  mutating func doubtState(of group: Int)
  /// The number of a group, where known.
  func id(of group: Int) -> Int?
  /// Pointer and number of a group, as far as they are known.
  func key(of group: Int) -> GroupKey
  /// The living groups that have this pointer, this number or this device.
  func groups(pointer: UInt64?, id: Int?, device: NameID?) -> [Int]
  /// Steps in a group's history.
  func serial(of group: Int) -> Int
  /// Whether a call was entered before the one that took effect there last was over, although its line comes later.
  func isOvertaken(_ call: OwnershipCall, at group: Int) -> Bool
  /// What was read behind the last call at a group may be the doing of one that comes only now.
  mutating func doubtLastReading(at group: Int)
  /// Somebody comes to a group, and reads what is there by now.
  mutating func noteArrival(at group: Int)

  /// A call took effect. `isAlone`: nobody else was at the group since the entry probe read the count.
  mutating func apply(_ call: OwnershipCall, to group: Int, isAlone: Bool, context: CallContext)
  /// Calls that were at a group at the same time took effect, in the order of their returns or another one.
  /// `unuses`: so many that nobody watches may have run beside them.
  mutating func apply(_ calls: [OverlappingCall<Self>], unuses: Int, to group: Int)
  /// A call that was counted as unattributed has been named after all.
  mutating func nameLater(_ call: OwnershipCall, in group: Int)
  /// A call took effect somewhere, behind a line where that is known.
  mutating func countUnattributed(_ call: OwnershipCall, since: LineReference?)
  /// Whether no more groups are followed.
  var isFull: Bool { get }
  /// A call took effect on a group that is not followed.
  mutating func countBeyond(_ call: OwnershipCall, of key: GroupKey)
  /// What happened to one group since a line is not known.
  mutating func lose(_ group: Int, since: LineReference?)
  /// A device whose name is not kept joined a group of this number, or left it.
  mutating func loseMember(ofGroup id: Int)
  /// A call on a device outside every group.
  mutating func countGroupless()
  /// A call whose group is not believed.
  mutating func countDoubted()

  /// A device joined a group.
  mutating func joined(_ device: NameID, id: Int)
  /// A device left a group.
  mutating func left(_ device: NameID, id: Int, witness: Witness)
  /// These are all the members of a group.
  mutating func setMembers(_ devices: [NameID], of group: Int)
  /// A driver was bound to a device, or is known not to be.
  mutating func setBound(_ device: NameID, _ isBound: Bool, driver: NameID?)
  /// A probe failed and did not give back what it took.
  mutating func abandon(_ device: NameID, window: ProbeWindow, context: CallContext)
  /// A driver was bound although its use was refused, or, where that is not sure, may have been.
  mutating func swallow(_ use: OwnershipCall, bound: Witness?, isSure: Bool)
  /// A use without return code turned out to have been refused.
  mutating func undoTake(_ device: NameID)
  /// The driver of a device was unbound to the end and its reference was not seen to be given back.
  mutating func leaveBehind(_ device: NameID, context: CallContext)
  /// The capture ends in a probe, behind the removal of the first pass.
  mutating func leaveOpen(_ device: NameID)
  /// A driver was bound whose use nobody watched.
  mutating func forget(_ device: NameID)
  /// A device is bound anew and its last reference was not seen to be given back.
  mutating func orphan(_ device: NameID)
  /// A use that must have run is missing.
  mutating func widen(_ device: NameID, by most: Int)
  /// Something shows that a driver, of this device where it is known, may give back a reference; nobody watches that.
  mutating func mayGiveBack(_ device: NameID?, _ progress: GivingBack)
  /// Whether up to so many unuses that nobody watches may have run beside calls at a group, for all that those read.
  func allows(_ unuses: Int, beside calls: [OverlappingCall<Self>], at group: Int) -> Bool
  /// Drivers of a group that may be doing so.
  func givingBack(at group: Int) -> Int
  /// Whether a device took a reference of a group and was not seen to give it back.
  func isHolding(_ device: NameID, at group: Int) -> Bool
  /// Whether the count of a group is known to be 0.
  func isIdle(_ group: Int) -> Bool
  /// A device gave back what it took, and the count has shown that.
  mutating func gaveBack(_ device: NameID, at group: Int)
  /// A device took and gave back, and which of it came last is not known.
  mutating func forgetHolder(_ device: NameID, at group: Int)
  /// References were given back in this boot although no unuse was seen: nobody watches it.
  var showsHiddenUnuse: Bool { get set }
  /// Every driver that holds a reference may have given it back by the end.
  mutating func mayGiveBackEverywhere()
  /// So may all drivers that hold one of a group.
  mutating func mayGiveBackAll(at group: Int)
  /// The same of references taken, at most so many.
  mutating func mayTake(_ device: NameID?, _ most: Int)
  /// What was said last of a device is not so: its driver takes none.
  mutating func mayNotTake(_ device: NameID)
  /// A use, or an unuse, was seen for the first time in this boot: none of them ran unseen.
  mutating func isWatched(_ kind: OwnershipCallKind)
  /// Entries turn out to be watched: calls so far that show none were entered before the first line.
  mutating func doubtUnseenEntries()
  /// Which calls of a kind whose lines name no task returned what, from a line on, is not known after all.
  mutating func forgetResults(of kind: OwnershipCallKind, since: LineReference)
  /// Events were lost, the first of them behind the line `since`, or behind the beginning.
  mutating func lose(since: LineReference?)
  /// Another boot begins: no group lives on.
  mutating func beginBoot()
  /// An unuse was seen somewhere, so one that was not seen did not run.
  mutating func confirmLeaks()
  /// The kernel does give back: only leaks that the counts themselves show are leaks.
  mutating func doubtLeaks()
}

/// How far a driver is that may give back what it took, where nobody watches that.
enum GivingBack {
  /// It has by now, or never will.
  case over
  /// It may behind any of the calls to come as well, until something shows that it is over.
  case goingOn
  /// It may have by now; whether it still may, something else says.
  case possible
}

/// Calls that nobody watches and that may have been made on any group.
struct UnwatchedCalls: Equatable, Sendable {
  var uses = 0
  var unuses = 0

  static func - (left: Self, right: Self) -> Self {
    Self(uses: left.uses - right.uses, unuses: left.unuses - right.unuses)
  }
}

/// What the assembler knows around a call.
struct CallContext {
  /// The entry of the `really_probe()` window.
  var windowEntry: Witness?
  /// The test-remove in it.
  var remove: Witness?
  /// The log line that named the window, where one did.
  var naming: Witness?
  /// Events were lost since the window began.
  var spansLoss = false
  /// An unuse was seen somewhere, so one here would have been seen too.
  var unuseIsTraceable = false
  /// A use was seen somewhere, and none that no group could be named for.
  var useIsTraceable = false
  /// The device's last use, where that had no group to take a reference of.
  var grouplessUse: OwnershipCall?
  /// A claim was seen somewhere.
  var claimIsTraceable = false
  /// A window was opened for the device before: what it gives back it may have taken in there.
  var deviceWasProbed = false
  /// Calls that nothing names, or that nobody watches, may have been at the group beside it.
  var isDisturbed = false
  /// A use without return code is taken for a success.
  var isUsePlausible = true
}

/// Events that are missing from a capture.
struct Loss: Sendable {
  enum Kind: Sendable {
    /// The tracer says so.
    case lost
    /// A CPU's buffer was overwritten up to here.
    case bufferStarted
    /// Another trace header: whatever lies between the two captures is not in them.
    case restarted
    /// A part of the file could not be read.
    case damaged
    /// A checksum says that a file, or a part of it, is not what was written.
    case misread
    /// A header counts more entries than there are lines below it: those that are missing may be anywhere.
    case partial
    /// A trace covers the same time as another one.
    case overlapping
    /// The clock stepped back.
    case timeWentBack
    /// CPUs show events at the same time, and more than the order of calls depends on which came first.
    case simultaneous
    /// The second pass of a probe shows no use although the first one did.
    case missingUse
    /// There was more open than is followed.
    case givenUp
    /// Calls of tasks that no line names ran into each other.
    case tangled
  }

  var kind: Kind
  var witness: Witness
  var cpu: Int32
  var count: Int
  var device: NameID?
  /// How often the same was seen: very many are told as one.
  var times = 1

  /// Whether it is the file that is not whole: the tracer may have lost nothing.
  var isDamage: Bool { kind == .damaged || kind == .misread }
}
