import DMALedger
import Testing
import TestSupport

/// Groups that are born, die and are born again, and devices that join too late.
@Suite("Histories: membership")
struct MembershipScenarioTests {
  let story = Scenario()

  @Test("29: a device that joins after its bind gives back what it never took")
  func lateJoin() {
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.join(nic, 45)
    story.unbind(nic)
    let report = check(story, isRegular: false)
    #expect(report.verdict == .unbalanced)
    #expect(report.group(45)?.final.exact == 0)
    #expect(report.told == [Told(.overRelease, nic, "e1000e")])
  }

  private func steal() {
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.join(nic, 45)
    story.join(audio, 45)
    story.probe(audio, "snd_hda_intel") {
      $0.use(); $0.bound()
    }
    story.unbind(nic)
  }

  @Test("30: where a sibling held a reference, the late joiner takes that one away")
  func stolen() {
    steal()
    #expect(check(story).verdict == .unbalanced)
    story.claim(45)
    let report = check(story)
    #expect(report.group(45)?.owner == .user)
    #expect(report.verdict == .unbalanced)
    #expect(report.told == [Told(.stolenCount, nic, "e1000e")])
  }

  @Test("31: the sibling's unbind then takes the owner's, and the group stays owned for ever")
  func stolenTwice() {
    steal()
    story.claim(45)
    story.unbind(audio)
    story.release(45)
    let report = check(story)
    #expect(report.verdict == .unbalanced)
    #expect(report.group(45)?.final.exact == 0)
    #expect(report.group(45)?.owner == .user)
    #expect(report.has(.releaseUnowned))
  }

  @Test("32: a bus that ignores a refusal binds all the same, and its unbind takes the owner's reference")
  func swallowed() {
    story.group(45, nic)
    story.claim(45)
    story.probe(nic, "cdx-driver") {
      $0.use(); $0.pass(); $0.bound()
    }
    story.unbind(nic)
    #expect(check(story).verdict != .balanced)
    story.release(45)
    let report = check(story)
    #expect(report.verdict == .unbalanced)
    #expect(report.group(45)?.owner == .user)
    #expect(
      report.told == [
        Told(.swallowedUseError, nic, "cdx-driver"), Told(.releaseUnowned),
        Told(.nativeBindRefused, nic, "cdx-driver"),
      ])
  }

  // From 6.4 on the kernel warns when the leaked group dies (39); the trace is the same.
  @Test("38 and 39: a leak dies with its group, and the next group of that number begins at 0")
  func leakedGroupDies() {
    story.group(45, nic)
    story.probe(nic, "e1000e") {
      $0.use(); $0.remove(); $0.use(); $0.bound()
    }
    story.unbind(nic)
    story.leave(nic)
    story.join(nic, 45)
    story.probe(nic, "vfio-pci") {
      $0.pass(); $0.remove(); $0.pass(); $0.bound()
    }
    story.query(45)
    let report = check(story)
    #expect(report.verdict == .unbalanced)
    #expect(report.group(45)?.verdict == .unbalanced)
    #expect(report.group(45, incarnation: 1)?.verdict == .balanced)
    #expect(report.told == [Told(.testRemoveLeak, nic, "e1000e")])
    #expect(report.findings.first?.incarnation == 0)
  }

  @Test("38: on such a kernel the rescan leaks again")
  func leaksAgain() {
    story.group(45, nic)
    for round in 0..<2 {
      story.probe(nic, "e1000e") {
        $0.use(); $0.remove(); $0.use(); $0.bound()
      }
      story.unbind(nic)
      if round == 0 { story.leave(nic); story.join(nic, 45) }
    }
    let report = check(story)
    #expect(report.groups.map(\.excess.exact) == [1, 1])
    #expect(report.findings.filter { $0.rule == .testRemoveLeak }.map(\.incarnation) == [0, 1])
  }

  @Test("40: removing and rescanning is balanced")
  func rescan() {
    story.group(45, nic)
    for _ in 0..<3 {
      story.probe(nic, "e1000e") {
        $0.use(); $0.bound()
      }
      story.unbind(nic)
      story.leave(nic)
      story.join(nic, 45)
    }
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.groups.map(\.incarnation) == [0, 1, 2])
    #expect(report.told.isEmpty)
  }

  @Test("41: virtual functions come and go with groups of their own")
  func virtualFunctions() {
    let functions = ["0000:03:10.0", "0000:03:10.2"]
    for (index, function) in functions.enumerated() {
      story.join(function, 50 + index)
      story.probe(function, "igbvf") {
        $0.use(); $0.bound()
      }
    }
    for function in functions {
      story.unbind(function)
      story.leave(function)
    }
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.groups.map(\.final.exact) == [0, 0])
    #expect(report.told.isEmpty)
  }

  // pasid-blocked-unuse names it; what a later call shows is that the count has not moved.
  @Test("45: an unuse that a PASID blocks leaves the count where it is")
  func blockedByPASID() {
    story.group(45, nic)
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.setPASID(45, true)
    story.unbind(nic)
    story.query(45)
    let report = check(story, isExact: false, isRegular: false)
    #expect(report.group(45)?.final.contains(1) == true)
    #expect(report.verdict != .balanced)
  }

  @Test("47: a group that VFIO makes for a device without IOMMU stays at 0")
  func noIOMMU() {
    story.probe(nic, "vfio-pci") {
      $0.meanwhile { $0.join(nic, 45) }
      $0.pass()
      $0.bound()
    }
    story.query(45)
    story.unbind(nic) { story.leave(nic) }
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.told.isEmpty)
  }

  @Test("48: a mediated device's group is never counted")
  func mediated() {
    story.join("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", 45)
    let report = check(story)
    #expect(report.groups.isEmpty)
    #expect(report.findings.isEmpty)
    #expect(report.verdict != .unbalanced)
  }

  @Test("49: the IOMMU core configures a new device before any driver does")
  func coreConfigures() {
    story.event("k_pciconf: (pci_dma_configure+0x4/0xd0) dev=\"\(nic)\" drv=(fault)")
    story.function("pci_dma_configure <-iommu_init_device")
    story.join(nic, 45)
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.held == [Held(.bound, 1, nic, "e1000e")])
    #expect(report.kernel.testDriverRemove == .inactive)
  }
}
