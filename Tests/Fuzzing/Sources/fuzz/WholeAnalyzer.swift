@testable import DMALedger
import LedgerReports

/// The whole way from bytes to a report, on one or several sources.
///
/// Input: a byte of options, then sources, with a form feed on a line of its own between them.
enum WholeAnalyzer {
  static func check(_ input: [UInt8]) {
    guard let flags = input.first else { return }
    let sources = self.sources(Array(input[1...]))
    let options = self.options(flags)
    let (report, id) = read(sources, options)
    ReportInvariants.check(report)
    // Nothing but its carriage returns tells one of these from the other, and lines with them are never passed over.
    let unsieved = read(sources.map(withCarriageReturns), options).report
    require(
      sources.contains(where: TornLine.isIn)
        || digest(withoutCounts(report)) == digest(withoutCounts(unsieved)), "the sieve changes what is said")
    var random = SplitMix(state: UInt64(flags))
    let size = 1 + Int(random.next() % 3000)
    let (packed, packedID) = read(sources.map { Packing.frames($0, size: size, &random) }, options)
    if !sources.contains(where: isFrame) {
      require(digest(report) == digest(packed), "frames change what is said")
      require(id == packedID, "frames change the id")
    }
    require(read(sources.reversed(), options).id == id, "the order of sources changes the id")
    let jobs = throughPipes(sources, options, &random)
    require(digest(report) == digest(jobs), "portions change what is said")
  }

  static func sources(_ text: [UInt8]) -> [[UInt8]] {
    var sources: [[UInt8]] = [[]]
    for line in text.split(separator: 0x0A, omittingEmptySubsequences: false) {
      if line == [0x0C], sources.count < 4 {
        sources.append([])
      } else {
        sources[sources.count - 1] += line + [0x0A]
      }
    }
    // What was split off the end is no newline of the text.
    _ = sources[sources.count - 1].popLast()
    return sources
  }

  static func options(_ flags: UInt8) -> Analyzer.Options {
    var options = Analyzer.Options()
    options.identifiesContent = flags & 1 != 0
    if flags & 2 != 0 { options.questions.append(.group(3)) }
    if flags & 4 != 0 { options.questions.append(.device("0000:00:03.0")) }
    if flags & 8 != 0 { _ = options.setClockOffset("-0.011303") }
    if flags & 16 != 0 { _ = options.addField(meaning: "device", name: "arg1") }
    if flags & 32 != 0 { _ = options.addProbe(name: "p1", function: "iommu_device_use_default_domain") }
    return options
  }

  static func read(_ sources: [[UInt8]], _ options: Analyzer.Options) -> (report: Report, id: String?) {
    var analyzer = Analyzer(options: options)
    for (index, source) in sources.enumerated() { analyzer.read(bytes: source, name: "source-\(index)") }
    let report = analyzer.finish()
    return (report, analyzer.captureID)
  }

  private static func throughPipes(
    _ sources: [[UInt8]], _ options: Analyzer.Options, _ random: inout SplitMix
  ) -> Report {
    var options = options
    options.jobs = 2
    var analyzer = Analyzer(options: options)
    for source in sources {
      let portions = Portions(Array(source.prefix(Portions.most)), &random)
      do throws(InputError) { try analyzer.read(path: portions.path) } catch { require(false, error.reason) }
      portions.end()
    }
    return analyzer.finish()
  }

  private static func withCarriageReturns(_ text: [UInt8]) -> [UInt8] {
    var changed: [UInt8] = []
    changed.reserveCapacity(text.count * 2)
    for byte in text {
      if byte == 0x0A { changed.append(0x0D) }
      changed.append(byte)
    }
    return changed
  }

  private static func isFrame(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 4
      && ZstdFrame.isMagic(bytes[0..<4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
  }

  /// Of lines that bear on nothing, the sieve also passes over damaged ones: it counts them as understood.
  private static func withoutCounts(_ report: Report) -> Report {
    var plain = report
    for index in plain.sources.indices {
      plain.sources[index].understoodLines = 0
      plain.sources[index].unparsed = []
    }
    plain.diagnostics.removeAll {
      $0.message.contains(" not understood") || $0.message.contains("text without context")
        || $0.message.contains("not the kernel's")
    }
    return plain
  }

  /// Everything that is said, apart from how the sources were packed, named and ended.
  static func digest(_ report: Report) -> [UInt8] {
    var plain = report
    for index in plain.sources.indices {
      plain.sources[index].path = ""
      plain.sources[index].compression = ""
      plain.sources[index].bytes = 0
    }
    for index in plain.diagnostics.indices { plain.diagnostics[index].offset = nil }
    // Records hold everything that a report says, and are made much faster than a description by reflection.
    return JSONLinesReport(toolVersion: "").records(of: CaptureRecord(name: "", report: plain))
  }
}
