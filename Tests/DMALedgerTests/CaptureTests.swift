import DMALedger
import Foundation
import Testing

/// The real captures of `samples/`, against what probes in a second trace instance read from kernel memory meanwhile.
@Suite("Real captures")
struct CaptureTests {
  struct Truth: Decodable {
    struct Group: Decodable, Equatable {
      var first, final, use, unuse, claim, release: Int
    }
    struct Place: Decodable, Hashable {
      var group: Int
      var device: String?
      var driver: String?
    }

    var probeWindows: Int
    var groups: [String: Group]
    var testRemoveLeaks: [Place]
    var notViable: [Place]
    var refusedBinds: [Place]
  }

  static let samples = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "samples")

  static let folders: [String] = {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: samples.path)) ?? []
    return all.filter {
      FileManager.default.fileExists(atPath: samples.appending(path: $0).appending(path: "truth.json").path)
    }.sorted()
  }()

  static func hasProbes(_ folder: String) -> Bool { folder.contains("probe") }
  static let withProbes = folders.filter(hasProbes)
  static let namesOnly = folders.filter { !hasProbes($0) }

  private func open(_ folder: String) throws -> (Report, Truth) {
    let folder = Self.samples.appending(path: folder)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let truth = try decoder.decode(
      Truth.self, from: try Data(contentsOf: folder.appending(path: "truth.json")))
    var analyzer = Analyzer()
    try analyzer.read(path: folder.appending(path: "trace.txt").path)
    return (analyzer.finish(), truth)
  }

  private func places(_ findings: [Finding], withDriver: Bool) -> [Truth.Place] {
    findings.map {
      Truth.Place(group: $0.group?.value ?? -1, device: $0.device, driver: withDriver ? $0.driver : nil)
    }
  }

  private func multiset(_ places: [Truth.Place]) -> [Truth.Place: Int] {
    Dictionary(places.map { ($0, 1) }, uniquingKeysWith: +)
  }

  @Test("there are captures of both kinds")
  func present() {
    #expect(Self.withProbes.count >= 5)
    #expect(Self.namesOnly.count >= 6)
  }

  @Test("every count is the one that the kernel had", arguments: withProbes)
  func counts(folder: String) throws {
    let (report, truth) = try open(folder)
    #expect(Set(report.groups.compactMap { $0.id.map { "\($0.value)" } }) == Set(truth.groups.keys))
    #expect(report.groups.count == truth.groups.count)
    for group in report.groups {
      let id = try #require(group.id)
      let real = try #require(truth.groups["\(id.value)"])
      let seen = Truth.Group(
        first: group.initial.exact ?? -1, final: group.final.exact ?? -1,
        use: group.changes.count { $0.call == .use && $0.result == 0 },
        unuse: group.changes.count { $0.call == .unuse },
        claim: group.changes.count { $0.call == .claim && $0.result == 0 },
        release: group.changes.count { $0.call == .release })
      #expect(seen == real, "group \(id.value)")
      #expect(group.changes.allSatisfy { $0.before.exact != nil && $0.after.exact != nil })
    }
  }

  @Test("every leak, every refusal and nothing else is found", arguments: withProbes)
  func findings(folder: String) throws {
    let (report, truth) = try open(folder)
    let leaks = report.findings.filter { $0.rule == .testRemoveLeak }
    #expect(multiset(places(leaks, withDriver: true)) == multiset(truth.testRemoveLeaks))
    #expect(leaks.allSatisfy { $0.certainty == .proved && $0.severity == .error })
    let refused = report.findings.filter { $0.rule == .notViable }
    #expect(Set(refused.map { $0.group?.value }) == Set(truth.notViable.map(\.group)))
    let binds = report.findings.filter { $0.rule == .nativeBindRefused }
    #expect(
      Set(places(binds, withDriver: false))
        == Set(truth.refusedBinds.map { Truth.Place(group: $0.group, device: $0.device) }))
    #expect(report.kernel.windows == truth.probeWindows)
    let isUnfixed = folder.contains("unfixed")
    #expect(report.kernel.testDriverRemove == (isUnfixed ? .unfixed : .fixed))
    #expect((report.verdict == .unbalanced) == !truth.testRemoveLeaks.isEmpty)
    #expect(report.verdict != .balanced || truth.testRemoveLeaks.isEmpty)
  }

  @Test("names alone judge the kernel and no group", arguments: namesOnly)
  func names(folder: String) throws {
    let (report, truth) = try open(folder)
    #expect(report.groups.isEmpty)
    #expect(report.verdict == .inconclusive)
    #expect(report.findings.allSatisfy { $0.severity != .error })
    #expect(report.kernel.windows == truth.probeWindows)
    if folder.contains("unfixed") {
      #expect(report.kernel.testDriverRemove == .unfixed)
      #expect(report.kernel.reprobes == truth.testRemoveLeaks.count)
    } else {
      #expect(report.kernel.testDriverRemove == .fixed)
      #expect(report.kernel.reprobes > 0)
    }
    #expect(report.unattributed[.use] >= truth.groups.values.reduce(0) { $0 + $1.use })
    #expect(report.unattributed[.unuse] >= truth.groups.values.reduce(0) { $0 + $1.unuse })
  }

  @Test("every evidence line of a finding stands where it says", arguments: folders)
  func evidence(folder: String) throws {
    let (report, _) = try open(folder)
    let text = try String(
      contentsOf: Self.samples.appending(path: folder).appending(path: "trace.txt"), encoding: .utf8)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for finding in report.findings {
      #expect(!finding.evidence.isEmpty)
      for evidence in finding.evidence {
        let line = String(lines[evidence.at.line - 1]).drop { $0 == " " }
        #expect(line.hasPrefix(evidence.text), "line \(evidence.at.line)")
      }
    }
  }
}
