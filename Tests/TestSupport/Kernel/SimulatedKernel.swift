package import DMALedger

/// The kernel's side of DMA ownership, slow and plain: the rules of `drivers/iommu/iommu.c` and `drivers/base/dd.c`, with
/// tasks that run into each other between the steps of their calls.
///
/// It writes down what every tracer could see (``records``) and what really happened (``calls``, ``groups``). It shares
/// no line with the ledger that is measured against it.
package final class SimulatedKernel {
  /// Which kernel it is.
  package struct Rules: Sendable {
    package enum TestRemove: String, Sendable, CaseIterable {
      case off, unfixed, fixed
    }

    package enum Release: Int, Sendable, CaseIterable, Comparable {
      case v5_19, v6_1, v6_2, v6_7, v6_15

      package static func < (left: Release, right: Release) -> Bool { left.rawValue < right.rawValue }
    }

    package var testRemove: TestRemove
    package var release: Release
  }

  /// `struct iommu_group`, and what became of it.
  package struct Group: Sendable {
    package let id: Int
    package let pointer: UInt64
    package var count = 0
    package var owner: UInt64 = 0
    package var members: Set<Int> = []
    package var isFreed = false
    var hasForeignDomain = false
    var hasPASID = false
    /// From 6.15 on a use is deferred as long as there is none.
    var hasDefaultDomain = true
    /// Calls that have it in their hands.
    var openCalls = 0
    package var defects: [Defect] = []
    /// References that nobody will give back.
    package var leaked = 0
  }

  /// What went wrong in the kernel, and for whom.
  package struct Defect: Sendable, Equatable {
    package enum Kind: Sendable {
      case testRemove, overRelease, stolen, swallowed, releaseUnowned, pasidBlocked, freed
    }

    package var kind: Kind
    package var device: String?
    package var driver: String?
    /// Number of records before it.
    package var record: Int
    /// It happened before the capture.
    package var isPast: Bool
  }

  package enum Bus: Sendable {
    case pci, cdx, platform
  }

  package struct Driver: Sendable, Equatable {
    package let name: String
    package var isManaged = false
    package var suppressesBindAttributes = false
    /// Its `->probe()` brings the device's virtual functions.
    package var bringsFunctions = false
  }

  package struct Device: Sendable {
    package let name: String
    package let bus: Bus
    /// Devices of one slot share a group.
    package let slot: Int
    package let pointer: UInt64
    /// Of a virtual function: the device that it is one of.
    package let physical: Int?
    package var group: Int?
    package var isPresent = true
    package var driver: Driver?
    package var isBound = false
    /// References of the group that its driver will give back.
    package var held = 0
    /// Its use was refused and its bus took no notice.
    var isSwallowed = false
    var isLocked = false
  }

  /// One ownership call as it was.
  package struct Call: Sendable {
    package var kind: OwnershipCallKind
    package var device: Int?
    package var group: Int?
    package var before = 0
    package var after = 0
    package var result: Int?
    /// Records of its entry and its return.
    package var entered: Int
    package var returned: Int?
    /// Number of records when it had the lock, and its place among all calls that did.
    package var locked: Int?
    package var order: Int?
    /// Another call was at the same group at the same time.
    package var isOverlapped = false
  }

  /// A line that a tracer could write.
  package struct Record: Sendable {
    package var step: OwnershipHistory.Step
    package var depth: Int
    package var call: Int?
    /// Counts of all groups right before it.
    package var counts: [Int]
  }

  package let rules: Rules
  package internal(set) var groups: [Group] = []
  package internal(set) var devices: [Device] = []
  package internal(set) var calls: [Call] = []
  package internal(set) var records: [Record] = []
  package internal(set) var isRecording = true
  /// Counts of the groups that were there when the capture began.
  package internal(set) var startCounts: [Int] = []
  var random: SplitMix
  var micros = OwnershipHistory.start
  var locks = 0
  /// Claims of user space that have not been given back.
  var claims: [(group: Int, device: Int?, owner: UInt64)] = []
  /// Tasks that others have started and nobody waits for.
  var started: [KernelTask] = []
  private var births = 0

  /// A device of a machine: what it is called, where it is, whether it is there from the start.
  package struct Place: Sendable {
    package var name: String
    package var bus: Bus
    package var slot: Int
    package var isPresent = true
    /// Of a virtual function: the device that it is one of.
    package var physical: Int?
  }

  package init(rules: Rules, devices: [Place], seed: UInt64) {
    self.rules = rules
    random = SplitMix(state: seed)
    for (index, device) in devices.enumerated() {
      self.devices.append(
        Device(
          name: device.name, bus: device.bus, slot: device.slot,
          pointer: 0xff49_5069_41a4_0000 + UInt64(index) * 0x1000, physical: device.physical,
          isPresent: device.isPresent))
    }
    isRecording = false
    for index in self.devices.indices where self.devices[index].isPresent { join(index, KernelTask.boot) }
    isRecording = true
  }

  func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

  // MARK: - Members

  /// The device joins the group of its slot: the lowest free number, if it is the first.
  func join(_ device: Int, _ thread: KernelTask) {
    guard devices[device].bus != .platform else { return }
    let slot = devices[device].slot
    let shared = devices.first { $0.slot == slot && $0.group != nil }?.group
    let group = shared ?? birth()
    devices[device].group = group
    devices[device].held = 0
    groups[group].members.insert(device)
    event(
      "add_device_to_group", "IOMMU: groupID=\(groups[group].id) device=\(devices[device].name)", thread)
  }

  private func birth() -> Int {
    let taken = Set(groups.filter { !$0.isFreed }.map(\.id))
    let id = (0...).first { !taken.contains($0) } ?? 0
    births += 1
    groups.append(Group(id: id, pointer: 0xff11_0000_00de_8000 + UInt64(births) * 0x400))
    return groups.count - 1
  }

  /// The device leaves its group; the last one takes the group along, and whatever its count was.
  func leave(_ device: Int, _ thread: KernelTask) {
    guard let group = devices[device].group else { return }
    event(
      "remove_device_from_group", "IOMMU: groupID=\(groups[group].id) device=\(devices[device].name)", thread)
    devices[device].group = nil
    groups[group].members.remove(device)
    guard groups[group].members.isEmpty else { return }
    groups[group].isFreed = true
    if groups[group].count != 0 { note(.freed, group, nil) }
  }

  func note(_ kind: Defect.Kind, _ group: Int, _ device: Int?) {
    groups[group].defects.append(
      Defect(
        kind: kind, device: device.map { devices[$0].name },
        driver: device.flatMap { devices[$0].driver?.name },
        record: records.count, isPast: !isRecording))
  }

  // MARK: - Records

  func record(
    _ kind: OwnershipHistory.Kind, _ event: String, _ symbol: String, caller: String = "",
    _ arguments: [(name: String, value: OwnershipHistory.Value)],
    after: [(name: String, value: OwnershipHistory.Value)] = [], call: Int? = nil, _ thread: KernelTask
  ) {
    micros += 3 + Int.random(in: 0..<200, using: &random)
    guard isRecording else { return }
    records.append(
      Record(
        step: OwnershipHistory.Step(
          task: OwnershipHistory.Task(comm: thread.comm, pid: thread.pid), cpu: thread.cpu, time: micros,
          kind: kind, event: event, symbol: symbol, arguments: arguments, stateAfter: after, caller: caller),
        depth: thread.depth, call: call, counts: groups.map(\.count)))
  }

  private func event(_ name: String, _ text: String, _ thread: KernelTask) {
    record(.event(text), name, "", [], thread)
  }

  func enter(
    _ event: String, _ symbol: String, caller: String,
    _ arguments: [(name: String, value: OwnershipHistory.Value)], call: Int? = nil, _ thread: KernelTask
  ) {
    record(.entry, event, symbol, caller: caller, arguments, call: call, thread)
    thread.depth += 1
  }

  func exit(
    _ event: String, _ symbol: String, caller: String, result: Int?,
    after: [(name: String, value: OwnershipHistory.Value)], call: Int? = nil, _ thread: KernelTask
  ) {
    thread.depth -= 1
    let code: [(name: String, value: OwnershipHistory.Value)] =
      if let result { [("ret", event == "query" ? .byte(result) : .decimal(result))] } else { [] }
    record(
      .exit(caller: caller + "+0x20/0x396"), event + "_ret", symbol, caller: caller, code, after: after,
      call: call, thread)
  }

  func names(_ device: Int, _ driver: Driver?) -> [(name: String, value: OwnershipHistory.Value)] {
    [("dev", .text(devices[device].name))] + (driver.map { [("drv", .text($0.name))] } ?? [])
  }

  /// What a probe fetches of a group now, without its lock; through a NULL pointer whatever the ring buffer held.
  func state(_ group: Int?) -> [(name: String, value: OwnershipHistory.Value)] {
    guard let group else {
      return [("grp", .hex(0)), ("id", .decimal(0)), ("cnt", .decimal(0)), ("own", .hex(0))]
    }
    let now = groups[group]
    return [
      ("grp", .hex(now.pointer)), ("id", .decimal(now.id)), ("cnt", .decimal(now.count)),
      ("own", .hex(now.owner)),
    ]
  }
}

/// A task of the simulated kernel: what it will do next stands last.
final class KernelTask {
  let comm: String
  let pid: Int
  var cpu: Int
  var depth = 0
  var program: [Step] = []

  /// Runs, and gives what is to run next.
  struct Step {
    let run: (KernelTask) -> [Step]

    init(_ run: @escaping (KernelTask) -> [Step]) { self.run = run }
  }

  init(_ comm: String, _ pid: Int, cpu: Int) {
    self.comm = comm
    self.pid = pid
    self.cpu = cpu
  }

  static var boot: KernelTask { KernelTask("swapper/0", 1, cpu: 0) }

  func run(_ steps: [Step]) { program += steps.reversed() }

  /// One step; false where there is none.
  func advance() -> Bool {
    guard let step = program.popLast() else { return false }
    run(step.run(self))
    return true
  }
}
