/// `really_probe()` and `__device_release_driver()`, line by line as in kernel-model 2.3 and 2.4.
extension SimulatedKernel {
  /// Where a probe goes wrong, in which of its passes.
  package enum Fault: String, Sendable, CaseIterable {
    /// A supplier is missing: before anything else.
    case suppliers
    /// The bus's hook fails before it uses the group.
    case configure
    case sysfs
    /// The driver's own probe.
    case probe
    /// The driver's own probe is deferred.
    case deferral
    /// Attribute groups, behind the driver's probe.
    case groups
  }

  package struct Failure: Sendable, Equatable {
    package var fault: Fault
    /// In the second pass, where there is one.
    package var isLate: Bool
  }

  func act(_ body: @escaping (KernelTask) -> Void) -> [KernelTask.Step] {
    [
      KernelTask.Step { thread in
        body(thread)
        return []
      }
    ]
  }

  func sequence(_ parts: [KernelTask.Step]...) -> [KernelTask.Step] { parts.flatMap { $0 } }

  /// A function without a part of ours in it.
  private func leaf(_ label: String, _ symbol: String, caller: String, _ device: Int) -> [KernelTask.Step] {
    sequence(
      act { [self] in enter(label, symbol, caller: caller, names(device, nil), $0) },
      act { [self] in exit(label, symbol, caller: caller, result: nil, after: names(device, nil), $0) })
  }

  /// The driver's own `->probe()` or `->remove()` sleeps, and may wake up elsewhere.
  func sleep() -> [KernelTask.Step] {
    act { [self] in if chance(4) { $0.cpu = 1 - $0.cpu } }
  }

  private func hook(_ device: Int, _ name: String) -> String {
    switch devices[device].bus {
    case .pci: "pci_\(name)"
    case .cdx: "cdx_\(name)"
    case .platform: "platform_\(name)"
    }
  }

  func reallyProbe(_ device: Int, _ driver: Driver, _ failure: Failure?) -> [KernelTask.Step] {
    sequence(
      act { [self] in
        enter("rp", "really_probe", caller: "device_driver_attach", names(device, driver), $0)
      },
      [
        KernelTask.Step { [self] _ in
          if failure?.fault == .suppliers { return end(device, -517) }
          devices[device].driver = driver
          devices[device].isSwallowed = false
          return pass(device, driver, failure, isSecond: false)
        }
      ])
  }

  private func end(_ device: Int, _ result: Int) -> [KernelTask.Step] {
    act { [self] in
      if result != 0 { devices[device].driver = nil }
      devices[device].isBound = result == 0
      if result == 0, devices[device].isSwallowed, let group = devices[device].group {
        note(.swallowed, group, device)
      }
      exit(
        "rp", "really_probe", caller: "device_driver_attach", result: result, after: names(device, nil), $0)
      devices[device].isLocked = false
    }
  }

  private func pass(_ device: Int, _ driver: Driver, _ failure: Failure?, isSecond: Bool) -> [KernelTask.Step]
  {
    let hasTwo = rules.testRemove != .off && !driver.suppressesBindAttributes
    let fault = failure.flatMap { $0.isLate == isSecond || !hasTwo ? $0.fault : nil }
    let symbol = hook(device, "dma_configure")
    let isReached = fault != .configure && !driver.isManaged
    func configured(_ result: Int) -> [KernelTask.Step] {
      [
        KernelTask.Step { [self] thread in
          // CDX takes no notice of a use that was refused.
          let seen = devices[device].bus == .cdx && isReached ? 0 : result
          devices[device].isSwallowed = result != 0 && seen == 0
          exit("conf", symbol, caller: "really_probe", result: seen, after: [], thread)
          if seen != 0 { return sequence(cleanUp(device), end(device, seen)) }
          return afterConfigure(device, driver, fault, isSecond: isSecond, hasTwo: hasTwo, failure)
        }
      ]
    }
    return sequence(
      act { [self] in enter("conf", symbol, caller: "really_probe", names(device, driver), $0) },
      isReached ? use(device) { configured($0) } : configured(fault == .configure ? -19 : 0))
  }

  private func afterConfigure(
    _ device: Int, _ driver: Driver, _ fault: Fault?, isSecond: Bool, hasTwo: Bool, _ failure: Failure?
  ) -> [KernelTask.Step] {
    let added = leaf("sysfs", "driver_sysfs_add", caller: "really_probe", device)
    let back = sequence(dmaCleanup(device, driver, "really_probe"), cleanUp(device))
    switch fault {
    case .sysfs: return sequence(added, back, end(device, -12))
    case .probe: return sequence(added, sleep(), back, end(device, 12))
    case .deferral: return sequence(added, sleep(), back, end(device, 517))
    case .groups: return sequence(added, sleep(), remove(device, "really_probe"), back, end(device, -12))
    case .suppliers, .configure, nil: break
    }
    let brought = driver.bringsFunctions ? bringFunctions(of: device, FunctionDriver(device)) : []
    guard hasTwo, !isSecond else {
      return sequence(
        added, sleep(), brought, leaf("bound", "driver_bound", caller: "really_probe", device), end(device, 0)
      )
    }
    return sequence(
      added, sleep(), brought, remove(device, "really_probe"),
      rules.testRemove == .fixed ? dmaCleanup(device, driver, "really_probe") : forget(device),
      cleanUp(device), [KernelTask.Step { [self] _ in pass(device, driver, failure, isSecond: true) }])
  }

  /// The bug: what the first pass took belongs to nobody.
  private func forget(_ device: Int) -> [KernelTask.Step] {
    act { [self] _ in
      guard devices[device].held > 0, let group = devices[device].group else { return }
      devices[device].held -= 1
      groups[group].leaked += 1
      note(.testRemove, group, device)
    }
  }

  private func remove(_ device: Int, _ caller: String, during: [KernelTask.Step] = []) -> [KernelTask.Step] {
    sequence(
      act { [self] in enter("devrm", "device_remove", caller: caller, names(device, nil), $0) },
      sleep(), during, removeFunctions(of: device),
      act { [self] in
        exit("devrm", "device_remove", caller: caller, result: nil, after: names(device, nil), $0)
      })
  }

  private func cleanUp(_ device: Int) -> [KernelTask.Step] {
    leaf("clean", "device_unbind_cleanup", caller: "really_probe", device)
  }

  private func dmaCleanup(_ device: Int, _ driver: Driver, _ caller: String) -> [KernelTask.Step] {
    let symbol = hook(device, "dma_cleanup")
    return sequence(
      act { [self] in enter("dclean", symbol, caller: caller, names(device, nil), $0) },
      driver.isManaged ? [] : unuse(device, from: caller),
      act { [self] in exit("dclean", symbol, caller: caller, result: nil, after: [], $0) })
  }

  /// `during` is what the owner does while vfio-pci's `->remove()` waits for it. `isLast`: the device is about to go, and
  /// stays locked until then.
  func releaseDriver(_ device: Int, during: [KernelTask.Step], isLast: Bool = false) -> [KernelTask.Step] {
    guard let driver = devices[device].driver else { return [] }
    let symbol = "device_release_driver_internal"
    return sequence(
      act { [self] in enter("unbind", symbol, caller: "unbind_store", names(device, nil), $0) },
      remove(device, symbol, during: during), dmaCleanup(device, driver, symbol),
      leaf("clean", "device_unbind_cleanup", caller: symbol, device),
      act { [self] in
        devices[device].driver = nil
        devices[device].isBound = false
        exit("unbind", symbol, caller: "unbind_store", result: nil, after: names(device, nil), $0)
        devices[device].isLocked = isLast
      })
  }
}
