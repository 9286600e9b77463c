/// What user-space logs and listings of groups say about an incident; neither has a time that a trace shares.
struct IncidentFacts: Sendable {
  /// A program was refused a group.
  struct Refusal: Sendable {
    var group: Int?
    var device: NameID?
    var witness: Witness
  }

  /// A device as a listing shows it.
  struct Place: Sendable {
    var device: NameID
    /// The driver bound to it; `nil` where none is, or none was listed.
    var driver: NameID?
    var tellsDriver: Bool
    var witness: Witness
    /// The driver that the kernel log shows being bound to it last; it may have lost it since.
    var logged: LogBoot.Bind?
  }

  private(set) var refusals: [Refusal] = []
  /// Groups that a program got, each with the last line that says so.
  private(set) var grants: [Int: Witness] = [:]
  /// Members by group, in the order listed.
  private(set) var groups: [Int: [NameID]] = [:]
  /// The same by device and group: a group may have any number of members, and each is asked for.
  private var memberships: Set<Membership> = []
  /// The group each device is listed in; the lowest where there are several.
  private(set) var groupsByDevice: [NameID: Int] = [:]
  private(set) var places: [NameID: Place] = [:]
  /// Devices that are told to be in more than one group.
  private(set) var contested: Set<NameID> = []

  /// What there was no room for.
  private(set) var forgotten = Forgotten()
  /// Devices, and groups, that are kept.
  private let most: Int

  init(most: Int) {
    self.most = most
  }

  private static let mostRefusals = 1024

  private struct Membership: Hashable {
    var device: NameID
    var group: Int
  }

  mutating func note(_ fact: IncidentFact, _ witness: Witness) {
    switch fact {
    case .refused(let group, let device):
      // The refused query and the refused claim behind it are two lines of one story.
      if let last = refusals.last, last.group == group, last.device == device,
        witness.at.source == last.witness.at.source, witness.at.line - last.witness.at.line <= 2
      {
        return
      }
      guard keeps(refusals.count < Self.mostRefusals, witness) else { return }
      refusals.append(Refusal(group: group, device: device, witness: witness))
    case .granted(let group):
      guard keeps(grants.count < most || grants[group] != nil, witness) else { return }
      grants[group] = witness
    case .member(let device, let group):
      place(device, in: group, witness)
    case .driver(let device, let driver):
      guard keeps(hasRoom(for: device), witness) else { return }
      if places[device] == nil {
        places[device] = Place(device: device, driver: nil, tellsDriver: false, witness: witness)
      }
      if let driver {
        places[device]?.driver = driver
        places[device]?.tellsDriver = true
      }
    case .placed(let device, let group, let driver):
      place(device, in: group, witness)
      places[device]?.driver = driver
      places[device]?.tellsDriver = true
      places[device]?.witness = witness
    }
  }

  private mutating func place(_ device: NameID, in group: Int, _ witness: Witness) {
    let membership = Membership(device: device, group: group)
    if memberships.contains(membership) { return }
    guard keeps(memberships.count < most && hasRoom(for: device), witness) else { return }
    groups[group, default: []].append(device)
    memberships.insert(membership)
    if let other = groupsByDevice[device], other != group { contested.insert(device) }
    groupsByDevice[device] = min(group, groupsByDevice[device] ?? group)
    if places[device] == nil {
      places[device] = Place(device: device, driver: nil, tellsDriver: false, witness: witness)
    }
  }

  private func hasRoom(for device: NameID) -> Bool { places.count < most || places[device] != nil }

  /// Whether there is room for what a line tells; takes note of what there is none for.
  private mutating func keeps(_ hasRoom: Bool, _ witness: Witness) -> Bool {
    if !hasRoom { forgotten.note(.places, witness.at) }
    return hasRoom
  }

  /// The members of a group with their drivers.
  func members(of group: Int) -> [Place] {
    (groups[group] ?? []).compactMap { places[$0] }
  }

  /// A device that a kernel log announced in a group; a listing knows better.
  mutating func announce(_ device: NameID, in group: Int, _ witness: Witness) {
    if self.group(of: device) == nil { place(device, in: group, witness) }
  }

  /// A driver that the kernel log shows being bound to a device last.
  mutating func announceBind(_ bind: LogBoot.Bind) {
    places[bind.device]?.logged = bind
  }

  /// Puts what programs were refused in the order of the report's sources.
  mutating func arrange(_ rank: (Int) -> Int) {
    let arranged = refusals.indices.sorted {
      (rank(refusals[$0].witness.at.source), $0) < (rank(refusals[$1].witness.at.source), $1)
    }
    refusals = arranged.map { refusals[$0] }
  }

  /// Forgets what listings say; refusals stay.
  mutating func dropListing() {
    groups = [:]
    memberships = []
    groupsByDevice = [:]
    places = [:]
  }

  /// The group a device is listed in.
  func group(of device: NameID) -> Int? { groupsByDevice[device] }
}
