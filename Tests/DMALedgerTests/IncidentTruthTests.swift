import DMALedger
import Foundation
import TestSupport
import Testing

/// Names-only captures with everything that lay beside them, against what the kernel had in memory.
@Suite("Incidents against the kernel's memory")
struct IncidentTruthTests {
  private static let folders = [
    "7.3-unfixed-late-function", "7.3-unfixed-late-graph-retval", "7.3-fixed-late-function",
  ]

  private func truth(_ folder: String) throws -> CaptureTests.Truth {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(
      CaptureTests.Truth.self, from: Data(try Checkout.bytes("samples/\(folder)/truth.json")))
  }

  private func report(_ folder: String, _ files: [String]) throws -> Report {
    var analyzer = Analyzer()
    for file in files { analyzer.read(bytes: try Checkout.bytes("samples/\(folder)/\(file)"), name: file) }
    return analyzer.finish()
  }

  private func contains(_ count: Count, _ number: Int) -> Bool {
    count.min <= number && count.max.map { $0 >= number } ?? true
  }

  @Test(
    "every leak has its device and group, no other is named, and no interval excludes the truth",
    arguments: folders,
    [["dmesg.txt"], ["dmesg.txt", "vmm.log", "groups.txt"], ["vmm.log", "groups.txt"], ["groups.txt"], []])
  func leaks(_ folder: String, _ beside: [String]) throws {
    let truth = try truth(folder)
    let told = try report(folder, ["trace.txt"] + beside)
    let found = told.findings.filter { $0.rule == .testRemoveLeak }
    let hasLog = beside.contains("dmesg.txt")
    let places = found.map {
      CaptureTests.Truth.Place(group: $0.group?.value ?? -1, device: $0.device, driver: $0.driver)
    }
    #expect(
      Dictionary(places.map { ($0, 1) }, uniquingKeysWith: +)
        == Dictionary(hasLog ? truth.testRemoveLeaks.map { ($0, 1) } : [], uniquingKeysWith: +))
    #expect(found.allSatisfy { $0.certainty == .consistent })
    #expect(told.verdict == (hasLog && !truth.testRemoveLeaks.isEmpty ? .unbalanced : .inconclusive))
    for group in told.groups {
      let id = try #require(group.id)
      guard let real = truth.groups["\(id.value)"] else { continue }
      #expect(
        contains(group.initial, real.first),
        "group \(id.value) begins with \(real.first), not \(group.initial)")
      #expect(
        contains(group.final, real.final), "group \(id.value) ends with \(real.final), not \(group.final)")
      #expect(group.peak.max == nil)
      #expect(group.changes.allSatisfy { $0.certainty == .consistent })
    }
    let errors = told.findings.filter { $0.severity == .error }
    #expect(errors.allSatisfy { $0.rule == .testRemoveLeak })
    // The program that was refused names the groups.
    if beside.contains("vmm.log") {
      let refused = told.findings.filter { $0.rule == .notViable && $0.group != nil }.map { $0.group?.value }
      #expect(Set(refused) == Set(truth.notViable.map(\.group)))
    }
  }

  @Test(
    "without a trace nothing is proved and everything is told", arguments: folders,
    [
      ["dmesg.txt"], ["vmm.log"], ["groups.txt"], ["dmesg.txt", "vmm.log", "groups.txt"],
      ["dmesg.txt", "vmm.log"],
    ])
  func noTrace(_ folder: String, _ files: [String]) throws {
    let truth = try truth(folder)
    let told = try report(folder, files)
    #expect(told.verdict == .inconclusive)
    #expect(told.findings.allSatisfy { $0.severity < .error })
    #expect(told.groups.allSatisfy { $0.final.exact == nil && $0.initial == .unknown && $0.changes.isEmpty })
    for group in told.groups {
      guard let id = group.id, let real = truth.groups["\(id.value)"] else { continue }
      #expect(contains(group.final, real.final))
    }
    if files.contains("dmesg.txt") || files.contains("groups.txt") {
      // Who is in the groups that the story is about.
      let members = told.groups.filter { [1, 9].contains($0.id?.value) }.flatMap(\.devices).map(\.name)
        .sorted()
      #expect(members == ["0000:00:03.0", "0000:01:00.0", "0000:02:01.0", "0000:02:02.0"])
    }
    if files == ["dmesg.txt"] {
      // A log shows binds and no unbinds: in words, and never in a count.
      let group = try #require(told.groups.first { $0.id?.value == 9 })
      #expect(group.final == .unknown)
      #expect(group.holders.allSatisfy { $0.kind == .unknown })
      #expect(
        group.reasons.contains { $0.contains("e1000 to 0000:02:01.0") && $0.contains("if it is still bound") }
      )
      #expect(told.kernel.release == "7.3.4")
    }
  }
}
