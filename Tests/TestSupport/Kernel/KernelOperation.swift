/// What administrators, drivers and virtual machines ask of the kernel. What cannot be done is left out, so that every
/// list of operations is a life.
package enum KernelOperation: Sendable, Equatable {
  case bind(Int, SimulatedKernel.Driver, SimulatedKernel.Failure?)
  case unbind(Int)
  case plug(Int)
  case unplug(Int)
  /// A bound device without a group joins the one of its slot.
  case joinLate(Int)
  case query(slot: Int)
  case claim(slot: Int, owner: UInt64)
  case deviceClaim(Int, owner: UInt64)
  case letGo(Int)
  case foreignDomain(slot: Int, Bool)
  case pasid(slot: Int, Bool)
  case defaultDomain(slot: Int, Bool)
  /// A number written to the `sriov_numvfs` of a bound device: all of its virtual functions where there are none, else none.
  case setFunctions(of: Int, SimulatedKernel.FunctionDriver)
}

extension SimulatedKernel {
  /// Lets operations run side by side, each in a task of its own, until all are done.
  package func run(_ operations: [KernelOperation]) {
    var threads: [KernelTask] = []
    for (place, operation) in operations.enumerated() {
      let thread = self.thread(for: operation, place)
      guard let steps = begin(operation) else { continue }
      thread.run(steps)
      threads.append(thread)
    }
    while !threads.isEmpty || !started.isEmpty {
      threads += started
      started = []
      // Mostly the same one goes on: whole calls are commoner than races.
      let index = chance(2) ? threads.count - 1 : Int.random(in: 0..<threads.count, using: &random)
      if !threads[index].advance() { threads.remove(at: index) }
    }
  }

  private func thread(for operation: KernelOperation, _ place: Int) -> KernelTask {
    let cpu = Int.random(in: 0..<2, using: &random)
    return switch operation {
    case .query, .claim, .deviceClaim, .letGo: KernelTask("qemu-system-x86", 900 + place, cpu: cpu)
    case .setFunctions: KernelTask("tee", 700 + place, cpu: cpu)
    case _ where place > 0: KernelTask("kworker/u8:\(place)", 50 + place, cpu: cpu)
    default: KernelTask("init", 1, cpu: cpu)
    }
  }

  /// The steps of an operation, or nothing where it cannot be done now.
  private func begin(_ operation: KernelOperation) -> [KernelTask.Step]? {
    switch operation {
    case .bind(let device, let driver, let failure):
      guard devices[device].isPresent, devices[device].driver == nil, lockDevice(device) else { return nil }
      return reallyProbe(device, driver, failure)
    case .unbind(let device):
      guard devices[device].isBound, lockDevice(device) else { return nil }
      return releaseDriver(device, during: owners(ofGroupOf: device))
    case .plug(let device):
      guard !devices[device].isPresent, devices[device].physical == nil, lockDevice(device) else {
        return nil
      }
      return [
        KernelTask.Step { [self] thread in
          devices[device].isPresent = true
          join(device, thread)
          devices[device].isLocked = false
          return []
        }
      ]
    case .unplug(let device):
      guard devices[device].isPresent, lockDevice(device) else { return nil }
      return unplug(device)
    case .joinLate(let device):
      guard devices[device].isPresent, devices[device].group == nil, devices[device].bus != .platform,
        lockDevice(device)
      else { return nil }
      return [
        KernelTask.Step { [self] thread in
          join(device, thread)
          devices[device].isLocked = false
          return []
        }
      ]
    case .query(let slot): return group(ofSlot: slot).map { query($0) }
    case .claim(let slot, let owner):
      return group(ofSlot: slot).map { hold($0, query($0) + claim($0, owner)) }
    case .deviceClaim(let device, let owner):
      guard rules.release >= .v6_2, devices[device].group != nil,
        !claims.contains(where: { $0.device == device })
      else { return nil }
      return deviceClaim(device, owner)
    case .letGo(let index):
      guard !claims.isEmpty else { return nil }
      return letGo(claims.remove(at: index % claims.count))
    case .foreignDomain(let slot, let isAttached):
      return change(slot) { $0.hasForeignDomain = isAttached }
    case .pasid(let slot, let isAttached): return change(slot) { $0.hasPASID = isAttached }
    case .defaultDomain(let slot, let isThere): return change(slot) { $0.hasDefaultDomain = isThere }
    case .setFunctions(let device, let driver):
      guard devices[device].isBound, lockDevice(device) else { return nil }
      return writeFunctionCount(of: device, driver)
    }
  }

  /// `device_del()` of a device that is locked.
  func unplug(_ device: Int) -> [KernelTask.Step] {
    (devices[device].isBound
      ? releaseDriver(device, during: owners(ofGroupOf: device), isLast: true) : []) + [leaveWhenIdle(device)]
  }

  func lockDevice(_ device: Int) -> Bool {
    if devices[device].isLocked { return false }
    devices[device].isLocked = true
    return true
  }

  private func group(ofSlot slot: Int) -> Int? {
    devices.first { $0.slot == slot && $0.group != nil }?.group
  }

  private func change(_ slot: Int, _ body: @escaping (inout Group) -> Void) -> [KernelTask.Step]? {
    guard let group = group(ofSlot: slot), groups[group].owner == 0 else { return nil }
    return [
      KernelTask.Step { [self] _ in
        if groups[group].owner == 0 { body(&groups[group]) }
        return []
      }
    ]
  }

  private func letGo(_ claim: (group: Int, device: Int?, owner: UInt64)) -> [KernelTask.Step] {
    hold(claim.group, claim.device.map { deviceRelease($0) } ?? release(claim.group))
  }

  /// Whoever is at a group keeps it, and the devices in it, until it is done.
  private func hold(_ group: Int, _ steps: [KernelTask.Step]) -> [KernelTask.Step] {
    groups[group].openCalls += 1
    return steps + [
      KernelTask.Step { [self] _ in
        groups[group].openCalls -= 1
        return []
      }
    ]
  }

  /// Everybody in user space lets go of the device's group, in tasks of their own.
  private func owners(ofGroupOf device: Int) -> [KernelTask.Step] {
    guard devices[device].driver?.isManaged == true else { return [] }
    return [
      KernelTask.Step { [self] _ in
        let leaving = claims.filter { $0.group == devices[device].group }
        claims.removeAll { $0.group == devices[device].group }
        guard !leaving.isEmpty else { return [] }
        let owner = KernelTask("qemu-system-x86", 990 + device, cpu: Int.random(in: 0..<2, using: &random))
        owner.run(leaving.flatMap(letGo))
        return [waiting(for: owner)]
      }
    ]
  }

  private func waiting(for other: KernelTask) -> KernelTask.Step {
    KernelTask.Step { [self] _ in other.advance() ? [waiting(for: other)] : [] }
  }

  private func leaveWhenIdle(_ device: Int) -> KernelTask.Step {
    KernelTask.Step { [self] thread in
      if let group = devices[device].group {
        // VFIO holds the group as long as somebody is at it.
        if groups[group].openCalls > 0 { return [leaveWhenIdle(device)] }
        let isLast = groups[group].members.count == 1
        if isLast, claims.contains(where: { $0.group == group }) {
          let leaving = claims.filter { $0.group == group }
          claims.removeAll { $0.group == group }
          return leaving.flatMap(letGo) + [leaveWhenIdle(device)]
        }
        let own = claims.filter { $0.device == device }
        if !own.isEmpty {
          claims.removeAll { $0.device == device }
          return own.flatMap(letGo) + [leaveWhenIdle(device)]
        }
        leave(device, thread)
      }
      devices[device].isPresent = false
      devices[device].held = 0
      devices[device].isLocked = false
      return []
    }
  }
}
