import DMALedger
import Testing
import TestSupport

/// Captures that begin when the machine has long been running, and captures with gaps.
@Suite("Histories: partial evidence")
struct PartialEvidenceTests {
  let story = Scenario()

  @Test("33: a count of 0 after an unuse was 1 before it, without reading it", arguments: [true, false])
  func unuseThenQuery(readsCounts: Bool) {
    story.group(45, nic, count: 1)
    story.alreadyBound(nic, "e1000e")
    story.unbind(nic)
    story.query(45)
    check(story)
    let report = story.report(readsCounts ? .arguments : .groups)
    #expect(report.group(45)?.initial.exact == 1)
    #expect(report.group(45)?.final.exact == 0)
    #expect(report.verdict == .balanced)
    #expect(report.told.isEmpty)
  }

  @Test("34: what was leaked before the capture began is counted, and nobody is accused")
  func leakedBefore() {
    story.group(45, nic, count: 2)
    story.alreadyBound(nic, "e1000e")
    story.unbind(nic)
    story.probe(nic, "vfio-pci") {
      $0.pass(); $0.bound()
    }
    story.query(45)
    let report = check(story)
    #expect(report.group(45)?.final.exact == 1)
    #expect(report.group(45)?.held == [Held(.unknown)])
    #expect(report.verdict == .inconclusive)
    #expect(report.told == [Told(.notViable, cause: "unknown")])
    #expect(story.report(.groups).group(45)?.initial == Count(min: 2, max: nil))
  }

  @Test("34, with the snapshot: whose it is stays open, that it is in excess does not")
  func leakedBeforeWithSnapshot() {
    story.group(45, nic, count: 2)
    story.alreadyBound(nic, "e1000e")
    story.unbind(nic)
    story.probe(nic, "vfio-pci") {
      $0.pass(); $0.bound()
    }
    story.query(45)
    let report = story.report(.arguments, beside: "\(nic) group=45 driver=vfio-pci\n")
    #expect(report.group(45)?.final.exact == 1)
    #expect(report.group(45)?.excess == Count(exactly: 1))
    #expect(report.verdict == .unbalanced)
    #expect(report.told.map(\.rule).contains(.excessCount))
    #expect(!report.has(.testRemoveLeak))
  }

  @Test("35: a claim that succeeds found the group idle", arguments: [true, false])
  func claimFirst(readsCounts: Bool) {
    story.group(45, nic)
    story.claim(45)
    check(story)
    let report = story.report(readsCounts ? .arguments : .groups)
    #expect(report.group(45)?.initial.exact == 0)
    #expect(report.group(45)?.final.exact == 1)
    #expect(report.group(45)?.owner == .user)
  }

  @Test("36: a use that is refused found a count")
  func refusalFirst() {
    story.group(45, nic, count: 1, owner: .x)
    story.probe(nic, "e1000e", result: -16) { $0.use() }
    let report = check(story)
    #expect(report.verdict != .unbalanced)
    #expect(report.told == [Told(.nativeBindRefused, nic, "e1000e")])
    #expect(report.group(45)?.owner == .user)
    let less = story.report(.groups)
    #expect(less.group(45)?.initial == Count(min: 1, max: nil))
    #expect(less.group(45)?.owner == .unknown)
  }

  @Test("37: nothing is claimed across lost events, and the next reading counts")
  func lost() {
    story.group(45, nic, audio, "0000:03:00.2", "0000:03:00.3")
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.lost(300)
    story.useUnseen("0000:03:00.2")
    story.useUnseen("0000:03:00.3")
    story.probe(audio, "snd_hda_intel") {
      $0.use(); $0.bound()
    }
    let report = check(story, isExact: false)
    #expect(report.group(45)?.initial.exact == 0)
    #expect(report.group(45)?.final.exact == 4)
    #expect(report.verdict == .inconclusive)
    #expect(report.told.isEmpty)
    #expect(report.has(.evidenceLost))
    #expect(story.report(.groups).group(45)?.final == Count(min: 1, max: nil))
  }

  @Test("37: a test-remove with a gap in it proves nothing")
  func lostInAProbe() {
    story.group(45, nic)
    story.probe(nic, "e1000e") {
      $0.use()
      $0.remove()
      $0.meanwhile { $0.lost(12) }
      $0.meanwhile { $0.unuseUnseen(nic) }
      $0.use()
      $0.bound()
    }
    let report = check(story, isExact: false)
    #expect(report.group(45)?.final.exact == 1)
    #expect(report.verdict == .inconclusive)
    #expect(report.told.isEmpty)
    #expect(report.kernel.testDriverRemove == .unknown)
  }

  @Test("a leak before a gap stays proved, but is no part of the count behind it")
  func leakBeforeAGap() {
    story.group(45, nic)
    story.probe(nic, "e1000e") {
      $0.use(); $0.remove(); $0.use(); $0.bound()
    }
    story.unbind(nic)
    story.lost(3)
    story.query(45)
    let report = check(story, isExact: false)
    #expect(report.verdict == .unbalanced)
    #expect(report.findings.first?.rule == .testRemoveLeak)
    #expect(report.group(45)?.final.contains(1) == true)
  }

  @Test("43: two tasks that read the same count before the lock are no contradiction")
  func race() {
    story.group(45, nic, audio)
    story.probe(nic, "e1000e") { probe in
      story.use(nic, "e1000e") {
        story.probe(audio, "snd_hda_intel", task: .worker) {
          $0.use(); $0.bound()
        }
      }
      probe.bound()
    }
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.final.exact == 2)
    #expect(report.group(45)?.held.count == 2)
    #expect(report.told.isEmpty)
    #expect(report.reasons.isEmpty)
  }

  @Test("43: nor are two that read the count of both behind the lock", arguments: [false, true])
  func raceBehind(isNested: Bool) {
    story.group(45, nic, audio)
    story.probe(nic, "e1000e") { probe in
      if isNested {
        story.use(nic, "e1000e", behind: { story.use(audio, "snd_hda_intel", task: .worker) })
      } else {
        story.use(
          nic, "e1000e",
          during: { story.use(audio, "snd_hda_intel", task: .worker) }, behind: { story.query(45) })
      }
      probe.bound()
    }
    // Behind the query's return only two references show, not that the first task had the lock before it.
    let report = check(story, statesTellAll: isNested)
    #expect(report.group(45)?.final.exact == 2)
    #expect(report.verdict == .balanced)
    #expect(report.reasons.isEmpty)
  }

  @Test("43: two tasks whose uses overlap both read the count of both behind the lock")
  func overlap() {
    let place = "iommu_device_use_default_domain"
    let group = "grp=0xff110001005f6900 id=45"
    let lines = [
      "            init-1       [001] .....     5.000001: use: (\(place)+0x4/0x49) dev=\"\(nic)\" \(group) cnt=0",
      "           kwork-57      [000] .....     5.000002: use: (\(place)+0x4/0x49) dev=\"\(audio)\" \(group) cnt=0",
      "            init-1       [001] .....     5.000003: use_x: (really_probe+0x7f/0x380 <- \(place)) ret=0 \(group) cnt=2",
      "           kwork-57      [000] .....     5.000004: use_x: (really_probe+0x7f/0x380 <- \(place)) ret=0 \(group) cnt=2",
    ]
    var analyzer = Analyzer()
    analyzer.read(bytes: Array((lines.joined(separator: "\n") + "\n").utf8), name: "overlap")
    let report = analyzer.finish()
    #expect(report.group(45)?.initial.exact == 0)
    #expect(report.group(45)?.final.exact == 2)
    #expect(report.verdict == .balanced)
  }

  @Test("an unuse that finds the group owned is not balanced, whether a bind was seen or not")
  func ownersReferenceTaken() {
    let group = "grp=0xff110001005f6900 id=45"
    let lines = [
      "            qemu-900     [000] .....     5.000001: claim: (iommu_group_claim_dma_owner+0x0/0x8c) \(group) cnt=0 own=0x0",
      "            qemu-900     [000] .....     5.000002: claim_ret: (vfio+0x1/0x2 <- iommu_group_claim_dma_owner) ret=0",
      "            init-1       [001] .....     5.000003: use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"\(nic)\" \(group) cnt=1 own=0xff24",
      "            init-1       [001] .....     5.000004: use_ret: (really_probe+0x7f/0x380 <- iommu_device_use_default_domain) ret=-16",
      "            init-1       [001] .....     5.000005: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev=\"\(nic)\" \(group) cnt=1 own=0xff24",
    ]
    let report = TestSupport.report(on: lines.joined(separator: "\n") + "\n")
    #expect(report.verdict == .inconclusive)
    #expect(report.reasons.contains { $0.contains("line 5 found the group owned") })
  }

  @Test("a use that succeeds shows that an owner has let go unseen", arguments: Scenario.Evidence.allCases)
  func unseenRelease(evidence: Scenario.Evidence) {
    story.group(45, nic)
    story.claim(45, attaching: [nic])
    story.isRecording = false
    story.release(45)
    story.isRecording = true
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    let report = story.report(evidence)
    #expect(report.verdict == (evidence == .uses ? .balanced : .inconclusive))
    #expect(report.told.isEmpty)
    #expect(report.group(45)?.owner != .user)
    #expect(report.group(45)?.final.contains(1) != false)
  }

  @Test("43: of two tasks that claim at once one is refused")
  func claimRace() {
    story.group(45, nic)
    story.query(45)
    story.claim(45)
    story.claim(45, .y, task: .otherVMM)
    let report = check(story)
    #expect(report.verdict == .balanced)
    #expect(report.group(45)?.held == [Held(.owner)])
    #expect(report.told == [Told(.notViable, cause: "owner"), Told(.foreignOwner)])
  }

  @Test("51: the second boot of a file begins anew")
  func twoBoots() {
    story.group(45, nic)
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.reboot()
    // Without its pointer a group of the second boot is taken for the one of that number in the first.
    story.needsPointer = true
    story.group(45, nic)
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    let report = check(story, isExact: false)
    #expect(report.verdict != .unbalanced)
    #expect(report.told.isEmpty)
    #expect(report.groups.last?.final.exact == 1)
    #expect(report.groups.last?.held == [Held(.bound, 1, nic, "e1000e")])
  }

  @Test("leaks that nothing proves are told as such, in every sentence about them")
  func suspectedLeaks() throws {
    let group = "grp=0xff11000000de8400 id=45"
    let names = "dev=\"\(nic)\" drv=\"e1000e\""
    func use(_ time: String) -> String {
      " init-1 [001] ..... \(time)1: use: (iommu_device_use_default_domain+0x0/0x8c) \(names) \(group)\n"
        + " init-1 [001] ..... \(time)2: use_ret: (really_probe+0x120/0x396 <- iommu_device_use_default_domain) ret=0\n"
    }
    func probe(_ time: String, _ result: Int, _ body: String) -> String {
      " init-1 [001] ..... \(time)0: rp: (really_probe+0x0/0x396) \(names)\n" + body
        + " init-1 [001] ..... \(time)9: rp_ret: (device_driver_attach+0x24/0x4a <- really_probe) ret=\(result)\n"
    }
    let remove = " init-1 [001] ..... 11.000003: remove: (device_remove+0x0/0x52) dev=\"\(nic)\"\n"
    // Nobody watches the unuse: a kernel that gives everything back looks the same.
    let text =
      "# tracer: nop\n" + probe("10.00000", 5, use("10.00000"))
      + probe(
        "11.00000", 0, use("11.00000") + remove + use("11.00001").replacing("11.000011", with: "11.000004"))
    let report = report(on: text)
    #expect(report.verdict == .inconclusive)
    for rule in [Rule.testRemoveLeak, .probeFailureLeak] {
      let finding = try #require(report.findings.first { $0.rule == rule })
      #expect(finding.certainty == .suspected && finding.message.contains("may keep 1 reference"))
      #expect(finding.message.contains("not prove"))
    }
    let kernel = try #require(report.findings.first { $0.rule == .testRemoveActive })
    #expect(kernel.certainty == .suspected && kernel.message.contains("If none runs"))
    #expect(!kernel.message.contains("lacks"))
  }

  @Test("the advice about a leak is that of its own cause")
  func adviceByCause() throws {
    let story = Scenario()
    story.group(45, nic, audio)
    story.probe(audio, "snd_hda_intel") {
      $0.use(); $0.bound()
    }
    story.unbind(audio)
    story.probe(nic, "e1000e", result: 12) { $0.use() }
    story.query(45)
    let report = story.report(.arguments)
    let refusal = try #require(report.findings.first { $0.rule == .notViable })
    #expect(refusal.cause == "leak" && refusal.remedy.contains("see probe-failure-leak:"))
    #expect(!refusal.remedy.contains("fixed kernel"))
    let answer = try #require(report.answers.first)
    #expect(answer.cause == .leak && answer.fix.contains("mend the bus code"))
    #expect(!answer.fix.contains("f429378a9bf8") && !answer.fix.contains("CONFIG_DEBUG_TEST_DRIVER_REMOVE"))
  }
}
