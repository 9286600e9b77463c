import DMALedger
import Foundation
import TestSupport
import Testing

/// One life of a machine, told in every dialect and every packing: what is told of it is the same, or less.
@Suite("Histories: one life in every dialect and packing")
struct DialectAgreementTests {
  /// Lives told by each test; more with DMALEDGER_SEEDS.
  private static let seeds = ProcessInfo.processInfo.environment["DMALEDGER_SEEDS"].flatMap { Int($0) } ?? 32
  private static let blocks = 8

  private static func seeds(of block: Int) -> [UInt64] {
    (0..<seeds).filter { $0 % blocks == block }.map { UInt64($0) &* 1000 &+ 500 }
  }

  private static func life(_ seed: UInt64) -> SimulatedKernel {
    let traits = KernelLife.Traits(
      races: seed % 3 != 0, oddities: false, past: seed % 2000 == 500, pasids: false,
      functions: seed % 4000 == 500)
    return KernelLife(seed: seed, traits).play()
  }

  @Test("every dialect is true, and its verdict is that of the fullest one or weaker", arguments: 0..<blocks)
  func verdicts(block: Int) {
    for seed in Self.seeds(of: block) {
      let kernel = Self.life(seed)
      let fullest = KernelTruth(kernel, DialectFamily.fullest, isExact: false)
      #expect(fullest.failures == [], "seed \(seed)")
      for family in DialectFamily.allCases {
        for capture in family.captures {
          let told = KernelTruth(kernel, capture, isExact: false)
          #expect(told.failures == [], "seed \(seed), \(capture)")
          let verdict = told.report.verdict
          #expect(
            verdict == fullest.report.verdict || verdict == .inconclusive,
            "seed \(seed), \(capture): \(verdict), not \(fullest.report.verdict)")
        }
      }
    }
  }

  @Test("dialects that carry the same facts say the same", arguments: 0..<blocks)
  func facts(block: Int) {
    for seed in Self.seeds(of: block) {
      let kernel = Self.life(seed)
      for family in DialectFamily.allCases {
        var first: [String]?
        for capture in family.captures {
          let told = KernelTruth(kernel, capture, isExact: false)
          if !capture.text(of: kernel).kept.isEmpty {
            #expect(told.report.sources[0].events > 0, "seed \(seed), \(capture)")
          }
          let facts = told.facts
          guard let expected = first else {
            first = facts
            continue
          }
          let differences = facts.difference(from: expected).map { "\($0)" }
          #expect(differences == [], "seed \(seed), \(capture), and not as \(family.captures[0])")
        }
      }
    }
  }

  @Test("every packing gives the same report, byte for byte", arguments: 0..<blocks)
  func packings(block: Int) {
    for seed in Self.seeds(of: block) {
      let captures = DialectFamily.allCases.flatMap(\.captures)
      let capture = captures[Int(seed / 1000) % captures.count]
      let bytes = capture.text(of: Self.life(seed)).bytes
      let plain = ReportDigest(report(on: bytes))
      for (name, pack) in Zstd.packings where !bytes.isEmpty {
        #expect(ReportDigest(report(on: pack(bytes))) == plain, "seed \(seed), \(name), \(capture)")
      }
    }
  }
}

/// Dialects that carry the same facts.
private enum DialectFamily: CaseIterable {
  /// Probes with arguments, return codes, and the state behind each call.
  case states
  /// Probes with arguments and return codes.
  case codes
  /// The same from tools that print addresses: nobody knows who called a function, and some not which one it was.
  case addresses
  /// The same with stack traces, which name the functions.
  case stacks
  /// Probes on entries alone, and the same from tools.
  case entries, entryAddresses
  /// The function tracer, without and with arguments.
  case functions, functionArguments
  /// function_graph where every line names its task, and where blocks announce switches.
  case graphTasks, graphBlocks
  /// The same where braces name their functions, also those whose beginning another CPU printed.
  case graphTails
  /// The same with return values.
  case graphValues
  /// Lines without a context: which of several tasks they are of nothing says.
  case namelessCodes, namelessEntries, namelessFunctions, namelessGraph

  static let fullest = KernelCapture(.probes(.returnState, returns: .all))

  var captures: [KernelCapture] {
    switch self {
    case .states: [Self.fullest]
    case .codes:
      Rendering.allCases.filter { !Self.addressLines.contains($0) && !Self.stackLines.contains($0) }
        .filter { ![.contextOff, .onlyReturns, .returnState].contains($0) }.map(Self.probes)
    case .addresses: Self.addressLines.map(Self.probes)
    case .stacks: Self.stackLines.map(Self.probes)
    case .entries:
      [.defaultLines, .latency, .kernelLogDump]
        .map { KernelCapture(.probes($0, returns: .none)) }
    case .entryAddresses:
      [.traceCmd, .traceCmdRaw, .perf].map { KernelCapture(.probes($0, returns: .none)) }
    case .functions:
      [.defaultLines, .tgid, .latency, .noIrqInfo, .kernelLogDump, .traceCmd, .tscClock, .carriageReturns]
        .map { KernelCapture(.function($0, hasArguments: false)) }
    case .functionArguments:
      [.defaultLines, .tgid, .latency, .noIrqInfo, .kernelLogDump, .tscClock]
        .map { KernelCapture(.function($0, hasArguments: true)) }
    case .graphTasks:
      [.proc, .traceCmd, .traceCmdTail, .traceCmdDepth, .traceCmdLatency, .traceCmdNoPlugins, .traceCmdRaw]
        .map(Self.graph)
    case .graphBlocks:
      [
        .plain, .noHeader, .abstime, .returnAddress, .overrun, .noDuration, .noOverhead, .latency,
        .wideCPU,
        .longUptime, .stacks, .grepNumbers, .carriageReturns, .kernelLogDump, .compilerSuffix,
      ].map(Self.graph)
    case .graphTails: [Self.graph(.tail)]
    case .graphValues: [.retvalOld, .retvalNew, .retvalHex, .returnAddressAndValue].map(Self.graph)
    case .namelessCodes: [Self.probes(.contextOff)]
    case .namelessEntries: [KernelCapture(.probes(.contextOff, returns: .none))]
    case .namelessFunctions: [KernelCapture(.function(.contextOff, hasArguments: true))]
    case .namelessGraph: [GraphRendering.contextOff, .noCPU].map(Self.graph)
    }
  }

  private static let addressLines: [Rendering] = [
    .traceCmd, .traceCmdLatency, .traceCmdNanoseconds, .traceCmdDifference, .traceCmdRawTime, .traceCmdRaw,
    .traceCmdFlags,
    .traceCmdInstance, .perf, .perfThreads,
  ]
  private static let stackLines: [Rendering] = [.traceCmdStacks, .perfCallchains]

  private static func probes(_ rendering: Rendering) -> KernelCapture {
    KernelCapture(.probes(rendering, returns: .codes))
  }

  private static func graph(_ rendering: GraphRendering) -> KernelCapture {
    KernelCapture(.graph(rendering))
  }
}
