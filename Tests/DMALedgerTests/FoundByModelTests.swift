import DMALedger
import TestSupport
import Testing

/// Wrong answers that the model of the kernel found, each as small as it can be.
@Suite("Found by the model of the kernel")
struct FoundByModelTests {
  private typealias Lines = ProbeLines

  @Test("8903004: an owner whose reference a driver gave back has nothing to let go")
  func ownerRobbed() {
    let own = "0xff24580882aa9000"
    let told = Lines.report([
      ("q", Lines.entry("dclaim", Lines.claim, nil, device: nic)),
      ("q", Lines.result("dclaim", Lines.claim, 0)),
      ("k", Lines.entry("unuse", Lines.unuse, nil, own: own, device: nic)),
      ("k", Lines.result("unuse", Lines.unuse, nil)),
      ("q", Lines.entry("drelease", Lines.release, nil, own: own, device: nic)),
      ("q", Lines.result("drelease", Lines.release, nil)),
    ])
    #expect(told.group(7)?.final.exact == 0)
    #expect(told.changes.last?.before.exact == 0)
    #expect(told.verdict != .balanced)
  }

  @Test("8322003: a use that succeeds although it read an owner found less than it read")
  func ownerLeftUnseen() {
    let told = Lines.report([
      ("k", Lines.entry("use", Lines.use, 1, own: "0xff24580882aa8840", device: nic)),
      ("k", Lines.result("use", Lines.use, 0)),
    ])
    // 0 → 1, behind the owner's release: at least 1, and nothing says 2.
    #expect(told.group(7)?.peak.min == 1)
    #expect(told.changes.first?.before.min == 0)
    #expect(told.changes.first?.after.min == 1)
  }

  @Test("8383004: a device claim that finds no group is no call on the group that stale bytes show")
  func deviceWithoutGroup() {
    let told = Lines.report([
      ("q", Lines.entry("dclaim", Lines.claim, 0, device: nic, group: "id=0")),
      ("q", Lines.result("dclaim", Lines.claim, -19)),
    ])
    #expect(told.groups.isEmpty)
  }

  @Test("13745003: a return behind lost events may belong to another probe than the one before them")
  func returnBehindLoss() {
    let before = Lines.text([
      ("k", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"vfio-pci\""),
      ("k", Lines.entry("use", Lines.use, 0, device: nic)),
      ("k", Lines.result("use", Lines.use, 0)),
    ])
    // The probe of another device, all but its end lost.
    let behind = Lines.text([
      ("k", Lines.result("use", Lines.use, 0)),
      ("k", "bound: (driver_bound+0x0/0x8c) dev=\"\(audio)\""),
    ]).replacing("5.1", with: "5.2")
    let told = report(on: "# tracer: nop\n" + before + "CPU:1 [LOST 20 EVENTS]\n" + behind)
    #expect(told.group(7)?.changes.map(\.call) == [.use])
    #expect(told.unattributed[.use] == 1)
    #expect(told.verdict == .inconclusive)
  }

  @Test("a release that may have come behind a use is not told as one that found no owner")
  func releaseInNoOrder() {
    let own = "0xff24580882aa9040"
    let told = Lines.report([
      ("q", Lines.entry("dclaim", Lines.claim, 0, device: nic)),
      ("q", Lines.result("dclaim", Lines.claim, 0)),
      // A driver gives back what is the owner's: 0, and still owned.
      ("k", Lines.entry("unuse", Lines.unuse, 1, own: own, device: audio)),
      ("k", "clean: (device_unbind_cleanup+0x0/0x52) dev=\"\(audio)\""),
      ("q", Lines.entry("drelease", Lines.release, 0, own: own, device: nic)),
      ("k", Lines.entry("use", Lines.use, 0, own: own, device: audio)),
      ("k", Lines.result("use", Lines.use, 0)),
    ])
    #expect(!told.has(.releaseUnowned))
    #expect(told.group(7)?.final == Count(min: 0, max: 1))
  }

  @Test("a call that is open when its group's number goes to another group is no call on that one")
  func callOnDeadGroup() {
    let told = Lines.report([
      ("q", Lines.entry("claim", "iommu_group_claim_dma_owner", 0)),
      ("q", Lines.result("claim", "iommu_group_claim_dma_owner", 0)),
      ("i", Lines.entry("release", "iommu_group_release_dma_owner", 1, own: "0xff24")),
      ("r", Lines.entry("query", Lines.query, 0, group: "grp=0xff11000100aaaa00 id=7")),
      ("r", Lines.result("query", Lines.query, 0)),
    ])
    #expect(told.groups.map(\.final.exact) == [0, 0])
    #expect(told.groups.count == 2)
  }

  @Test("two uses without codes that find an owner are no leak")
  func usesOfOwnedGroup() {
    let own = "0xff24580882aa8840"
    let told = Lines.report([
      ("k", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"native\""),
      ("k", Lines.entry("use", Lines.use, nil, own: own, device: nic)),
      ("k", "remove: (device_remove+0x0/0x52) dev=\"\(nic)\""),
      ("k", Lines.entry("use", Lines.use, nil, own: own, device: nic)),
      ("k", "bound: (driver_bound+0x0/0x52) dev=\"\(nic)\""),
      ("k", Lines.entry("unuse", Lines.unuse, nil, own: own, device: nic)),
    ])
    #expect(!told.findings.contains { $0.severity == .error })
    #expect(told.verdict == .inconclusive)
  }

  // MARK: Returns alone

  @Test("returns that both read what two uses left behind do not say what was there before")
  func returnsAfterBoth() {
    func use(_ task: String, _ device: String) -> (task: String, event: String) {
      (task, Lines.result("use", Lines.use, 0, "dev=\"\(device)\" \(Lines.group) cnt=2 own=0x0"))
    }
    // 0 → 1 → 2, and only then do both return.
    let told = Lines.report([use("k", nic), use("i", audio)])
    #expect(told.group(7)?.initial.min == 0)
    #expect(told.group(7)?.final.exact == 2)
    #expect(told.verdict == .inconclusive)
  }

  // MARK: CPUs in the place of tasks

  @Test("tasks that may have changed places on two CPUs prove nothing about the kernel")
  func changedPlaces() {
    let told = TestSupport.report(
      on: """
        # tracer: function_graph
        #
         0)               |  really_probe() {
         1)               |  device_release_driver_internal() {
         0)   2.154 us    |    iommu_device_use_default_domain();
         1)   2.154 us    |    device_remove();
         0)   2.154 us    |    iommu_device_unuse_default_domain();
         0)   2.154 us    |    device_unbind_cleanup();
         1)   2.154 us    |    driver_bound();
         0)   2.154 us    |  }
         1)   2.154 us    |  }

        """)
    #expect(told.kernel.testDriverRemove != .fixed)
    #expect(told.kernel.testDriverRemove != .unfixed)
  }

  @Test(
    "a task that begins where another one's function is open shares its CPU, whenever the first brace comes")
  func tangledBeforeBraces() {
    let told = TestSupport.report(
      on: """
        # tracer: function_graph
        #
         0)               |  device_release_driver_internal() {
         0)               |  really_probe() {
         0)               |    device_remove() {
         1) @ 106935.6 us |    } /* device_remove */
         1)               |    pci_dma_cleanup() {
         1)   2.154 us    |      iommu_device_unuse_default_domain();
         0)               |    pci_dma_configure() {
         1) @ 106935.6 us |    }
         1)   2.154 us    |    device_unbind_cleanup();
         0)   2.154 us    |      iommu_device_use_default_domain();
         1) @ 106935.6 us |  } /* device_release_driver_internal */
         0) @ 106935.6 us |    }
         0)   2.154 us    |    driver_sysfs_add();
         0)   2.154 us    |    driver_bound();
         0) @ 106935.6 us |  }

        """)
    #expect(told.kernel.testDriverRemove == .unknown)
  }

  @Test("4054011: an unuse that a PASID blocks is told once, and not as an unbind without one")
  func blockedUnuse() {
    let told = Lines.report([
      ("i", "rp: (really_probe+0x0/0x8c) dev=\"\(nic)\" drv=\"native\""),
      ("i", Lines.entry("use", Lines.use, 0, device: nic)),
      ("i", Lines.result("use", Lines.use, 0, "\(Lines.group) cnt=1")),
      ("i", "bound: (driver_bound+0x0/0x8c) dev=\"\(nic)\""),
      ("i", "rp_ret: (device_driver_attach+0x20/0x396 <- really_probe) ret=0"),
      ("i", "devrm: (device_remove+0x0/0x8c) dev=\"\(nic)\""),
      ("i", Lines.entry("unuse", Lines.unuse, 1, device: nic)),
      ("i", Lines.result("unuse", Lines.unuse, nil, "\(Lines.group) cnt=1")),
      ("i", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(nic)\""),
    ])
    #expect(told.findings.map(\.rule) == [.pasidBlockedUnuse])
    #expect(told.group(7)?.final.exact == 1)
    #expect(told.group(7)?.holders.map(\.kind) == [.leaked])
  }

  @Test("773012: a task that is known by name is never another one that went on elsewhere")
  func twoNamedTasks() {
    let told = TestSupport.report(
      on: """
        # tracer: function_graph
        #
         0)               |  really_probe() {
         ------------------------------------------
         0)     init-1     =>   kworker-51
         ------------------------------------------

         0)   209.454 us  |    device_remove();
         0)               |    pci_dma_cleanup() {
         ------------------------------------------
         0)   kworker-51   =>     init-1
         ------------------------------------------

         0)               |    platform_dma_configure() {
         ------------------------------------------
         0)     init-1     =>   kworker-51
         ------------------------------------------

         0)   106935.6 us |    } /* pci_dma_cleanup */
         0)   209.454 us  |    device_unbind_cleanup();
         0)   106935.6 us |  } /* device_release_driver_internal */
         ------------------------------------------
         0)   kworker-51   =>     init-1
         ------------------------------------------

         0)               |      iommu_device_use_default_domain() {
         0)   106935.6 us |      }
         0)   106935.6 us |    } /* platform_dma_configure */
         0)   209.454 us  |    driver_sysfs_add();
         0)   209.454 us  |    driver_bound();
         0)   106935.6 us |  } /* really_probe */

        """)
    #expect(told.kernel.testDriverRemove != .fixed)
    #expect(told.kernel.reprobes == 0)
  }

  @Test("5755012: what is lost may have run in a group whose number another one has by then")
  func lostBeforeSuccessor() {
    let successor = "grp=0xff110001005fee00 id=7"
    var text = Lines.text([
      ("i", Lines.entry("use", Lines.use, 0, device: nic)),
      ("i", Lines.result("use", Lines.use, 0)),
      ("k", Lines.entry("use", Lines.use, 0, device: nic, group: successor)),
      ("k", Lines.result("use", Lines.use, 0)),
      ("i", Lines.entry("unuse", Lines.unuse, 1, device: nic, group: successor)),
      ("i", Lines.result("unuse", Lines.unuse, nil)),
    ]).split(separator: "\n").map(String.init)
    text.insert("CPU:0 [LOST 2 EVENTS]", at: 4)
    let told = TestSupport.report(on: "# tracer: nop\n" + text.map { $0 + "\n" }.joined())
    #expect(told.groups.map(\.id) == [GroupID(7), GroupID(7)])
    #expect(told.groups.first?.final.min == 0)
    #expect(told.groups.last?.final.exact == 0)
  }
}
