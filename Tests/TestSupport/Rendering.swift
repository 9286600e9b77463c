/// A way in which the kernel or a tool prints the events of a history.
package enum Rendering: String, CaseIterable, Sendable {
  case defaultLines = "default lines"
  case withHeader = "default lines under a header"
  case twoHeaders = "default lines of ftrace's own header with blanks at line ends"
  case tgid = "record-tgid"
  case unknownTgid = "record-tgid, tgid unknown"
  case noIrqInfo = "irq-info off"
  case tgidNoIrqInfo = "record-tgid, irq-info off"
  case hostileComm = "a comm that looks like a context"
  case unknownComm = "record-cmd off"
  case latency = "latency-format"
  case latencyVerbose = "latency-format and verbose"
  case kernelLogDump = "a dump in the kernel log"
  case counterClock = "the clock counter"
  case tscClock = "the clock x86-tsc"
  case contextOff = "context-info off"
  case stripped = "leading blanks stripped"
  case collapsed = "runs of blanks collapsed"
  case carriageReturns = "CRLF"
  case doubleCarriageReturns = "CRCRLF"
  case grepNumbers = "grep -n"
  case grepContext = "grep -n with context"
  case symbolAddresses = "sym-addr"
  case moduleSuffix = "module suffix"
  case compilerSuffix = "compiler suffixes"
  case landingPad = "entries behind a landing pad"
  case hexResults = "untyped return values"
  case returnState = "fprobes with the state behind the call"
  case onlyReturns = "fprobes on returns alone"
  case fields = "the option fields"
  case withFunctionTracer = "function tracer and probes"
  case withFunctionArguments = "function tracer with arguments and probes"
  case withStacks = "a stack trace behind each event"
  case traceCmd = "trace-cmd report"
  case traceCmdLatency = "trace-cmd report -l"
  case traceCmdNanoseconds = "trace-cmd report -t"
  case traceCmdDifference = "trace-cmd report --ts-diff"
  case traceCmdRawTime = "trace-cmd report --raw-ts"
  case traceCmdRaw = "trace-cmd report -R"
  case traceCmdFlags = "trace-cmd 3.3 with flags"
  case traceCmdInstance = "trace-cmd report with a buffer's name"
  case traceCmdFunctions = "trace-cmd report with functions, probes named by number"
  case traceCmdStacks = "trace-cmd report with stacks, probes named by number"
  case perf = "perf script"
  case perfThreads = "perf script -F +pid,+tid --ns"
  case perfCallchains = "perf script with call chains, probes named by number"

  /// Whether the task's name comes through whole.
  package var keepsComm: Bool {
    switch self {
    case .hostileComm, .unknownComm, .contextOff, .latency, .kernelLogDump, .traceCmdLatency: false
    default: true
    }
  }

  /// Whether pid and CPU come through.
  package var keepsTask: Bool { self != .contextOff }

  /// Nanoseconds of a moment as this rendering prints it; `nil` where it prints none.
  package func time(_ microseconds: Int) -> Int64? {
    switch self {
    case .contextOff: nil
    case .counterClock, .tscClock: Int64(microseconds) * 3
    case .latency, .kernelLogDump: Int64(microseconds - OwnershipHistory.start) * 1000
    case .latencyVerbose: Int64(microseconds - OwnershipHistory.start) * 1000
    default: Int64(microseconds) * 1000
    }
  }
}

extension OwnershipHistory {
  /// The history as text.
  package func text(_ rendering: Rendering) -> String {
    String(decoding: bytes(rendering), as: UTF8.self)
  }

  /// The history as the bytes of a file.
  package func bytes(_ rendering: Rendering) -> [UInt8] {
    var records: [String] = []
    for (index, step) in steps.enumerated() {
      records += Renderer(rendering: rendering, number: index + 1).lines(step)
    }
    let lines = Renderer(rendering: rendering).header(entries: steps.count) + records
    let ending =
      switch rendering {
      case .carriageReturns: "\r\n"
      case .doubleCarriageReturns: "\r\r\n"
      default: "\n"
      }
    return lines.flatMap { Array(($0 + ending).utf8) }
  }
}

extension String {
  /// Right justified in `width` bytes.
  func padded(toLeading width: Int) -> String {
    String(repeating: " ", count: max(0, width - utf8.count)) + self
  }

  /// Left justified in `width` bytes.
  func padded(toTrailing width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - utf8.count))
  }

  func zeros(_ width: Int) -> String {
    String(repeating: "0", count: max(0, width - utf8.count)) + self
  }
}
