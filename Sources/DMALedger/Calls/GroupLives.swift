/// Which devices were in which group when, by the lines that announce it.
///
/// A number is used again as soon as its last member has left, and from 6.4 on the log does not tell that a device left:
/// one that joins anew must have left before. Each life of a number is told apart.
struct GroupLives: Sendable {
  /// A group at a moment: its number and which life of that number.
  struct Place: Sendable, Equatable {
    var id: Int
    var life: Int
  }

  private struct Stay: Sendable {
    var since: Witness
    var place: Place?
    /// Another device joined the group here, and this one was not heard of since: if it had left without a word, the
    /// group may have been freed in between.
    var joined: LineReference?
  }

  /// Where each device was, in the order of the lines.
  private var stays: [NameID: [Stay]] = [:]

  init(_ boot: LogBoot) {
    var members: [Int: Set<NameID>] = [:]
    var lives: [Int: Int] = [:]
    for membership in boot.memberships {
      if let last = stays[membership.device]?.last?.place {
        members[last.id]?.remove(membership.device)
      }
      guard membership.hasJoined else {
        stays[membership.device, default: []].append(Stay(since: membership.witness, place: nil))
        continue
      }
      let id = membership.group
      if members[id]?.isEmpty ?? true { lives[id] = lives[id].map { $0 + 1 } ?? 0 }
      if let others = members[id], others.count <= Self.mostMembers {
        for other in others { note(membership.witness.at, joinedBeside: other) }
      }
      members[id, default: []].insert(membership.device)
      stays[membership.device, default: []].append(
        Stay(since: membership.witness, place: Place(id: id, life: lives[id] ?? 0)))
    }
    for probe in boot.probes { hear(of: probe.device, at: probe.witness.at) }
    for bind in boot.binds { hear(of: bind.device, at: bind.witness.at) }
  }

  /// Members of a group that are looked after: one that has more is no group of devices.
  private static let mostMembers = 256

  private mutating func note(_ joined: LineReference?, joinedBeside device: NameID) {
    guard let last = stays[device]?.indices.last else { return }
    stays[device]?[last].joined = joined
  }

  /// A device that is heard of was still there.
  private mutating func hear(of device: NameID, at line: LineReference) {
    guard let last = stays[device]?.last, let joined = last.joined, joined < line else { return }
    note(nil, joinedBeside: device)
  }

  /// Whether any line puts the device into a group, or takes it out of one.
  func announces(_ device: NameID) -> Bool { stays[device] != nil }

  /// The group a device was in when its probe began; `nil` where no line says so.
  func place(of device: NameID, before probe: LogProbe) -> Place? {
    stay(of: device, before: probe)?.place
  }

  /// Whether the device may have left the group after this probe, and the group may have been freed, without a word.
  func mayHaveLeft(_ device: NameID, since probe: LogProbe) -> Bool {
    guard let joined = stay(of: device, before: probe)?.joined else { return false }
    return probe.witness.at < joined
  }

  private func stay(of device: NameID, before probe: LogProbe) -> Stay? {
    stays[device]?.last { stay in
      // Where only the end of the probe is told, its line may stand behind what happened meanwhile.
      if let began = probe.start, let joined = stay.since.time { return joined.value <= began }
      return stay.since.at < probe.witness.at
    }
  }
}
