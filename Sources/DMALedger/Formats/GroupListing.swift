/// Listings of groups and drivers, as people make them:
///
///     /sys/kernel/iommu_groups/9/devices/0000:02:02.0         find -type l
///     0000:02:02.0 group=9 driver=e1000                       a table
///     IOMMU Group 9 02:02.0 Ethernet controller [0200]: …     the popular shell loop, one line a device
///     IOMMU Group 9:                                          … or the group first and its devices below
///     	02:02.0 Ethernet controller [0200]: …
///     	Kernel driver in use: e1000                             lspci -nnk
struct GroupListing {
  /// The group whose devices are listed below it.
  private var group: Int?
  /// The device whose driver follows.
  private var device: NameID?

  /// The fact in a line; `nil` where it holds none.
  mutating func fact(_ line: Span<UInt8>, names: inout NameTable) -> IncidentFact? {
    if let place = line.firstIndex(of: "/iommu_groups/") { return link(line, place + 14, &names) }
    if let place = line.firstIndex(of: " group="), let address = PCIAddress.take(line, at: 0),
      address.upperBound == place
    {
      return row(line, address, place + 7, &names)
    }
    var cursor = ByteCursor(line)
    while cursor.peek() == 0x20 || cursor.peek() == 0x09 || cursor.peek() == 0x2D { cursor.index += 1 }
    if cursor.take("IOMMU Group ") || cursor.take("IOMMU group ") || cursor.take("Group ") {
      return heading(line, &cursor, &names)
    }
    if line.hasText("Kernel driver in use: ", at: cursor.index), let device {
      let driver = line.extracting(cursor.index + 22..<line.count)
      return .driver(device: device, driver: names.intern(driver))
    }
    if let address = PCIAddress.take(line, at: cursor.index), address.upperBound < line.count,
      line[address.upperBound] == 0x20
    {
      let name = names.intern(PCIAddress.full(line, address).span)
      device = name
      return group.map { .member(device: name, group: $0) } ?? .driver(device: name, driver: nil)
    }
    return nil
  }

  /// Lines that `lspci -nnk` prints between those that say something.
  func isKnown(_ line: Span<UInt8>) -> Bool {
    guard device != nil || group != nil else { return false }
    var cursor = ByteCursor(line)
    while cursor.peek() == 0x20 || cursor.peek() == 0x09 { cursor.index += 1 }
    return cursor.index > 0
      && (line.hasText("Subsystem: ", at: cursor.index) || line.hasText("DeviceName: ", at: cursor.index)
        || line.hasText("Kernel modules: ", at: cursor.index))
  }

  private mutating func link(_ line: Span<UInt8>, _ start: Int, _ names: inout NameTable) -> IncidentFact? {
    var cursor = ByteCursor(line, at: start)
    guard let group = cursor.takeDecimal(), cursor.take("/devices/") else { return nil }
    var end = cursor.index
    while end < line.count, line[end] != 0x20, line[end] != 0x2F { end += 1 }
    guard end > cursor.index else { return nil }
    return .member(device: names.intern(line.extracting(cursor.index..<end)), group: group)
  }

  /// `0000:02:02.0 group=9 driver=e1000`; an empty driver is none.
  private func row(
    _ line: Span<UInt8>, _ address: Range<Int>, _ start: Int, _ names: inout NameTable
  ) -> IncidentFact? {
    var cursor = ByteCursor(line, at: start)
    guard let group = cursor.takeDecimal() else { return nil }
    var driver: NameID?
    if cursor.take(" driver="), !cursor.isAtEnd {
      driver = names.intern(line.extracting(cursor.index..<line.count))
    }
    return .placed(device: names.intern(PCIAddress.full(line, address).span), group: group, driver: driver)
  }

  @_lifetime(cursor: copy cursor)
  private mutating func heading(
    _ line: Span<UInt8>, _ cursor: inout ByteCursor, _ names: inout NameTable
  ) -> IncidentFact? {
    guard let number = cursor.takeDecimal() else { return nil }
    group = number
    _ = cursor.take(":")
    while cursor.peek() == 0x20 || cursor.peek() == 0x09 { cursor.index += 1 }
    guard let address = PCIAddress.take(line, at: cursor.index) else { return nil }
    let name = names.intern(PCIAddress.full(line, address).span)
    device = name
    return .member(device: name, group: number)
  }
}
