import DMALedger
import TestSupport
import Testing

/// Long random lives of two groups, all of them legal: the truth is known at every step.
@Suite("Histories: random")
struct RandomHistoryTests {
  enum Kernel: CaseIterable {
    case ordinary, unfixed, fixed
  }

  /// Plays what administrators, drivers and virtual machines may do.
  struct Machine {
    let story = Scenario()
    let kernel: Kernel
    var random: SplitMix
    let devices = [1: ["0000:01:00.0"], 2: ["0000:02:00.0", "0000:02:00.1", "0000:02:00.2"]]
    var driver: [String: String] = [:]
    /// Device claims outstanding, or one entry for a container.
    var claims: [Int: [String]] = [:]
    var owner: [Int: Scenario.Owner] = [:]
    /// References that the test-remove left behind, by device, since the capture began.
    var leaks: [String: Int] = [:]
    /// Nothing was bound when the capture began.
    var startsIdle = true

    init(seed: UInt64, kernel: Kernel) {
      self.kernel = kernel
      random = SplitMix(state: seed)
      for (id, members) in devices.sorted(by: { $0.key < $1.key }) {
        var count = 0
        for member in members where chance(3) {
          driver[member] = "native\(member.last ?? "0")"
          startsIdle = false
          count += kernel == .unfixed && chance(2) ? 2 : 1
        }
        story.group(id, count: count)
        for member in members {
          story.place(member, in: id)
          if let driver = driver[member] { story.alreadyBound(member, driver) }
        }
      }
    }

    mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

    mutating func play(steps: Int, mayReplug: Bool = true) {
      for _ in 0..<steps {
        let id = chance(3) ? 1 : 2
        guard let members = devices[id], let device = members.randomElement(using: &random) else { return }
        switch Int.random(in: 0..<12, using: &random) {
        case 0...4: toggle(device, id)
        case 5: story.query(id)
        case 6: claim(id)
        case 7: claimDevice(device, id)
        case 8...9: letGo(id)
        case 10: if mayReplug, chance(2) { replug(id, members) }
        default: failingProbe(device, id)
        }
      }
    }

    /// Some steps that the tracer loses.
    mutating func gap() {
      story.isRecording = false
      play(steps: Int.random(in: 0..<5, using: &random), mayReplug: false)
      story.isRecording = true
      story.lost(17)
    }

    private mutating func noteLeak(_ device: String) {
      if story.isRecording { leaks[device, default: 0] += 1 }
    }

    private mutating func toggle(_ device: String, _ id: Int) {
      if driver[device] != nil {
        if driver[device] == "vfio-pci" { while claims[id]?.isEmpty == false { letGo(id) } }
        story.unbind(device)
        driver[device] = nil
      } else {
        bind(device, id)
      }
    }

    private mutating func bind(_ device: String, _ id: Int) {
      let task = chance(2) ? Scenario.Task.shell : .worker
      if chance(3) {
        driver[device] = "vfio-pci"
        story.probe(device, "vfio-pci", task: task) { probe in
          probe.pass()
          if kernel != .ordinary {
            probe.remove()
            probe.pass()
          }
          probe.bound()
        }
        return
      }
      let name = "native\(device.last ?? "0")"
      if claims[id]?.isEmpty == false {
        story.probe(device, name, result: -16, task: task) { $0.use() }
        return
      }
      driver[device] = name
      story.probe(device, name, task: task) { probe in
        probe.use()
        if kernel != .ordinary {
          probe.remove()
          if kernel == .fixed { probe.unuse() }
          probe.use()
        }
        probe.bound()
      }
      if kernel == .unfixed { noteLeak(device) }
    }

    private mutating func failingProbe(_ device: String, _ id: Int) {
      guard driver[device] == nil, claims[id]?.isEmpty != false else { return }
      let isLate = kernel != .ordinary && chance(2)
      story.probe(device, "broken", result: isLate ? 12 : 517) { probe in
        probe.use()
        if isLate {
          probe.remove()
          if kernel == .fixed { probe.unuse() }
          probe.use()
        }
        probe.unuse()
      }
      if isLate, kernel == .unfixed { noteLeak(device) }
    }

    private mutating func claim(_ id: Int) {
      let claimant = chance(2) ? Scenario.Owner.x : .y
      story.query(id)
      if story.claim(id, claimant, task: claimant == .x ? .vmm : .otherVMM) == 0 {
        claims[id] = [""]
        owner[id] = claimant
      }
    }

    private mutating func claimDevice(_ device: String, _ id: Int) {
      let claimant = chance(4) ? Scenario.Owner.y : .x
      if claims[id]?.contains("") == true || claims[id]?.contains(device) == true { return }
      if story.deviceClaim(device, claimant, task: claimant == .x ? .vmm : .otherVMM) == 0 {
        claims[id, default: []].append(device)
        owner[id] = claimant
      }
    }

    private mutating func letGo(_ id: Int) {
      guard let device = claims[id]?.popLast() else { return }
      let task = owner[id] == .y ? Scenario.Task.otherVMM : .vmm
      if device.isEmpty { story.release(id, task: task) } else { story.deviceRelease(device, task: task) }
    }

    private mutating func replug(_ id: Int, _ members: [String]) {
      while claims[id]?.isEmpty == false { letGo(id) }
      for member in members {
        if driver[member] != nil { story.unbind(member) }
        driver[member] = nil
        story.leave(member)
      }
      for member in members { story.join(member, id) }
    }
  }

  @Test(
    "the counts are right, the leaks are found, and less evidence never turns a verdict", arguments: 0..<20)
  func histories(block: Int) {
    for seed in block * 3..<(block + 1) * 3 {
      for kernel in Kernel.allCases {
        var machine = Machine(seed: UInt64(seed), kernel: kernel)
        machine.play(steps: 4 + seed % 30)
        let report = check(machine.story)
        let told = Dictionary(
          report.findings.filter { $0.rule == .testRemoveLeak }.map { ($0.device ?? "", 1) },
          uniquingKeysWith: +)
        #expect(told == machine.leaks, "seed \(seed), \(kernel)")
        #expect((report.verdict == .unbalanced) == !machine.leaks.isEmpty, "seed \(seed), \(kernel)")
        if machine.startsIdle, machine.leaks.isEmpty, report.groups.count > 0 {
          #expect(report.verdict == .balanced, "seed \(seed), \(kernel)")
        }
        // A filter without unuse, claims and queries makes nothing up.
        let blind = machine.story.report(.uses)
        if blind.verdict == .balanced { #expect(machine.leaks.isEmpty, "seed \(seed), \(kernel)") }
        if blind.verdict == .unbalanced { #expect(!machine.leaks.isEmpty, "seed \(seed), \(kernel)") }
        let wrong = report.findings.filter {
          $0.severity == .error && $0.rule != .testRemoveLeak && $0.rule != .notViable
        }
        #expect(wrong.map(\.message) == [], "seed \(seed), \(kernel)")
      }
    }
  }

  @Test("no answer blames a device for more than it leaked, whatever the evidence", arguments: 0..<20)
  func answers(block: Int) {
    var seen = 0
    for seed in block * 3..<(block + 1) * 3 {
      for kernel in Kernel.allCases {
        var machine = Machine(seed: UInt64(seed + 2000), kernel: kernel)
        machine.play(steps: 4 + seed % 30)
        for evidence in Scenario.Evidence.allCases {
          let report = machine.story.report(evidence)
          seen += report.answers.count
          for answer in report.answers {
            let place = "seed \(seed), \(kernel), \(evidence): \(answer.headline)"
            let blamed = Dictionary(
              answer.leaked.map { ($0.device ?? "", $0.count ?? 0) }, uniquingKeysWith: +)
            #expect(blamed.allSatisfy { machine.leaks[$0.key, default: 0] >= $0.value }, "\(place)")
            if answer.cause == .leak { #expect(!machine.leaks.isEmpty, "\(place)") }
            // Who was there from the start and who reads every count owes no explanation.
            if machine.startsIdle, evidence == .arguments { #expect(answer.unexplained == nil, "\(place)") }
          }
        }
      }
    }
    #expect(seen > 0)
  }

  @Test("whatever is lost, nothing is claimed that did not happen", arguments: 0..<20)
  func gaps(block: Int) {
    for seed in block * 3..<(block + 1) * 3 {
      for kernel in Kernel.allCases {
        var machine = Machine(seed: UInt64(seed + 1000), kernel: kernel)
        for _ in 0..<1 + seed % 3 {
          machine.play(steps: 1 + seed % 9)
          machine.gap()
        }
        machine.play(steps: seed % 12)
        let report = check(machine.story, isExact: false)
        #expect(report.verdict != .balanced, "seed \(seed), \(kernel)")
        let told = Dictionary(
          report.findings.filter { $0.rule == .testRemoveLeak }.map { ($0.device ?? "", 1) },
          uniquingKeysWith: +)
        #expect(told == machine.leaks, "seed \(seed), \(kernel)")
        if report.verdict == .unbalanced { #expect(!machine.leaks.isEmpty, "seed \(seed), \(kernel)") }
      }
    }
  }
}
