/// A random life of a machine: which kernel, which devices, and what was asked of it before and during the capture.
package struct KernelLife: Sendable, CustomStringConvertible {
  package var rules: SimulatedKernel.Rules
  package var devices: [SimulatedKernel.Place]
  /// Before the capture.
  package var past: [[KernelOperation]] = []
  /// During it: operations of one batch run side by side.
  package var batches: [[KernelOperation]] = []
  package let seed: UInt64

  /// What may happen in a life.
  package struct Traits: Sendable {
    /// Operations run side by side.
    package var races = true
    /// Devices come and go.
    package var hotplug = true
    /// Late joins, PASIDs, foreign domains, the CDX bus.
    package var oddities = true
    package var past = true
    /// PASIDs are attached, under which an unuse changes nothing: without a reading behind it nobody can know.
    package var pasids = true
    /// The first device has virtual functions.
    package var functions = false

    package init(
      races: Bool = true, hotplug: Bool = true, oddities: Bool = true, past: Bool = true, pasids: Bool = true,
      functions: Bool = false
    ) {
      self.functions = functions
      self.pasids = pasids
      self.races = races
      self.hotplug = hotplug
      self.oddities = oddities
      self.past = past
    }
  }

  package init(seed: UInt64, _ traits: Traits = Traits()) {
    var dice = Dice(seed: seed)
    self.seed = seed
    rules = SimulatedKernel.Rules(
      testRemove: dice.pick([.off, .unfixed, .unfixed, .fixed]),
      release: dice.pick([.v5_19, .v6_1, .v6_2, .v6_7, .v6_15]))
    devices = []
    for slot in 0..<Int.random(in: 1...3, using: &dice.random) {
      for function in 0..<dice.pick([1, 1, 2, 3]) {
        let isPresent = !traits.hotplug || !dice.chance(6)
        devices.append(
          SimulatedKernel.Place(
            name: "0000:0\(slot + 1):00.\(function)", bus: .pci, slot: slot, isPresent: isPresent))
      }
    }
    if dice.chance(3) { devices.append(SimulatedKernel.Place(name: "i8042", bus: .platform, slot: 7)) }
    if traits.functions {
      // Alone in its group, or, where nothing keeps them apart, with its device.
      let isApart = dice.chance(2)
      for function in 0..<Int.random(in: 1...3, using: &dice.random) {
        devices.append(
          SimulatedKernel.Place(
            name: "0000:01:10.\(function)", bus: .pci, slot: isApart ? 20 + function : 0, isPresent: false,
            physical: 0))
      }
    }
    let hasPast = traits.past && dice.chance(2)
    var traits = traits
    // What went wrong before the capture nothing in it shows.
    if hasPast { traits.oddities = false }
    if traits.oddities, dice.chance(6) {
      devices.append(SimulatedKernel.Place(name: "cdx-00:01", bus: .cdx, slot: 0))
    }
    if hasPast {
      past = batches(Int.random(in: 1...8, using: &dice.random), traits, &dice)
    }
    batches = batches(Int.random(in: 1...12, using: &dice.random), traits, &dice)
  }

  private func batches(_ count: Int, _ traits: Traits, _ dice: inout Dice) -> [[KernelOperation]] {
    (0..<count).map { _ in
      (0..<(traits.races ? dice.pick([1, 1, 2, 3]) : 1)).map { _ in operation(traits, &dice) }
    }
  }

  private func operation(_ traits: Traits, _ dice: inout Dice) -> KernelOperation {
    let device = Int.random(in: devices.indices, using: &dice.random)
    let slot = devices[device].slot
    let owner = dice.pick([0xff24_5808_82aa_8800, 0xff24_5808_82aa_9000] as [UInt64])
    if traits.functions, dice.chance(5) {
      return .setFunctions(
        of: 0,
        SimulatedKernel.FunctionDriver(
          driver: dice.pick([nil, driver(device, &dice), driver(device, &dice)]),
          isAsynchronous: traits.races && dice.chance(3)))
    }
    switch Int.random(in: 0..<20, using: &dice.random) {
    case 0...6:
      var driver = driver(device, &dice)
      if traits.functions, device == 0, !driver.isManaged { driver.bringsFunctions = dice.chance(2) }
      return .bind(device, driver, failure(&dice))
    case 7...10: return .unbind(device)
    case 11: return .query(slot: slot)
    case 12: return .claim(slot: slot, owner: owner + 0x40)
    case 13: return .deviceClaim(device, owner: owner)
    case 14, 15: return .letGo(device)
    case 16 where traits.hotplug: return .unplug(device)
    case 17 where traits.hotplug: return .plug(device)
    case 18 where traits.oddities:
      return dice.pick([
        .foreignDomain(slot: slot, dice.chance(2)), .pasid(slot: slot, traits.pasids && dice.chance(2)),
        .defaultDomain(slot: slot, !dice.chance(3)), .joinLate(device),
      ])
    default: return .unbind(device)
    }
  }

  private func driver(_ device: Int, _ dice: inout Dice) -> SimulatedKernel.Driver {
    switch Int.random(in: 0..<6, using: &dice.random) {
    case 0, 1: SimulatedKernel.Driver(name: "vfio-pci", isManaged: true)
    case 2: SimulatedKernel.Driver(name: "hostbridge", suppressesBindAttributes: true)
    default: SimulatedKernel.Driver(name: "native\(device)")
    }
  }

  private func failure(_ dice: inout Dice) -> SimulatedKernel.Failure? {
    guard dice.chance(4) else { return nil }
    return SimulatedKernel.Failure(
      fault: dice.pick(SimulatedKernel.Fault.allCases), isLate: dice.chance(2))
  }

  /// Plays it; the same every time.
  package func play() -> SimulatedKernel {
    let kernel = SimulatedKernel(rules: rules, devices: devices, seed: seed)
    kernel.isRecording = false
    for operations in past { kernel.run(operations) }
    kernel.isRecording = true
    kernel.startCounts = kernel.groups.map(\.count)
    for operations in batches { kernel.run(operations) }
    return kernel
  }

  /// Every life that is one operation, or one device, shorter.
  package var shorter: [KernelLife] {
    var lives: [KernelLife] = []
    func drop(_ path: WritableKeyPath<KernelLife, [[KernelOperation]]>) {
      for batch in self[keyPath: path].indices {
        var life = self
        life[keyPath: path].remove(at: batch)
        lives.append(life)
      }
      for batch in self[keyPath: path].indices where self[keyPath: path][batch].count > 1 {
        for place in self[keyPath: path][batch].indices {
          var life = self
          life[keyPath: path][batch].remove(at: place)
          lives.append(life)
        }
      }
    }
    drop(\.past)
    drop(\.batches)
    return lives
  }

  package var description: String {
    func lines(_ batches: [[KernelOperation]]) -> String {
      batches.map { "  " + $0.map { "\($0)" }.joined(separator: "  ||  ") }.joined(separator: "\n")
    }
    return """
      seed \(seed), \(rules.release), test-remove \(rules.testRemove.rawValue)
      devices \(devices.enumerated().map { "\($0)=\($1.name)@\($1.slot)\($1.isPresent ? "" : "(absent)")" })
      past
      \(lines(past))
      captured
      \(lines(batches))
      """
  }
}

/// Choices that a seed decides.
package struct Dice: Sendable {
  package var random: SplitMix

  package init(seed: UInt64) { random = SplitMix(state: seed) }

  package mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

  package mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
    choices[Int.random(in: choices.indices, using: &random)]
  }
}
