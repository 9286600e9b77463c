/// Listings of groups and drivers, as people make them:
///
///     /sys/kernel/iommu_groups/9/devices/0000:02:02.0         find -type l, ls -l
///     /sys/kernel/iommu_groups/9/devices:                     ls -l of a folder, its entries below
///     0000:02:02.0 group=9 driver=e1000                       a table, columns in any order
///     IOMMU Group 9 02:02.0 Ethernet controller [0200]: …     the popular shell loop, one line a device
///     IOMMU Group 9:                                          … or the group first and its devices below
///     	02:02.0 Ethernet controller [0200]: …
///     	Kernel driver in use: e1000                             lspci -nnk
///     /sys/bus/pci/devices/0000:02:02.0/driver -> ../../../bus/pci/drivers/e1000
struct GroupListing {
  /// The group whose devices are listed below it, and how far its first device is indented.
  private var group: (number: Int, indent: Int?)?
  /// The group whose folder is listed below.
  private var folder: Int?
  /// The device whose driver follows.
  private var device: NameID?

  /// The fact in a line; `nil` where it holds none.
  mutating func fact(_ line: Span<UInt8>, names: inout NameTable) -> IncidentFact? {
    if let place = line.firstIndex(of: "/iommu_groups/") { return groupLink(line, place + 14, &names) }
    if let place = line.firstIndex(of: "/drivers/"), isBehindBus(line, place) {
      return driverLink(line, place, &names)
    }
    if line.contains("group=") || line.contains("driver=") { return row(line, &names) }
    var cursor = ByteCursor(line)
    while cursor.peek() == 0x20 || cursor.peek() == 0x09 || cursor.peek() == 0x2D { cursor.index += 1 }
    let indent = cursor.index
    if takeGroup(&cursor) { return heading(line, &cursor, &names) }
    if let device {
      if line.hasText("Kernel driver in use: ", at: indent) {
        return .driver(device: device, driver: names.intern(line.extracting(indent + 22..<line.count)))
      }
      if cursor.take("IOMMU group: "), let number = cursor.takeDecimal() {
        return .member(device: device, group: number)
      }
    }
    if let folder, let entry = folderEntry(line) {
      return .member(device: names.intern(entry), group: folder)
    }
    guard let address = PCIAddress.take(line, at: indent), address.upperBound < line.count,
      line[address.upperBound] == 0x20
    else { return nil }
    return listed(names.intern(PCIAddress.full(line, address).span), indent: indent)
  }

  /// Lines that belong to a listing and say nothing. Any other ends what stood above it.
  mutating func isKnown(_ line: Span<UInt8>) -> Bool {
    if line.contains("/sys/kernel/iommu_groups") {
      noteFolder(line)
      return true
    }
    if line.hasText("/sys/bus/", at: 0) || folder != nil && line.hasText("total ", at: 0) { return true }
    var cursor = ByteCursor(line)
    if group != nil, takeGroup(&cursor) { return true }
    // lspci and the shell loop indent everything that belongs to a device.
    if device != nil || group != nil, line[0] == 0x20 || line[0] == 0x09 { return true }
    end()
    return false
  }

  /// A blank line, or one of something else: what follows belongs to nothing above it.
  mutating func end() {
    group = nil
    folder = nil
    device = nil
  }

  // MARK: - lspci and the shell loop

  /// `IOMMU Group 9`, `Group:  9 `
  @_lifetime(cursor: copy cursor)
  private func takeGroup(_ cursor: inout ByteCursor) -> Bool {
    let start = cursor.index
    if cursor.take("IOMMU Group ") || cursor.take("IOMMU group ") || cursor.take("IOMMU GROUP ")
      || cursor.take("IOMMU_GROUP ") || cursor.take("Group ") || cursor.take("Group: ")
    {
      cursor.skipBlanks()
      if cursor.peek().isDigit { return true }
    }
    cursor.index = start
    return false
  }

  @_lifetime(cursor: copy cursor)
  private mutating func heading(
    _ line: Span<UInt8>, _ cursor: inout ByteCursor, _ names: inout NameTable
  ) -> IncidentFact? {
    guard let number = cursor.takeDecimal() else { return nil }
    let hasColon = cursor.take(":")
    while cursor.peek() == 0x20 || cursor.peek() == 0x09 { cursor.index += 1 }
    if cursor.isAtEnd {
      group = (number, nil)
      device = nil
      return nil
    }
    guard let address = PCIAddress.take(line, at: cursor.index) else {
      if hasColon { group = (number, nil) }
      return nil
    }
    let name = names.intern(PCIAddress.full(line, address).span)
    device = name
    group = nil
    return .member(device: name, group: number)
  }

  /// A device on a line of its own: a member of the group above as long as it stands as far in as the first one.
  private mutating func listed(_ name: NameID, indent: Int) -> IncidentFact {
    device = name
    guard let above = group, above.indent ?? indent == indent else {
      group = nil
      return .driver(device: name, driver: nil)
    }
    group = (above.number, indent)
    return .member(device: name, group: above.number)
  }

  // MARK: - Links

  /// `/iommu_groups/9/devices/NAME`, or a device's link to its group: `…/NAME/iommu_group -> …/iommu_groups/9`.
  private mutating func groupLink(
    _ line: Span<UInt8>, _ start: Int, _ names: inout NameTable
  ) -> IncidentFact? {
    var cursor = ByteCursor(line, at: start)
    guard let number = cursor.takeDecimal() else { return nil }
    if cursor.take("/devices/") {
      let name = component(line, from: cursor.index)
      return name.isEmpty ? nil : .member(device: names.intern(name), group: number)
    }
    guard cursor.isAtEnd || cursor.peek() == 0x20, let link = line.firstIndex(of: "/iommu_group", from: 0),
      link < start - 14, let name = lastComponent(line, before: link)
    else { return nil }
    return .member(device: names.intern(name), group: number)
  }

  /// `/sys/bus/pci/devices/NAME/driver -> …/drivers/e1000`, `/sys/bus/pci/devices/NAME …/drivers/e1000`,
  /// `/sys/bus/pci/drivers/e1000/NAME`
  private func driverLink(_ line: Span<UInt8>, _ place: Int, _ names: inout NameTable) -> IncidentFact? {
    let driver = component(line, from: place + 9)
    guard !driver.isEmpty else { return nil }
    let behind = place + 9 + driver.count
    if behind < line.count, line[behind] == 0x2F {
      let name = component(line, from: behind + 1)
      guard isDevice(name) else { return nil }
      return .driver(device: names.intern(name), driver: names.intern(driver))
    }
    // Where the link stands: its last component, or the one before `driver`.
    var end = place
    while end > 0, line[end - 1] != 0x20, line[end - 1] != 0x09 { end -= 1 }
    while end > 0, line[end - 1] == 0x20 || line[end - 1] == 0x09 || line[end - 1] == 0x3A { end -= 1 }
    if end > 2, line.hasText("->", at: end - 2) { end -= 2 }
    while end > 0, line[end - 1] == 0x20 || line[end - 1] == 0x3D || line[end - 1] == 0x3A { end -= 1 }
    if end > 7, line.hasText("/driver", at: end - 7) { end -= 7 }
    guard let name = lastComponent(line, before: end), isDevice(name) else { return nil }
    return .driver(device: names.intern(name), driver: names.intern(driver))
  }

  /// `bus/pci` in front of `/drivers/`: paths of source files have folders of that name too.
  private func isBehindBus(_ line: Span<UInt8>, _ place: Int) -> Bool {
    var start = place
    while start > 0, line[start - 1] != 0x2F, line[start - 1] != 0x20 { start -= 1 }
    return line.hasText("bus/", at: start - 4)
  }

  /// `/sys/kernel/iommu_groups/9/devices:`: its entries follow.
  private mutating func noteFolder(_ line: Span<UInt8>) {
    folder = nil
    guard line.hasSuffix("/devices:"), let place = line.firstIndex(of: "/iommu_groups/") else { return }
    var cursor = ByteCursor(line, at: place + 14)
    folder = cursor.takeDecimal()
  }

  /// `lrwxrwxrwx 1 root root 0 Nov 22 08:15 0000:02:02.0 -> ../../../../devices/…`, or the name alone.
  @_lifetime(copy line)
  private func folderEntry(_ line: Span<UInt8>) -> Span<UInt8>? {
    let end = line.firstIndex(of: " -> ") ?? line.count
    var start = end
    while start > 0, line[start - 1] != 0x20 { start -= 1 }
    let name = line.extracting(start..<end)
    guard end < line.count || start == 0, isDevice(name) else { return nil }
    return name
  }

  // MARK: - Tables

  /// `0000:02:02.0 group=9 driver=e1000`, columns in any order, parted by blanks or tabs; an empty driver is none.
  private func row(_ line: Span<UInt8>, _ names: inout NameTable) -> IncidentFact? {
    var group: Int?
    var driver: NameID?
    var tellsDriver = false
    var device: Range<Int>?
    var index = 0
    while index < line.count {
      if line[index] == 0x20 || line[index] == 0x09 {
        index += 1
        continue
      }
      let start = index
      while index < line.count, line[index] != 0x20, line[index] != 0x09 { index += 1 }
      let token = line.extracting(start..<index)
      guard let equals = token.firstIndex(of: 0x3D) else {
        // One name, and nothing that would make it a sentence.
        guard device == nil, isDevice(token) else { return nil }
        device = start..<index
        continue
      }
      let key = token.extracting(0..<equals)
      let value = token.extracting(equals + 1..<token.count)
      if key.is("group") || key.is("iommu_group") {
        var number = ByteCursor(value)
        group = number.takeDecimal()
        guard number.isAtEnd else { return nil }
      } else if key.is("driver") {
        tellsDriver = true
        if !value.isEmpty, !value.is("none"), !value.is("(none)"), !value.is("-") {
          driver = names.intern(value)
        }
      } else if key.is("device") || key.is("dev") {
        guard device == nil, isDevice(value) else { return nil }
        device = start + equals + 1..<index
      }
    }
    guard let device, group != nil || tellsDriver else { return nil }
    var name = line.extracting(device)
    let full: [UInt8]
    if let address = PCIAddress.take(name, at: 0), address.upperBound == name.count {
      full = PCIAddress.full(name, address)
      name = full.span
    }
    let id = names.intern(name)
    guard let group else { return .driver(device: id, driver: driver) }
    return tellsDriver ? .placed(device: id, group: group, driver: driver) : .member(device: id, group: group)
  }

  // MARK: - Names

  /// Device names have a number and one of the marks that buses put between the parts: `0000:02:02.0`,
  /// `fe9c0000.ethernet`, `dpni.3`, UUIDs of mediated devices.
  private func isDevice(_ name: Span<UInt8>) -> Bool {
    var hasDigit = false
    var hasMark = false
    for index in 0..<name.count {
      let byte = name[index]
      switch byte {
      case 0x3A, 0x2E, 0x2D: hasMark = true
      case _ where byte.isDigit: hasDigit = true
      case _ where byte.isWord || byte == 0x40 || byte == 0x2B || byte == 0x23: continue
      default: return false
      }
    }
    return hasDigit && hasMark && name.count > 2
  }

  @_lifetime(copy line)
  private func component(_ line: Span<UInt8>, from start: Int) -> Span<UInt8> {
    var end = start
    while end < line.count, line[end] != 0x20, line[end] != 0x2F, line[end] != 0x09,
      line[end] != 0x3A || isInName(line, end)
    {
      end += 1
    }
    return line.extracting(start..<end)
  }

  /// A colon inside a PCI address, not one behind a path.
  private func isInName(_ line: Span<UInt8>, _ colon: Int) -> Bool {
    colon + 1 < line.count && line[colon + 1] != 0x20
  }

  @_lifetime(copy line)
  private func lastComponent(_ line: Span<UInt8>, before end: Int) -> Span<UInt8>? {
    var start = end
    while start > 0, line[start - 1] != 0x2F, line[start - 1] != 0x20, line[start - 1] != 0x09 { start -= 1 }
    return start < end ? line.extracting(start..<end) : nil
  }
}
