/// What a message of the kernel log says about groups, probes and ownership, whatever stands around it: the text of
/// a `printk:console` event, or a log line without its prefix.
///
/// Messages are told by their distinctive middle, never by their beginning: dynamic debug decorates them, and
/// `dev_*` puts driver and device in front. Wordings by version: formats.md 8.9.
package enum KernelMessage: Sendable, Equatable {
  /// `pci 0000:00:02.0: Adding to iommu group 2`
  case added(device: NameID, group: Int)
  /// `pci 0000:00:02.0: Removing from iommu group 2`
  case removed(device: NameID, group: Int)
  /// `really_probe: probing driver e1000e with device 0000:00:02.0`: a window is about to use its group.
  case probing(device: NameID, driver: NameID)
  /// `driver_bound: bound to device …`, `really_probe: bound device … to driver …`
  case bound(device: NameID, driver: NameID?)
  /// `probe of 0000:00:02.0 [with driver e1000e ]returned 0 after 108686 usecs` (initcall_debug)
  case returned(device: NameID, driver: NameID?, result: Int, microseconds: Int)
  /// `WARNING: … iommu_device_unuse_default_domain+0x4f/0x60 …` in both banners
  case warning(KernelFunction?)
  /// `Linux version 6.1.30 (…`: a boot begins.
  case boot(release: NameID)
  /// `sched_clock: Marking stable (A, B)->(C, D)`: D is what printk adds to the raw clock, in nanoseconds.
  case clockStable(offset: Int64)
  /// `Unstable clock detected, switching default tracing clock to "global"`: the trace buffers were emptied.
  case traceReset

  /// Reads a message; `nil` where it says nothing of these.
  package static func parse(_ text: Span<UInt8>, names: inout NameTable) -> KernelMessage? {
    if text.count < 12 { return nil }
    if let place = text.firstIndex(of: "iommu group ") { return membership(text, place, &names) }
    if let place = text.firstIndex(of: "really_probe: ") { return probe(text, place + 14, &names) }
    if let place = text.firstIndex(of: "driver_bound: bound to device") {
      return driverBound(text, place, &names)
    }
    if let place = text.firstIndex(of: "probe of ") { return initcall(text, place + 9, &names) }
    if text.hasText("WARNING: ", at: 0) { return .warning(warned(text)) }
    if text.hasText("Linux version ", at: 0) {
      return .boot(release: names.intern(word(text, at: 14)))
    }
    if let place = text.firstIndex(of: "sched_clock: Marking stable (") { return clock(text, place + 29) }
    return text.contains("Unstable clock detected, switching default tracing clock") ? .traceReset : nil
  }

  // MARK: - One wording each

  private static func membership(_ text: Span<UInt8>, _ place: Int, _ names: inout NameTable)
    -> KernelMessage?
  {
    var cursor = ByteCursor(text, at: place + 12)
    guard let group = cursor.takeDecimal() else { return nil }
    if text.hasText("Adding to ", at: place - 10), let device = prefixDevice(text, before: place - 10) {
      return .added(device: names.intern(device), group: group)
    }
    if text.hasText("Removing from ", at: place - 14), let device = prefixDevice(text, before: place - 14) {
      return .removed(device: names.intern(device), group: group)
    }
    return nil
  }

  /// `probing driver X with device[ D]`, `bound device[ D] to driver X`; without D it stands in the prefix.
  private static func probe(_ text: Span<UInt8>, _ start: Int, _ names: inout NameTable) -> KernelMessage? {
    if text.hasText("probing driver ", at: start) {
      guard let with = text.firstIndex(of: " with device", from: start + 15) else { return nil }
      let driver = text.extracting(start + 15..<with)
      let named = word(text, at: with + 13)
      if !named.isEmpty { return .probing(device: names.intern(named), driver: names.intern(driver)) }
      guard let device = busDevice(text) else { return nil }
      return .probing(device: names.intern(device), driver: names.intern(driver))
    }
    guard text.hasText("bound device ", at: start) else { return nil }
    if text.hasText("to driver ", at: start + 13) {
      guard let device = busDevice(text) else { return nil }
      return .bound(device: names.intern(device), driver: names.intern(rest(text, at: start + 23)))
    }
    guard let to = text.firstIndex(of: " to driver ", from: start + 13) else { return nil }
    return .bound(
      device: names.intern(text.extracting(start + 13..<to)), driver: names.intern(rest(text, at: to + 11)))
  }

  /// `driver: 'e1000e': driver_bound: bound to device '0000:00:02.0'` or, later, the device in the prefix.
  private static func driverBound(_ text: Span<UInt8>, _ place: Int, _ names: inout NameTable)
    -> KernelMessage?
  {
    guard let open = text.firstIndex(of: "driver: '"), open < place,
      let close = text.firstIndex(of: "': driver_bound", from: open)
    else { return nil }
    let driver = names.intern(text.extracting(open + 9..<close))
    if text.hasText(" '", at: place + 29) {
      let start = place + 31
      var end = text.count
      while end > start, text[end - 1] == 0x27 || text[end - 1] == 0x20 { end -= 1 }
      return .bound(device: names.intern(text.extracting(start..<end)), driver: driver)
    }
    guard let device = prefixDevice(text, before: open) else { return nil }
    return .bound(device: names.intern(device), driver: driver)
  }

  private static func initcall(_ text: Span<UInt8>, _ start: Int, _ names: inout NameTable) -> KernelMessage?
  {
    guard let returned = text.firstIndex(of: " returned ", from: start) else { return nil }
    var cursor = ByteCursor(text, at: returned + 10)
    guard let result = ProbeFields.number(text, at: cursor.index) else { return nil }
    _ = cursor.take("-")
    _ = cursor.takeDecimal()
    guard cursor.take(" after "), let micros = cursor.takeDecimal() else { return nil }
    var end = returned
    var driver: NameID?
    if let with = text.firstIndex(of: " with driver ", from: start), with < returned {
      driver = names.intern(text.extracting(with + 13..<returned))
      end = with
    }
    return .returned(
      device: names.intern(text.extracting(start..<end)), driver: driver, result: Int(result),
      microseconds: micros)
  }

  /// The function that warned: `at FILE:LINE func+0x38/0x90` or `at func+0x3a0/0x608, CPU#7: …`.
  private static func warned(_ text: Span<UInt8>) -> KernelFunction? {
    var start = 0
    while let plus = text.firstIndex(of: "+0x", from: start) {
      var first = plus
      while first > 0, text[first - 1].isSymbol { first -= 1 }
      if first < plus { return KernelFunction.named(text.extracting(first..<plus)) }
      start = plus + 3
    }
    return nil
  }

  private static func clock(_ text: Span<UInt8>, _ start: Int) -> KernelMessage? {
    guard let arrow = text.firstIndex(of: ")->(", from: start),
      let comma = text.firstIndex(of: ", ", from: arrow),
      let offset = ProbeFields.number(text, at: comma + 2)
    else { return nil }
    return .clockStable(offset: offset)
  }

  // MARK: - Names

  /// `pci 0000:00:02.0: ` before `place`: driver or bus, then the device.
  @_lifetime(copy text)
  private static func prefixDevice(_ text: Span<UInt8>, before place: Int) -> Span<UInt8>? {
    var end = place
    while end > 0, text[end - 1] == 0x20 { end -= 1 }
    guard end > 1, text[end - 1] == 0x3A else { return nil }
    var start = end - 1
    while start > 0, text[start - 1] != 0x20 { start -= 1 }
    return start < end - 1 ? text.extracting(start..<end - 1) : nil
  }

  /// The device in `pci 0000:00:02.0: bus: 'pci': really_probe: …`.
  @_lifetime(copy text)
  private static func busDevice(_ text: Span<UInt8>) -> Span<UInt8>? {
    guard let bus = text.firstIndex(of: ": bus: '") else { return nil }
    return prefixDevice(text, before: bus + 1)
  }

  @_lifetime(copy text)
  private static func word(_ text: Span<UInt8>, at start: Int) -> Span<UInt8> {
    var end = min(start, text.count)
    while end < text.count, text[end] != 0x20 { end += 1 }
    return text.extracting(min(start, end)..<end)
  }

  @_lifetime(copy text)
  private static func rest(_ text: Span<UInt8>, at start: Int) -> Span<UInt8> {
    var end = text.count
    while end > start, text[end - 1] == 0x20 { end -= 1 }
    return text.extracting(min(start, end)..<end)
  }
}
