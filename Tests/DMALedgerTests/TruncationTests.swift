import DMALedger
import TestSupport
import Testing

/// Captures that end anywhere, and captures with a damaged bit: less evidence, and never another verdict.
@Suite("Cut and damaged captures")
struct TruncationTests {
  static let samples = [
    "6.1-fixed-late-probes", "6.1-unfixed-late-probes", "6.1-unfixed-boot-function+probes",
    "6.1-unfixed-late-probes-stack", "7.3-unfixed-late-fprobes", "7.3-unfixed-late-graph-retval",
    "7.3-fixed-late-function",
  ]

  /// What a part of a capture may say, as far as the whole one tells.
  private func check(_ bytes: [UInt8], against whole: Report, _ what: String) {
    let report = report(on: bytes)
    let leaks = Set(whole.findings.filter { $0.severity == .error }.map { "\($0.rule) \($0.device ?? "")" })
    if report.verdict == .unbalanced { #expect(whole.verdict == .unbalanced, "\(what)") }
    for finding in report.findings where finding.severity == .error && finding.rule == .testRemoveLeak {
      #expect(leaks.contains("\(finding.rule) \(finding.device ?? "")"), "\(what): \(finding.message)")
    }
    let kernels = [report.kernel.testDriverRemove, whole.kernel.testDriverRemove]
    #expect(kernels != [.fixed, .unfixed] && kernels != [.unfixed, .fixed], "\(what)")
  }

  @Test("cut at every kilobyte, plain and compressed", arguments: samples)
  func cuts(sample: String) throws {
    let bytes = try SampleFiles.bytes(sample + "/trace.txt")
    let whole = report(on: bytes)
    let packed = Zstd.frames(bytes, size: 16_384)
    let step = max(1024, bytes.count / 40)
    for end in stride(from: 1, to: bytes.count, by: step) {
      check(Array(bytes.prefix(end)), against: whole, "\(sample) cut at \(end)")
    }
    for end in stride(from: 1, to: packed.count, by: max(1024, packed.count / 20)) {
      check(Array(packed.prefix(end)), against: whole, "\(sample).zst cut at \(end)")
    }
  }

  @Test("cut at every byte of a small history")
  func everyByte() {
    for history in [OwnershipHistory.balanced, .leaking] {
      let bytes = history.bytes(.defaultLines)
      let whole = report(on: bytes)
      for end in 1..<bytes.count {
        let part = report(on: Array(bytes.prefix(end)))
        if history.isBalanced { #expect(part.verdict != .unbalanced, "cut at \(end)") }
        if part.verdict == .unbalanced { #expect(whole.verdict == .unbalanced, "cut at \(end)") }
      }
    }
  }

  @Test("a bit that is wrong in a compressed capture ends it there", arguments: 0..<4)
  func bits(block: Int) throws {
    let bytes = try SampleFiles.bytes("6.1-unfixed-late-probes/trace.txt")
    let whole = report(on: bytes)
    let packed = Zstd.frames(bytes, size: 16_384)
    var random = SplitMix(state: UInt64(block))
    for _ in 0..<10 {
      var damaged = packed
      let place = Int.random(in: packed.indices, using: &random)
      damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      check(damaged, against: whole, "bit in byte \(place)")
    }
  }
}
