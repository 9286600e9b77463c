/// SR-IOV: virtual functions that come below a bound device, each into a group of its own or its device's, and go at the
/// latest when its driver does (kernel-model 6, A21).
extension SimulatedKernel {
  /// What is bound to virtual functions as they come.
  package struct FunctionDriver: Sendable, Equatable {
    /// `nil`: `sriov_drivers_autoprobe` is off.
    package var driver: Driver?
    /// A worker probes, and whoever brought the function does not wait for it.
    package var isAsynchronous = false

    package init(driver: Driver?, isAsynchronous: Bool) {
      self.driver = driver
      self.isAsynchronous = isAsynchronous
    }

    /// That of functions which a driver brings in its own probe.
    init(_ physical: Int) {
      driver = Driver(name: "native\(physical)vf")
    }
  }

  private func functions(of physical: Int) -> [Int] {
    devices.indices.filter { devices[$0].physical == physical }
  }

  /// `sriov_numvfs_store()`, which holds the lock of the device.
  func writeFunctionCount(of physical: Int, _ driver: FunctionDriver) -> [KernelTask.Step] {
    let isThere = functions(of: physical).contains { devices[$0].isPresent }
    return sequence(
      isThere ? removeFunctions(of: physical) : bringFunctions(of: physical, driver),
      act { [self] _ in devices[physical].isLocked = false })
  }

  /// `pci_enable_sriov()`: one after the other joins its group and is probed.
  func bringFunctions(of physical: Int, _ driver: FunctionDriver) -> [KernelTask.Step] {
    functions(of: physical).flatMap { function in
      sequence(
        [
          KernelTask.Step { [self] thread in
            // Where somebody has not let go of its forerunner, there is none.
            guard !devices[function].isPresent, lockDevice(function) else { return [] }
            devices[function].isPresent = true
            join(function, thread)
            guard let found = driver.driver else {
              devices[function].isLocked = false
              return []
            }
            let probe = reallyProbe(function, found, nil)
            guard driver.isAsynchronous else { return probe }
            let worker = KernelTask("kworker/u8:9", 60 + function, cpu: Int.random(in: 0..<2, using: &random))
            worker.run(probe)
            started.append(worker)
            return []
          }
        ], sleep())
    }
  }

  /// `pci_disable_sriov()`: the last one first.
  func removeFunctions(of physical: Int) -> [KernelTask.Step] {
    functions(of: physical).reversed().map(removeWhenUnlocked)
  }

  private func removeWhenUnlocked(_ function: Int) -> KernelTask.Step {
    KernelTask.Step { [self] _ in
      guard devices[function].isPresent else { return [] }
      return lockDevice(function) ? unplug(function) : [removeWhenUnlocked(function)]
    }
  }
}
