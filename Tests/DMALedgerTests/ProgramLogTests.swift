import DMALedger
import TestSupport
import Testing

/// Logs of programs that use VFIO, and listings of groups and drivers, as people have them.
@Suite("Logs of programs and listings")
struct ProgramLogTests {
  private func read(_ text: String) -> DecodedSource { DecodedSource(bytes: Array(text.utf8)) }

  @Test(
    "a refusal names its group and its device in every wording",
    arguments: [
      (
        "qemu-system-x86_64: -device vfio-pci,host=01:00.0: vfio: error, group 1 is not viable, please ensure all devices "
          + "within the iommu_group are bound to their vfio bus driver.", "refused 1 to 0000:01:00.0"
      ),
      (
        "qemu-system-x86_64: -device vfio-pci,host=01:00.0,multifunction=on: vfio error: 0000:01:00.0: group 1 is not viable",
        "refused 1 to 0000:01:00.0"
      ),
      (
        "qemu-kvm: -device vfio-pci,host=0000:01:00.0,id=ua-gpu1,bus=pci.5,addr=0x0: vfio 0000:01:00.0: group 1 is not viable",
        "refused 1 to 0000:01:00.0"
      ),
      (
        "2021-11-03T08:06:48.563014Z qemu-kvm: -device {\"driver\":\"vfio-pci\",\"host\":\"0000:01:00.0\",\"id\":\"hostdev0\"}: "
          + "vfio 0000:01:00.0: group 1 is not viable", "refused 1 to 0000:01:00.0"
      ),
      (
        "qemu-system-aarch64: -device vfio-platform,host=fe9c0000.ethernet: vfio fe9c0000.ethernet: group 7 is not viable",
        "refused 7 to fe9c0000.ethernet"
      ),
      (
        "qemu: -device vfio-pci,host=0000:01:00.0: vfio 0000:01:00.0: failed to setup container for group 45: Failed to set "
          + "group container: Operation not permitted", "refused 45 to 0000:01:00.0"
      ),
      (
        "qemu: vfio 0000:01:00.0: error bind device fd=23 to iommufd=22: Operation not permitted",
        "refused ? to 0000:01:00.0"
      ),
      ("EAL: 0000:01:00.0 VFIO group is not viable!", "refused ? to 0000:01:00.0"),
      (
        "EAL:   0000:01:00.0 VFIO group is not viable! Not all devices in IOMMU group bound to VFIO or unbound",
        "refused ? to 0000:01:00.0"
      ),
      (
        "EAL:   0000:01:00.0 cannot add VFIO group to container, error 1 (Operation not permitted)",
        "refused ? to 0000:01:00.0"
      ),
      (
        "qemu-system-x86_64: -drive if=none,id=d,file=nvme://0000:44:00.0/1: VFIO group is not viable",
        "refused ? to 0000:44:00.0"
      ),
      (
        "2026-11-22 08:15:26.654+0000: 1234: error : qemuProcessReportLogError:2100 : internal error: process exited while "
          + "connecting to monitor: 2026-11-22T08:15:26.6Z qemu-kvm: -device vfio-pci,host=0000:01:00.0: vfio 0000:01:00.0: "
          + "group 1 is not viable", "refused 1 to 0000:01:00.0"
      ),
      (
        "internal error: QEMU unexpectedly closed the monitor (vm='win'): 2026-11-22T08:15:26.6Z qemu-kvm: -device vfio-pci: "
          + "vfio 0000:01:00.0: group 1 is not viable\\nPlease ensure all devices within the iommu_group are bound to "
          + "their vfio bus driver.", "refused 1 to 0000:01:00.0"
      ),
      (
        "{\"component\":\"virt-launcher\",\"level\":\"error\",\"msg\":\"internal error: qemu unexpectedly closed the monitor: "
          + "2021-11-03T08:06:48Z qemu-kvm: -device vfio-pci: vfio 0000:01:00.0: group 1 is not viable\\nPlease ensure all "
          + "devices\",\"pos\":\"qemuProcessReportLogError:2051\",\"subcomponent\":\"libvirt\",\"timestamp\":\"2021-11-03T08:06:48Z\"}",
        "refused 1 to 0000:01:00.0"
      ),
      (
        "    message: 'server error. command SyncVMI failed: \"qemu-kvm: -device vfio-pci,host=0000:01:00.0: vfio "
          + "0000:01:00.0: group 1 is not viable\\nPlease ensure\"'", "refused 1 to 0000:01:00.0"
      ),
      (
        "Nov 22 08:15:27 myhost libvirtd[1234]: internal error: qemu-kvm: vfio 0000:01:00.0: group 1 is not viable",
        "refused 1 to 0000:01:00.0"
      ),
    ])
  func refusals(_ line: String, _ fact: String) {
    #expect(read(line + "\n").facts == [fact])
    #expect(read(line + "\n").format == "user-space log")
  }

  @Test(
    "what is no refusal by the ownership is known and says nothing",
    arguments: [
      "sh: write error: Device or resource busy", "bash: echo: write error: No such device",
      "qemu: vfio 0000:01:00.0: failed to setup container for group 1: Failed to set iommu for container: Operation not permitted",
      "qemu-kvm: -device vfio-pci,host=0000:01:00.0: vfio 0000:01:00.0: error bind device fd=23 to iommufd=22: Device or resource busy",
      "qemu-system-x86_64: vfio 0000:00:05.0: no iommu_group found: No such file or directory",
      "Verify all devices in group 1 are bound to vfio-<bus> or pci-stub and not already in use",
      "2026-11-22 08:15:27.000+0000: shutting down, reason=failed",
      "char device redirected to /dev/pts/0 (label charserial0)",
    ])
  func hints(_ line: String) {
    #expect(read(line + "\n").facts == [])
    #expect(read(line + "\n").unparsed == [])
  }

  @Test(
    "who quotes a refusal was not refused",
    arguments: [
      "**Why does VFIO say \"group 45 is not viable\", and who still holds it?** `dmaledger`",
      "the error `VFIO group is not viable` means that", "we got 'group 45 is not viable' again",
    ])
  func quoted(_ line: String) {
    #expect(read(line + "\n").facts == [])
    #expect(read(line + "\n").unparsed.count == 1)
  }

  @Test("libvirt's log of a machine is read without a line left over")
  func machineLog() {
    let log = """
      2026-11-22 08:15:26.000+0000: starting up libvirt version: 9.0.0, package: 4, qemu version: 7.2.0, kernel: 6.1.0
      LC_ALL=C \\
      PATH=/usr/bin \\
      /usr/bin/qemu-system-x86_64 \\
      -name guest=win,debug-threads=on \\
      -device '{"driver":"vfio-pci","host":"0000:01:00.0","id":"hostdev0"}' \\
      -msg timestamp=on
      char device redirected to /dev/pts/0 (label charserial0)
      2026-11-22T08:15:26.654014Z qemu-system-x86_64: -device {"driver":"vfio-pci","host":"0000:01:00.0"}: vfio 0000:01:00.0: group 1 is not viable
      Please ensure all devices within the iommu_group are bound to their vfio bus driver.
      2026-11-22 08:15:27.000+0000: shutting down, reason=failed

      """
    let read = read(log)
    #expect(read.facts == ["refused 1 to 0000:01:00.0"])
    #expect(read.unparsed == [])
  }

  // MARK: - Listings

  @Test(
    "members and drivers are read from every listing",
    arguments: [
      ("/sys/kernel/iommu_groups/3/devices/fe9c0000.ethernet\n", ["member fe9c0000.ethernet of 3"]),
      (
        "/sys/kernel/iommu_groups\n/sys/kernel/iommu_groups/9\n/sys/kernel/iommu_groups/9/devices\n"
          + "/sys/kernel/iommu_groups/9/devices/0000:02:02.0\n/sys/kernel/iommu_groups/9/reserved_regions\n",
        ["member 0000:02:02.0 of 9"]
      ),
      (
        "lrwxrwxrwx 1 root root 0 Nov 22 08:15 /sys/kernel/iommu_groups/9/devices/0000:02:02.0 -> "
          + "../../../../devices/pci0000:00/0000:00:1e.0/0000:02:02.0\n", ["member 0000:02:02.0 of 9"]
      ),
      (
        "/sys/kernel/iommu_groups/9/devices:\ntotal 0\nlrwxrwxrwx 1 root root 0 Nov 22 08:15 0000:02:02.0 -> "
          + "../../../../devices/pci0000:00/0000:02:02.0\nlrwxrwxrwx 1 root root 0 Nov 22 08:15 dpni.3 -> ../dpni.3\n\n"
          + "/sys/kernel/iommu_groups/10/devices:\ntotal 0\nlrwxrwxrwx 1 root root 0 Nov 22 08:15 0000:03:00.0 -> ../x\n",
        ["member 0000:02:02.0 of 9", "member dpni.3 of 9", "member 0000:03:00.0 of 10"]
      ),
      (
        "lrwxrwxrwx 1 root root 0 Nov 22 08:15 /sys/bus/pci/devices/0000:02:02.0/iommu_group -> "
          + "../../../kernel/iommu_groups/9\n", ["member 0000:02:02.0 of 9"]
      ),
      ("0000:02:02.0 group=9 driver=e1000\n", ["member 0000:02:02.0 of 9, driver is e1000"]),
      ("driver=e1000\t0000:02:02.0\tgroup=9\n", ["member 0000:02:02.0 of 9, driver is e1000"]),
      ("group=9\tdevice=dpni.3\tdriver=\n", ["member dpni.3 of 9, driver is ?"]),
      ("02:02.0 iommu_group=9 class=0x020000\n", ["member 0000:02:02.0 of 9"]),
      ("fe9c0000.ethernet driver=dwmac\n", ["driver of fe9c0000.ethernet is dwmac"]),
      (
        "IOMMU Group 9 02:02.0 Ethernet controller [0200]: Intel [8086:100e] (rev 03)\n",
        ["member 0000:02:02.0 of 9"]
      ),
      (
        "IOMMU Group 9:\n\t02:02.0 Ethernet controller [0200]: Intel\n\t\tKernel driver in use: e1000\n"
          + "\t\tKernel modules: e1000\n\t02:03.0 Ethernet controller\nIOMMU Group 10:\n\t03:00.0 VGA\n",
        [
          "member 0000:02:02.0 of 9", "driver of 0000:02:02.0 is e1000", "member 0000:02:03.0 of 9",
          "member 0000:03:00.0 of 10",
        ]
      ),
      ("Group:  9   0000:02:02.0 Ethernet controller [0200]\n", ["member 0000:02:02.0 of 9"]),
      (
        "00:02.0 Ethernet controller [0200]: Intel [8086:10d3]\n\tSubsystem: Intel [8086:0000]\n"
          + "\tFlags: bus master, fast devsel, latency 0, IRQ 22, IOMMU group 2\n\tKernel driver in use: e1000e\n\tKernel modules: e1000e\n\n"
          + "0000:00:03.0 VGA compatible controller [0300]: X\n\tIOMMU group: 3\n\tKernel driver in use: vfio-pci\n",
        [
          "driver of 0000:00:02.0 is ?", "driver of 0000:00:02.0 is e1000e", "driver of 0000:00:03.0 is ?",
          "member 0000:00:03.0 of 3", "driver of 0000:00:03.0 is vfio-pci",
        ]
      ),
      (
        "/sys/bus/pci/devices/0000:02:02.0/driver -> ../../../../bus/pci/drivers/e1000\n",
        ["driver of 0000:02:02.0 is e1000"]
      ),
      (
        "lrwxrwxrwx 1 root root 0 Nov 22 08:15 /sys/bus/pci/devices/0000:02:02.0/driver -> ../../../bus/pci/drivers/e1000\n",
        ["driver of 0000:02:02.0 is e1000"]
      ),
      (
        "/sys/bus/pci/devices/0000:02:02.0: ../../../bus/pci/drivers/e1000\n",
        ["driver of 0000:02:02.0 is e1000"]
      ),
      (
        "/sys/bus/platform/devices/fe9c0000.ethernet/driver /sys/bus/platform/drivers/dwmac\n",
        ["driver of fe9c0000.ethernet is dwmac"]
      ),
      ("0000:02:02.0 -> /sys/bus/pci/drivers/vfio-pci\n", ["driver of 0000:02:02.0 is vfio-pci"]),
      (
        "/sys/bus/pci/drivers/e1000/0000:02:02.0\n/sys/bus/pci/drivers/e1000/new_id\n",
        ["driver of 0000:02:02.0 is e1000"]
      ),
    ])
  func listings(_ text: String, _ facts: [String]) {
    let read = read(text)
    #expect(read.facts == facts)
    #expect(read.format == "group listing")
    #expect(read.unparsed == [])
  }

  @Test("lspci below a listing of groups belongs to no group")
  func lspciBelow() {
    let text =
      "IOMMU Group 9:\n\t02:02.0 Ethernet controller\n00:02.0 Ethernet controller\n\tKernel driver in use: e1000e\n"
    #expect(
      read(text).facts == [
        "member 0000:02:02.0 of 9", "driver of 0000:00:02.0 is ?", "driver of 0000:00:02.0 is e1000e",
      ])
    let parted = "IOMMU Group 9:\n02:02.0 Ethernet controller\n\n00:02.0 Ethernet controller\n"
    #expect(read(parted).facts == ["member 0000:02:02.0 of 9", "driver of 0000:00:02.0 is ?"])
  }

  @Test(
    "a sentence is no row of a table",
    arguments: [
      "the device 0000:02:02.0 has group=9 and driver=e1000", "group=9", "driver=e1000", "x group=9 driver=y",
      "0000:02:02.0 group=nine",
    ])
  func sentences(_ line: String) {
    #expect(read(line + "\n").facts == [])
  }
}
