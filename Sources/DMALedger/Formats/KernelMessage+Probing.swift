/// Messages of the driver core: matches, probes, binds, deferrals.
extension KernelMessage {
  static func probing(_ text: Span<UInt8>, _ names: inout NameTable) -> KernelMessage? {
    if let place = text.firstIndex(of: "really_probe: ") { return probe(text, place + 14, &names) }
    if let place = text.firstIndex(of: "driver_bound: bound to device") {
      return driverBound(text, place, &names)
    }
    if let place = text.firstIndex(of: "probe_device: matched device ") {
      guard let pair = pair(text, from: place + 28, between: " with driver ", &names) else { return nil }
      return .matched(device: pair.device, driver: pair.driver)
    }
    if let place = text.firstIndex(of: "probe of ") {
      return returned(text, place + 9, &names) ?? failure(text, place, nameBehind: 9, &names)
    }
    if let place = text.firstIndex(of: "probe with driver ") {
      return failure(text, place, nameBehind: 18, &names)
    }
    return deferral(text, &names) ?? initcall(text, &names)
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
    guard text.hasText("bound device ", at: start),
      let pair = pair(text, from: start + 12, between: " to driver ", &names)
    else { return nil }
    return .bound(device: pair.device, driver: pair.driver)
  }

  /// `[ D] with driver X` from `start` on; without D the device stands in the prefix.
  private static func pair(
    _ text: Span<UInt8>, from start: Int, between: StaticString, _ names: inout NameTable
  ) -> (device: NameID, driver: NameID)? {
    guard let middle = text.firstIndex(of: between, from: start) else { return nil }
    let driver = rest(text, at: middle + between.utf8CodeUnitCount)
    guard !driver.isEmpty else { return nil }
    if middle > start + 1 {
      return (names.intern(text.extracting(start + 1..<middle)), names.intern(driver))
    }
    guard let device = busDevice(text) else { return nil }
    return (names.intern(device), names.intern(driver))
  }

  /// `driver: 'e1000e': driver_bound: bound to device '0000:00:02.0'` or, later, the device in the prefix.
  private static func driverBound(_ text: Span<UInt8>, _ place: Int, _ names: inout NameTable)
    -> KernelMessage?
  {
    guard let open = text.firstIndex(of: "driver: '"), open < place,
      let close = text.firstIndex(of: "': driver_bound", from: open + 9)
    else { return nil }
    let driver = names.intern(text.extracting(open + 9..<close))
    if text.hasText(" '", at: place + 29) {
      let start = place + 31
      var end = text.count
      while end > start, text[end - 1] == 0x27 || text[end - 1] == 0x20 { end -= 1 }
      return .bound(device: names.intern(text.extracting(start..<end)), driver: driver)
    }
    guard let device = prefixName(text, before: open) else { return nil }
    return .bound(device: names.intern(device), driver: driver)
  }

  private static func returned(_ text: Span<UInt8>, _ start: Int, _ names: inout NameTable) -> KernelMessage?
  {
    guard let returned = text.firstIndex(of: " returned ", from: start),
      let outcome = outcome(text, at: returned + 10)
    else { return nil }
    var end = returned
    var driver: NameID?
    // The two phrases may share a blank: then there is no name between them.
    if let with = text.firstIndex(of: " with driver ", from: start), with + 13 <= returned {
      driver = names.intern(text.extracting(with + 13..<returned))
      end = with
    }
    return .returned(
      device: names.intern(text.extracting(start..<end)), driver: driver, result: outcome.result,
      microseconds: outcome.microseconds)
  }

  /// `-16 after 13 usecs`
  private static func outcome(_ text: Span<UInt8>, at start: Int) -> (result: Int, microseconds: Int)? {
    guard let result = ProbeFields.number(text, at: start) else { return nil }
    var cursor = ByteCursor(text, at: start)
    _ = cursor.take("-")
    _ = cursor.takeDecimal()
    guard cursor.take(" after "), let micros = cursor.takeDecimal() else { return nil }
    return (Int(result), micros)
  }

  /// `X: probe of D failed with error -22`, `X D: probe with driver X failed with error -22`, `… rejects match -19`.
  private static func failure(
    _ text: Span<UInt8>, _ place: Int, nameBehind length: Int, _ names: inout NameTable
  ) -> KernelMessage? {
    let start = place + length
    let failed = text.firstIndex(of: " failed with error ", from: start)
    let rejects = text.firstIndex(of: " rejects match ", from: start)
    guard let middle = failed ?? rejects, middle > start,
      let error = ProbeFields.number(text, at: middle + (failed != nil ? 19 : 15)),
      let front = prefixName(text, before: place)
    else { return nil }
    let isOfDevice = length == 9
    let inner = names.intern(text.extracting(start..<middle))
    let outer = names.intern(front)
    let device = isOfDevice ? inner : outer
    let driver = isOfDevice ? outer : inner
    return failed != nil
      ? .failed(device: device, driver: driver, error: Int(error))
      : .rejected(device: device, driver: driver, error: Int(error))
  }

  private static func deferral(_ text: Span<UInt8>, _ names: inout NameTable) -> KernelMessage? {
    guard text.contains("defer") || text.contains("Device not ready to probe") else { return nil }
    if let place = text.firstIndex(of: ": Driver ") {
      guard
        let end = text.firstIndex(of: " requests probe deferral", from: place)
          ?? text.firstIndex(of: " force probe deferral", from: place), end > place + 9,
        let device = prefixName(text, before: place + 1)
      else { return nil }
      return .deferred(
        device: names.intern(device), driver: names.intern(text.extracting(place + 9..<end)))
    }
    if let place = text.firstIndex(of: "Retrying from deferred list") {
      return prefixed(text, place, &names).map { .retried(device: $0) }
    }
    guard
      let place = text.firstIndex(of: "deferred probe pending") ?? text.firstIndex(
        of: "Added to deferred list")
        ?? text.firstIndex(of: "Device not ready to probe")
    else { return nil }
    return prefixed(text, place, &names).map { .deferred(device: $0, driver: nil) }
  }

  /// `calling  vfio_init+0x0/0x70 [vfio] @ 239`, `initcall vfio_init+0x0/0x70 [vfio] returned 0 after 15991 usecs`
  private static func initcall(_ text: Span<UInt8>, _ names: inout NameTable) -> KernelMessage? {
    let isCall = text.hasText("calling  ", at: 0)
    guard isCall || text.hasText("initcall ", at: 0) else { return nil }
    let symbol = word(text, at: 9)
    guard let plus = symbol.firstIndex(of: "+0x"), plus > 0 else { return nil }
    var cursor = ByteCursor(text, at: 9 + symbol.count)
    guard cursor.take(" ["), let close = text.firstIndex(of: 0x5D, from: cursor.index) else { return nil }
    let function = names.intern(symbol.extracting(0..<plus))
    let module = names.intern(text.extracting(cursor.index..<close))
    cursor.index = close + 1
    if isCall {
      guard cursor.take(" @ "), let pid = cursor.takeDecimal() else { return nil }
      return .calling(function: function, module: module, pid: Int32(clamping: pid))
    }
    guard cursor.take(" returned "), let outcome = outcome(text, at: cursor.index) else { return nil }
    return .called(
      function: function, module: module, result: outcome.result, microseconds: outcome.microseconds)
  }

  /// The device in `pci 0000:00:02.0: bus: 'pci': really_probe: …`.
  @_lifetime(copy text)
  private static func busDevice(_ text: Span<UInt8>) -> Span<UInt8>? {
    guard let bus = text.firstIndex(of: ": bus: '") else { return nil }
    return prefixName(text, before: bus + 1)
  }
}
