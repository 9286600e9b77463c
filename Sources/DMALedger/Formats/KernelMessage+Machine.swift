/// Messages about groups, about VFIO, and about the machine as a whole: warnings, boots, clocks, losses.
extension KernelMessage {
  static func ownership(_ text: Span<UInt8>, _ names: inout NameTable) -> KernelMessage? {
    if let place = text.firstIndex(of: "iommu group ") {
      if let message = membership(text, place, &names) { return message }
    } else if text.contains(" device "), let message = oldMembership(text, &names) {
      return message
    }
    return text.contains("vfio") ? vfio(text, &names) : nil
  }

  /// `… #1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29)`, `… (Ubuntu 6.5.0-14.14~22.04.1-generic 6.5.3)`: the release
  /// of kernel.org that a distribution names in its banner.
  private static func upstream(_ text: Span<UInt8>, _ names: inout NameTable) -> NameID? {
    if let place = text.firstIndex(of: " Debian ") {
      let version = word(text, at: place + 8)
      return version.isEmpty || !version[0].isDigit ? nil : names.intern(version)
    }
    // The compiler may be Ubuntu's as well; the kernel stands last.
    var last: Int?
    while let place = text.firstIndex(of: "(Ubuntu ", from: last.map { $0 + 1 } ?? 0) { last = place }
    guard let last, text[text.count - 1] == 0x29 else { return nil }
    let start = last + 8 + word(text, at: last + 8).count + 1
    guard start < text.count - 1, text[start].isDigit else { return nil }
    return names.intern(text.extracting(start..<text.count - 1))
  }

  static func machine(_ text: Span<UInt8>, _ names: inout NameTable) -> KernelMessage? {
    switch text[0] {
    case 0x57 where text.hasText("WARNING: ", at: 0): return .warning(warning(text, &names))
    case 0x43 where text.hasText("CPU: ", at: 0): return task(text, &names)
    case 0x43 where text.hasText("Command line: ", at: 0): return commandLine(text, &names)
    case 0x4B where text.hasText("Kernel command line: ", at: 0): return commandLine(text, &names)
    case 0x4C where text.hasText("Linux version ", at: 0):
      return .boot(release: names.intern(word(text, at: 14)), upstream: upstream(text, &names))
    default: break
    }
    if let place = text.firstIndex(of: "sched_clock: Marking stable (") { return clock(text, place + 29) }
    if text.contains("Unstable clock detected, switching default tracing clock") { return .traceReset }
    return lost(text).map { .dropped(count: $0) }
  }

  // MARK: - Groups

  private static func membership(_ text: Span<UInt8>, _ place: Int, _ names: inout NameTable)
    -> KernelMessage?
  {
    var cursor = ByteCursor(text, at: place + 12)
    guard let group = cursor.takeDecimal() else { return nil }
    if text.hasText("Adding to ", at: place - 10), let device = prefixName(text, before: place - 10) {
      return .added(device: names.intern(device), group: group)
    }
    if text.hasText("Removing from ", at: place - 14), let device = prefixName(text, before: place - 14) {
      return .removed(device: names.intern(device), group: group)
    }
    if text.hasText("Failed to add to ", at: place - 17), let device = prefixName(text, before: place - 17),
      cursor.take(": "), let error = ProbeFields.number(text, at: cursor.index)
    {
      return .notAdded(device: names.intern(device), group: group, error: Int(error))
    }
    return nil
  }

  /// Before 5.x: `iommu: Adding device 0000:00:00.0 to group 0`, `… Removing device D from group 0`, `… Failed to add
  /// device D to group 0: -22`.
  private static func oldMembership(_ text: Span<UInt8>, _ names: inout NameTable) -> KernelMessage? {
    guard let start = text.firstIndex(of: "iommu: ") else { return nil }
    var cursor = ByteCursor(text, at: start + 7)
    let joins = cursor.take("Adding device ")
    let leaves = !joins && cursor.take("Removing device ")
    guard joins || leaves || cursor.take("Failed to add device ") else { return nil }
    let device = word(text, at: cursor.index)
    cursor.index += device.count
    guard leaves ? cursor.take(" from group ") : cursor.take(" to group "), let group = cursor.takeDecimal()
    else { return nil }
    if joins { return .added(device: names.intern(device), group: group) }
    if leaves { return .removed(device: names.intern(device), group: group) }
    guard cursor.take(": "), let error = ProbeFields.number(text, at: cursor.index) else { return nil }
    return .notAdded(device: names.intern(device), group: group, error: Int(error))
  }

  private static func vfio(_ text: Span<UInt8>, _ names: inout NameTable) -> KernelMessage? {
    if let place = text.firstIndex(of: "enabling device (") {
      return prefixed(text, place, &names).map { .vfioEnabled(device: $0) }
    }
    if let place = text.firstIndex(of: "No device request channel registered, blocked until released by user")
    {
      return prefixed(text, place, &names).map { .vfioBlocked(device: $0) }
    }
    guard let place = text.firstIndex(of: "Device is currently in use, task \""),
      let close = text.firstIndex(of: "\" (", from: place + 34), let device = prefixName(text, before: place)
    else { return nil }
    var cursor = ByteCursor(text, at: close + 3)
    guard let pid = cursor.takeDecimal() else { return nil }
    return .vfioInUse(
      device: names.intern(device), comm: names.intern(text.extracting(place + 34..<close)),
      pid: Int32(clamping: pid))
  }

  // MARK: - Splats

  /// `WARNING: CPU: 1 PID: 1 at FILE:LINE func+0x38/0x90`, from 6.19 `WARNING: FILE:LINE at func+0x3a0/0x608, CPU#7:
  /// init/1`; without CONFIG_DEBUG_BUGVERBOSE no file.
  private static func warning(_ text: Span<UInt8>, _ names: inout NameTable) -> KernelWarning {
    var warning = KernelWarning()
    var cursor = ByteCursor(text, at: 9)
    var end = text.count
    if cursor.take("CPU: ") {
      warning.cpu = cursor.takeDecimal().map { Int32(clamping: $0) }
      if cursor.take(" PID: ") { warning.pid = cursor.takeDecimal().map { Int32(clamping: $0) } }
    } else if let place = text.firstIndex(of: ", CPU#") {
      // A comm is raw: it may look like anything, and is not searched for functions.
      end = place
      cursor.index = place + 6
      warning.cpu = cursor.takeDecimal().map { Int32(clamping: $0) }
      var slash = text.count
      while slash > cursor.index, text[slash - 1] != 0x2F { slash -= 1 }
      if cursor.take(": "), slash > cursor.index {
        var number = ByteCursor(text, at: slash)
        warning.pid = number.takeDecimal().map { Int32(clamping: $0) }
        warning.comm = names.intern(text.extracting(cursor.index..<slash - 1))
      }
    }
    warning.function = warned(text.extracting(0..<end))
    return warning
  }

  private static func warned(_ text: Span<UInt8>) -> KernelFunction? {
    var start = 0
    while let plus = text.firstIndex(of: "+0x", from: start) {
      var first = plus
      while first > 0, text[first - 1].isSymbol { first -= 1 }
      if first < plus, let function = KernelFunction.named(text.extracting(first..<plus)) { return function }
      start = plus + 3
    }
    return nil
  }

  /// `CPU: 1 UID: 0 PID: 110 Comm: bash Not tainted 7.3.4+deb13-amd64 #1 …`, `… Comm: cat Tainted: G        W  6.1.0 #1`
  private static func task(_ text: Span<UInt8>, _ names: inout NameTable) -> KernelMessage? {
    var cursor = ByteCursor(text, at: 5)
    guard let cpu = cursor.takeDecimal() else { return nil }
    if cursor.take(" UID: ") { _ = cursor.takeDecimal() }
    guard cursor.take(" PID: "), let pid = cursor.takeDecimal(), cursor.take(" Comm: ") else { return nil }
    let start = cursor.index
    guard
      let end = text.firstIndex(of: " Not tainted", from: start)
        ?? text.firstIndex(of: " Tainted: ", from: start)
    else { return nil }
    var task = KernelTask(
      cpu: Int32(clamping: cpu), pid: Int32(clamping: pid), comm: names.intern(text.extracting(start..<end)))
    if let number = text.firstIndex(of: " #", from: end) {
      var first = number
      while first > end, text[first - 1] != 0x20 { first -= 1 }
      if first < number { task.release = names.intern(text.extracting(first..<number)) }
    }
    return .task(task)
  }

  // MARK: - The machine

  private static func commandLine(_ text: Span<UInt8>, _ names: inout NameTable) -> KernelMessage? {
    let clock = parameter(" trace_clock=", text, &names)
    let tracer = parameter(" ftrace=", text, &names)
    return clock == nil && tracer == nil ? nil : .commandLine(traceClock: clock, tracer: tracer)
  }

  /// The last one counts, as for the kernel.
  private static func parameter(_ key: StaticString, _ text: Span<UInt8>, _ names: inout NameTable) -> NameID?
  {
    var place: Int?
    while let next = text.firstIndex(of: key, from: (place ?? -1) + 1) { place = next }
    guard let place else { return nil }
    let value = word(text, at: place + key.utf8CodeUnitCount)
    return value.isEmpty ? nil : names.intern(value)
  }

  private static func clock(_ text: Span<UInt8>, _ start: Int) -> KernelMessage? {
    guard let arrow = text.firstIndex(of: ")->(", from: start),
      let comma = text.firstIndex(of: ", ", from: arrow),
      let offset = ProbeFields.number(text, at: comma + 2)
    else { return nil }
    return .clockStable(offset: offset)
  }

  /// `** 123 printk messages dropped **`, `Missed 12 kernel messages` (journald), `FUNC: 3 callbacks suppressed` (rate
  /// limits), `imklog: 7 messages lost`.
  private static func lost(_ text: Span<UInt8>) -> Int? {
    var cursor = ByteCursor(text)
    if cursor.take("** "), let count = cursor.takeDecimal(), cursor.take(" printk messages dropped") {
      return count
    }
    if let place = text.firstIndex(of: "Missed ") {
      cursor.index = place + 7
      if let count = cursor.takeDecimal(), cursor.take(" kernel messages") { return count }
    }
    guard let place = text.firstIndex(of: " callbacks suppressed") else { return nil }
    var start = place
    while start > 0, text[start - 1].isDigit { start -= 1 }
    guard start > 1, text.hasText(": ", at: start - 2) else { return nil }
    cursor.index = start
    return cursor.takeDecimal()
  }
}
