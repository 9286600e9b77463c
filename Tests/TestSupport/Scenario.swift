package import DMALedger

/// Plays what a kernel does to `owner_cnt` and writes down what tracers would have seen of it.
///
/// The counts, owners and return codes come from the rules of `drivers/iommu/iommu.c`, so a scenario only says who
/// calls what, and ``lives`` is the truth to compare a report with:
///
///     let story = Scenario()
///     story.group(45, nic)
///     story.probe(nic, "e1000e") { $0.use(); $0.remove(); $0.use(); $0.bound() }
///     story.unbind(nic)
///     story.query(45)
///     let report = story.report(.arguments)
package final class Scenario {
  /// How much of the same history a capture shows.
  package enum Evidence: CaseIterable, Sendable {
    /// Entry probes with device, driver, group, count and owner; return probes; group membership events.
    case arguments
    /// The same read behind each call, as newer kernels can: return probes with arguments, and entries of use only.
    case states
    /// With the uses and the probes of drivers only: nobody watches who gives back, claims or asks.
    case uses
    /// Device, driver, group number and count, without the group's pointer and its owner.
    case numbers
    /// The same without count and owner.
    case groups
    /// Entry probes without any argument, and return codes.
    case returnCodes
    /// The function tracer.
    case names
  }

  package struct Task: Sendable {
    var comm: String
    var pid: Int
    var cpu: Int

    package init(_ comm: String, _ pid: Int, cpu: Int) {
      self.comm = comm
      self.pid = pid
      self.cpu = cpu
    }

    package static let shell = Task("init", 1, cpu: 1)
    package static let worker = Task("kworker/u8:1", 57, cpu: 0)
    package static let vmm = Task("qemu-system-x86", 900, cpu: 0)
    package static let otherVMM = Task("cloud-hyperviso", 901, cpu: 0)
  }

  /// Who claims: a `struct vfio_group` or a `struct iommufd_ctx`.
  package enum Owner: UInt64, Sendable {
    case x = 0xff24_5808_82aa_8800
    case y = 0xff24_5808_82aa_9000
  }

  /// The true life of a group.
  package struct Life: Sendable {
    package let id: Int
    package let incarnation: Int
    package let pointer: UInt64
    package let initial: Int
    package fileprivate(set) var count: Int
    package fileprivate(set) var peak: Int
    package fileprivate(set) var owner: UInt64 = 0
    /// Calls that had this group.
    package fileprivate(set) var calls = 0
    /// A domain that is not the default one is attached.
    fileprivate var hasForeignDomain = false
    fileprivate var hasPASID = false
    fileprivate var members: Set<String> = []
  }

  /// Drivers that manage DMA themselves: binding them calls neither use nor unuse.
  private static let managed: Set<String> = ["vfio-pci", "pcieport", "pci-stub"]

  /// Every life of every group, in the order of birth.
  package private(set) var lives: [Life] = []
  /// A call was made for a device without a group: only the pointer tells.
  package var needsPointer = false
  /// Whether the tracer records what happens.
  package var isRecording = true
  /// What integers fetched through a NULL group show: whatever the ring buffer held.
  package var staleBytes = (id: -1, count: 9_154_150, owner: UInt64(0x71_0000_01dd))
  private var current: [Int: Int] = [:]
  private var groupOf: [String: Int] = [:]
  private var driverOf: [String: String] = [:]
  var lines: [Evidence: [String]] = [:]
  var micros = 5_000_000
  private var births = 0

  package init() { header() }

  // MARK: - Groups

  /// A group as the capture finds it: with a count and an owner from before.
  package func group(_ id: Int, _ members: String..., count: Int = 0, owner: Owner? = nil) {
    birth(id, count: count)
    for member in members { add(member, to: id) }
    mutate(id) { $0.owner = owner?.rawValue ?? 0 }
  }

  /// Another member of a group as the capture finds it.
  package func place(_ device: String, in id: Int) { add(device, to: id) }

  /// What has happened before the capture: `driver` is bound to `device`, and the count given to ``group`` knows.
  package func alreadyBound(_ device: String, _ driver: String) {
    driverOf[device] = driver
  }

  /// A device joins a group; the first one to join gives birth to it.
  package func join(_ device: String, _ id: Int, task: Task = .shell) {
    if current[id] == nil { birth(id, count: 0) }
    add(device, to: id)
    event("add_device_to_group: IOMMU: groupID=\(id) device=\(device)", task)
  }

  /// A device leaves its group; the last one takes the group along, and whatever its count was.
  package func leave(_ device: String, task: Task = .shell) {
    guard let id = groupOf.removeValue(forKey: device) else { return }
    event("remove_device_from_group: IOMMU: groupID=\(id) device=\(device)", task)
    mutate(id) { $0.members.remove(device) }
    if let index = current[id], lives[index].members.isEmpty { current[id] = nil }
  }

  /// A driver in the kernel attaches a domain of its own, or lets go of it.
  package func setForeignDomain(_ id: Int, _ isAttached: Bool) {
    mutate(id) { $0.hasForeignDomain = isAttached }
  }

  package func setPASID(_ id: Int, _ isAttached: Bool) {
    mutate(id) { $0.hasPASID = isAttached }
  }

  private func birth(_ id: Int, count: Int) {
    births += 1
    lives.append(
      Life(
        id: id, incarnation: lives.count { $0.id == id },
        pointer: 0xff11_0000_00de_8000 + UInt64(births) * 0x400, initial: count, count: count, peak: count))
    current[id] = lives.count - 1
  }

  private func add(_ device: String, to id: Int) {
    groupOf[device] = id
    mutate(id) { $0.members.insert(device) }
  }

  private func mutate(_ id: Int?, _ change: (inout Life) -> Void) {
    guard let id, let index = current[id] else { return }
    change(&lives[index])
    lives[index].peak = max(lives[index].peak, lives[index].count)
  }

  func countCall(_ id: Int?) { if isRecording { mutate(id) { $0.calls += 1 } } }

  func life(_ id: Int?) -> Life? { id.flatMap { current[$0] }.map { lives[$0] } }

  // MARK: - Calls

  /// `iommu_device_use_default_domain()`. `during` is what others do between its entry and its lock, `behind` what
  /// they do between its lock and its return.
  @discardableResult
  package func use(
    _ device: String, _ driver: String, returning forced: Int? = nil, task: Task = .shell,
    during: () -> Void = {}, behind: () -> Void = {}
  ) -> Int {
    let id = groupOf[device]
    enter("use", "iommu_device_use_default_domain", named(device, driver), id, "really_probe", task)
    during()
    var result = forced ?? 0
    if forced == nil, let group = life(id) {
      result = group.count > 0 && (group.owner != 0 || group.hasForeignDomain) ? -16 : 0
    }
    if result == 0 { mutate(id) { $0.count += 1 } }
    behind()
    leave("use", "iommu_device_use_default_domain", named(device, driver), id, "really_probe", task, result)
    return result
  }

  /// `iommu_device_unuse_default_domain()`: warns and changes nothing at count 0 or while a PASID is attached.
  package func unuse(
    _ device: String, from caller: String = "device_release_driver_internal", task: Task = .shell
  ) {
    let id = groupOf[device]
    let names = named(device, driverOf[device] ?? "unknown")
    enter("unuse", "iommu_device_unuse_default_domain", names, id, caller, task)
    mutate(id) { if $0.count > 0, !$0.hasPASID { $0.count -= 1 } }
    leave("unuse", "iommu_device_unuse_default_domain", names, id, caller, task)
  }

  /// `iommu_group_claim_dma_owner()`; `attaching` are the members for which `iommu:attach_device_to_domain` fires.
  @discardableResult
  package func claim(
    _ id: Int, _ owner: Owner = .x, attaching devices: [String] = [], task: Task = .vmm
  ) -> Int {
    enter("claim", "iommu_group_claim_dma_owner", "", id, "vfio_container_attach_group", task, owner)
    var result = 0
    if let group = life(id) { result = group.count > 0 ? -1 : group.hasForeignDomain ? -16 : 0 }
    if result == 0 {
      mutate(id) {
        $0.count = 1; $0.owner = owner.rawValue
      }
      for device in devices { event("attach_device_to_domain: IOMMU: device=\(device)", task) }
    }
    leave("claim", "iommu_group_claim_dma_owner", "", id, "vfio_container_attach_group", task, result)
    return result
  }

  /// `iommu_group_release_dma_owner()`: warns and changes nothing where nobody owns the group.
  package func release(_ id: Int, task: Task = .vmm) {
    enter("release", "iommu_group_release_dma_owner", "", id, "vfio_group_detach_container", task)
    mutate(id) { Self.release(&$0) }
    leave("release", "iommu_group_release_dma_owner", "", id, "vfio_group_detach_container", task)
  }

  private static func release(_ group: inout Life) {
    guard group.count > 0, group.owner != 0 else { return }
    group.count = 0
    group.owner = 0
  }

  /// `iommu_device_claim_dma_owner()`: the same owner may claim again.
  @discardableResult
  package func deviceClaim(_ device: String, _ owner: Owner = .x, task: Task = .vmm) -> Int {
    let id = groupOf[device]
    enter(
      "dclaim", "iommu_device_claim_dma_owner", " dev=\"\(device)\"", id, "iommufd_device_bind", task, owner)
    var result = 0
    if let group = life(id), group.count > 0, group.owner != owner.rawValue { result = -1 }
    if result == 0 {
      mutate(id) {
        $0.count += 1; $0.owner = owner.rawValue
      }
    }
    leave(
      "dclaim", "iommu_device_claim_dma_owner", " dev=\"\(device)\"", id, "iommufd_device_bind", task, result)
    return result
  }

  /// `iommu_device_release_dma_owner()`
  package func deviceRelease(_ device: String, task: Task = .vmm) {
    let id = groupOf[device]
    enter(
      "drelease", "iommu_device_release_dma_owner", " dev=\"\(device)\"", id, "iommufd_device_destroy", task)
    mutate(id) { if $0.count > 1 { $0.count -= 1 } else { Self.release(&$0) } }
    leave(
      "drelease", "iommu_device_release_dma_owner", " dev=\"\(device)\"", id, "iommufd_device_destroy", task)
  }

  /// `iommu_group_dma_owner_claimed()`
  @discardableResult
  package func query(_ id: Int, task: Task = .vmm) -> Int {
    enter("claimed", "iommu_group_dma_owner_claimed", "", id, "vfio_group_fops_unl_ioctl", task)
    let result = (life(id)?.count ?? 0) > 0 ? 1 : 0
    leave("claimed", "iommu_group_dma_owner_claimed", "", id, "vfio_group_fops_unl_ioctl", task, result)
    return result
  }

  // MARK: - Drivers

  /// One `really_probe()`; `body` says what happens in it.
  package func probe(
    _ device: String, _ driver: String, result: Int = 0, task: Task = .shell,
    _ body: (Probe) -> Void = { _ in }
  ) {
    enter("rp", "really_probe", named(device, driver), nil, "device_driver_attach", task)
    let probe = Probe(scenario: self, device: device, driver: driver, task: task)
    body(probe)
    if result != 0 { probe.fail() }
    leave("rp", "really_probe", named(device, driver), nil, "device_driver_attach", task, result)
  }

  /// `device_release_driver_internal()`. `during` is what others do while the driver's `->remove()` waits for them.
  package func unbind(_ device: String, task: Task = .shell, during: () -> Void = {}) {
    let caller = "device_release_driver_internal"
    function("\(caller) <-unbind_store", task)
    remove(device, from: caller, task)
    during()
    if let driver = driverOf[device], !Self.managed.contains(driver) { unuse(device, task: task) }
    driverOf[device] = nil
    function("device_unbind_cleanup <-\(caller)", task)
  }

  func remove(_ device: String, from caller: String, _ task: Task) {
    enter("devrm", "device_remove", " dev=\"\(device)\"", nil, caller, task)
  }

  func bound(_ device: String, _ driver: String, _ task: Task) {
    driverOf[device] = driver
    enter("bound", "driver_bound", " dev=\"\(device)\"", nil, "really_probe", task)
  }

  func setDriver(_ device: String, _ driver: String?) { driverOf[device] = driver }

  // MARK: - The tracer

  /// The buffer was overrun.
  package func lost(_ events: Int, cpu: Int = 1) {
    for evidence in Evidence.allCases {
      lines[evidence, default: []].append("CPU:\(cpu) [LOST \(events) EVENTS]")
    }
  }

  /// A use that no tracer recorded.
  package func useUnseen(_ device: String) { mutate(groupOf[device]) { $0.count += 1 } }

  /// An unuse that no tracer recorded.
  package func unuseUnseen(_ device: String) { mutate(groupOf[device]) { $0.count -= 1 } }

  /// Another boot in the same file: groups and counts begin anew.
  package func reboot() {
    current = [:]
    groupOf = [:]
    driverOf = [:]
    micros = 2_000_000
    header()
  }

  /// Nothing of ours happens for a while.
  package func wait(seconds: Int) { micros += seconds * 1_000_000 }

  /// A line of another event, the same in all captures that have events.
  package func event(_ text: String, _ task: Task = .shell) {
    emit(task) { $0 == .names || $0 == .returnCodes ? nil : text }
  }

  /// A line of the function tracer.
  package func function(_ text: String, _ task: Task = .shell) {
    emit(task) { $0 == .names ? text : nil }
  }

  /// What `cat trace` prints.
  package func text(_ evidence: Evidence) -> String {
    (lines[evidence] ?? []).joined(separator: "\n") + "\n"
  }

  package func report(_ evidence: Evidence) -> Report {
    var analyzer = Analyzer()
    analyzer.read(bytes: Array(text(evidence).utf8), name: "\(evidence)")
    return analyzer.finish()
  }
}
