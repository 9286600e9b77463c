/// What a line of a user-space log or of a listing of groups says.
package enum IncidentFact: Sendable, Equatable {
  /// VFIO refused a group: QEMU's, libvirt's or DPDK's words. Group or device may be missing.
  case refused(group: Int?, device: NameID?)
  /// The same program got the group after all.
  case granted(group: Int)
  /// A device is in a group.
  case member(device: NameID, group: Int)
  /// A device has a driver, or none.
  case driver(device: NameID, driver: NameID?)
  /// Both in one line.
  case placed(device: NameID, group: Int, driver: NameID?)
}

/// Lines of QEMU, libvirt and DPDK that bear on a refused group, in all wordings and whatever wraps them.
///
///     `vfio: error, group 1 is not viable, please ensure …`                         to 2.7
///     `vfio error: 0000:01:00.0: group 1 is not viable`                             2.8 to 3.0
///     `-device vfio-pci,host=0000:01:00.0: vfio 0000:01:00.0: group 1 is not viable`  from 3.1
///     `vfio 0000:01:00.0: error bind device fd=23 to iommufd=22: Operation not permitted`
///     `EAL: 0000:01:00.0 VFIO group is not viable!`                                 DPDK
enum UserSpaceLog {
  /// The fact in a line; `nil` where it holds none.
  static func fact(_ line: Span<UInt8>, names: inout NameTable) -> IncidentFact? {
    if let place = line.firstIndex(of: " is not viable") {
      return .refused(group: group(before: place, line), device: device(line, &names))
    }
    if line.contains("VFIO group is not viable") { return .refused(group: nil, device: device(line, &names)) }
    if let place = line.firstIndex(of: " container for group "), line.contains("Operation not permitted") {
      var cursor = ByteCursor(line, at: place + 21)
      return .refused(group: cursor.takeDecimal(), device: device(line, &names))
    }
    if line.contains("error bind device fd="), line.contains("Operation not permitted") {
      return .refused(group: nil, device: device(line, &names))
    }
    if line.hasSuffix(" viable"), let place = line.firstIndex(of: ": group ") {
      var cursor = ByteCursor(line, at: place + 8)
      return cursor.takeDecimal().map { .granted(group: $0) }
    }
    return nil
  }

  /// Lines that belong to such logs and say nothing by themselves.
  static func isKnown(_ line: Span<UInt8>) -> Bool {
    line.contains("Please ensure all devices within the iommu_group are bound")
      || line.contains("write error: Device or resource busy") || line.hasText("== ", at: 0)
      || line.hasText("vfio ", at: 0) || line.contains("vfio-pci,host=") || line.contains("qemu-system-")
      || line.contains("shutting down, reason=") || line.hasText("EAL: ", at: 0)
      || line.contains("qemuProcessReportLogError") || line.contains("starting up libvirt version")
  }

  /// `group 45` right before `place`.
  private static func group(before place: Int, _ line: Span<UInt8>) -> Int? {
    var start = place
    while start > 0, line[start - 1].isDigit { start -= 1 }
    guard start < place, line.hasText("group ", at: start - 6) else { return nil }
    var cursor = ByteCursor(line, at: start)
    return cursor.takeDecimal()
  }

  /// The last PCI address of a line: `host=` may leave out the domain, `vfio BDF:` never does.
  private static func device(_ line: Span<UInt8>, _ names: inout NameTable) -> NameID? {
    var found: NameID?
    var start = 0
    while let dot = line.firstIndex(of: 0x2E, from: start) {
      start = dot + 1
      guard let range = PCIAddress.range(around: dot, in: line) else { continue }
      found = names.intern(PCIAddress.full(line, range).span)
    }
    return found
  }
}

/// PCI addresses in text: `0000:03:00.0`, and `03:00.0` where the domain is left out.
enum PCIAddress {
  /// The address whose dot stands at `dot`.
  static func range(around dot: Int, in line: Span<UInt8>) -> Range<Int>? {
    guard dot >= 5, dot + 1 < line.count, line[dot + 1].hexValue != nil,
      dot + 2 >= line.count || !line[dot + 2].isWord
    else { return nil }
    for offset in [1, 2, 4, 5] where line[dot - offset].hexValue == nil { return nil }
    guard line[dot - 3] == 0x3A else { return nil }
    var start = dot - 5
    if start >= 5, line[start - 1] == 0x3A {
      var digits = start - 1
      while digits > 0, line[digits - 1].hexValue != nil { digits -= 1 }
      if start - 1 - digits >= 4 { start = digits }
    }
    return start..<dot + 2
  }

  /// The address with its domain.
  static func full(_ line: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
    var bytes: [UInt8] = range.count == 7 ? Array("0000:".utf8) : []
    for index in range { bytes.append(line[index]) }
    return bytes
  }

  /// The address at `start`.
  static func take(_ line: Span<UInt8>, at start: Int) -> Range<Int>? {
    guard let dot = line.firstIndex(of: 0x2E, from: start), dot - start <= 16,
      let range = range(around: dot, in: line), range.lowerBound == start
    else { return nil }
    return range
  }
}
