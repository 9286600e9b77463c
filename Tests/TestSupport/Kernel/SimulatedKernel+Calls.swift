import DMALedger

/// The seven calls: an entry that is read without the lock, the locked part, and the return.
extension SimulatedKernel {
  private func open(_ kind: OwnershipCallKind, _ device: Int?, _ group: Int?) -> Int {
    calls.append(Call(kind: kind, device: device, group: group, entered: records.count))
    let index = calls.count - 1
    if let group {
      for other in calls.indices.dropLast() where calls[other].group == group && calls[other].returned == nil
      {
        calls[other].isOverlapped = true
        calls[index].isOverlapped = true
      }
      groups[group].openCalls += 1
    }
    return index
  }

  private func lock(_ index: Int, _ change: () -> Int?) {
    let group = calls[index].group
    calls[index].before = group.map { groups[$0].count } ?? 0
    calls[index].result = change()
    calls[index].after = group.map { groups[$0].count } ?? 0
    calls[index].locked = records.count
    calls[index].order = locks
    locks += 1
  }

  private func close(_ index: Int) {
    calls[index].returned = records.count
    if let group = calls[index].group { groups[group].openCalls -= 1 }
  }

  /// The frame of every call: `body` runs under the lock and gives the code.
  private func call(
    _ kind: OwnershipCallKind, _ label: String, _ symbol: String, caller: String, device: Int? = nil,
    group: @escaping () -> Int?, new: UInt64? = nil, body: @escaping (Int?) -> Int?,
    then next: @escaping (Int?) -> [KernelTask.Step] = { _ in [] }
  ) -> [KernelTask.Step] {
    var index = 0
    return [
      KernelTask.Step { [self] thread in
        let group = group()
        let names =
          device.map { self.names($0, kind == .use || kind == .unuse ? devices[$0].driver : nil) } ?? []
        index = open(kind, device, group)
        enter(
          label, symbol, caller: caller,
          names + state(group) + (new.map { [("new", .hex($0))] } ?? []), call: index, thread)
        return []
      },
      KernelTask.Step { [self] _ in
        lock(index) { body(calls[index].group) }
        return []
      },
      KernelTask.Step { [self] thread in
        let names = device.map { self.names($0, nil) } ?? []
        exit(
          label, symbol, caller: caller, result: calls[index].result,
          after: names + state(calls[index].group), call: index, thread)
        close(index)
        return next(calls[index].result)
      },
    ]
  }

  /// `iommu_device_use_default_domain()`
  func use(_ device: Int, then next: @escaping (Int) -> [KernelTask.Step]) -> [KernelTask.Step] {
    call(
      .use, "use", "iommu_device_use_default_domain", caller: "really_probe", device: device,
      group: { [self] in devices[device].group },
      body: { [self] group in
        guard let group else { return 0 }
        let now = groups[group]
        if rules.release >= .v6_15, !now.hasDefaultDomain { return -517 }
        if now.count > 0 {
          if now.owner != 0 || now.hasForeignDomain { return -16 }
          if rules.release >= .v6_2, now.hasPASID { return -16 }
        }
        groups[group].count += 1
        devices[device].held += 1
        return 0
      }, then: { next($0 ?? 0) })
  }

  /// `iommu_device_unuse_default_domain()`
  func unuse(_ device: Int, from caller: String) -> [KernelTask.Step] {
    call(
      .unuse, "unuse", "iommu_device_unuse_default_domain", caller: caller, device: device,
      group: { [self] in devices[device].group },
      body: { [self] group in
        guard let group else { return nil }
        if groups[group].count == 0 {
          note(.overRelease, group, device)
        } else if rules.release >= .v6_2, groups[group].hasPASID {
          note(.pasidBlocked, group, device)
          if devices[device].held > 0 { groups[group].leaked += 1 }
          devices[device].held = max(0, devices[device].held - 1)
        } else {
          groups[group].count -= 1
          if devices[device].held == 0 { note(.stolen, group, device) }
          devices[device].held = max(0, devices[device].held - 1)
        }
        return nil
      })
  }

  /// `iommu_group_claim_dma_owner()`
  func claim(_ group: Int, _ owner: UInt64) -> [KernelTask.Step] {
    call(
      .claim, "claim", "iommu_group_claim_dma_owner", caller: "vfio_container_attach_group", group: { group },
      new: owner,
      body: { [self] _ in
        let now = groups[group]
        if now.count > 0 { return -1 }
        if now.hasForeignDomain || rules.release >= .v6_2 && now.hasPASID { return -16 }
        // An ILLEGAL group still has the domain of its old owner.
        if now.owner != 0 { return -16 }
        groups[group].count = 1
        groups[group].owner = owner
        claims.append((group, nil, owner))
        return 0
      })
  }

  /// `iommu_group_release_dma_owner()`
  func release(_ group: Int) -> [KernelTask.Step] {
    call(
      .release, "release", "iommu_group_release_dma_owner", caller: "vfio_group_detach_container",
      group: { group },
      body: { [self] _ in
        letGo(group)
        return nil
      })
  }

  private func letGo(_ group: Int) {
    let isBlocked = rules.release >= .v6_2 && groups[group].hasPASID
    if groups[group].count == 0 || groups[group].owner == 0 || isBlocked {
      note(.releaseUnowned, group, nil)
      return
    }
    groups[group].count = 0
    groups[group].owner = 0
  }

  /// `iommu_device_claim_dma_owner()`
  func deviceClaim(_ device: Int, _ owner: UInt64) -> [KernelTask.Step] {
    call(
      .deviceClaim, "dclaim", "iommu_device_claim_dma_owner", caller: "iommufd_device_bind", device: device,
      group: { [self] in devices[device].group }, new: owner,
      body: { [self] group in
        guard let group else { return -19 }
        let now = groups[group]
        if now.count > 0 {
          if now.owner != owner { return -1 }
          groups[group].count += 1
        } else {
          if now.hasForeignDomain || now.hasPASID || now.owner != 0 { return -16 }
          groups[group].count = 1
          groups[group].owner = owner
        }
        claims.append((group, device, owner))
        return 0
      })
  }

  /// `iommu_device_release_dma_owner()`
  func deviceRelease(_ device: Int) -> [KernelTask.Step] {
    call(
      .deviceRelease, "drelease", "iommu_device_release_dma_owner", caller: "iommufd_device_destroy",
      device: device, group: { [self] in devices[device].group },
      body: { [self] group in
        guard let group else { return nil }
        if groups[group].count > 1 { groups[group].count -= 1 } else { letGo(group) }
        return nil
      })
  }

  /// `iommu_group_dma_owner_claimed()`
  func query(_ group: Int) -> [KernelTask.Step] {
    call(
      .query, "query", "iommu_group_dma_owner_claimed", caller: "vfio_group_fops_unl_ioctl", group: { group },
      body: { [self] _ in groups[group].count > 0 ? 1 : 0 })
  }
}
