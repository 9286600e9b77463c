import Foundation
import TestSupport
import Testing

/// Whole runs of the command against what they shall print: `Tests/Golden/<case>/` holds `args` (one a line),
/// `expected.txt` and `exit`. `RECORD_GOLDEN=1` writes them anew and fails, so that a recording never passes.
@Suite("Golden runs")
struct GoldenTests {
  static let folder = Checkout.root.appendingPathComponent("Tests/Golden")

  static let cases: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { !$0.hasPrefix(".") }
    .sorted()

  @Test("there are golden cases")
  func thereAreCases() {
    #expect(Self.cases.count >= 6)
  }

  @Test("a run prints what it shall and exits as it shall", arguments: cases)
  func run(_ name: String) throws {
    let place = Self.folder.appendingPathComponent(name)
    let arguments = try text("args", in: place).split(separator: "\n").map(String.init)
    let run = try CommandRun(arguments, environment: ["NO_COLOR": "1"])
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
      try Data(run.output.utf8).write(to: place.appendingPathComponent("expected.txt"))
      try Data("\(run.status)\n".utf8).write(to: place.appendingPathComponent("exit"))
      Issue.record("recorded \(name); look at the difference and run again without RECORD_GOLDEN")
      return
    }
    #expect("\(run.status)\n" == (try text("exit", in: place)))
    let expected = try text("expected.txt", in: place)
    if run.output != expected { Issue.record("\(name): \(Self.firstDifference(run.output, expected))") }
  }

  private func text(_ file: String, in place: URL) throws -> String {
    String(decoding: try Data(contentsOf: place.appendingPathComponent(file)), as: UTF8.self)
  }

  private static func firstDifference(_ printed: String, _ expected: String) -> String {
    let a = printed.split(separator: "\n", omittingEmptySubsequences: false)
    let b = expected.split(separator: "\n", omittingEmptySubsequences: false)
    for index in 0..<max(a.count, b.count) {
      let left = index < a.count ? a[index] : "(end)"
      let right = index < b.count ? b[index] : "(end)"
      if left != right { return "line \(index + 1) is\n  \(left)\nand shall be\n  \(right)" }
    }
    return "no line differs"
  }
}
