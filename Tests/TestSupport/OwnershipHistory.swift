/// A small life of one group, free of any dialect.
package struct OwnershipHistory: Sendable {
  package struct Task: Sendable {
    package var comm: String
    package var pid: Int
  }

  package enum Value: Sendable {
    case text(String)
    case hex(UInt64)
    case decimal(Int)
    /// A `u8`: the option `fields` prints it in a way of its own.
    case byte(Int)
  }

  package enum Kind: Sendable {
    case entry
    /// `caller` is where the function returns to.
    case exit(caller: String)
    /// A static event and what it says.
    case event(String)
  }

  package struct Step: Sendable {
    package var task: Task
    package var cpu: Int
    /// Microseconds.
    package var time: Int
    package var kind: Kind
    package var event: String
    package var symbol: String
    package var arguments: [(name: String, value: Value)]
    /// What an fprobe reads behind the call.
    package var stateAfter: [(name: String, value: Value)]
    /// Who calls the function, for the function tracer.
    package var caller = "caller_of_it"
  }

  package let name: String
  package let steps: [Step]
  package let expectedChanges: Int
  package let finalCount: Int
  package let isBalanced: Bool

  package static let device = "0000:00:03.0"
  package static let driver = "e1000e"
  package static let group: UInt64 = 0xff11_0001_005f_6900
  package static let owner: UInt64 = 0xff11_0001_0188_4000
  package static let start = 48_908_505
}

/// Calls appended one after the other, with the count kept along.
private struct Recorder {
  var steps: [OwnershipHistory.Step] = []
  var count = 0
  var owner: UInt64 = 0
  var time = OwnershipHistory.start
  var task = OwnershipHistory.Task(comm: "init", pid: 1)
  var cpu = 1

  private var state: [(name: String, value: OwnershipHistory.Value)] {
    [
      ("grp", .hex(OwnershipHistory.group)), ("id", .decimal(1)), ("cnt", .decimal(count)),
      ("own", .hex(owner)),
    ]
  }

  private static let device: (name: String, value: OwnershipHistory.Value) =
    ("dev", .text(OwnershipHistory.device))
  private static let driver: (name: String, value: OwnershipHistory.Value) =
    ("drv", .text(OwnershipHistory.driver))

  mutating func entry(
    _ event: String, _ symbol: String, device: Bool, driver: Bool = false, state hasState: Bool = false,
    new: UInt64? = nil
  ) {
    var arguments = device ? [Self.device] : []
    if driver { arguments.append(Self.driver) }
    if hasState { arguments += state }
    if let new { arguments.append(("new", .hex(new))) }
    add(.entry, event, symbol, arguments, after: [])
  }

  mutating func exit(
    _ event: String, _ symbol: String, caller: String, result: OwnershipHistory.Value?, device: Bool,
    state hasState: Bool
  ) {
    add(
      .exit(caller: caller), event, symbol, result.map { [("ret", $0)] } ?? [],
      after: (device ? [Self.device] : []) + (hasState ? state : []))
  }

  private mutating func add(
    _ kind: OwnershipHistory.Kind, _ event: String, _ symbol: String,
    _ arguments: [(name: String, value: OwnershipHistory.Value)],
    after: [(name: String, value: OwnershipHistory.Value)]
  ) {
    steps.append(
      OwnershipHistory.Step(
        task: task, cpu: cpu, time: time, kind: kind, event: event, symbol: symbol, arguments: arguments,
        stateAfter: after))
    time += 171
  }

  mutating func beginProbe() {
    entry("rp", "really_probe", device: true, driver: true)
  }

  mutating func use() {
    entry("use", "iommu_device_use_default_domain", device: true, driver: true, state: true)
    count += 1
    exit(
      "use_ret", "iommu_device_use_default_domain", caller: "really_probe+0x120/0x396", result: .decimal(0),
      device: true, state: true)
  }

  mutating func testRemove() {
    entry("remove", "device_remove", device: true)
  }

  mutating func endProbe() {
    entry("bound", "driver_bound", device: true)
    exit(
      "rp_ret", "really_probe", caller: "device_driver_attach+0x24/0x4a", result: .decimal(0), device: true,
      state: false)
  }

  mutating func unuse() {
    time += 600_000
    entry("unuse", "iommu_device_unuse_default_domain", device: true, driver: true, state: true)
    count -= 1
    exit(
      "unuse_ret", "iommu_device_unuse_default_domain", caller: "device_release_driver_internal+0xa3/0xe9",
      result: nil, device: true, state: true)
  }

  mutating func becomeVFIO() {
    task = OwnershipHistory.Task(comm: "vfiocheck", pid: 373)
    cpu = 0
  }

  mutating func query() {
    entry("query", "iommu_group_dma_owner_claimed", device: false, state: true)
    exit(
      "query_ret", "iommu_group_dma_owner_claimed", caller: "vfio_group_fops_unl_ioctl+0x3bd/0x4e4",
      result: .byte(count > 0 ? 1 : 0), device: false, state: true)
  }

  mutating func claim() {
    let isRefused = count > 0
    entry(
      "claim", "iommu_group_claim_dma_owner", device: false, state: true, new: OwnershipHistory.owner)
    if !isRefused {
      count = 1
      owner = OwnershipHistory.owner
    }
    exit(
      "claim_ret", "iommu_group_claim_dma_owner", caller: "vfio_container_attach_group+0x8e/0x147",
      result: .decimal(isRefused ? -1 : 0), device: false, state: true)
  }

  mutating func release() {
    entry("release", "iommu_group_release_dma_owner", device: false, state: true)
    count = 0
    owner = 0
    exit(
      "release_ret", "iommu_group_release_dma_owner", caller: "vfio_group_detach_container+0x54/0xd3",
      result: nil, device: false, state: true)
  }
}

extension OwnershipHistory {
  /// One bind, one unbind, and a user-space owner that comes and goes.
  package static let balanced: OwnershipHistory = {
    var recorder = Recorder()
    recorder.beginProbe()
    recorder.use()
    recorder.endProbe()
    recorder.unuse()
    recorder.becomeVFIO()
    recorder.query()
    recorder.claim()
    recorder.release()
    return OwnershipHistory(
      name: "balanced", steps: recorder.steps, expectedChanges: 5, finalCount: 0, isBalanced: true)
  }()

  /// The test-remove takes a second reference: the unbind leaves one behind and VFIO is refused.
  package static let leaking: OwnershipHistory = {
    var recorder = Recorder()
    recorder.beginProbe()
    recorder.use()
    recorder.testRemove()
    recorder.use()
    recorder.endProbe()
    recorder.unuse()
    recorder.becomeVFIO()
    recorder.query()
    recorder.claim()
    return OwnershipHistory(
      name: "leaking", steps: recorder.steps, expectedChanges: 5, finalCount: 1, isBalanced: false)
  }()
}
