/// Binds of drivers as a names-only trace and a kernel log show them: the same moments on two clocks, in as many kinds of
/// lines as a test wants.
package struct ProbeStory {
  /// One bind: its moments in microseconds since boot, on the log's clock.
  package struct Bind {
    package var device: String
    package var driver: String
    package var start: Int
    package var length: Int
    package var pid: Int
    /// The kernel probes, removes and probes again, and forgets to give back.
    package var isReprobed: Bool

    package init(
      _ device: String, _ driver: String, at start: Int, length: Int = 300_000, pid: Int = 1,
      isReprobed: Bool = true
    ) {
      self.device = device
      self.driver = driver
      self.start = start
      self.length = length
      self.pid = pid
      self.isReprobed = isReprobed
    }
  }

  /// Kinds of log lines.
  package enum Line: CaseIterable {
    case groups, probing, bound, returned
  }

  package var binds: [Bind]
  /// Members of groups, announced at boot.
  package var groups: [(device: String, group: Int)]

  package init(_ binds: [Bind], groups: [(device: String, group: Int)]) {
    self.binds = binds
    self.groups = groups
  }

  /// What the function tracer shows on a clock that is `ahead` microseconds ahead of the log's, with a last unuse that
  /// shows that it is traced.
  package func trace(ahead: Int = 0) -> String {
    var lines: [(time: Int, text: String)] = []
    for bind in binds {
      func add(_ offset: Int, _ function: String) {
        let time = bind.start + offset + ahead
        lines.append((time, Self.traceLine(time, pid: bind.pid, function)))
      }
      let half = bind.length / 2
      add(0, "really_probe <-driver_probe_device")
      add(110, "iommu_device_use_default_domain <-really_probe")
      add(180, "driver_sysfs_add <-really_probe")
      if bind.isReprobed {
        add(half, "device_remove <-really_probe")
        add(half + 50, "device_unbind_cleanup <-really_probe")
        add(half + 90, "iommu_device_use_default_domain <-really_probe")
        add(half + 150, "driver_sysfs_add <-really_probe")
      }
      add(bind.length, "driver_bound <-really_probe")
    }
    let end = (lines.map(\.time).max() ?? 0) + 1_000_000
    lines.append(
      (
        end,
        Self.traceLine(end, pid: 77, "iommu_device_unuse_default_domain <-device_release_driver_internal")
      ))
    return lines.sorted { $0.time < $1.time }.map(\.text).joined(separator: "\n") + "\n"
  }

  /// What the kernel log shows. `delay` is how much later than the event a line comes, in microseconds.
  package func log(
    _ kinds: [Line] = [.groups, .probing, .bound], showsCaller: Bool = false, delay: Int = 40,
    release: String? = nil
  ) -> String {
    var lines: [(time: Int, pid: Int, text: String)] = []
    if let release { lines.append((0, 0, "Linux version \(release) (builder@host) (gcc 12.2.0) #1 SMP")) }
    if kinds.contains(.groups) {
      for (index, member) in groups.enumerated() {
        lines.append((1_000_000 + index, 1, "pci \(member.device): Adding to iommu group \(member.group)"))
      }
    }
    for bind in binds {
      if kinds.contains(.probing) {
        lines.append(
          (
            bind.start + delay, bind.pid,
            "pci \(bind.device): bus: 'pci': really_probe: probing driver \(bind.driver) with device"
          ))
      }
      if kinds.contains(.bound) {
        lines.append(
          (
            bind.start + bind.length + delay, bind.pid,
            "\(bind.driver) \(bind.device): driver: '\(bind.driver)': driver_bound: bound to device"
          ))
      }
      if kinds.contains(.returned) {
        lines.append(
          (
            bind.start + bind.length + 400 + delay, bind.pid,
            "probe of \(bind.device) with driver \(bind.driver) returned 0 after \(bind.length + 400) usecs"
          ))
      }
    }
    return lines.sorted { $0.time < $1.time }.map { line in
      let time = Self.seconds(line.time)
      let caller = showsCaller ? " [\("T\(line.pid)".padded(toLeading: 6))]" : ""
      return "[\(time.padded(toLeading: 12))]\(caller) \(line.text)"
    }.joined(separator: "\n") + "\n"
  }

  private static func traceLine(_ time: Int, pid: Int, _ function: String) -> String {
    "\("task-\(pid)".padded(toLeading: 18))  [000] .....  \(seconds(time)): \(function)"
  }

  private static func seconds(_ micros: Int) -> String {
    "\(micros / 1_000_000)." + String(micros % 1_000_000).zeros(6)
  }
}
