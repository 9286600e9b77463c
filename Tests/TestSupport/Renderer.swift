/// Prints the steps of a history the way a `Rendering` says, byte for byte as the kernel and the tools do.
struct Renderer {
  let rendering: Rendering
  /// Number of the event, from 1.
  var number = 0

  /// The lines above the records; `entries` is how many records the header says there are, where it says it.
  func header(entries: Int? = nil) -> [String] {
    switch rendering {
    case .withHeader:
      let stated = entries.map { ["# entries-in-buffer/entries-written: \($0)/\($0)   #P:2", "#"] } ?? []
      return ["# tracer: nop", "#"] + stated + [
        "#                                _-----=> irqs-off/BH-disabled",
        "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION",
        "#              | |         |   |||||     |         |",
      ]
    case .twoHeaders:
      return [
        "# tracer: nop", "#", "#                    _------=> CPU#            ",
        "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION",
      ]
    case .contextOff: return ["# tracer: nop", "#"]
    case .latency, .latencyVerbose:
      return [
        "# tracer: nop", "#", "# nop latency trace v1.1.5 on 7.3.4+deb13-amd64",
        "# --------------------------------------------------------------------",
        "# latency: 0 us, #\(entries ?? 0)/\(entries ?? 0), CPU#0 | (M:PREEMPT(lazy) VP:0, KP:0, SP:0 HP:0 #P:2)",
        "#    -----------------", "#    | task: -0 (uid:0 nice:0 policy:0 rt_prio:0)",
        "#    -----------------",
        "#", "#  cmd     pid     |||||| time  |   caller     ",
        "#     \\   /        ||||||  \\    |    /       ",
      ]
    case .kernelLogDump:
      return [
        "<0>[  232.911883] Dumping ftrace buffer:", "<0>[  232.912001] ---------------------------------",
      ]
    case .traceCmd, .traceCmdLatency, .traceCmdNanoseconds, .traceCmdDifference, .traceCmdRawTime,
      .traceCmdRaw, .traceCmdFlags, .traceCmdInstance, .traceCmdFunctions, .traceCmdStacks:
      return ["cpus=2"]
    default: return []
    }
  }

  func lines(_ step: OwnershipHistory.Step) -> [String] {
    if rendering == .onlyReturns, case .entry = step.kind, step.symbol.hasPrefix("iommu_") { return [] }
    var lines: [String] = []
    if case .entry = step.kind {
      switch rendering {
      case .withFunctionTracer: lines.append(functionLine(step))
      case .withFunctionArguments:
        let arguments =
          step.arguments.contains { $0.name == "dev" } ? "dev=0xffff8bd0410a10d0" : "group=0xff110001005f6900"
        lines.append(functionLine(step, arguments: arguments))
      case .traceCmdFunctions: lines.append(functionLine(step))
      default: break
      }
    }
    let line = probeLine(step)
    switch rendering {
    case .stripped: lines.append(String(line.drop { $0 == " " }))
    case .collapsed: lines.append(line.split(separator: " ").joined(separator: " "))
    case .grepNumbers: lines.append("\(number + 100):" + line)
    case .grepContext: lines += ["\(number * 3)\(number % 2 == 0 ? ":" : "-")" + line, "--"]
    default: lines.append(line)
    }
    return lines + stack(step)
  }

  /// The function tracer's line of an entry.
  func functionLine(_ step: OwnershipHistory.Step, arguments: String? = nil) -> String {
    switch rendering {
    case .traceCmd, .traceCmdFunctions:
      context(step) + "function:             \(step.symbol) <-- \(step.caller)"
    default:
      context(step) + step.symbol + (arguments.map { "(\($0))" } ?? "") + " <-\(step.caller)"
        + (arguments == nil ? "" : "+0x87/0x150")
    }
  }

  func probeLine(_ step: OwnershipHistory.Step) -> String { context(step) + body(step) }

  // MARK: - What stands in front

  private func context(_ step: OwnershipHistory.Step) -> String {
    let time = seconds(step.time)
    let ticks = String(step.time * 3).padded(toLeading: 12)
    switch rendering {
    case .contextOff: return ""
    case .tgid:
      return task(step) + "(\(String(step.task.pid).padded(toLeading: 7))) [00\(step.cpu)] ..... \(time): "
    case .unknownTgid: return task(step) + "(-------) [00\(step.cpu)] d..2. \(time): "
    case .noIrqInfo: return task(step) + "[00\(step.cpu)]  \(time): "
    case .tgidNoIrqInfo:
      return task(step) + "(\(String(step.task.pid).padded(toLeading: 7))) [00\(step.cpu)]  \(time): "
    case .counterClock, .tscClock: return task(step) + "[00\(step.cpu)] ..... \(ticks): "
    case .latency: return short(step, 7) + "..... \(relative(step))us!: "
    case .kernelLogDump: return "<0>[  232.913177] " + short(step, 7) + "..... \(relative(step))us : "
    case .latencyVerbose:
      return step.task.comm.padded(toLeading: 16) + " " + String(step.task.pid).padded(toLeading: 7)
        + "   \(step.cpu) 1 00000000 0000000a [010c3aee] \(milliseconds(step))ms (+87.615ms): "
    case .traceCmdLatency: return short(step, 5) + "..... \(time): "
    case .traceCmd, .traceCmdRaw, .traceCmdFunctions, .traceCmdStacks:
      return task(step, width: 5) + "[00\(step.cpu)] \(time): "
    case .traceCmdNanoseconds: return task(step, width: 5) + "[00\(step.cpu)] \(time)000: "
    case .traceCmdDifference:
      let difference = number == 1 ? "" : "(+171)"
      return task(step, width: 5) + "[00\(step.cpu)] \(time): " + difference.padded(toTrailing: 9)
    case .traceCmdRawTime: return task(step, width: 5) + "[00\(step.cpu)] \(step.time)000: "
    case .traceCmdFlags: return task(step, width: 5) + "[00\(step.cpu)] d.... \(time): "
    case .traceCmdInstance: return "foo:  " + task(step, width: 5) + "[00\(step.cpu)] \(time): "
    case .perf: return perfTask(step, "\(step.task.pid)") + "\(time): "
    case .perfThreads: return perfTask(step, "\(step.task.pid)/\(step.task.pid)") + "\(time)000: "
    case .perfCallchains:
      return step.task.comm + " " + String(step.task.pid).padded(toLeading: 5) + " [00\(step.cpu)] \(time): "
    default: return task(step) + "[00\(step.cpu)] ..... \(time): "
    }
  }

  private func task(_ step: OwnershipHistory.Step, width: Int = 7) -> String {
    let comm =
      switch rendering {
      case .hostileComm: "ev] [001] 1.2:"
      case .unknownComm: "<...>"
      default: step.task.comm
      }
    return comm.padded(toLeading: 16) + "-" + String(step.task.pid).padded(toTrailing: width) + " "
  }

  private func short(_ step: OwnershipHistory.Step, _ width: Int) -> String {
    String(step.task.comm.prefix(8)).padded(toLeading: 8) + "-"
      + String(step.task.pid).padded(toTrailing: width) + " " + String(step.cpu).padded(toLeading: 3)
  }

  private func perfTask(_ step: OwnershipHistory.Step, _ pid: String) -> String {
    step.task.comm.padded(toLeading: 16) + " " + pid.padded(toLeading: 5) + " [00\(step.cpu)] "
  }

  private func seconds(_ time: Int) -> String {
    String(time / 1_000_000).padded(toLeading: 5) + "." + String(time % 1_000_000).zeros(6)
  }

  private func relative(_ step: OwnershipHistory.Step) -> String {
    String(step.time - OwnershipHistory.start).padded(toLeading: 4)
  }

  private func milliseconds(_ step: OwnershipHistory.Step) -> String {
    let time = step.time - OwnershipHistory.start
    return "\(time / 1000)." + String(time % 1000).zeros(3)
  }

  // MARK: - The event

  private func body(_ step: OwnershipHistory.Step) -> String {
    switch rendering {
    case .traceCmd, .traceCmdLatency, .traceCmdNanoseconds, .traceCmdDifference, .traceCmdRawTime,
      .traceCmdRaw, .traceCmdFlags, .traceCmdInstance, .traceCmdStacks:
      return "\(step.event): ".padded(toTrailing: 22) + toolBody(step)
    case .traceCmdFunctions:
      if case .event = step.kind { return "\(step.event): ".padded(toTrailing: 22) + toolBody(step) }
      let isEntry = if case .entry = step.kind { true } else { false }
      return "\(isEntry ? "kp" : "kr")\(number(of: step.symbol)): ".padded(toTrailing: 22) + toolBody(step)
    case .perf, .perfThreads: return "own:\(step.event)".padded(toLeading: 22) + ": " + toolBody(step)
    case .perfCallchains: return "own:\(step.event): " + toolBody(step)
    default: return "\(step.event): " + kernelBody(step)
    }
  }

  private func kernelBody(_ step: OwnershipHistory.Step) -> String {
    let symbol = symbol(step)
    let address = rendering == .symbolAddresses ? " <\(address(step.symbol))>" : ""
    let module = rendering == .moduleSuffix ? " [iommu_core]" : ""
    let offset = rendering == .landingPad ? "+0x4/0x8c" : "+0x0/0x8c"
    switch step.kind {
    case .event(let text): return text
    case .entry where rendering == .fields:
      return "__probe_ip=\(symbol)\(offset) (-1868938416)" + fields(step.arguments)
    case .entry: return "(\(symbol)\(offset)\(module)\(address))" + values(step.arguments)
    case .exit(let caller) where rendering == .fields:
      return "__probe_func=\(symbol)\(offset) (-1868938112) __probe_ret_ip=\(caller) (-1868937065)"
        + fields(step.arguments)
    case .exit(let caller):
      let after = rendering == .returnState || rendering == .onlyReturns ? step.stateAfter : []
      let callerModule = rendering == .moduleSuffix ? " [vfio]" : ""
      return "(\(caller)\(callerModule)\(address) <- \(symbol)\(address))" + values(step.arguments + after)
    }
  }

  private func symbol(_ step: OwnershipHistory.Step) -> String {
    guard rendering == .compilerSuffix else { return step.symbol }
    return step.symbol
      + [".isra.0", ".constprop.0", ".part.0", ".isra.0.constprop.12"][step.symbol.utf8.count % 4]
  }

  private func toolBody(_ step: OwnershipHistory.Step) -> String {
    let function = address(step.symbol)
    if rendering == .traceCmdRaw {
      let arguments = step.arguments.map { " \($0.name)=\(bare($0.value))" }.joined()
      return switch step.kind {
      case .event(let text): text
      case .entry: " __probe_ip=\(function)" + arguments
      case .exit(let caller): " __probe_func=\(function) __probe_ret_ip=\(address(caller))" + arguments
      }
    }
    return switch step.kind {
    case .event(let text): text
    case .entry: "(\(function))" + values(step.arguments)
    case .exit(let caller): "(\(function) <- \(address(caller)))" + values(step.arguments)
    }
  }

  private func values(_ arguments: [(name: String, value: OwnershipHistory.Value)]) -> String {
    arguments.map { argument in
      switch argument.value {
      case .text(let text): " \(argument.name)=\"\(text)\""
      case .decimal(let number) where rendering == .hexResults && argument.name == "ret":
        " arg1=0x" + String(UInt32(truncatingIfNeeded: number), radix: 16)
      case .byte(let number) where rendering == .hexResults:
        " \(argument.name)=0x" + String(number, radix: 16)
      default: " \(argument.name)=\(bare(argument.value))"
      }
    }.joined()
  }

  private func bare(_ value: OwnershipHistory.Value) -> String {
    switch value {
    case .text(let text): text
    case .hex(let bits): "0x" + String(bits, radix: 16)
    case .decimal(let number), .byte(let number): String(number)
    }
  }

  /// The option `fields`: numbers twice, strings bare, a byte that is no printable character in parentheses.
  private func fields(_ arguments: [(name: String, value: OwnershipHistory.Value)]) -> String {
    arguments.map { argument in
      switch argument.value {
      case .text(let text): " \(argument.name)=\(text)"
      case .hex(let bits): " \(argument.name)=0x\(String(bits, radix: 16)) (\(Int64(bitPattern: bits)))"
      case .decimal(let number):
        " \(argument.name)=0x\(String(UInt32(truncatingIfNeeded: number), radix: 16)) (\(number))"
      case .byte(let number): " \(argument.name)=(\(number))"
      }
    }.joined()
  }

  // MARK: - What stands below

  private func stack(_ step: OwnershipHistory.Step) -> [String] {
    let frame: String
    switch step.kind {
    case .entry: frame = step.symbol
    case .exit(let caller): frame = String(caller.prefix { $0 != "+" })
    case .event: return []
    }
    switch rendering {
    case .withStacks: return [context(step) + "<stack trace>", " => \(frame)", " => ksys_write"]
    case .traceCmdStacks:
      return [
        context(step) + "kernel_stack:         <stack trace >", "=> \(frame) (\(address(frame, behind: 1)))",
        "=> ksys_write (ffffffff8b7cd64b)",
      ]
    case .perfCallchains:
      return [
        "\t\(address(frame, behind: 1)) \(frame)+0x1 ([kernel.kallsyms])",
        "\tffffffff92f9ce03 really_probe+0x103 ([kernel.kallsyms])", "",
      ]
    default: return []
    }
  }

  /// What stands in the name of a probe that tells nothing of its function.
  private func number(of symbol: String) -> Int { symbol.utf8.reduce(0) { $0 + Int($1) } }

  /// A made-up address, the same for the same name.
  private func address(_ name: String, behind: UInt64 = 0) -> String {
    let hash = name.utf8.reduce(UInt64(7)) { ($0 &* 131 &+ UInt64($1)) & 0xFFFF }
    return String(0xffff_ffff_8100_0000 + hash * 16 + behind, radix: 16)
  }
}
