import DMALedger
import TestSupport
import Testing

/// Files that hold no text, told by their first bytes.
@Suite("Files packed by others, and recordings")
struct ForeignFormatTests {
  private struct Told {
    var report: Report
    var id: String?
  }

  private func read(_ bytes: [UInt8], beside trace: String? = nil) -> Told {
    var options = Analyzer.Options()
    options.identifiesContent = true
    var analyzer = Analyzer(options: options)
    if let trace { analyzer.read(bytes: Array(trace.utf8), name: "trace.txt") }
    analyzer.read(bytes: bytes, name: "foreign")
    let id = analyzer.captureID
    return Told(report: analyzer.finish(), id: id)
  }

  @Test(
    "none is read as lines, and each is told with how to come by its text", arguments: ForeignFormat.allCases)
  func remedy(_ format: ForeignFormat) {
    // Whatever follows, it is not looked at.
    let text = Array(
      "\nmodprobe-1 [000] .... 1.0: use: (iommu_device_use_default_domain+0x0/0x8c) grp=1 cnt=0\n".utf8)
    let told = read(format.magic + text)
    #expect(!told.report.understoodAnything)
    #expect(told.report.groups.isEmpty)
    #expect(told.report.diagnostics.map(\.level) == [.error])
    #expect(told.report.diagnostics[0].offset == 0)
    #expect(
      told.report.diagnostics[0].message.contains(format == .elf || format == .kdump ? "crash(8)" : "FILE"))
    #expect(told.report.sources[0].lines == 0)
    // Files that are not read differ by their bytes all the same.
    #expect(told.id != read(format.magic + [1]).id)
    #expect(told.id == read(format.magic + text).id)
  }

  @Test("beside a trace, what may hold another one keeps the verdict open, and a recording does not")
  func beside() throws {
    let trace = String(decoding: try SampleFiles.bytes("6.1-fixed-late-probes/trace.txt"), as: UTF8.self)
    for format in ForeignFormat.allCases {
      let isPacked = [.gzip, .xz, .bzip2, .lz4, .lzip, .zip].contains(format)
      let told = read(format.magic, beside: trace).report
      #expect(told.verdict == (isPacked ? .inconclusive : .balanced), "\(format)")
      #expect(told.diagnostics.contains { $0.source == 1 && $0.level == .error }, "\(format)")
    }
  }

  @Test("a text that begins alike is read", arguments: ["BZh", "PK", "LZIP", "PERFILE", "KDUMP trace"])
  func alike(_ beginning: String) throws {
    let trace = String(decoding: try SampleFiles.bytes("6.1-fixed-late-probes/trace.txt"), as: UTF8.self)
    #expect(report(on: beginning + "\n" + trace).verdict == .balanced)
  }
}
