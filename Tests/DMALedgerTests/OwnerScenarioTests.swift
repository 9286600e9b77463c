import DMALedger
import Testing
import TestSupport

/// Claims, releases and refusals.
@Suite("Histories: owners")
struct OwnerScenarioTests {
  let story = Scenario()

  init() { story.group(45, nic, audio) }

  @Test("22: a native driver is refused while the group is owned")
  func nativeBind() {
    story.claim(45)
    story.probe(audio, "snd_hda_intel", result: -16) { $0.use() }
    story.release(45)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.final.exact == 0)
    #expect(report.group(45)?.owner == Ownership.none)
    #expect(report.told == [Told(.nativeBindRefused, audio, "snd_hda_intel")])
  }

  @Test("a bind that is refused names the owner only where the capture shows one")
  func whyRefused() throws {
    func told(_ story: Scenario, _ evidence: Scenario.Evidence) throws -> Finding {
      try #require(story.report(evidence).findings.first { $0.rule == .nativeBindRefused })
    }
    let claimed = Scenario()
    claimed.group(45, nic, audio)
    claimed.claim(45)
    claimed.probe(audio, "snd_hda_intel", result: -16) { $0.use() }
    let owned = Scenario()
    owned.group(45, nic, audio, count: 1, owner: .x)
    owned.probe(audio, "snd_hda_intel", result: -16) { $0.use() }
    let attached = Scenario()
    attached.group(45, nic, audio, count: 1)
    attached.setForeignDomain(45, true)
    attached.probe(audio, "snd_hda_intel", result: -16) { $0.use() }
    let owner = "because the group has another owner"
    for (story, evidence) in [(claimed, Scenario.Evidence.groups), (owned, .arguments), (owned, .states)] {
      let finding = try told(story, evidence)
      #expect(finding.message.contains(owner) && finding.certainty == .proved)
    }
    #expect(try told(attached, .arguments).message.contains("although it has no owner"))
    for story in [owned, attached] {
      let finding = try told(story, .groups)
      #expect(finding.message.contains("does not show which") && finding.certainty == .consistent)
    }
  }

  @Test(
    "23: a second open of the group makes no call, and what its program says is no refusal",
    arguments: [Scenario.Evidence.arguments, .returnCodes, .names])
  func secondOpen(evidence: Scenario.Evidence) {
    story.claim(45)
    story.release(45)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.peak.exact == 1)
    #expect(report.told.isEmpty)
    let beside = story.report(
      evidence,
      beside: "qemu-system-x86_64: -device vfio-pci,host=03:00.0: vfio 0000:03:00.0: "
        + "failed to open /dev/vfio/45: Device or resource busy\n")
    #expect(beside.verdict == story.report(evidence).verdict)
    #expect(beside.told.isEmpty && beside.answers.isEmpty)
    #expect(beside.changes.count == story.report(evidence).changes.count)
  }

  @Test("24: another container is refused")
  func foreignOwner() {
    story.claim(45, .x)
    story.claim(45, .y, task: .otherVMM)
    story.release(45)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.told == [Told(.notViable, cause: "owner"), Told(.foreignOwner)])
  }

  @Test("25: one iommufd may claim every device of a group")
  func deviceClaims() {
    story.deviceClaim(nic)
    story.deviceClaim(audio)
    let owned = check(story)
    #expect(owned.verdict == .balanced)
    #expect(owned.group(45)?.held == [Held(.owner, 2)])
    story.deviceRelease(nic)
    story.deviceRelease(audio)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.peak.exact == 2)
    #expect(report.group(45)?.owner == Ownership.none)
    #expect(report.told.isEmpty)
  }

  @Test("26: another iommufd and a container are refused")
  func deviceClaimAgainstOthers() {
    story.deviceClaim(nic, .x)
    story.deviceClaim(audio, .y, task: .otherVMM)
    story.claim(45, .y, task: .otherVMM)
    story.deviceRelease(nic)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.findings.filter { $0.rule == .foreignOwner }.count == 2)
    #expect(report.findings.filter { $0.rule == .notViable }.allSatisfy { $0.cause == "owner" })
  }

  @Test("27: a claim refused at count 0 is about the domain")
  func foreignDomain() {
    story.setForeignDomain(45, true)
    story.claim(45)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.final.exact == 0)
    #expect(report.told == [Told(.claimRefusedDomain)])
  }

  @Test("28: a claim that the backend takes back at once is no leak")
  func backendRefuses() {
    story.query(45)
    story.claim(45)
    story.release(45)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.peak.exact == 1)
    #expect(report.told.isEmpty)
  }

  @Test("42: unbinding vfio-pci waits until the owner has let go")
  func blockedUnbind() {
    story.probe(nic, "vfio-pci") {
      $0.pass(); $0.bound()
    }
    story.claim(45)
    story.unbind(nic) {
      story.wait(seconds: 4)
      story.release(45)
    }
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.held == [Held(.bound, 1, nic, "e1000e")])
    #expect(report.told.isEmpty)
  }

  @Test("44: releasing a group that nobody owns is one release too many", arguments: [false, true])
  func releaseUnowned(isUsed: Bool) {
    if isUsed {
      story.probe(nic, "e1000e") {
        $0.use(); $0.bound()
      }
    }
    story.release(45)
    let report = check(story, statesTellAll: isUsed)
    #expect(report.verdict == .unbalanced)
    #expect(report.group(45)?.final.exact == (isUsed ? 1 : 0))
    #expect(report.told == [Told(.releaseUnowned)])
  }

  @Test("44, through a device: the last release of a used group warns, an earlier one takes a reference away")
  func deviceReleaseUnowned() {
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.deviceRelease(nic)
    let report = check(story)
    #expect(report.verdict == .unbalanced)
    #expect(report.group(45)?.final.exact == 1)
    #expect(report.told == [Told(.releaseUnowned)])
  }

  @Test("a release through a device from a group that two drivers use takes one of their references")
  func deviceReleaseSteals() {
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.probe(audio, "snd_hda_intel") {
      $0.use(); $0.bound()
    }
    story.deviceRelease(nic)
    story.query(45)
    #expect(check(story).verdict != .balanced)
  }

  @Test("52: a device that joins an owned group stays without a native driver")
  func hotAdd() {
    let added = "0000:03:00.2"
    story.claim(45)
    story.join(added, 45)
    story.probe(added, "e1000e", result: -16, task: .worker) { $0.use() }
    let owned = check(story)
    #expect(owned.group(45)?.held == [Held(.owner, 1)])
    story.release(45)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.told == [Told(.nativeBindRefused, added, "e1000e")])
  }
}
