import DMALedger
import Foundation
import LedgerReports
import TestSupport
import Testing

@testable import dmaledger

/// Captures that end anywhere, and captures with a damaged bit: less evidence, and never another verdict.
@Suite("Cut and damaged captures")
struct TruncationTests {
  /// Every byte of the smaller captures and every line of the others, and many more bits.
  static let isExhaustive = ProcessInfo.processInfo.environment["DMALEDGER_EXHAUSTIVE"] != nil

  private static func judge(_ sample: String) throws -> CutJudge {
    CutJudge(try SampleFiles.bytes(sample), exitCode: exitCode)
  }

  /// What `dmaledger analyze` exits with.
  private static func exitCode(_ report: Report) -> Int32 {
    AnalyzeCommand.status(of: CaptureRecord(name: "trace.txt", report: report)).rawValue
  }

  /// Where a sample is cut: small ones at every line and in the last two lines everywhere, large ones at every kilobyte.
  private static func ends(_ judge: CutJudge) -> [Int] {
    let size = judge.bytes.count
    if isExhaustive { return size < 20_000 ? Array(1..<size) : judge.lineStarts }
    if size > 15_000 { return Array(stride(from: 1024, to: size, by: 1024)) }
    return judge.lineStarts + Array((judge.lineStarts.suffix(3).first ?? 0)..<size)
  }

  @Test("a capture that is cut contradicts the whole nowhere", arguments: SampleFiles.captures)
  func cuts(sample: String) throws {
    let judge = try Self.judge(sample)
    for end in Self.ends(judge) {
      let found = judge.cut(at: end)
      #expect(found.isEmpty, "\(sample) cut at \(end): \(found)")
    }
  }

  @Test("a compressed capture that is cut contradicts the whole nowhere", arguments: SampleFiles.captures)
  func packedCuts(sample: String) throws {
    let judge = try Self.judge(sample)
    let packed = Zstd.frames(judge.bytes, size: 16_384)
    for end in stride(from: 1, to: packed.count, by: Self.isExhaustive ? 16 : 1024) {
      let found = judge.contradictions(Array(packed.prefix(end)), lines: 0)
      #expect(found.isEmpty, "\(sample).zst cut at \(end): \(found)")
    }
  }

  @Test(
    "a bit that is wrong where nothing is shown changes nothing for the worse",
    arguments: SampleFiles.captures)
  func plainBits(sample: String) throws {
    let judge = try Self.judge(sample)
    var random = SplitMix(state: UInt64(judge.bytes.count))
    for _ in 0..<(Self.isExhaustive ? 200 : 20) {
      let bit = Int.random(in: 0..<judge.bytes.count * 8, using: &random)
      let found = judge.turned(bit: bit)
      #expect(found.isEmpty, "\(sample), bit \(bit % 8) of byte \(bit / 8): \(found)")
    }
  }

  @Test("the command exits on a part as its report says, and with 0 to 3", arguments: SampleFiles.captures)
  func command(sample: String) throws {
    let bytes = try SampleFiles.bytes(sample)
    let packed = Zstd.frames(bytes, size: 16_384)
    var random = SplitMix(state: UInt64(bytes.count) &+ 1)
    var parts = [bytes, packed, [], Array(packed.prefix(6))]
    for whole in [bytes, packed] {
      parts.append(Array(whole.prefix(Int.random(in: whole.indices, using: &random))))
      var damaged = whole
      damaged[Int.random(in: whole.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      parts.append(damaged)
    }
    for (place, part) in parts.enumerated() {
      let run = try CommandRun(["-"], input: Data(part))
      #expect((0...3).contains(run.status), "\(sample), part \(place): \(run.complaint)")
      #expect(run.status == Self.exitCode(report(on: part)), "\(sample), part \(place): \(run.complaint)")
    }
  }

  @Test("cut at every byte of a small history")
  func everyByte() {
    for history in [OwnershipHistory.balanced, .leaking] {
      let judge = CutJudge(history.bytes(.defaultLines), exitCode: Self.exitCode)
      #expect(Self.exitCode(judge.whole) == (history.isBalanced ? 0 : 1))
      for end in 1..<judge.bytes.count {
        let found = judge.cut(at: end)
        #expect(found == [], "cut at \(end)")
        if history.isBalanced { #expect(Self.exitCode(report(on: Array(judge.bytes.prefix(end)))) != 1) }
      }
    }
  }

  @Test("a bit that is wrong in a compressed capture ends it there", arguments: SampleFiles.captures)
  func bits(sample: String) throws {
    let judge = try Self.judge(sample)
    let packed = Zstd.frames(judge.bytes, size: 16_384)
    var random = SplitMix(state: UInt64(packed.count))
    for _ in 0..<(Self.isExhaustive ? 1000 : 10) {
      var damaged = packed
      let place = Int.random(in: packed.indices, using: &random)
      damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      let found = judge.contradictions(damaged, lines: 0)
      #expect(found.isEmpty, "\(sample).zst, bit in byte \(place): \(found)")
    }
  }
}
