import DMALedger
import TestSupport
import Testing

/// Text that prints the address of a probe where the kernel prints its symbol.
@Suite("Probes at addresses")
struct NamelessProbeTests {
  private static let functions = [
    "iommu_device_use_default_domain": "ffffffff81007f50",
    "iommu_device_unuse_default_domain": "ffffffff81000000",
    "iommu_group_dma_owner_claimed": "ffffffff81003690", "iommu_group_claim_dma_owner": "ffffffff81005af0",
    "really_probe": "ffffffff81001230",
  ]

  /// A recorded trace as trace-cmd prints it, its probes under names that say nothing. The truth of the recording: groups
  /// 1 and 9 end at 9 and 25.
  private static func traceCmd() throws -> String {
    var text = "cpus=2\n"
    let bytes = try Checkout.bytes("samples/6.1-unfixed-late-probes/trace.txt")
    let entry = #/^(.{16}-\d+ +\[\d+\] +\S+ +[\d.]+: )(\w+): \((\w+)\+0x0/0x\w+\)(.*)$/#
    let exit = #/^(.{16}-\d+ +\[\d+\] +\S+ +[\d.]+: )(\w+): \(\S+ <- (\w+)\)(.*)$/#
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      if let match = line.wholeMatch(of: entry), let address = functions[String(match.3)] {
        text += "\(match.1)mine_\(address.suffix(4)): (\(address))\(match.4)\n"
      } else if let match = line.wholeMatch(of: exit), let address = functions[String(match.3)] {
        text += "\(match.1)back_\(address.suffix(4)): (\(address) <- ffffffff81f00000)\(match.4)\n"
      }
    }
    return text
  }

  @Test("what nothing names is counted by shape, and a warning says what to do")
  func unnamed() throws {
    let text = try Self.traceCmd()
    let lines = text.split(separator: "\n").count - 1
    #expect(lines == 46)
    let report = report(on: text)
    #expect(report.unparsedLines == lines)
    #expect(report.sources[0].unparsed.first?.firstLine == 2)
    #expect(report.groups.isEmpty)
    let warning = try #require(report.diagnostics.first { $0.message.contains("--probe ADDRESS=FUNCTION") })
    #expect(warning.level == .warning)
    #expect(warning.line == 2)
    #expect(warning.message.hasPrefix("46 lines"))
    #expect(warning.message.contains("mine_0000 at ffffffff81000000"))
  }

  @Test("an address that the user names is the function", arguments: ["", "0x"])
  func declared(prefix: String) throws {
    var options = Analyzer.Options()
    for (function, address) in Self.functions {
      let isKnown = options.addProbe(name: prefix + address, function: function)
      #expect(isKnown)
    }
    var analyzer = Analyzer(options: options)
    analyzer.read(bytes: Array(try Self.traceCmd().utf8), name: "report.txt")
    let report = analyzer.finish()
    #expect(report.unparsedLines == 0)
    #expect(report.groups.map(\.final) == [Count(exactly: 9), Count(exactly: 25)])
    #expect(report.findings.count { $0.rule == .testRemoveLeak } == 4)
  }

  private static func event(_ micros: Int, _ cpu: Int, _ pid: Int, _ body: String) -> String {
    "            bash-\(pid)   [00\(cpu)]    11.\(100_000 + micros): \(body)\n"
  }

  @Test("the first event at an address waits for the stack trace that names it", arguments: [0, 1, 40])
  func firstEvent(between: Int) {
    var text = "cpus=2\n"
    text += Self.event(
      1, 0, 101, "first:                (ffffffff929a4480) dev=\"0000:00:03.0\" drv=\"e1000e\" grp=4 cnt=0")
    for index in 0..<between {
      text += Self.event(2 + index, 1, 300, "claimed:              (ffffffff92111110) grp=7 cnt=\(index % 2)")
    }
    text += Self.event(90, 0, 101, "kernel_stack:         <stack trace >")
    text += "=> iommu_device_use_default_domain (ffffffff929a4481)\n=> really_probe (ffffffff929a0001)\n"
    text += Self.event(
      95, 0, 101, "second:               (ffffffff929a4480) dev=\"0000:00:04.0\" drv=\"e1000e\" grp=4 cnt=1")
    let report = report(on: text)
    #expect(report.unparsedLines == 0)
    let uses = report.changes.filter { $0.call == .use }
    #expect(uses.map(\.device) == ["0000:00:03.0", "0000:00:04.0"])
    #expect(uses.map(\.at.line) == [2, between + 6])
    // The code of the last use is not in the text.
    #expect(report.groups.first { $0.id?.value == 4 }?.final == Count(min: 1, max: 2))
  }

  @Test("a strange probe does not hold up the others for ever, nor out of their order")
  func strangers() {
    var text = "cpus=1\n"
    var uses = 0
    for index in 0..<300 {
      text += Self.event(10 * index, 0, 101, "other:                (ffffffff92333330) size=64")
      if index % 3 == 0 {
        text += Self.event(
          10 * index + 5, 0, 101,
          "use:                  (ffffffff929a4480) dev=\"0000:00:03.0\" drv=\"e1000e\" grp=4 cnt=\(uses)")
        uses += 1
      }
    }
    let report = report(on: text)
    #expect(report.unparsedLines == 300)
    #expect(report.groups.first?.final == Count(min: 99, max: 100))
    #expect(report.changes.allSatisfy { $0.call == .use })
  }
}
