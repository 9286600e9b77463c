import DMALedger
import Testing
import TestSupport

/// Who holds a group by right, and who does not.
@Suite("Histories: holders")
struct HolderScenarioTests {
  let story = Scenario()

  init() { story.group(45, nic, audio) }

  @Test("18: a sibling on its native driver keeps VFIO out, by right")
  func sibling() {
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.probe(audio, "snd_hda_intel") {
      $0.use(); $0.bound()
    }
    story.unbind(nic)
    story.probe(nic, "vfio-pci") {
      $0.pass(); $0.bound()
    }
    story.query(45)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.held == [Held(.bound, 1, audio, "snd_hda_intel")])
    #expect(
      report.told == [
        Told(.notViable, audio, "snd_hda_intel", cause: "holder"),
        Told(.siblingHolder, audio, "snd_hda_intel"),
      ])
    #expect(report.findings.allSatisfy { $0.severity != .error })
  }

  @Test("18, from the middle: the sibling shows itself when it lets go")
  func siblingFromBefore() {
    let story = Scenario()
    story.group(45, nic, audio, count: 1)
    story.alreadyBound(audio, "snd_hda_intel")
    story.query(45)
    story.unbind(audio)
    story.claim(45)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(
      report.told == [
        Told(.notViable, audio, "snd_hda_intel", cause: "holder"),
        Told(.siblingHolder, audio, "snd_hda_intel"),
      ])
  }

  @Test("19: what a sibling holds and what was leaked are told apart")
  func siblingAndLeaks() {
    for (device, driver) in [(nic, "ahci"), (audio, "i801_smbus")] {
      story.probe(device, driver) {
        $0.use(); $0.remove(); $0.use(); $0.bound()
      }
    }
    story.unbind(nic)
    story.query(45)
    let report = check(story)
    #expect(report.verdict == .unbalanced)
    #expect(report.group(45)?.final.exact == 3)
    #expect(report.group(45)?.excess.exact == 2)
    #expect(
      report.group(45)?.held == [
        Held(.bound, 1, audio, "i801_smbus"), Held(.leaked, 1, nic, "ahci"),
        Held(.leaked, 1, audio, "i801_smbus"),
      ])
    #expect(
      report.told == [
        Told(.testRemoveLeak, nic, "ahci"), Told(.testRemoveLeak, audio, "i801_smbus"),
        Told(.notViable, nic, "ahci", cause: "leak"), Told(.siblingHolder, audio, "i801_smbus"),
      ])
  }

  @Test("20: a bridge on pcieport holds nothing")
  func pcieport() {
    let story = Scenario()
    story.group(45, nic, bridge)
    story.probe(bridge, "pcieport") {
      $0.pass(); $0.bound()
    }
    story.probe(nic, "vfio-pci") {
      $0.pass(); $0.bound()
    }
    story.query(45)
    story.claim(45)
    story.release(45)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.held == [])
    #expect(report.group(45)?.peak.exact == 1)
    #expect(report.told.isEmpty)
  }

  @Test("21: a bridge on shpchp holds the group")
  func shpchp() {
    let story = Scenario()
    story.group(45, nic, bridge)
    story.probe(bridge, "shpchp") {
      $0.use(); $0.bound()
    }
    story.probe(nic, "vfio-pci") {
      $0.pass(); $0.bound()
    }
    story.query(45)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.held == [Held(.bound, 1, bridge, "shpchp")])
    #expect(
      report.told == [
        Told(.notViable, bridge, "shpchp", cause: "holder"), Told(.siblingHolder, bridge, "shpchp"),
      ])
  }

  @Test("50: suspending, resuming and resetting make no call")
  func suspend() {
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.event("suspend_resume: machine_suspend[3] begin")
    story.wait(seconds: 40)
    story.event("suspend_resume: machine_suspend[3] end")
    story.unbind(nic)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.changes.count == 2)
    #expect(report.told.isEmpty)
  }

  @Test("53: unbinding a supplier unbinds its consumer first", arguments: [45, 46])
  func deviceLink(group: Int) {
    let consumer = "0000:04:00.0"
    if group == 45 { story.join(consumer, 45) } else { story.group(46, consumer) }
    story.probe(nic, "supplier") {
      $0.use(); $0.bound()
    }
    story.probe(consumer, "consumer") {
      $0.use(); $0.bound()
    }
    // The consumer's unbind runs inside the supplier's.
    story.function("device_release_driver_internal <-unbind_store")
    story.unbind(consumer)
    story.unbind(nic)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.groups.allSatisfy { $0.final.exact == 0 && $0.holders.isEmpty })
    #expect(report.told.isEmpty)
  }

  @Test("an excess without its cause is counted where the claim has shown all members")
  func excessWithoutCause() {
    story.claim(45, attaching: [nic, audio])
    story.release(45)
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    // An unbind of a bus that forgets the cleanup: only the next use shows that the reference is still there.
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.unbind(nic)
    story.query(45)
    // Without its entry a claim is not known to be the one that attaches the members.
    let report = check(story, statesTellAll: false)
    #expect(report.verdict == .unbalanced)
    #expect(report.group(45)?.excess.exact == 1)
    #expect(report.has(.excessCount))
  }

  @Test("members that were bound while events were lost hold by right")
  func boundInAGap() {
    story.claim(45, attaching: [nic, audio])
    story.release(45)
    story.lost(300)
    story.useUnseen(audio)
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    let report = check(story, isExact: false)
    #expect(report.group(45)?.final.exact == 2)
    #expect(report.verdict == .inconclusive)
    #expect(report.told.isEmpty)
  }
}
