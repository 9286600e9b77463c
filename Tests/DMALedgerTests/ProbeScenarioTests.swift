import DMALedger
import Testing
import TestSupport

/// What a bind, a test-remove and a failed probe leave behind.
@Suite("Histories: binds and probes")
struct ProbeScenarioTests {
  let story = Scenario()

  init() { story.group(45, nic) }

  private func bindTwice() {
    story.probe(nic, "e1000e") {
      $0.use(); $0.remove(); $0.use(); $0.bound()
    }
  }

  private func assign() {
    story.probe(nic, "vfio-pci") {
      $0.pass(); $0.remove(); $0.pass(); $0.bound()
    }
  }

  @Test("1: a bound driver holds one reference")
  func bind() {
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.held == [Held(.bound, 1, nic, "e1000e")])
    #expect(report.group(45)?.final.exact == 1)
    #expect(report.told.isEmpty)
    #expect(report.kernel.testDriverRemove == .inactive)
  }

  @Test(
    "54: binding what is bound makes no call, and the shell's complaint proves nothing",
    arguments: [Scenario.Evidence.arguments, .returnCodes, .names])
  func boundAgain(evidence: Scenario.Evidence) {
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    #expect(check(story).verdict == .balanced)
    let alone = story.report(evidence)
    let beside = story.report(evidence, beside: "bash: echo: write error: Device or resource busy\n")
    #expect(beside.verdict == alone.verdict)
    #expect(beside.told == alone.told)
    #expect(beside.groups.map(\.held) == alone.groups.map(\.held))
    #expect(beside.changes.count == alone.changes.count)
  }

  @Test("2: unbinding gives it back")
  func unbind() {
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.unbind(nic)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.final.exact == 0)
    #expect(report.group(45)?.owner == Ownership.none)
    #expect(report.group(45)?.held == [])
    #expect(report.told.isEmpty)
  }

  @Test("3: the test-remove keeps the first of two references")
  func testRemove() {
    bindTwice()
    let report = check(story)
    #expect(report.verdict == .unbalanced)
    #expect(report.group(45)?.final.exact == 2)
    #expect(report.group(45)?.excess.exact == 1)
    #expect(report.group(45)?.held == [Held(.bound, 1, nic, "e1000e"), Held(.leaked, 1, nic, "e1000e")])
    #expect(report.told == [Told(.testRemoveLeak, nic, "e1000e")])
    #expect(report.kernel.testDriverRemove == .unfixed)
    #expect(report.kernel.reprobes == 1)
  }

  @Test("4: what is left keeps VFIO out")
  func testRemoveThenVFIO() {
    bindTwice()
    story.unbind(nic)
    assign()
    story.query(45)
    story.claim(45)
    let report = check(story)
    #expect(report.verdict == .unbalanced)
    #expect(report.group(45)?.final.exact == 1)
    #expect(report.group(45)?.held == [Held(.leaked, 1, nic, "e1000e")])
    #expect(
      report.told == [
        Told(.testRemoveLeak, nic, "e1000e"), Told(.notViable, nic, "e1000e", cause: "leak"),
      ])
    #expect(report.group(45)?.devices.first?.driver == "vfio-pci")
  }

  @Test("5 and 6: each bind leaves another one")
  func testRemoveTwice() {
    bindTwice()
    story.unbind(nic)
    bindTwice()
    #expect(check(story).group(45)?.excess.exact == 2)
    story.unbind(nic)
    assign()
    story.query(45)
    let report = check(story)
    #expect(report.group(45)?.final.exact == 2)
    #expect(report.group(45)?.held.count == 2)
    #expect(report.group(45)?.held.allSatisfy { $0.kind == .leaked } == true)
    let leak = Told(.testRemoveLeak, nic, "e1000e")
    #expect(report.told == [leak, leak, Told(.notViable, nic, "e1000e", cause: "leak")])
    #expect(report.kernel.reprobes == 2)
  }

  @Test("7: with the fix nothing is left")
  func testRemoveFixed() {
    story.probe(nic, "e1000e") {
      $0.use(); $0.remove(); $0.unuse(); $0.use(); $0.bound()
    }
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.final.exact == 1)
    #expect(report.told.isEmpty)
    #expect(report.kernel.testDriverRemove == .fixed)
    #expect(report.has(.testRemoveActive))
  }

  @Test("8: a group that never had a native driver is viable")
  func onlyVFIO() {
    assign()
    story.query(45)
    story.claim(45)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.owner == .user)
    #expect(report.group(45)?.held == [Held(.owner, 1)])
    #expect(report.told.isEmpty)
  }

  @Test("9: a driver with suppress_bind_attrs is probed once, whatever others do")
  func suppressed() {
    story.group(7, bridge)
    bindTwice()
    story.probe(bridge, "pcie-host") {
      $0.use(); $0.bound()
    }
    let report = check(story)
    #expect(report.group(7)?.verdict == .balanced)
    #expect(report.group(45)?.verdict == .unbalanced)
    #expect(report.kernel.testDriverRemove == .unfixed)
  }

  @Test(
    "10 and 11: stale bytes behind a NULL group are no group",
    arguments: [(-1, 9_154_150, 0x71_0000_01dd as UInt64), (0, 0, 0), (45, 7, 0)])
  func groupless(id: Int, count: Int, owner: UInt64) {
    story.group(0, bridge)
    story.staleBytes = (id, count, owner)
    story.probe("i8042", "i8042") {
      $0.use(); $0.remove(); $0.use(); $0.bound()
    }
    story.unbind("i8042")
    let alone = check(story)
    #expect(alone.groups.isEmpty)
    #expect(alone.verdict != .unbalanced)
    #expect(alone.kernel.testDriverRemove == .unfixed)
    #expect(alone.told.isEmpty)

    story.probe(bridge, "shpchp") {
      $0.use(); $0.bound()
    }
    let report = check(story)
    #expect(report.group(0)?.changes.count == 1)
    #expect(report.group(0)?.verdict == .balanced)
    #expect(report.verdict == .balanced)
  }

  @Test("12: a probe that fails gives back what it took")
  func probeFails() {
    story.group(9, audio, count: 3)
    story.probe(audio, "snd_hda_intel", result: 5) {
      $0.use(); $0.unuse()
    }
    let report = check(story)
    #expect(report.group(9)?.initial.exact == 3)
    #expect(report.group(9)?.verdict != .unbalanced)
    #expect(report.told.isEmpty)
    #expect(report.group(9)?.devices.first?.isBound == false)
  }

  @Test("13: a second pass that fails leaves the reference of the first, and no driver")
  func secondPassFails() {
    story.probe(nic, "e1000e", result: 12) {
      $0.use(); $0.remove(); $0.use(); $0.unuse()
    }
    let report = check(story)
    #expect(report.verdict == .unbalanced)
    #expect(report.group(45)?.held == [Held(.leaked, 1, nic, "e1000e")])
    #expect(report.told == [Told(.testRemoveLeak, nic, "e1000e")])
    #expect(report.group(45)?.devices.first?.isBound == false)
    #expect(report.kernel.testDriverRemove == .unfixed)
  }

  @Test("14: so does one that never comes to use the group again")
  func secondPassDeferred() {
    story.probe(nic, "e1000e", result: -517) {
      $0.use(); $0.remove()
    }
    // That an unuse would have been seen is part of the proof.
    story.group(7, bridge)
    story.probe(bridge, "shpchp") {
      $0.use(); $0.bound()
    }
    story.unbind(bridge)
    let report = check(story)
    #expect(report.verdict == .unbalanced)
    #expect(report.group(45)?.held == [Held(.leaked, 1, nic, "e1000e")])
    #expect(report.told == [Told(.testRemoveLeak, nic, "e1000e")])
  }

  @Test("15, 16 and 17: deferred probes are balanced, wherever they stop", arguments: [15, 16, 17])
  func deferred(row: Int) {
    for _ in 0..<3 {
      story.probe(nic, "e1000e", result: row == 16 ? 517 : -517, task: .worker) {
        if row == 16 {
          $0.use()
          $0.unuse()
        } else if row == 17 {
          $0.use(returning: -517)
        }
      }
    }
    story.probe(nic, "e1000e", task: .worker) {
      $0.use(); $0.bound()
    }
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.final.exact == 1)
    #expect(report.told.isEmpty)
    #expect(report.kernel.testDriverRemove == .inactive)
    #expect(report.kernel.windows == 4)
  }

  @Test("46: three loads of a module leave three references")
  func reload() {
    for load in 1...3 {
      bindTwice()
      #expect(check(story).group(45)?.excess.exact == load)
      if load < 3 { story.unbind(nic) }
    }
    story.unbind(nic)
    let report = check(story)
    #expect(report.group(45)?.final.exact == 3)
    #expect(report.group(45)?.peak.exact == 4)
    #expect(report.told == Array(repeating: Told(.testRemoveLeak, nic, "e1000e"), count: 3))
  }
}
