import DMALedger

/// SARIF 2.1.0, in the form that GitHub code scanning asks for.
///
/// A finding is a result; the lines that show it are its code flow, which GitHub draws as a path from the reference
/// that was taken to the refusal. A capture is no file of the repository as a rule, so `locator.anchor` may name one
/// that is, and all results are placed there. What could not be read, and what was left open, is a notification.
///
/// Keeps at most ``Limits/notifications`` notifications, and with an anchor a number for each fingerprint. GitHub
/// refuses files with more than 25,000 results a run: notes and warnings stop before that, so that there is room for
/// errors, and a notification says how many results were left out.
public struct SARIFReport: CollectionRenderer {
  /// How much one run may hold.
  struct Limits {
    /// Results up to which one of this severity is still written.
    var results: [Severity: Int] = [.error: 25_000, .warning: 20_000, .note: 15_000]
    /// Steps of a code flow; GitHub keeps 1000 of them.
    var steps = 1000
    var notifications = 100
  }

  private let toolVersion: String
  private let locator: SourceLocator
  private let limits: Limits
  private var results = 0
  private var leftOut = 0
  private var notifications: [(level: Diagnostic.Level, text: String)] = []
  private var unheard = 0
  private var isSuccessful = true
  private var occurrences = OccurrenceCounter()

  /// A report.
  ///
  /// - Parameters:
  ///   - toolVersion: The version of the program that makes it.
  ///   - locator: How files are named in it, and the file that all results are placed in, if any.
  public init(toolVersion: String, locator: SourceLocator = SourceLocator()) {
    self.init(toolVersion: toolVersion, locator: locator, limits: Limits())
  }

  init(toolVersion: String, locator: SourceLocator, limits: Limits) {
    self.toolVersion = toolVersion
    self.locator = locator
    self.limits = limits
  }

  /// The head of the log with the rules.
  public mutating func begin(total: Int?) -> [UInt8] {
    var tool = JSONWriter()
    tool.object { json in
      json.object("driver") { json in
        json.member("name", "dmaledger")
        json.member("semanticVersion", toolVersion)
        json.array("rules", of: Rule.allCases) { json, rule in json.object { $0.members(describing: rule) } }
      }
    }
    let head = """
      {
      "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
      "version": "2.1.0",
      "runs": [{
      "automationDetails": {"id": "dmaledger/"},
      "columnKind": "utf16CodeUnits",
      "tool":\u{20}
      """
    return Array(head.utf8) + tool.bytes + Array(",\n\"results\": [".utf8)
  }

  /// The results of a capture.
  public mutating func add(_ capture: CaptureRecord) -> [UInt8] {
    notify(capture)
    // The same bug twice in one file has to be two alerts; in another file it is another one by its place.
    if locator.anchor == nil { occurrences = OccurrenceCounter() }
    var bytes: [UInt8] = []
    for finding in capture.report.findings {
      guard results < limits.results[finding.severity, default: 0] else {
        leftOut += 1
        continue
      }
      var json = JSONWriter()
      let occurrence = occurrences.next(finding.fingerprint)
      json.object(.oneLine) { self.members(of: finding, occurrence, capture, &$0) }
      bytes += Array((results == 0 ? "\n" : ",\n").utf8) + json.bytes
      results += 1
    }
    return bytes
  }

  /// The notifications and the end of the log.
  public mutating func finish() -> [UInt8] {
    if leftOut > 0 {
      notifications.append(
        (
          .warning,
          "\(leftOut) results are not in this file, because GitHub takes \(limits.results[.error, default: 0]) at "
            + "most; the JSONL output has them all."
        ))
    }
    if unheard > 0 { notifications.append((.note, "and \(unheard) more remarks on captures")) }
    var invocation = JSONWriter()
    invocation.object { json in
      json.member("executionSuccessful", isSuccessful)
      json.array("toolExecutionNotifications", of: notifications) { json, notification in
        json.object(.oneLine) { json in
          json.member("level", notification.level.rawValue)
          json.object("message") { $0.member("text", Self.messageText(notification.text)) }
        }
      }
    }
    return Array("\n],\n\"invocations\": [".utf8) + invocation.bytes + Array("]\n}]\n}\n".utf8)
  }

  // MARK: - Results

  private func members(
    of finding: Finding, _ occurrence: String, _ capture: CaptureRecord, _ json: inout JSONWriter
  ) {
    json.member("ruleId", finding.rule.rawValue)
    json.member("ruleIndex", Rule.allCases.firstIndex(of: finding.rule))
    json.member("level", finding.severity.rawValue)
    json.member("baselineState", finding.novelty.map { $0 == .new ? "new" : "unchanged" })
    json.object("message") { $0.member("text", Self.messageText(TextReport.capitalized(finding.message))) }
    let best = finding.bestPlace
    let place = locator.place(best, in: capture)
    json.array("locations", of: [place]) { json, place in
      json.object { json in
        let shown = locator.anchor == nil ? finding.evidence.last { $0.at == best } : nil
        Self.physicalLocation(place, shown?.text, &json)
      }
    }
    if !finding.evidence.isEmpty { codeFlow(finding.evidence, capture, &json) }
    json.object("partialFingerprints") { json in
      json.member("primaryLocationLineHash", occurrence)
      json.member("dmaledger/v1", finding.fingerprint)
    }
    json.object("properties") { json in
      json.member("capture", Printable.text(capture.name))
      json.member("capture_id", capture.id.isEmpty ? nil : capture.id)
      json.member("certainty", finding.certainty.rawValue)
      json.member("cause", finding.cause)
      json.member("group", finding.group?.value)
      json.member("incarnation", finding.incarnation)
      json.member("device", finding.device.map(Printable.text))
      json.member("driver", finding.driver.map(Printable.text))
      json.member("excess", finding.excess)
      json.member("remedy", finding.remedy)
    }
  }

  private func codeFlow(_ evidence: [Evidence], _ capture: CaptureRecord, _ json: inout JSONWriter) {
    json.array("codeFlows", of: CollectionOfOne(evidence)) { json, evidence in
      json.object { json in
        json.array("threadFlows", of: CollectionOfOne(evidence.prefix(limits.steps))) { json, steps in
          json.object { json in
            json.array("locations", of: steps) { json, step in
              json.object { json in
                json.object("location") { json in
                  Self.physicalLocation(locator.spot(step.at, in: capture), step.text, &json)
                  json.object("message") { $0.member("text", Self.messageText(step.note)) }
                }
              }
            }
          }
        }
      }
    }
  }

  private static func physicalLocation(
    _ place: (path: String, line: Int), _ text: String?, _ json: inout JSONWriter
  ) {
    let shown = text.map(Printable.text) ?? ""
    json.object("physicalLocation") { json in
      json.object("artifactLocation") { json in
        json.member("uri", SourceLocator.uri(place.path))
        json.member("uriBaseId", place.path.hasPrefix("/") ? nil : "%SRCROOT%")
      }
      json.object("region") { json in
        json.member("startLine", place.line)
        json.member("startColumn", 1)
        json.member("endLine", place.line)
        json.member("endColumn", max(2, 1 + shown.utf16.count))
        if !shown.isEmpty { json.object("snippet") { $0.member("text", shown) } }
      }
    }
  }

  /// Brackets make links and braces placeholders in a message; a capture shall make neither.
  private static func messageText(_ text: String) -> String {
    Printable.text(text).escaped { scalar in
      switch scalar {
      case "\\", "[", "]": "\\\(scalar)"
      case "{", "}": "\(scalar)\(scalar)"
      default: nil
      }
    }
  }

  // MARK: - Notifications

  private mutating func notify(_ capture: CaptureRecord) {
    for trouble in capture.readingTroubles { notify(.error, trouble) }
    if capture.outcome == .unreadable { isSuccessful = false }
    if capture.outcome == .inconclusive {
      notify(.warning, "\(capture.name): inconclusive: \(capture.report.reasons.joined(separator: "; "))")
    }
    for diagnostic in capture.report.diagnostics {
      notify(diagnostic.level, capture.report.remark(diagnostic))
    }
  }

  private mutating func notify(_ level: Diagnostic.Level, _ text: String) {
    guard notifications.count < limits.notifications else { return unheard += 1 }
    notifications.append((level, text))
  }
}
