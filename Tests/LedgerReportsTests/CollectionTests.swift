import DMALedger
import Foundation
import LedgerReports
import TestSupport
import Testing

@Suite("Outputs about captures")
struct CollectionTests {
  static let renderers: [(name: String, renderer: any CollectionRenderer)] = [
    ("junit", JUnitReport()), ("sarif", SARIFReport(toolVersion: "1.2.3")), ("ktap", KTAPReport()),
    ("tap", TAPReport()), ("github", GitHubAnnotations()), ("gitlab", GitLabQualityReport()),
    ("markdown", MarkdownSummary()), ("kcidb", KCIDBReport(build: Captures.build)),
  ]

  @Test("a capture comes to what its exit code says")
  func outcomes() throws {
    #expect(try Captures.four().map(\.outcome) == [.unbalanced, .balanced, .inconclusive, .unreadable])
    // A leak that is proved does not make a capture readable of which a part is missing.
    var partly = try Captures.unbalanced()
    partly.unreadable = [InputError(path: "dmesg.txt", reason: "Permission denied")]
    #expect(partly.outcome == .unreadable)
    #expect(partly.readingTroubles == ["dmesg.txt: Permission denied"])
  }

  @Test("a file in which nothing was recognised is unreadable and says so")
  func nothingRecognised() {
    let record = CaptureRecord(name: "LICENSE", report: report(on: "Apache License\n", name: "LICENSE"))
    #expect(record.outcome == .unreadable)
    #expect(record.readingTroubles == [CaptureRecord.nothingRecognised])
  }

  @Test("written capture by capture it is the same as written at once", arguments: renderers.map(\.name))
  func streaming(_ name: String) throws {
    let captures = try Captures.four()
    var renderer = try #require(Self.renderers.first { $0.name == name }?.renderer)
    let whole = renderer.rendered(captures)
    var parts = renderer.begin(total: captures.count)
    for capture in captures { parts += renderer.add(capture) }
    parts += renderer.finish()
    #expect(parts == whole)
    #expect(whole.last == UInt8(ascii: "\n"))
  }

  @Test(
    "the same captures give the same bytes, and no capture gives a whole file",
    arguments: renderers.map(\.name))
  func repeatable(_ name: String) throws {
    let renderer = try #require(Self.renderers.first { $0.name == name }?.renderer)
    #expect(try renderer.rendered(Captures.four()) == renderer.rendered(Captures.four()))
    #expect(renderer.rendered([]).isEmpty == ["github", "kcidb"].contains(name))
  }

  @Test(
    "nothing in a capture steers a display or a runner, whatever the output", arguments: renderers.map(\.name)
  )
  func hostileNames(_ name: String) throws {
    let renderer = try #require(Self.renderers.first { $0.name == name }?.renderer)
    for (index, capture) in Captures.allHostile.enumerated() {
      let written = text(renderer, [capture])
      #expect(steering(in: written).isEmpty, "hostile capture \(index)")
      if name == "github" { continue }
      for line in written.split(separator: "\n") {
        // As the runner of GitHub Actions looks for commands.
        #expect(!line.drop { $0 == " " }.hasPrefix("::") && !line.contains("##["), "hostile capture \(index)")
      }
    }
  }

  @Test("paths are told from the root of the checkout")
  func paths() {
    let locator = SourceLocator(root: "/builds/project", folder: "logs")
    var record = Captures.hostile("x")
    for (given, told) in [
      ("trace.txt", "logs/trace.txt"), ("./trace.txt", "logs/trace.txt"),
      ("/builds/project/a/trace.txt", "a/trace.txt"), ("/var/log/trace.txt", "/var/log/trace.txt"),
      ("-", "standard-input"), ("/builds/project2/x", "/builds/project2/x"),
    ] {
      record.report.sources[0].path = given
      let written = text(GitHubAnnotations(locator: locator), [record])
      #expect(written.contains("file=\(told),line=7,"), "\(given)")
    }
  }
}
