import DMALedger
import TestSupport
import Testing

@Suite("Kernel messages")
struct KernelMessageTests {
  /// A message with its names spelled out.
  private func read(_ text: String) -> String {
    var names = NameTable()
    let bytes = Array(text.utf8)
    return KernelMessage.parse(bytes.span, names: &names)?.spelled(names) ?? "nothing"
  }

  @Test(
    "every wording of a membership says the same, whatever the version and the bus",
    arguments: [
      ("pci 0000:00:02.0: Adding to iommu group 2", "added 0000:00:02.0 to 2"),
      ("pci 0000:00:02.0: Removing from iommu group 2", "removed 0000:00:02.0 from 2"),
      ("pci 0000:00:02.0: Failed to add to iommu group 2: -22", "not added 0000:00:02.0 to 2: -22"),
      ("platform 12340000.gpu: Adding to iommu group 17", "added 12340000.gpu to 17"),
      ("fsl_mc_dpni dpni.3: Adding to iommu group 4", "added dpni.3 to 4"),
      (
        "vfio_mdev 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001: Removing from iommu group 12",
        "removed 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 from 12"
      ),
      ("iommu: Adding device 0000:00:00.0 to group 0", "added 0000:00:00.0 to 0"),
      ("iommu: Removing device 0000:00:00.0 from group 0", "removed 0000:00:00.0 from 0"),
      ("iommu: Failed to add device 0000:00:00.0 to group 0: -16", "not added 0000:00:00.0 to 0: -16"),
      ("Adding to iommu group 2", "nothing"), ("iommu: Adding device 0000:00:00.0", "nothing"),
      ("pci 0000:00:02.0: Adding to iommu group ", "nothing"),
    ])
  func membership(_ text: String, _ meaning: String) {
    #expect(read(text) == meaning)
  }

  @Test(
    "every wording of a probe says the same, whatever the version and the decoration",
    arguments: [
      (
        "bus: 'pci': really_probe: probing driver e1000e with device 0000:00:02.0",
        "probing 0000:00:02.0 by e1000e"
      ),
      (
        "pci 0000:00:02.0: bus: 'pci': really_probe: probing driver e1000e with device",
        "probing 0000:00:02.0 by e1000e"
      ),
      (
        "[98] dd:really_probe:603: bus: 'pci': really_probe: probing driver e1000e with device 0000:00:02.0",
        "probing 0000:00:02.0 by e1000e"
      ),
      (
        "[110] dd:really_probe:drivers/base/dd.c:673: pci 0000:00:02.0: bus: 'pci': really_probe: probing driver "
          + "e1000e with device", "probing 0000:00:02.0 by e1000e"
      ),
      (
        "<intr> really_probe:603: bus: 'pci': really_probe: bound device 0000:00:02.0 to driver e1000e",
        "bound 0000:00:02.0 to e1000e"
      ),
      (
        "pci_express 0000:00:04.0:pcie010: bus: 'pci_express': really_probe: probing driver pcie_bwctrl with device",
        "probing 0000:00:04.0:pcie010 by pcie_bwctrl"
      ),
      ("driver: 'e1000e': driver_bound: bound to device '0000:00:02.0'", "bound 0000:00:02.0 to e1000e"),
      (
        "e1000e 0000:00:02.0: driver: 'e1000e': driver_bound: bound to device", "bound 0000:00:02.0 to e1000e"
      ),
      (
        "[98] dd:driver_bound:400: driver: 'e1000e': driver_bound: bound to device '0000:00:02.0'",
        "bound 0000:00:02.0 to e1000e"
      ),
      (
        "bus: 'pci': really_probe: bound device 0000:00:02.0 to driver e1000e", "bound 0000:00:02.0 to e1000e"
      ),
      (
        "e1000e 0000:00:02.0: bus: 'pci': really_probe: bound device to driver e1000e",
        "bound 0000:00:02.0 to e1000e"
      ),
      (
        "bus: 'pci': __driver_probe_device: matched device 0000:00:02.0 with driver e1000e",
        "matched 0000:00:02.0 with e1000e"
      ),
      (
        "pci 0000:00:02.0: bus: 'pci': __driver_probe_device: matched device with driver e1000e",
        "matched 0000:00:02.0 with e1000e"
      ),
      (
        "bus: 'pci': driver_probe_device: matched device 0000:00:02.0 with driver e1000e",
        "matched 0000:00:02.0 with e1000e"
      ),
      ("e1000e: probe of 0000:00:02.0 failed with error -22", "failed 0000:00:02.0 by e1000e: -22"),
      (
        "e1000e 0000:00:02.0: probe with driver e1000e failed with error -22",
        "failed 0000:00:02.0 by e1000e: -22"
      ),
      ("e1000e: probe of 0000:00:02.0 rejects match -19", "rejected 0000:00:02.0 by e1000e: -19"),
      (
        "pci 0000:00:02.0: probe with driver e1000e rejects match -19", "rejected 0000:00:02.0 by e1000e: -19"
      ),
      ("pci 0000:00:02.0: Driver e1000e requests probe deferral", "deferred 0000:00:02.0 of e1000e"),
      ("pci 0000:00:02.0: Driver e1000e force probe deferral", "deferred 0000:00:02.0 of e1000e"),
      ("platform fe9c0000.ethernet: Added to deferred list", "deferred fe9c0000.ethernet of ?"),
      ("platform fe9c0000.ethernet: deferred probe pending", "deferred fe9c0000.ethernet of ?"),
      (
        "platform fe9c0000.ethernet: deferred probe pending: (reason unknown)",
        "deferred fe9c0000.ethernet of ?"
      ),
      ("platform fe9c0000.ethernet: Device not ready to probe", "deferred fe9c0000.ethernet of ?"),
      ("platform fe9c0000.ethernet: Retrying from deferred list", "retried fe9c0000.ethernet"),
      ("platform fe9c0000.ethernet: Removed from deferred list", "nothing"),
      ("node 0 deferred pages initialised in 44ms", "nothing"),
      ("probe of 0000:00:02.0 returned 0 after 108686 usecs", "probe of 0000:00:02.0 by ? = 0 after 108686"),
      ("probe of 0000:00:02.0 returned 517 after 86 usecs", "probe of 0000:00:02.0 by ? = 517 after 86"),
      (
        "probe of 0000:00:02.0 with driver e1000e returned -16 after 13 usecs",
        "probe of 0000:00:02.0 by e1000e = -16 after 13"
      ),
      ("calling  vfio_init+0x0/0x70 [vfio] @ 239", "calling vfio_init of vfio in 239"),
      (
        "initcall vfio_init+0x0/0x70 [vfio] returned 0 after 15991 usecs",
        "called vfio_init of vfio = 0 after 15991"
      ),
      ("calling  spi_init+0x0/0xa0 @ 1", "nothing"), ("really_probe: ", "nothing"), ("", "nothing"),
    ])
  func probing(_ text: String, _ meaning: String) {
    #expect(read(text) == meaning)
  }

  @Test(
    "a warning names its function and its task in both banners",
    arguments: [
      (
        "WARNING: CPU: 8 PID: 5182 at drivers/iommu/iommu.c:3211 iommu_device_unuse_default_domain+0x38/0x90",
        "warning in unuse on 8 by ?/5182"
      ),
      (
        "WARNING: CPU: 1 PID: 1 at iommu_device_unuse_default_domain+0x4f/0x60",
        "warning in unuse on 1 by ?/1"
      ),
      (
        "WARNING: drivers/iommu/iommu.c:650 at iommu_group_release_dma_owner+0x3a0/0x608, CPU#7: init/1",
        "warning in release on 7 by init/1"
      ),
      (
        "WARNING: at iommu_device_unuse_default_domain+0x4f/0x60, CPU#1: kworker/1:2 x/110",
        "warning in unuse on 1 by kworker/1:2 x/110"
      ),
      (
        "WARNING: [group->owner_cnt == 0] drivers/iommu/iommu.c:3363 at iommu_device_unuse_default_domain+0x4f/0x60, CPU#1: bash/110",
        "warning in unuse on 1 by bash/110"
      ),
      (
        "WARNING: kernel/x.c:1 at foo+0x1/0x2, CPU#0: really_probe+0x/9",
        "warning in another function on 0 by really_probe+0x/9"
      ),
      ("WARNING: CPU: 1 PID: 1 at kernel/x.c:1 foo+0x1/0x2", "warning in another function on 1 by ?/1"),
      (
        "CPU: 1 PID: 174 Comm: cat Not tainted 6.1.0-56-amd64 #1  Debian 6.1.192-2",
        "task cat/174 on 1 of 6.1.0-56-amd64"
      ),
      (
        "CPU: 1 UID: 0 PID: 110 Comm: bash Not tainted 7.3.4+deb13-amd64 #1 PREEMPT(lazy)  Debian 7.3.4-1~bpo13+1 ",
        "task bash/110 on 1 of 7.3.4+deb13-amd64"
      ),
      (
        "CPU: 3 PID: 9 Comm: a b Tainted: G        W         6.1.30 #2", "task a b/9 on 3 of 6.1.30"
      ),
      ("CPU: Physical Processor ID: 0", "nothing"),
    ])
  func splats(_ text: String, _ meaning: String) {
    #expect(read(text) == meaning)
  }

  @Test(
    "the machine, VFIO and losses are heard",
    arguments: [
      ("Linux version 7.3.4+deb13-amd64 (builder) (gcc)", "boot of 7.3.4+deb13-amd64"),
      (
        "Command line: console=ttyS0 trace_clock=global ftrace=function x",
        "trace_clock=global ftrace=function"
      ),
      ("Kernel command line: a ftrace=function_graph", "trace_clock=? ftrace=function_graph"),
      ("Command line: trace_clock=local trace_clock=mono", "trace_clock=mono ftrace=?"),
      ("Command line: console=ttyS0", "nothing"),
      ("sched_clock: Marking stable (4372056896, -62717346)->(4790447970, -481108420)", "clock -481108420"),
      ("Unstable clock detected, switching default tracing clock to \"global\"", "trace reset"),
      ("vfio-pci 0000:03:00.0: enabling device (0000 -> 0003)", "enabled 0000:03:00.0"),
      ("e1000e 0000:03:00.0: enabling device (0000 -> 0003)", "nothing"),
      (
        "vfio-pci 0000:03:00.0: No device request channel registered, blocked until released by user",
        "blocked 0000:03:00.0"
      ),
      (
        "vfio-pci 0000:03:00.0: Device is currently in use, task \"sh\" (112) blocked until device is released",
        "in use 0000:03:00.0, waits sh/112"
      ),
      ("** 123 printk messages dropped **", "dropped 123"), ("Missed 12 kernel messages", "dropped 12"),
      ("printk: Missed 12 messages", "nothing"),
      ("iommu_report_fault: 3 callbacks suppressed", "dropped 3"), ("callbacks suppressed", "nothing"),
    ])
  func machine(_ text: String, _ meaning: String) {
    #expect(read(text) == meaning)
  }

  @Test("a message that is cut anywhere, or lacks a piece, is survived")
  func cut() {
    let whole = [
      "pci 0000:00:02.0: Failed to add to iommu group 2: -22",
      "[110] dd:really_probe:673: pci 0000:00:02.0: bus: 'pci': really_probe: probing driver e1000e with device",
      "driver: 'e1000e': driver_bound: bound to device '0000:00:02.0'",
      "e1000e: probe of 0000:00:02.0 failed with error -22",
      "probe of 0000:00:02.0 with driver e1000e returned -16 after 13 usecs",
      "WARNING: drivers/iommu/iommu.c:650 at iommu_group_release_dma_owner+0x3a0/0x608, CPU#7: init/1",
      "CPU: 1 UID: 0 PID: 110 Comm: bash Not tainted 7.3.4+deb13-amd64 #1 PREEMPT(lazy)",
      "vfio-pci 0000:03:00.0: Device is currently in use, task \"sh\" (112) blocked until device is released",
      "sched_clock: Marking stable (4372056896, -62717346)->(4790447970, -481108420)",
      "iommu: Failed to add device 0000:00:00.0 to group 0: -16",
      "initcall vfio_init+0x0/0x70 [vfio] returned 0 after 15991 usecs",
    ]
    for text in whole {
      for length in 0...text.count { _ = read(String(text.prefix(length))) }
      // Pieces up to a name's length: phrases that stood on both sides may share a byte then.
      for start in 0..<text.count {
        for length in 1...min(24, text.count - start) {
          _ = read(String(text.prefix(start) + text.dropFirst(start + length)))
        }
      }
      #expect(read(text) != "nothing", "\(text)")
    }
  }
}
