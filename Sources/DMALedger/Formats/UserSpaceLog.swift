/// Lines of QEMU, libvirt, KubeVirt, DPDK and SPDK that bear on a refused group, in all wordings and whatever wraps them.
///
///     `vfio: error, group 1 is not viable, please ensure …`                         to 2.7
///     `vfio error: 0000:01:00.0: group 1 is not viable`                             2.8 to 3.0
///     `-device vfio-pci,host=0000:01:00.0: vfio 0000:01:00.0: group 1 is not viable`  from 3.1
///     `vfio 0000:01:00.0: error bind device fd=23 to iommufd=22: Operation not permitted`
///     `EAL: 0000:01:00.0 VFIO group is not viable!`                                 DPDK
///     `VFIO group is not viable`                                                    QEMU's userspace NVMe driver
struct UserSpaceLog {
  /// Inside the command line that libvirt writes over many lines.
  private var isInCommandLine = false

  /// The fact in a line; `nil` where it holds none.
  func fact(_ line: Span<UInt8>, names: inout NameTable) -> IncidentFact? {
    if let place = line.firstIndex(of: " is not viable"), !Self.isQuoted(before: place, line) {
      return .refused(
        group: Self.group(before: place, line), device: Self.device(line, before: place, &names))
    }
    if let place = Self.refusedClaim(line) {
      return .refused(group: Self.group(at: place, line), device: Self.device(line, before: place, &names))
    }
    if line.hasSuffix(" viable"), let place = line.firstIndex(of: ": group ") {
      var cursor = ByteCursor(line, at: place + 8)
      return cursor.takeDecimal().map { .granted(group: $0) }
    }
    return nil
  }

  /// A claim that the kernel refused with -EPERM. `Failed to set iommu for container: Operation not permitted` is none:
  /// there the claim went well and the interrupts are not remapped.
  private static func refusedClaim(_ line: Span<UInt8>) -> Int? {
    guard line.contains("Operation not permitted") else { return nil }
    if line.contains("ailed to set group container: Operation not permitted") {
      return line.firstIndex(of: " container for group ")
        ?? line.firstIndex(of: "ailed to set group container")
    }
    if let place = line.firstIndex(of: "ailed to set container for group ") { return place }
    return line.firstIndex(of: "error bind device fd=")
      ?? line.firstIndex(of: "cannot add VFIO group to container")
  }

  /// Lines that belong to such logs and say nothing by themselves. A shell's `write error` on `bind` may mean that the
  /// group is owned, or only that the device has a driver: a hint for people, no fact.
  mutating func isKnown(_ line: Span<UInt8>) -> Bool {
    if isInCommandLine {
      isInCommandLine = line.hasSuffix(" \\")
      return true
    }
    if line.contains("starting up libvirt version") {
      isInCommandLine = true
      return true
    }
    return line.hasText("vfio ", at: 0) || line.hasText("EAL: ", at: 0) || line.hasText("== ", at: 0)
      || line.hasText("error: Failed to start domain", at: 0)
      || line.hasText("char device redirected to ", at: 0)
      || line.contains("write error: ") || line.contains("vfio-pci,host=") || line.contains("qemu-system-")
      || line.contains("qemu-kvm: ") || line.contains(": vfio ") || line.contains("internal error: ")
      || line.contains("Please ensure all devices within the iommu_group are bound")
      || line.contains("Verify all devices in group ") || isOfDaemon(line)
  }

  /// `2026-11-22 08:15:26.654+0000: 1234: error : …`, `2026-11-22 08:15:27.000+0000: shutting down, reason=failed`
  private func isOfDaemon(_ line: Span<UInt8>) -> Bool {
    guard line.count > 30, line[0].isDigit else { return false }
    var cursor = ByteCursor(line)
    return WallClock.take(&cursor) == .iso && cursor.take(": ")
  }

  /// Whether the words before `place` begin with a quotation mark: then somebody speaks of a refusal, as this program's own
  /// README does. Every program puts the device, or its own name, in front.
  private static func isQuoted(before place: Int, _ line: Span<UInt8>) -> Bool {
    var start = place
    while start > 0, line[start - 1].isDigit || line[start - 1] == 0x20 { start -= 1 }
    for word: StaticString in ["group", "VFIO "] where line.hasText(word, at: start - word.utf8CodeUnitCount)
    {
      start -= word.utf8CodeUnitCount
    }
    return start > 0 && "\"'`".utf8.contains(line[start - 1])
  }

  /// `group 45` right before `place`.
  private static func group(before place: Int, _ line: Span<UInt8>) -> Int? {
    var start = place
    while start > 0, line[start - 1].isDigit { start -= 1 }
    guard start < place, line.hasText("group ", at: start - 6) else { return nil }
    var cursor = ByteCursor(line, at: start)
    return cursor.takeDecimal()
  }

  /// The number behind the next `for group `.
  private static func group(at place: Int, _ line: Span<UInt8>) -> Int? {
    guard let next = line.firstIndex(of: "for group ", from: place) else { return nil }
    var cursor = ByteCursor(line, at: next + 10)
    return cursor.takeDecimal()
  }

  /// Of whom a line speaks: `vfio DEVICE: ` in front, which names devices of every bus, or else the last PCI address.
  private static func device(_ line: Span<UInt8>, before place: Int, _ names: inout NameTable) -> NameID? {
    if let name = named(line, before: place) {
      guard let address = PCIAddress.take(name, at: 0), address.upperBound == name.count else {
        return names.intern(name)
      }
      return names.intern(PCIAddress.full(name, address).span)
    }
    var found: NameID?
    var start = 0
    while let dot = line.firstIndex(of: 0x2E, from: start), dot < place {
      start = dot + 1
      guard let range = PCIAddress.range(around: dot, in: line) else { continue }
      found = names.intern(PCIAddress.full(line, range).span)
    }
    return found
  }

  @_lifetime(copy line)
  private static func named(_ line: Span<UInt8>, before place: Int) -> Span<UInt8>? {
    var word: Int?
    var start = 0
    while let next = line.firstIndex(of: "vfio ", from: start), next < place {
      word = next + 5
      start = next + 5
    }
    guard let word else { return nil }
    var end = word
    while end < place, line[end] != 0x20 { end += 1 }
    guard end > word + 1, line[end - 1] == 0x3A, !line.hasText("error", at: word) else { return nil }
    return line.extracting(word..<end - 1)
  }
}
