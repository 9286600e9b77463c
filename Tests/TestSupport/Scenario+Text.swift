extension Scenario {
  func header() {
    for evidence in Evidence.allCases {
      lines[evidence, default: []] += [
        "# tracer: \(evidence == .names ? "function" : "nop")", "#",
        "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION",
        "#              | |         |   |||||     |         |",
      ]
    }
  }

  /// The entry of a function: a probe with as much as `evidence` allows, or the function tracer's line.
  func enter(
    _ label: String, _ symbol: String, _ names: String, _ group: Int?, _ caller: String, _ task: Task,
    _ claimant: Owner? = nil
  ) {
    let bindsDriver = label == "rp" || label == "devrm" || label == "bound"
    if !bindsDriver { countCall(group) }
    if !bindsDriver, life(group) == nil { needsPointer = true }
    emit(task) { evidence in
      let place = "\(label): (\(symbol)+0x0/0x8c)"
      switch evidence {
      case .names: return "\(symbol) <-\(caller)"
      case .returnCodes: return place
      case .states where label != "use" && !bindsDriver: return nil
      case .uses where label != "use" && !bindsDriver: return nil
      case .groups, .arguments, .uses, .numbers, .states:
        if bindsDriver { return place + names }
        return place + names + fields(group, label, evidence, claimant)
      }
    }
  }

  /// Its return; a probe that reads no arguments there is of use only where there is a code.
  func leave(
    _ label: String, _ symbol: String, _ names: String, _ group: Int?, _ caller: String, _ task: Task,
    _ result: Int? = nil
  ) {
    emit(task) { evidence in
      let code = result.map { " ret=\($0)" } ?? ""
      let place = "\(label)_ret: (\(caller)+0x20/0x396 <- \(symbol))\(code)"
      switch evidence {
      case .names: return nil
      case .uses where label != "use" && label != "rp": return nil
      case .states: return place + names + (label == "rp" ? "" : fields(group, label, evidence, nil))
      default: return result == nil ? nil : place
      }
    }
  }

  func named(_ device: String, _ driver: String) -> String { " dev=\"\(device)\" drv=\"\(driver)\"" }

  private func fields(_ group: Int?, _ label: String, _ evidence: Evidence, _ claimant: Owner?) -> String {
    let life = life(group)
    let id = life?.id ?? staleBytes.id
    if evidence == .numbers { return " grp=\(id) cnt=\(life?.count ?? staleBytes.count)" }
    var text = " grp=\(hex(life?.pointer ?? 0)) id=\(id)"
    if evidence != .groups {
      text += " cnt=\(life?.count ?? staleBytes.count)"
      if label != "claimed" { text += " own=\(hex(life?.owner ?? staleBytes.owner))" }
      if let claimant { text += " new=\(hex(claimant.rawValue))" }
    }
    return text
  }

  private func hex(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }

  func emit(_ task: Task, _ body: (Evidence) -> String?) {
    micros += 137
    guard isRecording else { return }
    let digits = String(micros % 1_000_000)
    let time = "\(micros / 1_000_000)." + String(repeating: "0", count: 6 - digits.count) + digits
    let name = String(repeating: " ", count: max(0, 16 - task.comm.utf8.count)) + task.comm
    let pid = "\(task.pid)" + String(repeating: " ", count: max(0, 7 - "\(task.pid)".utf8.count))
    let clock = String(repeating: " ", count: max(0, 13 - time.utf8.count)) + time
    let prefix = "\(name)-\(pid) [00\(task.cpu)] ..... \(clock): "
    for evidence in Evidence.allCases {
      if let text = body(evidence) { lines[evidence, default: []].append(prefix + text) }
    }
  }
}

extension Scenario {
  /// What happens inside one `really_probe()`.
  package final class Probe {
    let scenario: Scenario
    let device: String
    let driver: String
    let task: Task
    private var hasBegun = false
    private var isRemoved = false

    init(scenario: Scenario, device: String, driver: String, task: Task) {
      self.scenario = scenario
      self.device = device
      self.driver = driver
      self.task = task
    }

    /// A pass that configures DMA and uses the group.
    package func use(returning result: Int? = nil) {
      begin()
      let code = scenario.use(device, driver, returning: result, task: task)
      if code == 0 { addToSysfs() }
    }

    /// A pass of a driver that manages DMA itself.
    package func pass() {
      begin()
      addToSysfs()
    }

    /// The test-remove, or a failure behind the driver's probe.
    package func remove() {
      scenario.remove(device, from: "really_probe", task)
      isRemoved = true
    }

    package func unuse() {
      scenario.setDriver(device, driver)
      scenario.unuse(device, from: "really_probe", task: task)
      scenario.setDriver(device, nil)
    }

    package func bound() { scenario.bound(device, driver, task) }

    /// Other things that happen meanwhile.
    package func meanwhile(_ body: (Scenario) -> Void) { body(scenario) }

    func fail() { if hasBegun { cleanUp() } }

    private func begin() {
      if isRemoved { cleanUp() }
      isRemoved = false
      hasBegun = true
    }

    private func cleanUp() { scenario.function("device_unbind_cleanup <-really_probe", task) }

    private func addToSysfs() { scenario.function("driver_sysfs_add <-really_probe", task) }
  }
}
