/// Prints calls the way the function_graph tracer and `trace-cmd report` do, column by column.
struct GraphRenderer {
  let rendering: GraphRendering
  private(set) var lines: [String] = []
  private var time = 29_257_452
  private var cpu = 1
  private var task = (comm: "init", pid: 1)
  /// The arguments and the code of the call at hand, where a history has its own.
  private var isElsewhere = false
  private var hasTail: Bool {
    [.tail, .everything, .retvalOld, .retvalNew, .retvalHex, .returnAddressAndValue].contains(rendering)
  }
  private var own: (arguments: String, code: Int?)?
  /// Whether blocks of dashes say that another task runs on a CPU.
  var announcesTasks = true
  /// The open functions that each CPU has seen, by depth; the CPU that ran last and whose task it was.
  private var entered: [Int: [Int: String]] = [:]
  private var lastTask: [Int: (comm: String, pid: Int)] = [:]

  init(rendering: GraphRendering) {
    self.rendering = rendering
  }

  mutating func header() {
    switch rendering {
    case .noHeader, .grepNumbers, .kernelLogDump: break
    case .contextOff: lines += ["# tracer: function_graph", "#"]
    case _ where rendering.isTraceCmd: lines.append("cpus=2")
    default:
      lines += [
        "# tracer: function_graph", "#", "# CPU  DURATION                  FUNCTION CALLS",
        "# |     |   |                     |   |   |   |",
      ]
    }
  }

  // MARK: - Calls

  mutating func call(_ symbol: String, _ depth: Int, _ inside: (inout GraphRenderer) -> Void) {
    if rendering == .comments {
      add(String(repeating: " ", count: 2 * (depth + 1)) + "/* kp_any: (\(symbol)+0x0/0x380) any=1 */")
    }
    begin(symbol, depth)
    inside(&self)
    end(symbol, depth)
  }

  private mutating func begin(_ symbol: String, _ depth: Int) {
    if rendering.isTraceCmd {
      addRecord("entry", symbol, depth, "        ", name(symbol) + "(\(arguments(symbol))) {")
    } else {
      add(indent(depth) + name(symbol) + "(\(arguments(symbol))) {" + caller(symbol))
    }
  }

  private mutating func end(_ symbol: String, _ depth: Int) {
    if rendering.isTraceCmd {
      let tail = rendering == .traceCmdTail ? " /* \(symbol) */" : ""
      addRecord("exit", symbol, depth, "# 114111.223 us ", "}" + tail + toolResult(symbol))
    } else {
      add(indent(depth) + "}" + closing(symbol), duration: "@ 106935.6 us ")
      if rendering == .overrun { lines.append(" (Overruns: 0)") }
    }
  }

  // MARK: - Calls of a history, one line after the other

  mutating func bare(_ line: String) { lines.append(line) }

  /// The CPU and the task of what comes next; the kernel says so where another task ran there before.
  mutating func turn(to step: OwnershipHistory.Step) {
    cpu = step.cpu
    time = step.time
    let next = (comm: step.task.comm, pid: step.task.pid)
    if let last = lastTask[cpu], last.pid != next.pid, !rendering.isTraceCmd, announcesTasks {
      task = last
      switchTask(to: next)
    }
    lastTask[cpu] = next
    task = next
  }

  mutating func open(_ symbol: String, _ depth: Int, _ arguments: String) {
    own = (arguments, nil)
    begin(symbol, depth)
    entered[cpu, default: [:]][depth] = symbol
  }

  mutating func close(_ symbol: String, _ depth: Int, _ code: Int?) {
    own = ("", code)
    isElsewhere = entered[cpu]?[depth] != symbol
    end(symbol, depth)
    isElsewhere = false
    entered[cpu]?[depth] = nil
  }

  mutating func leaf(_ symbol: String, _ depth: Int, _ arguments: String, _ code: Int?) {
    own = (arguments, code)
    leaf(symbol, depth)
    own = nil
  }

  mutating func comment(_ text: String) {
    if rendering.isTraceCmd {
      let colon = text.firstIndex(of: ":") ?? text.endIndex
      lines.append(
        task.comm.padded(toLeading: 16) + "-" + String(task.pid).padded(toTrailing: 5)
          + " [00\(cpu)] \(seconds(time)): " + String(text[..<colon] + ": ").padded(toTrailing: 22)
          + text[colon...].dropFirst(2))
    } else {
      add("/* \(text) */")
    }
  }

  mutating func leaf(_ symbol: String, _ depth: Int) {
    if rendering.isTraceCmd {
      if rendering == .traceCmdNoPlugins || rendering == .traceCmdRaw {
        addRecord("entry", symbol, depth, "", "")
        addRecord("exit", symbol, depth, "", "")
      } else {
        addRecord(
          "entry", symbol, depth, "+ 13.213 us ",
          name(symbol) + "(\(arguments(symbol)));" + toolResult(symbol))
      }
      return
    }
    if rendering == .interrupts {
      lines += [" 1)   ==========> |", " 1)   <========== |"]
    }
    add(
      indent(depth) + name(symbol) + "(\(arguments(symbol)));" + leafTail(symbol), duration: "! 209.454 us  ")
    if rendering == .stacks {
      lines += [
        "            init-1       [001] d....    30.497421: <stack trace>", " => \(symbol)",
        " => really_probe",
      ]
    }
    if rendering == .comments {
      add("/* console: } e1000e 0000:00:02.0 eth0: removed PHC */")
      add("/* two", bare: true)
      add("lines */", bare: true)
    }
  }

  /// Between the passes of a probe.
  mutating func interrupt() {
    switch rendering {
    case .migrating, .migratingWithProc: cpu = 0
    case .migratingAnnounced:
      cpu = 0
      task = ("<idle>", 0)
      leaf("hrtimer_start_range_ns", 0)
      switchTask(to: ("init", 1))
    case .switching:
      switchTask(to: ("kworker/1:2", 54))
      // At the outermost depth: on the same task it would end every call above.
      leaf("driver_sysfs_add", 0)
      switchTask(to: ("init", 1))
    default: break
    }
  }

  /// Another task, on the other CPU or, where tasks share one, behind a block of dashes.
  mutating func other() {
    if rendering == .switching || rendering == .migratingAnnounced {
      switchTask(to: ("vfiocheck", 373))
    } else {
      task = ("vfiocheck", 373)
      cpu = 0
    }
  }

  private mutating func switchTask(to next: (comm: String, pid: Int)) {
    let dashes = " " + String(repeating: "-", count: 42)
    let number = rendering == .wideCPU ? "10\(cpu)" : "\(cpu)"
    lines += [dashes, " \(number)) \(centered(task)) => \(centered(next)) ", dashes, ""]
    task = next
  }

  // MARK: - The kernel's columns

  private mutating func add(_ body: String, duration: String? = nil, bare: Bool = false) {
    time += 13
    if bare {
      lines.append(body)
      return
    }
    var line = ""
    if [.abstime, .everything].contains(rendering) { line += seconds(time) + " |  " }
    if rendering == .longUptime { line += seconds(time + 8_640_000_000_000) + " |  " }
    switch rendering {
    case .noCPU, .contextOff: break
    case .wideCPU: line += "  10\(cpu)) "
    default: line += " \(cpu)) "
    }
    if [.proc, .everything, .migratingWithProc].contains(rendering) { line += centered(task) + " | " }
    if [.latency, .everything].contains(rendering) { line += " d..1. | " }
    if rendering != .noDuration, rendering != .contextOff {
      var column = duration ?? String(repeating: " ", count: 14)
      if rendering == .noOverhead { column = " " + column.dropFirst() }
      line += column + "|  "
    }
    line += body
    switch rendering {
    case .grepNumbers: line = "\(lines.count + 10119)\(lines.count % 3 == 0 ? ":" : "-")" + line
    case .kernelLogDump: line = "[  236.423900] " + line
    default: break
    }
    lines.append(line)
  }

  private func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

  private func seconds(_ time: Int) -> String {
    String(time / 1_000_000).padded(toLeading: 5) + "." + String(time % 1_000_000).zeros(6)
  }

  /// `center(14)`: the comm is cut to seven bytes, a blank too many goes right.
  private func centered(_ task: (comm: String, pid: Int)) -> String {
    let text = String(task.comm.prefix(7)) + "-\(task.pid)"
    let blanks = max(0, 14 - text.utf8.count)
    return String(repeating: " ", count: blanks / 2) + text
      + String(repeating: " ", count: blanks - blanks / 2)
  }

  private func name(_ symbol: String) -> String {
    rendering == .compilerSuffix && symbol != "pci_device_probe" ? symbol + ".constprop.0" : symbol
  }

  private func arguments(_ symbol: String) -> String {
    guard rendering.namesGroups else { return "" }
    if let own { return own.arguments }
    return switch symbol {
    case "iommu_group_dma_owner_claimed": "group=0xff110001005f6900"
    case "iommu_group_claim_dma_owner": "group=0xff110001005f6900, owner=0xff11000101884000"
    case "really_probe": "dev=0xffff88924204e0d0, drv=0xffffffffc025d248"
    default: "dev=0xffff88924204e0d0"
    }
  }

  // MARK: - Comments behind calls

  private func value(_ symbol: String, sign: String) -> String {
    if let own {
      guard let code = own.code else { return sign + "0x0" }
      if symbol == "iommu_group_dma_owner_claimed" { return sign + "0xff1100010188400\(code)" }
      if rendering == .retvalHex { return sign + "0x" + String(UInt32(truncatingIfNeeded: code), radix: 16) }
      return sign + (code < 0 ? "\(code)" : "0x" + String(code, radix: 16))
    }
    return switch symbol {
    case "iommu_group_dma_owner_claimed": "\(sign)0xff11000101884001"
    case "iommu_group_claim_dma_owner" where rendering == .retvalHex: "\(sign)0xffffffff"
    case "iommu_group_claim_dma_owner": "\(sign)-1"
    case "iommu_device_unuse_default_domain": "\(sign)0xff110001001a0000"
    default: "\(sign)0x0"
    }
  }

  private func leafTail(_ symbol: String) -> String {
    switch rendering {
    case .retvalOld: " /* \(value(symbol, sign: "= ")) */"
    case .retvalNew, .retvalHex: " /* \(value(symbol, sign: "ret=")) */"
    case .returnAddress: " /* <-caller+0x7f/0x380 */"
    case .returnAddressAndValue: " /* <-caller+0x7f/0x380 \(value(symbol, sign: "ret=")) */"
    default: ""
    }
  }

  private func caller(_ symbol: String) -> String {
    [.returnAddress, .returnAddressAndValue].contains(rendering) ? " /* <-caller+0x87/0x150 */" : ""
  }

  private func closing(_ symbol: String) -> String {
    let hasMigrated = symbol == "really_probe" && [.migrating, .migratingWithProc].contains(rendering)
    if hasMigrated || isElsewhere && !hasTail { return " /* \(symbol) */" }
    return switch rendering {
    case .tail, .everything: " /* \(symbol) */"
    case .retvalOld: " /* \(symbol) \(value(symbol, sign: "= ")) */"
    case .retvalNew, .retvalHex, .returnAddressAndValue: " /* \(symbol) \(value(symbol, sign: "ret=")) */"
    default: ""
    }
  }

  // MARK: - trace-cmd

  private func toolResult(_ symbol: String) -> String {
    rendering == .traceCmdResult ? " (\(value(symbol, sign: "ret=")))" : ""
  }

  private mutating func addRecord(
    _ kind: String, _ symbol: String, _ depth: Int, _ duration: String, _ body: String
  ) {
    time += 13
    let pid = String(task.pid).padded(toTrailing: 5)
    let context =
      rendering == .traceCmdLatency
      ? String(task.comm.prefix(8)).padded(toLeading: 8) + "-\(pid)   \(cpu)...1. \(seconds(time)): "
      : task.comm.padded(toLeading: 16) + "-\(pid) [00\(cpu)] \(seconds(time)): "
    let event = "funcgraph_\(kind): ".padded(toTrailing: 22)
    switch rendering {
    case .traceCmdNoPlugins where kind == "entry": lines.append(context + event + "--> \(symbol) (\(depth))")
    case .traceCmdNoPlugins:
      lines.append(context + event + "<-- \(symbol) (\(depth)) (start: 178520e80f  end: 1785218b38) over: 0")
    case .traceCmdRaw:
      lines.append(
        context + event + " func=\(symbol) depth=\(depth) overrun=0 calltime=178520e80f rettime=1785218b38")
    default:
      let suffix = rendering == .traceCmdDepth ? " (\(depth))" : ""
      lines.append(context + event + duration.padded(toTrailing: 13) + "|  " + indent(depth) + body + suffix)
    }
  }
}
