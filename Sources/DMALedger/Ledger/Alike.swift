/// How often the same was seen, where it is told once.
struct Alike: Sendable {
  var count = 1
  /// The last time, where there was more than one.
  var last: Witness?

  mutating func add(_ other: Alike, at witness: Witness) {
    count += other.count
    last = other.last ?? witness
  }
}

/// Something that a group must not show.
struct Anomaly: Sendable {
  enum Kind: Sendable {
    /// An unuse of a group whose count was 0: the kernel warns and changes nothing.
    case overRelease(OwnershipCall, Certainty)
    /// A release of a group that nobody owned.
    case releaseUnowned(OwnershipCall)
    /// An unuse that the kernel refused because a PASID is attached: the reference stays.
    case pasidBlocked(OwnershipCall)
    /// An unuse by a device whose use had no group: it gave back somebody else's reference; suspected where nothing
    /// says that the group had one, for then the kernel may have warned and changed nothing.
    case stolen(OwnershipCall, use: OwnershipCall, Certainty)
    /// A use was refused and the driver was bound all the same.
    case swallowed(OwnershipCall, bound: Witness?)
    /// The last member left while the count was not 0.
    case freed(Witness, Count)
    /// The line contradicts everything before it; the count was taken up again here.
    case impossible(OwnershipCall)
  }

  var kind: Kind
  var alike = Alike()

  init(_ kind: Kind) { self.kind = kind }

  /// The line that shows it.
  var witness: Witness {
    switch kind {
    case .overRelease(let call, _), .releaseUnowned(let call), .pasidBlocked(let call),
      .stolen(let call, _, _),
      .swallowed(let call, _), .impossible(let call):
      call.entry
    case .freed(let witness, _): witness
    }
  }

  /// Whether another one says the same of the same device and driver.
  func isAlike(_ other: Anomaly) -> Bool {
    switch (kind, other.kind) {
    case (.overRelease(let a, let one), .overRelease(let b, let two)): one == two && a.isAlike(b)
    case (.stolen(let a, _, let one), .stolen(let b, _, let two)): one == two && a.isAlike(b)
    case (.releaseUnowned(let a), .releaseUnowned(let b)), (.pasidBlocked(let a), .pasidBlocked(let b)),
      (.swallowed(let a, _), .swallowed(let b, _)):
      a.isAlike(b)
    case (.freed, .freed), (.impossible, .impossible): true
    default: false
    }
  }

  /// Whether it rests on nothing having happened behind a line.
  func isDoubted(behind line: LineReference?) -> Bool {
    let isBehind = line.map { (alike.last ?? witness).at > $0 } ?? true
    switch kind {
    case .overRelease(_, let certainty): return certainty < .proved && isBehind
    case .releaseUnowned(let call): return call.countBefore == nil && call.ownerBefore == nil && isBehind
    // Somebody who is missing may have taken one meanwhile.
    case .pasidBlocked: return isBehind
    case .impossible, .stolen, .swallowed, .freed: return false
    }
  }
}

extension OwnershipCall {
  /// Whether two calls of one kind differ in nothing but when they were made.
  func isAlike(_ other: OwnershipCall) -> Bool {
    device == other.device && driver == other.driver && (result == 0) == (other.result == 0)
      && (countBefore == nil) == (other.countBefore == nil)
      && (ownerBefore == nil) == (other.ownerBefore == nil)
  }
}
