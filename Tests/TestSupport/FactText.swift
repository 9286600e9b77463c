package import DMALedger

/// Events in words, so that a test can state what a log says.
extension DecodedSource {
  /// What every message and every line of a program says, one text each, without times.
  package var facts: [String] { events.compactMap { $0.facts(names) } }

  /// The same with the time since boot where the dialect keeps one: `1.941625 added …`.
  package var timedFacts: [String] {
    events.compactMap { event in
      event.facts(names).map { "\(event.time?.secondsText ?? "-") \($0)" }
    }
  }

  /// The tasks that printed the messages, where the dialect says; -1 elsewhere.
  package var callers: [Int32] { events.filter { $0.kind == .logged }.map(\.pid) }

  package var unparsedLines: Int { unparsed.reduce(0) { $0 + $1.count } }
}

extension TraceEvent {
  fileprivate func facts(_ names: NameTable) -> String? {
    switch kind {
    case .logged, .message: message?.spelled(names)
    case .told: fact?.spelled(names)
    default: nil
    }
  }
}

extension KernelMessage {
  /// The message in words, its names spelled out.
  package func spelled(_ names: NameTable) -> String {
    func text(_ name: NameID?) -> String { name.map { names.text($0) } ?? "?" }
    func text(_ number: Int32?) -> String { number.map { "\($0)" } ?? "?" }
    switch self {
    case .added(let device, let group): return "added \(text(device)) to \(group)"
    case .removed(let device, let group): return "removed \(text(device)) from \(group)"
    case .notAdded(let device, let group, let error): return "not added \(text(device)) to \(group): \(error)"
    case .matched(let device, let driver): return "matched \(text(device)) with \(text(driver))"
    case .probing(let device, let driver): return "probing \(text(device)) by \(text(driver))"
    case .bound(let device, let driver): return "bound \(text(device)) to \(text(driver))"
    case .deferred(let device, let driver): return "deferred \(text(device)) of \(text(driver))"
    case .retried(let device): return "retried \(text(device))"
    case .failed(let device, let driver, let error):
      return "failed \(text(device)) by \(text(driver)): \(error)"
    case .rejected(let device, let driver, let error):
      return "rejected \(text(device)) by \(text(driver)): \(error)"
    case .returned(let device, let driver, let result, let micros):
      return "probe of \(text(device)) by \(text(driver)) = \(result) after \(micros)"
    case .calling(let function, let module, let pid):
      return "calling \(text(function)) of \(text(module)) in \(pid)"
    case .called(let function, let module, let result, let micros):
      return "called \(text(function)) of \(text(module)) = \(result) after \(micros)"
    case .warning(let warning):
      let function = warning.function.map { "\($0)" } ?? "another function"
      return "warning in \(function) on \(text(warning.cpu)) by \(text(warning.comm))/\(text(warning.pid))"
    case .task(let task): return "task \(text(task.comm))/\(task.pid) on \(task.cpu) of \(text(task.release))"
    case .boot(let release, _): return "boot of \(text(release))"
    case .anotherBoot: return "another boot"
    case .commandLine(let clock, let tracer): return "trace_clock=\(text(clock)) ftrace=\(text(tracer))"
    case .clockStable(let offset): return "clock \(offset)"
    case .traceReset: return "trace reset"
    case .vfioEnabled(let device): return "enabled \(text(device))"
    case .vfioBlocked(let device): return "blocked \(text(device))"
    case .vfioInUse(let device, let comm, let pid):
      return "in use \(text(device)), waits \(text(comm))/\(pid)"
    case .dropped(let count): return "dropped \(count)"
    }
  }
}

extension IncidentFact {
  /// The fact in words, its names spelled out.
  package func spelled(_ names: NameTable) -> String {
    func text(_ name: NameID?) -> String { name.map { names.text($0) } ?? "?" }
    switch self {
    case .refused(let group, let device): return "refused \(group.map { "\($0)" } ?? "?") to \(text(device))"
    case .granted(let group): return "granted \(group)"
    case .member(let device, let group): return "member \(text(device)) of \(group)"
    case .driver(let device, let driver): return "driver of \(text(device)) is \(text(driver))"
    case .placed(let device, let group, let driver):
      return "member \(text(device)) of \(group), driver is \(text(driver))"
    }
  }
}
