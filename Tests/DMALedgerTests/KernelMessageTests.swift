import DMALedger
import Testing

@Suite("Kernel messages")
struct KernelMessageTests {
  /// A message with its names spelled out.
  private func read(_ text: String) -> String {
    var names = NameTable()
    let bytes = Array(text.utf8)
    guard let message = KernelMessage.parse(bytes.span, names: &names) else { return "nothing" }
    switch message {
    case .added(let device, let group): return "added \(names.text(device)) to \(group)"
    case .removed(let device, let group): return "removed \(names.text(device)) from \(group)"
    case .probing(let device, let driver): return "probing \(names.text(device)) by \(names.text(driver))"
    case .bound(let device, let driver):
      return "bound \(names.text(device)) to \(driver.map { names.text($0) } ?? "?")"
    case .returned(let device, let driver, let result, let micros):
      return
        "probe of \(names.text(device)) by \(driver.map { names.text($0) } ?? "?") = \(result) after \(micros)"
    case .warning(let function): return "warning in \(function.map { "\($0)" } ?? "another function")"
    case .boot(let release): return "boot of \(names.text(release))"
    case .clockStable(let offset): return "clock \(offset)"
    case .traceReset: return "trace reset"
    }
  }

  @Test(
    "every wording says the same, whatever the version and the decoration",
    arguments: [
      ("pci 0000:00:02.0: Adding to iommu group 2", "added 0000:00:02.0 to 2"),
      ("pci 0000:00:02.0: Removing from iommu group 2", "removed 0000:00:02.0 from 2"),
      ("platform 12340000.gpu: Adding to iommu group 17", "added 12340000.gpu to 17"),
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
      ("driver: 'e1000e': driver_bound: bound to device '0000:00:02.0'", "bound 0000:00:02.0 to e1000e"),
      (
        "e1000e 0000:00:02.0: driver: 'e1000e': driver_bound: bound to device", "bound 0000:00:02.0 to e1000e"
      ),
      (
        "bus: 'pci': really_probe: bound device 0000:00:02.0 to driver e1000e", "bound 0000:00:02.0 to e1000e"
      ),
      (
        "e1000e 0000:00:02.0: bus: 'pci': really_probe: bound device to driver e1000e",
        "bound 0000:00:02.0 to e1000e"
      ),
      ("probe of 0000:00:02.0 returned 0 after 108686 usecs", "probe of 0000:00:02.0 by ? = 0 after 108686"),
      (
        "probe of 0000:00:02.0 with driver e1000e returned -16 after 13 usecs",
        "probe of 0000:00:02.0 by e1000e = -16 after 13"
      ),
      (
        "WARNING: CPU: 8 PID: 5182 at drivers/iommu/iommu.c:3211 iommu_device_unuse_default_domain+0x38/0x90",
        "warning in unuse"
      ),
      (
        "WARNING: drivers/iommu/iommu.c:650 at iommu_group_release_dma_owner+0x3a0/0x608, CPU#7: init/1",
        "warning in release"
      ),
      ("WARNING: CPU: 1 PID: 1 at kernel/x.c:1 foo+0x1/0x2", "warning in another function"),
      ("Linux version 7.3.4+deb13-amd64 (builder) (gcc)", "boot of 7.3.4+deb13-amd64"),
      ("sched_clock: Marking stable (4372056896, -62717346)->(4790447970, -481108420)", "clock -481108420"),
      ("Unstable clock detected, switching default tracing clock to \"global\"", "trace reset"),
      ("bus: 'pci': __driver_probe_device: matched device 0000:00:02.0 with driver e1000e", "nothing"),
      ("e1000e: probe of 0000:00:02.0 failed with error -22", "nothing"),
      ("Adding to iommu group 2", "nothing"), ("really_probe: ", "nothing"), ("", "nothing"),
    ])
  func wording(_ text: String, _ meaning: String) {
    #expect(read(text) == meaning)
  }
}
