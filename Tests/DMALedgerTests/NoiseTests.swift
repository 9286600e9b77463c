import DMALedger
import TestSupport
import Testing

/// Whatever stands in a file, the report comes and nothing crashes.
@Suite("Hostile and damaged text")
struct NoiseTests {
  @Test(
    "a tracer whose name is no word is not repeated", arguments: ["a \u{1B}[31m", "a\0b", "", "b\u{202E}"])
  func tracerName(_ name: String) {
    #expect(report(on: "# tracer: \(name)\n").sources.map(\.format) == ["ftrace"])
    #expect(report(on: "# tracer: preemptirqsoff\n").sources.map(\.format) == ["ftrace preemptirqsoff"])
  }

  @Test(
    "a trace or a log in UTF-16 says what it says in ASCII, in either order of bytes",
    arguments: [false, true])
  func wide(isBigEndian: Bool) throws {
    for path in ["samples/6.1-unfixed-late-probes/trace.txt", "samples/7.3-unfixed-late-function/dmesg.txt"] {
      let plain = try Checkout.bytes(path)
      let text = String(decoding: plain, as: UTF8.self)
      let wide = ("\u{FEFF}" + text).utf16.flatMap { unit -> [UInt8] in
        let bytes = [UInt8(truncatingIfNeeded: unit), UInt8(unit >> 8)]
        return isBigEndian ? bytes.reversed() : bytes
      }
      let narrow = report(on: text)
      var analyzer = Analyzer()
      analyzer.read(bytes: wide, name: "trace")
      let told = analyzer.finish()
      #expect(told.sources[0].format == narrow.sources[0].format)
      #expect(told.sources[0].events == narrow.sources[0].events)
      #expect(told.sources[0].understoodLines >= narrow.sources[0].understoodLines)
      #expect(told.unparsedLines == narrow.unparsedLines)
      #expect(told.groups.map(\.final) == narrow.groups.map(\.final))
      #expect(told.verdict == narrow.verdict)
    }
  }

  private static let nines = "999999999999999999"

  @Test(
    "numbers that do not fit are no crash",
    arguments: [
      "CPU:1 [LOST \(nines) EVENTS]",
      "# entries-in-buffer/entries-written: 0/\(nines)   #P:2",
      "# latency: 0 us, #0/\(nines), CPU#0 |",
      "      dropped events: \(nines)",
      "  \(nines) us |   0)               |  really_probe() {",
      "    bash-112       0..... \(nines)us*: query: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=7 cnt=0",
      "    bash-112       0..... 9223372036854775us*: query: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=7 cnt=0",
      "            bash-112     [000] .....  \(nines): query: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=7 cnt=0",
      "            bash-112     [000] .....     1.000000: query: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=7 cnt=0",
      "            bash-112     [000] .....  8999999999.999999: query: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=7",
      "            bash     112   0 1 00000000 00000000 [0] \(nines)ms (+\(nines).0ms): query: (a+0x0/0x1)",
      "            bash-112     [000] .....     1.000000: use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"0000:00:03.0\" id=-\(nines) cnt=\(nines)",
      "            bash-112     [000] .....     1.000000: add_device_to_group: IOMMU: groupID=\(nines) device=0000:00:03.0",
      "            bash-112     [000] .....     1.000000: add_device_to_group: IOMMU: groupID=-1 device=0000:00:03.0",
      " 0)               |\(String(repeating: " ", count: 5000))really_probe() {",
      "\(nines):            bash-112     [000] .....     1.000000: x: y",
      " ------------------------------------------\n 0)   a-999999999    =>   b-999999999 ",
    ])
  func numbers(line: String) {
    let around = OwnershipHistory.balanced.text(.latency) + OwnershipHistory.balanced.text(.defaultLines)
    let report = report(on: around + String(repeating: line + "\n", count: 40) + around)
    #expect(report.sources[0].lines > 40)
  }

  @Test("noise in any dialect is no crash", arguments: Rendering.allCases)
  func noise(rendering: Rendering) {
    var random = Noise(seed: UInt64(rendering.rawValue.utf8.count))
    let clean = OwnershipHistory.leaking.bytes(rendering)
    for _ in 0..<20 {
      let result = report(on: random.damaged(clean))
      #expect(result.sources[0].lines > 0)
    }
  }

  @Test("noise in function_graph is no crash", arguments: GraphRendering.allCases)
  func graphNoise(rendering: GraphRendering) {
    var random = Noise(seed: UInt64(rendering.rawValue.utf8.count))
    let clean = Array(GraphHistory.unfixed.text(rendering).utf8)
    for _ in 0..<20 {
      let result = report(on: random.damaged(clean))
      #expect(result.sources[0].lines > 0)
    }
  }

  @Test("random bytes are no crash")
  func randomBytes() {
    var random = Noise(seed: 7)
    for length in [1, 2, 3, 17, 500, 4000] {
      for _ in 0..<20 {
        let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        #expect(report(on: bytes).verdict == .inconclusive)
      }
    }
  }
}

/// The same damage on every run.
private struct Noise {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }

  /// Bytes replaced, dropped, doubled, lines cut and joined.
  mutating func damaged(_ clean: [UInt8]) -> [UInt8] {
    var bytes = clean
    for _ in 0..<12 {
      let place = Int(next() % UInt64(bytes.count))
      switch next() % 6 {
      case 0: bytes[place] = UInt8(truncatingIfNeeded: next())
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(bytes[place], at: place)
      case 3: bytes.insert(contentsOf: Array("999999999999999999".utf8), at: place)
      case 4: bytes.insert(0x0A, at: place)
      default: bytes.removeSubrange(place..<min(place + 40, bytes.count))
      }
      if bytes.isEmpty { bytes = [0x0A] }
    }
    return bytes
  }
}
