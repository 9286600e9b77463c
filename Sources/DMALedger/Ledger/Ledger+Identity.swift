/// Groups of which the probes printed a pointer and no number, or a number and no pointer: which of them are one.
extension Ledger {
  /// The names of the group of a call: where it gives only the one, the group of its device may give the other.
  func key(of call: OwnershipCall) -> GroupKey? {
    guard var key = call.group, let device = call.device, let index = group(ofDevice: device) else {
      return call.group
    }
    let group = groups[index]
    if key.id == nil, group.pointer == nil, let pointer = key.pointer {
      if byPointer[pointer].map({ groups[$0].hasEnded }) ?? true { key.id = group.id }
    } else if key.pointer == nil, group.id == nil, let id = key.id, living(id) == nil {
      key.pointer = group.pointer
    }
    return key
  }

  func key(of group: Int) -> GroupKey { GroupKey(pointer: groups[group].pointer, id: groups[group].id) }

  func groups(pointer: UInt64?, id: Int?, device: NameID?) -> [Int] {
    let called = pointer.flatMap { byPointer[$0] }.flatMap { groups[$0].hasEnded ? nil : $0 }
    return [called, id.flatMap(living), device.flatMap(group(ofDevice:))].compactMap { $0 }
  }

  /// Gives groups that are known by their pointer the number under which logs and listings know their devices: all of
  /// them that are told, in one group that no other one here can be. Remarks say which line told it.
  ///
  /// `wanderers` were in several groups, and nothing tells which of them the trace shows.
  mutating func identify(
    by facts: IncidentFacts, wanderers: Set<NameID>, _ names: borrowing NameTable
  ) -> [Diagnostic] {
    var told: [NameID: (group: Int, witness: Witness)] = [:]
    var contested = facts.contested.union(wanderers)
    for (device, group) in facts.groupsByDevice {
      if let place = facts.places[device] { told[device] = (group, place.witness) }
    }
    for refusal in facts.refusals {
      guard let group = refusal.group, let device = refusal.device else { continue }
      if let other = told[device], other.group != group { contested.insert(device) }
      if told[device] == nil { told[device] = (group, refusal.witness) }
    }
    var candidates: [Int: [(index: Int, device: NameID)]] = [:]
    contested.formUnion(devicesOfSeveralGroups)
    for index in groups.indices where isNumberless(index) {
      let devices = presentDevices(of: index)
      guard contested.isDisjoint(with: devices) else { continue }
      let places = devices.filter { told[$0] != nil }
      guard let device = places.first, let id = told[device]?.group,
        places.allSatisfy({ told[$0]?.group == id })
      else { continue }
      candidates[id, default: []].append((index, device))
    }
    var remarks: [Diagnostic] = []
    for id in candidates.keys.sorted() {
      guard let found = candidates[id], found.count == 1, living(id) == nil,
        let (index, device) = found.first,
        let witness = told[device]?.witness
      else { continue }
      name(index, id)
      let pointer = String(groups[index].pointer ?? 0, radix: 16)
      remarks.append(
        Diagnostic(
          level: .note, source: witness.at.source, line: witness.at.line,
          message:
            "the trace's group at 0x\(pointer) is group \(id): \(names.text(device)) is in it by this line"))
    }
    return remarks
  }

  private func isNumberless(_ index: Int) -> Bool {
    let group = groups[index]
    return group.id == nil && group.pointer != nil && !group.hasEnded && group.boot == boot
  }

  /// Devices that this boot shows in more than one group: which of them is told elsewhere is not known.
  private var devicesOfSeveralGroups: Set<NameID> {
    var seen: Set<NameID> = []
    var several: Set<NameID> = []
    for group in groups where group.boot == boot {
      for device in Set(group.devices.map(\.name)).union(group.members) where !seen.insert(device).inserted {
        several.insert(device)
      }
    }
    return several
  }

  /// The devices that were seen in a group and, since then, in no other.
  private func presentDevices(of index: Int) -> [NameID] {
    let known = groups[index].devices.map(\.name)
    let others = groups[index].members.filter { !known.contains($0) }.sorted { $0.index < $1.index }
    return (known + others).filter { group(ofDevice: $0) == index }
  }
}
