import DMALedger

/// Reports for KCIDB, the database of kernel CI systems, in version 5.3 of its schema: one JSON object a line, a line a
/// capture, as `kcidb-submit` reads them.
///
/// A capture is a test, and so is each group with a defect; groups that are balanced are not, because the database
/// drowns in them. A defect's fingerprint is an issue, its occurrence an incident. What is inconclusive is `MISS`: what
/// was recorded does not answer, and a build must not look as if it had passed. All ids are made of the capture's hash,
/// or of its name where there is none, so that a second submission replaces the first. Keeps nothing.
public struct KCIDBReport: CollectionRenderer {
  /// A build of the database, `origin:id`: tests belong to one.
  public struct Build: Sendable {
    /// The CI system that submits.
    public let origin: String
    /// The id with the origin in front.
    public let id: String

    /// A build by its id; `nil` where that has no origin, lower-case letters, digits and underscores, in front of a colon.
    public init?(_ id: String) {
      let bytes = id.utf8.prefix { $0 != UInt8(ascii: ":") }
      let isOrigin = bytes.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || byte == UInt8(ascii: "_")
      }
      guard isOrigin, !bytes.isEmpty, bytes.count + 1 < id.utf8.count else { return nil }
      origin = String(Substring(bytes))
      self.id = Printable.text(id)
    }
  }

  private let build: Build
  private static let longestExcerpt = 16_384

  /// Reports on tests of a build.
  public init(build: Build) {
    self.build = build
  }

  /// Nothing: each line is complete.
  public mutating func begin(total: Int?) -> [UInt8] {
    []
  }

  /// A line.
  public mutating func add(_ capture: CaptureRecord) -> [UInt8] {
    let checks = CaptureCheck.all(of: capture)
    let key = capture.id.isEmpty ? "name-" + NameRegister.hex("\(build.id) \(capture.name)") : capture.id
    let test = "\(build.origin):dmaledger-\(Printable.text(key))"
    var incidents: [(test: String, finding: Finding)] = []
    for (index, check) in checks.enumerated() where check.result == .failed {
      for finding in check.findings where finding.severity == .error {
        let isTold = incidents.contains { $0.finding.fingerprint == finding.fingerprint }
        if !isTold { incidents.append((index == 0 ? test : "\(test)-\(index)", finding)) }
      }
    }
    var json = JSONWriter()
    json.object(.oneLine) { json in
      json.object("version") { json in
        json.member("major", 5)
        json.member("minor", 3)
      }
      json.array("tests", of: checks.enumerated().filter { $0.offset == 0 || $0.element.result == .failed }) {
        json, check in
        json.object { json in
          json.member("id", check.offset == 0 ? test : "\(test)-\(check.offset)")
          self.members(of: check.element, isWhole: check.offset == 0, capture, &json)
        }
      }
      json.array("issues", of: incidents) { json, incident in
        json.object { self.members(ofIssue: incident.finding, &$0) }
      }
      json.array("incidents", of: incidents) { json, incident in
        json.object { json in
          json.member("id", "\(test)-\(incident.finding.fingerprint)")
          json.member("origin", build.origin)
          json.member("issue_id", issue(incident.finding))
          json.member("issue_version", 1)
          json.member("test_id", incident.test)
          json.member("present", true)
          json.member("comment", Printable.text(incident.finding.message))
        }
      }
    }
    json.endLine()
    return json.bytes
  }

  /// Nothing: each line is complete.
  public mutating func finish() -> [UInt8] {
    []
  }

  private func members(
    of check: CaptureCheck, isWhole: Bool, _ capture: CaptureRecord, _ json: inout JSONWriter
  ) {
    json.member("origin", build.origin)
    json.member("build_id", build.id)
    json.member("path", "iommu.owner_cnt" + (isWhole ? "" : "." + Self.pathPart(check.name)))
    json.member("comment", Printable.text(isWhole ? capture.name : "\(check.name): \(capture.name)"))
    json.member("status", isWhole ? Self.status(of: capture) : "FAIL")
    let story = check.story(in: capture.report).map(Printable.text).joined(separator: "\n")
    if !story.isEmpty { json.member("log_excerpt", Self.cut(story)) }
    json.object("misc") { json in
      json.member("capture_id", capture.id.isEmpty ? nil : Printable.text(capture.id))
      json.member("verdict", isWhole ? capture.outcome.rawValue : nil)
      json.member("test_driver_remove", isWhole ? capture.report.kernel.testDriverRemove.rawValue : nil)
    }
  }

  private func members(ofIssue finding: Finding, _ json: inout JSONWriter) {
    json.member("id", issue(finding))
    json.member("version", 1)
    json.member("origin", build.origin)
    json.object("culprit") { json in
      json.member("code", true)
      json.member("tool", false)
      json.member("harness", false)
    }
    let driver = finding.driver.map { " (\(Printable.text($0)))" } ?? ""
    json.member("comment", finding.rule.explanation.title + driver)
    json.object("misc") { json in
      json.member("rule", finding.rule.rawValue)
      json.member("fingerprint", finding.fingerprint)
    }
  }

  private func issue(_ finding: Finding) -> String {
    "\(build.origin):dmaledger-\(finding.fingerprint)"
  }

  private static func status(of capture: CaptureRecord) -> String {
    switch capture.outcome {
    case .balanced: "PASS"
    case .unbalanced: "FAIL"
    case .inconclusive: "MISS"
    case .unreadable: "ERROR"
    }
  }

  /// `group 45 balanced` as `group45`, the rest of a name as it may stand in a path.
  private static func pathPart(_ name: String) -> String {
    var part = ""
    for word in name.split(separator: " ") where word != "balanced" {
      for scalar in word.unicodeScalars
      where scalar.isASCII && scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) {
        part.unicodeScalars.append(scalar)
      }
    }
    return part
  }

  private static func cut(_ text: String) -> String {
    guard text.utf8.count > longestExcerpt else { return text }
    return String(decoding: text.utf8.prefix(longestExcerpt - 3), as: UTF8.self).filter { $0 != "\u{FFFD}" }
      + "…"
  }
}
