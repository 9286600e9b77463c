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
  /// `pci 0000:00:02.0: Failed to add to iommu group 2: -22`: the device is in no group.
  case notAdded(device: NameID, group: Int, error: Int)

  /// `__driver_probe_device: matched device …`: a window may follow.
  case matched(device: NameID, driver: NameID)
  /// `really_probe: probing driver e1000e with device 0000:00:02.0`: a window is about to use its group.
  case probing(device: NameID, driver: NameID)
  /// `driver_bound: bound to device …`, `really_probe: bound device … to driver …`
  case bound(device: NameID, driver: NameID?)
  /// `Driver e1000e requests probe deferral`, `deferred probe pending`, `Added to deferred list`: it will be tried again.
  case deferred(device: NameID, driver: NameID?)
  /// `Retrying from deferred list`
  case retried(device: NameID)
  /// `probe of 0000:00:02.0 failed with error -22`, an error of the driver's own probe.
  case failed(device: NameID, driver: NameID, error: Int)
  /// `probe with driver e1000e rejects match -19`
  case rejected(device: NameID, driver: NameID, error: Int)
  /// `probe of 0000:00:02.0 [with driver e1000e ]returned 0 after 108686 usecs` (initcall_debug). Errors of the
  /// driver's own probe are positive, all others negative.
  case returned(device: NameID, driver: NameID?, result: Int, microseconds: Int)
  /// `calling  vfio_init+0x0/0x70 [vfio] @ 239` (initcall_debug): the task that loads a module. Drivers that are built in
  /// are all started by the first task, and say nothing here.
  case calling(function: NameID, module: NameID, pid: Int32)
  /// `initcall vfio_init+0x0/0x70 [vfio] returned 0 after 15991 usecs`, of modules only
  case called(function: NameID, module: NameID, result: Int, microseconds: Int)

  /// `WARNING: … iommu_device_unuse_default_domain+0x4f/0x60 …` in both banners
  case warning(KernelWarning)
  /// `CPU: 1 PID: 174 Comm: cat Not tainted 6.1.0 #1`: who is meant by the warning or oops above.
  case task(KernelTask)

  /// `Linux version 6.1.30 (…`: a boot begins. `upstream` is what the release is built from, where the distribution's
  /// own number of the release hides it and the end of the line tells: `Debian 6.1.55-1`.
  case boot(release: NameID, upstream: NameID?)
  /// `-- Boot 0e0f… --`, `-- Reboot --`: what follows is of another boot.
  case anotherBoot
  /// `Command line: … trace_clock=global ftrace=function`; said only where it names one of them.
  case commandLine(traceClock: NameID?, tracer: NameID?)
  /// `sched_clock: Marking stable (A, B)->(C, D)`: D is what printk adds to the raw clock, in nanoseconds.
  case clockStable(offset: Int64)
  /// `Unstable clock detected, switching default tracing clock to "global"`: the trace buffers were emptied.
  case traceReset

  /// `vfio-pci 0000:03:00.0: enabling device (0000 -> 0003)`: somebody opened it.
  case vfioEnabled(device: NameID)
  /// `vfio-pci 0000:03:00.0: No device request channel registered, blocked until released by user`
  case vfioBlocked(device: NameID)
  /// `vfio-pci 0000:03:00.0: Device is currently in use, task "sh" (112) blocked until device is released`: the task
  /// is the one that waits.
  case vfioInUse(device: NameID, comm: NameID, pid: Int32)

  /// `** 123 printk messages dropped **` and its relatives: messages are missing here.
  case dropped(count: Int)

  /// Reads a message; `nil` where it says nothing of these.
  package static func parse(_ text: Span<UInt8>, names: inout NameTable) -> KernelMessage? {
    if text.count < 12 { return nil }
    if let message = ownership(text, &names) ?? probing(text, &names) { return message }
    return machine(text, &names)
  }

  // MARK: - Names in front of a message

  /// What `dev_*` writes before `place`: driver or bus (absent in old `pr_*` lines), then the device or driver.
  @_lifetime(copy text)
  static func prefixName(_ text: Span<UInt8>, before place: Int) -> Span<UInt8>? {
    var end = place
    while end > 0, text[end - 1] == 0x20 { end -= 1 }
    guard end > 1, text[end - 1] == 0x3A else { return nil }
    var start = end - 1
    while start > 0, text[start - 1] != 0x20 { start -= 1 }
    return start < end - 1 ? text.extracting(start..<end - 1) : nil
  }

  /// The name before `place`, interned.
  static func prefixed(_ text: Span<UInt8>, _ place: Int, _ names: inout NameTable) -> NameID? {
    guard let name = prefixName(text, before: place) else { return nil }
    return names.intern(name)
  }

  /// The word at `start`, empty behind the end.
  @_lifetime(copy text)
  static func word(_ text: Span<UInt8>, at start: Int) -> Span<UInt8> {
    var end = min(start, text.count)
    while end < text.count, text[end] != 0x20 { end += 1 }
    return text.extracting(min(start, end)..<end)
  }

  /// Everything from `start` on, without blanks at the end.
  @_lifetime(copy text)
  static func rest(_ text: Span<UInt8>, at start: Int) -> Span<UInt8> {
    var end = text.count
    while end > start, text[end - 1] == 0x20 { end -= 1 }
    return text.extracting(min(start, end)..<end)
  }
}

/// Where the kernel warned, as far as the banner says.
package struct KernelWarning: Sendable, Equatable {
  /// `nil` where it is none that bears on ownership.
  package var function: KernelFunction?
  package var cpu: Int32?
  package var pid: Int32?
  /// Only in banners from 6.19 on.
  package var comm: NameID?
}

/// The task a splat speaks of.
package struct KernelTask: Sendable, Equatable {
  package var cpu: Int32
  package var pid: Int32
  package var comm: NameID
  /// `uname -r`
  package var release: NameID?
}
