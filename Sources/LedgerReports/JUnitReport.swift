import DMALedger

/// JUnit XML, in the part of it that GitLab, Jenkins and the usual GitHub actions read alike.
///
/// A capture is a `testsuite`, a group of it a `testcase`; a defect is a `failure`, an unreadable capture an `error`,
/// an inconclusive one is `skipped`. GitLab shows only what stands inside these elements, so the message stands there
/// and in the attribute. Suites do not nest, and nothing claims to have taken time. Totals of the whole file are left
/// to the readers, who all count for themselves.
///
/// Keeps eight bytes a capture, so that no two suites get one name (GitLab drops a test whose name it has seen), and
/// what was left out for the limits of GitLab: 30 MB and 250,000 elements a file. Near them balanced captures are left
/// out first, and the last suite says how many; a defect among those left out is a failure of that suite.
public struct JUnitReport: CollectionRenderer {
  /// How large the file may become.
  struct Limits {
    var bytes = 30_000_000
    var elements = 250_000
    /// What may be used up by balanced captures, and by everything, in percent of the limits.
    var forBalanced = 60
    var forAll = 95
  }

  private let locator: SourceLocator
  private let limits: Limits
  private var bytes = 0
  private var elements = 1
  private var names = NameRegister()
  private var leftOut: [CaptureRecord.Outcome: Int] = [:]

  /// A report; `locator` says how files are named in it.
  public init(locator: SourceLocator = SourceLocator()) {
    self.init(locator: locator, limits: Limits())
  }

  init(locator: SourceLocator, limits: Limits) {
    self.locator = locator
    self.limits = limits
  }

  /// The declaration and the opening of the root.
  public mutating func begin(total: Int?) -> [UInt8] {
    var xml = XMLWriter()
    xml.declaration()
    xml.open("testsuites", [("name", "dmaledger")])
    bytes = xml.bytes.count
    return xml.bytes
  }

  /// A suite; empty where the capture is left out for the limits.
  public mutating func add(_ capture: CaptureRecord) -> [UInt8] {
    let checks = CaptureCheck.all(of: capture)
    var xml = XMLWriter(depth: 1)
    let name = names.unique(Printable.text(capture.name))
    suite(capture, name, checks, &xml)
    let share = capture.outcome == .balanced ? limits.forBalanced : limits.forAll
    guard bytes + xml.bytes.count <= limits.bytes / 100 * share,
      elements + xml.elements <= limits.elements / 100 * share
    else {
      leftOut[capture.outcome, default: 0] += 1
      return []
    }
    bytes += xml.bytes.count
    elements += xml.elements
    return xml.bytes
  }

  /// The suite of what was left out, if anything was, and the end of the root.
  public mutating func finish() -> [UInt8] {
    var xml = XMLWriter(depth: 1)
    if !leftOut.isEmpty { remainder(&xml) }
    xml.close("testsuites")
    return xml.bytes
  }

  // MARK: - Elements

  private func suite(
    _ capture: CaptureRecord, _ name: String, _ checks: [CaptureCheck], _ xml: inout XMLWriter
  ) {
    xml.open("testsuite", [("name", name)] + counts(checks.map(\.result)))
    xml.open("properties")
    for (key, value) in properties(capture) { xml.empty("property", [("name", key), ("value", value)]) }
    xml.close("properties")
    for check in checks { testCase(check, capture, name, &xml) }
    xml.close("testsuite")
  }

  private func properties(_ capture: CaptureRecord) -> [(String, String)] {
    var properties = [("verdict", capture.outcome.rawValue)]
    if !capture.id.isEmpty { properties.append(("capture_id", Printable.text(capture.id))) }
    let kernel = capture.report.kernel
    if let release = kernel.release { properties.append(("kernel", Printable.text(release))) }
    properties.append(("test_driver_remove", kernel.testDriverRemove.rawValue))
    return properties
  }

  private func testCase(
    _ check: CaptureCheck, _ capture: CaptureRecord, _ suite: String, _ xml: inout XMLWriter
  ) {
    let place = locator.place(check.place, in: capture)
    let attributes = [
      ("classname", suite), ("name", check.name), ("file", Printable.text(place.path)),
      ("line", "\(place.line)"),
    ]
    guard check.hasStory else { return xml.empty("testcase", attributes) }
    xml.open("testcase", attributes)
    let story = check.story(in: capture.report).map(Printable.text).joined(separator: "\n")
    let reason = Printable.text(check.reason)
    switch check.result {
    case .passed: xml.element("system-out", text: story)
    case .failed: xml.element("failure", [("type", check.kind), ("message", reason)], text: story)
    case .errored: xml.element("error", [("type", check.kind), ("message", reason)], text: story)
    case .skipped: xml.element("skipped", [("message", reason)], text: story)
    }
    xml.close("testcase")
  }

  private func counts(_ results: [CaptureCheck.Result]) -> [(String, String)] {
    [
      ("tests", "\(results.count)"), ("failures", "\(results.count { $0 == .failed })"),
      ("errors", "\(results.count { $0 == .errored })"), ("skipped", "\(results.count { $0 == .skipped })"),
    ]
  }

  /// What was left out, as a suite: it may not look as if all had been told.
  private mutating func remainder(_ xml: inout XMLWriter) {
    let total = leftOut.values.reduce(0, +)
    let parts = CaptureRecord.Outcome.allCases.compactMap { outcome in
      leftOut[outcome].map { "\($0) \(outcome.rawValue)" }
    }
    let text =
      "\(total) captures are not in this file, because readers of it take \(limits.bytes / 1_000_000) MB and "
      + "\(limits.elements) elements at most: \(parts.joined(separator: ", ")). The JSONL output has them all."
    let defects = leftOut[.unbalanced, default: 0] + leftOut[.unreadable, default: 0]
    let result: CaptureCheck.Result = defects > 0 ? .failed : .skipped
    let name = names.unique("dmaledger: captures left out")
    xml.open("testsuite", [("name", name)] + counts([result]))
    xml.open("testcase", [("classname", name), ("name", "captures left out")])
    if result == .failed {
      xml.element("failure", [("type", "left-out"), ("message", text)], text: text)
    } else {
      xml.element("skipped", [("message", text)], text: text)
    }
    xml.close("testcase")
    xml.close("testsuite")
  }
}

/// Names given so far, as hashes: eight bytes each, whatever their length.
struct NameRegister {
  private var seen: Set<UInt64> = []

  /// The name, with a number behind it if it was given before.
  mutating func unique(_ name: String) -> String {
    if seen.insert(Self.hash(name)).inserted { return name }
    var number = 2
    while !seen.insert(Self.hash("\(name) (\(number))")).inserted { number += 1 }
    return "\(name) (\(number))"
  }

  /// A hash of a name, 16 hexadecimal digits.
  static func hex(_ name: String) -> String {
    let digits = String(hash(name), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// FNV-1a: the standard library's hash differs from run to run, and two names that collide shall collide always.
  private static func hash(_ name: String) -> UInt64 {
    name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}
