/// What one device of a group took and gave back.
///
/// A bound driver holds one reference by right. A use while that one is still out means that the earlier one has
/// lost its owner: nobody will ever give it back.
struct DeviceAccount: Sendable {
  let name: NameID
  /// The last driver that took a reference.
  var driver: NameID?
  /// The last driver seen on the device, VFIO's included.
  var lastDriver: NameID?
  /// The use that a bound driver, or one being bound, will give back.
  var holding: OwnershipCall? {
    didSet { isHolding = holding != nil }
  }
  /// Whether there is one: calls are large, and this is asked of every device of a group.
  private(set) var isHolding = false
  /// The step of the history at which it was taken.
  var holdingStep = 0
  /// Unuses that may have been unuses of its group, when it was taken; `nil`: some may have been before it or behind it.
  var unusesBefore: Int?
  /// The step that allows for an unuse of it that nobody watches.
  var givenBackAt: Int?
  /// The driver is being removed and has not given it back.
  var isRemoved = false
  /// References without an owner, oldest first.
  var leaks: [Leak] = []
  /// Whether a driver is bound now, where the capture tells.
  var isBound: Bool?
  /// Number of steps in the group's history when this device was first seen there.
  let firstStep: Int
  /// The first thing seen was an unuse: until then a driver was bound and held a reference.
  var wasBoundBefore = false
  /// That first unuse. Apart, because few devices have one and calls are large.
  var firstUnuse: OwnershipCall? {
    get { unused.first }
    set { unused = newValue.map { [$0] } ?? [] }
  }

  private var unused: [OwnershipCall] = []

  init(name: NameID, firstStep: Int) {
    self.name = name
    self.firstStep = firstStep
  }

  /// References out now, as far as the capture shows.
  var outstanding: Int { leaks.references + (holding == nil ? 0 : 1) }
}

/// A reference that lost its owner.
struct Leak: Sendable {
  enum Cause: Sendable {
    /// Used again by the second pass of the same `really_probe()`.
    case testRemove
    /// The second pass failed before it could use the group again.
    case testRemoveUnbound
    /// The probe failed and did not give back what it took.
    case probeFailure
    /// The driver was unbound to the end and did not give back what it held.
    case unbind
    /// The unuse that should have given it back was refused, because a PASID is attached.
    case blocked
    /// Used again by a later bind; how the first one ended was not seen.
    case unexplained
  }

  var cause: Cause
  /// The acquisition that lost its owner.
  var use: OwnershipCall
  /// The use that followed it, or nothing where the window ended.
  var again: OwnershipCall?
  var remove: Witness?
  var window: Witness?
  /// The log line that named device and driver.
  var naming: Witness?
  var certainty: Certainty
  /// The return codes prove it as soon as an unuse is seen anywhere: then one here would have been seen too.
  var awaitsUnuse = false
  /// How firmly it stands then.
  var promise = Certainty.proved
  /// What the counts say that both uses read; they outweigh return codes.
  var countsProve: Bool?
  /// The count right after the second use.
  var step: Int
  /// Leaks that differ in nothing but their time and are not told one by one.
  var alike = Alike()

  /// References that it stands for.
  var references: Int { alike.count }

  /// Whether another leak differs in nothing but its time.
  func isAlike(_ other: Leak) -> Bool {
    cause == other.cause && certainty == other.certainty && awaitsUnuse == other.awaitsUnuse
      && promise == other.promise && countsProve == other.countsProve
      && use.isNamedLater == other.use.isNamedLater && use.isAlike(other.use)
      && (again == nil) == (other.again == nil)
  }

  /// Takes another one to what this one stands for.
  mutating func join(_ other: Leak) { alike.add(other.alike, at: other.use.entry) }

  /// Events were lost behind `since`: an unuse may be among them, unless the counts say otherwise.
  mutating func doubt(since: LineReference?) {
    let last = alike.last?.at ?? again?.entry.at ?? use.entry.at
    if countsProve == true || since.map({ last <= $0 }) ?? false { return }
    certainty = .suspected
    awaitsUnuse = false
  }
}

extension Sequence<Leak> {
  /// References that they stand for.
  var references: Int { reduce(0) { $0 + $1.references } }
}
