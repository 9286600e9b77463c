import DMALedger
import TestSupport
import Testing

@Suite("Captures packed with zstd")
struct ZstdStreamTests {
  private static let plain = OwnershipHistory.leaking.bytes(.withHeader)

  // MARK: Whole files

  @Test(
    "every packing of a real capture gives the report of the plain file", arguments: Zstd.packings.map(\.name)
  )
  func sameReport(packing: String) throws {
    let bytes = try SampleFiles.bytes("6.1-unfixed-late-probes/trace.txt")
    let pack = try #require(Zstd.packings.first { $0.name == packing }).pack
    let expected = report(on: bytes)
    let packed = report(on: pack(bytes))
    #expect(ReportDigest(packed) == ReportDigest(expected))
    #expect(packed.sources[0].compression == "zstd")
    #expect(expected.sources[0].compression == "none")
    #expect(packed.sources[0].bytes == bytes.count)
    #expect(packed.diagnostics.isEmpty)
  }

  @Test("packing is told by the first bytes, never by the name")
  func magic() {
    let plainUnderPackedName = report(on: Self.plain, name: "trace.txt.zst")
    #expect(plainUnderPackedName.sources[0].compression == "none")
    #expect(plainUnderPackedName.verdict == .unbalanced)
    let packedUnderPlainName = report(on: Zstd.frame(Self.plain), name: "trace.txt")
    #expect(packedUnderPlainName.sources[0].compression == "zstd")
    #expect(packedUnderPlainName.verdict == .unbalanced)
    // Too short for a magic number, and no frame.
    #expect(report(on: [0x28, 0xB5, 0x2F]).sources[0].compression == "none")
    #expect(report(on: []).sources[0].compression == "none")
  }

  @Test("a file without content is no capture", arguments: [Zstd.emptyFrame, Zstd.skippable([1, 2]), []])
  func empty(bytes: [UInt8]) {
    let result = report(on: bytes)
    #expect(!result.understoodAnything)
    #expect(result.verdict == .inconclusive)
    #expect(result.sources[0].lines == 0)
  }

  @Test("a frame of three megabytes is read in pieces")
  func large() {
    let filler = "            bash-112     [000] .....    43.112905: mutex_lock <-bus_for_each_dev\n"
    let count = 3_000_000 / filler.utf8.count
    let bytes =
      Array(String(repeating: filler, count: count).utf8) + OwnershipHistory.leaking.bytes(.defaultLines)
    let result = report(on: Zstd.frame(bytes))
    #expect(result.sources[0].bytes == bytes.count)
    #expect(result.sources[0].lines == count + OwnershipHistory.leaking.steps.count)
    #expect(result.sources[0].understoodLines == result.sources[0].lines)
    #expect(result.verdict == .unbalanced)
    #expect(result.diagnostics.isEmpty)
  }

  // MARK: Damage

  @Test("a file cut off anywhere says at which byte, and is never called balanced", arguments: [false, true])
  func truncated(inManyFrames: Bool) {
    let plain = OwnershipHistory.balanced.bytes(.defaultLines)
    let packed = inManyFrames ? Zstd.frames(plain, size: 400) : Zstd.frame(plain)
    #expect(report(on: packed).verdict == .balanced)
    let ends = inManyFrames ? frameEnds(plain, size: 400) : []
    for length in 4..<packed.count {
      let result = report(on: Array(packed.prefix(length)))
      if ends.contains(length) {
        // A file that ends between two frames is whole as far as anybody can tell; its last line is cut.
        #expect(result.diagnostics.allSatisfy { $0.level != .error })
        continue
      }
      #expect(result.verdict != .balanced, "\(length)")
      let damage = result.diagnostics.first { $0.level == .error }
      #expect(damage?.offset != nil && (damage?.offset ?? .max) <= length, "\(length): \(result.diagnostics)")
    }
  }

  @Test("what stands before the cut is still read")
  func prefixSurvives() {
    let first = Zstd.frame(Self.plain)
    let second = Zstd.frame(Array(String(repeating: "noise of any kind\n", count: 4000).utf8))
    let result = report(on: first + second.prefix(second.count - 3))
    #expect(result.changes.count == OwnershipHistory.leaking.expectedChanges)
    let damage = result.diagnostics.first { $0.level == .error }
    #expect(damage?.offset == first.count + second.count - 3)
    #expect(damage?.message.contains("cut off at byte") == true)
    #expect(result.verdict != .balanced)
  }

  @Test("a damaged byte anywhere never crashes and never goes by in silence")
  func damaged() {
    let plain = OwnershipHistory.balanced.bytes(.defaultLines)
    let first = Zstd.frame(plain)
    let packed = first + Zstd.frame(plain)
    let expected = ReportDigest(report(on: packed))
    for place in packed.indices {
      var bytes = packed
      bytes[place] ^= [0xFF, 0x01, 0x80][place % 3]
      let result = report(on: bytes)
      // Reserved bits and a larger window change nothing.
      if ReportDigest(result) == expected { continue }
      #expect(result.verdict != .balanced, "byte \(place)")
      let isNoticed = result.diagnostics.contains { $0.level == .error && $0.offset != nil }
      #expect(place < 4 || isNoticed, "byte \(place)")
    }
  }

  @Test(
    "everything in front of the damage is read, whatever room the reader gives",
    arguments: [4096, 128 << 10, 1 << 20])
  func damageInTheMiddle(room: Int) {
    // A block holds at most 128 KiB: this frame has three, and the damage is in the last.
    var random = SplitMix(state: 1)
    let content = (0..<300_000).map { _ in UInt8.random(in: 0x20...0x7E, using: &random) }
    var packed = Zstd.frame(content)
    packed[packed.count - 2000] ^= 0xFF
    var source = ByteSource(bytes: packed, name: "damaged")
    var target = [UInt8](repeating: 0, count: room)
    var read: [UInt8] = []
    while true {
      let count = unsafe target.withUnsafeMutableBytes { unsafe source.fill($0) }
      if count == 0 { break }
      read += target.prefix(count)
    }
    #expect(read.count >= 256 << 10)
    #expect(content.starts(with: read.prefix(256 << 10)))
    // What cannot be packed stands in the frame as it is: nothing but the checksum can tell.
    #expect(source.issue?.kind == .wrongChecksum)
    #expect(source.issue?.offset == packed.count - 4)
  }

  @Test("a frame whose header is damaged says so in words")
  func damagedHeader() {
    let first = Zstd.frame(OwnershipHistory.balanced.bytes(.defaultLines))
    var second = Zstd.frame(Self.plain)
    second[4] ^= 0x18
    let result = report(on: first + second)
    let damage = result.diagnostics.first { $0.level == .error }
    #expect(damage?.message.contains("zstd") == true)
    #expect((damage?.offset ?? 0) >= first.count)
    #expect(result.changes.count == OwnershipHistory.balanced.expectedChanges)
    #expect(result.verdict != .balanced)
  }

  @Test(
    "what is not what was written proves nothing, whatever it shows",
    arguments: [OwnershipHistory.balanced, .leaking], [nil, 1, 2])
  func wrongChecksum(history: OwnershipHistory, jobs: Int?) throws {
    let plain = history.bytes(.defaultLines)
    let whole = report(on: plain)
    var packed = Zstd.frames(plain, size: plain.count / 2 + 1)
    packed[packed.count - 1] ^= 1
    let told: Report
    if let jobs {
      let folder = try CaptureFolder()
      var options = Analyzer.Options()
      options.jobs = jobs
      var analyzer = Analyzer(options: options)
      try analyzer.read(path: try folder.write("trace.zst", packed))
      told = analyzer.finish()
    } else {
      told = report(on: packed)
    }
    let damage = told.diagnostics.first { $0.level == .error }
    #expect(damage?.offset == packed.count - 4)
    #expect(told.verdict == .inconclusive)
    #expect(told.reasons.first?.contains("checksum") == true)
    // All of it is told …
    #expect(told.changes.map(\.at) == whole.changes.map(\.at))
    for rule in Set(whole.findings.map(\.rule)) { #expect(told.findings.contains { $0.rule == rule }) }
    // … and nothing holds.
    #expect(told.kernel.testDriverRemove == .unknown)
    #expect(told.groups.allSatisfy { $0.verdict == .inconclusive && $0.final == .unknown })
    #expect(told.changes.allSatisfy { $0.after == .unknown })
    #expect(told.answers.allSatisfy { $0.certainty == .suspected })
    for finding in told.findings where finding.rule != .evidenceLost {
      #expect(finding.severity < .error && finding.certainty == .suspected)
      #expect(finding.message.hasPrefix("Only if"))
    }
  }

  @Test("a listing whose checksum is wrong takes nothing from what the trace beside it proves")
  func wrongChecksumBeside() throws {
    var listing = Zstd.frame(Array("/sys/kernel/iommu_groups/7/devices/0000:03:00.0\n".utf8))
    listing[listing.count - 1] ^= 1
    for (history, verdict) in [(OwnershipHistory.balanced, Verdict.inconclusive), (.leaking, .unbalanced)] {
      let plain = history.bytes(.defaultLines)
      var analyzer = Analyzer()
      analyzer.read(bytes: plain, name: "trace")
      analyzer.read(bytes: listing, name: "groups")
      let told = analyzer.finish()
      #expect(told.verdict == verdict)
      #expect(told.changes.map(\.after) == report(on: plain).changes.map(\.after))
    }
  }

  @Test(
    "bytes behind the last frame are not read, and the report says where they begin",
    arguments: ["x", "\n", "\0\0\0\0\0\0\0\0", "            bash-1       [000] .....     1.000000: x: y\n"])
  func trailing(garbage: String) {
    let frame = Zstd.frame(OwnershipHistory.balanced.bytes(.defaultLines))
    let result = report(on: frame + Array(garbage.utf8))
    #expect(result.changes.count == OwnershipHistory.balanced.expectedChanges)
    #expect(result.diagnostics.map(\.offset) == [frame.count])
    #expect(result.diagnostics.map(\.level) == [.error])
    #expect(result.verdict == .inconclusive)
  }

  private func frameEnds(_ plain: [UInt8], size: Int) -> Set<Int> {
    var ends: Set<Int> = []
    var end = 0
    for start in stride(from: 0, to: plain.count, by: size) {
      end += Zstd.frame(Array(plain[start..<min(start + size, plain.count)])).count
      ends.insert(end)
    }
    return ends
  }
}
