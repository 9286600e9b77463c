import DMALedger
import Foundation
import LedgerReports
import Testing

@Suite("The report as JSON")
struct JSONReportTests {
  // MARK: Values

  @Test("a full report keeps every value")
  func fullReport() throws {
    let root = try parsed(Report.withEverything, captureID: "xxh3:00112233445566778899aabbccddeeff")

    #expect(root["schema"] as? String == "dmaledger.report/1")
    #expect(root["tool"] as? [String: String] == ["name": "dmaledger", "version": "1.2.3"])
    #expect(root["capture_id"] as? String == "xxh3:00112233445566778899aabbccddeeff")
    #expect(root["verdict"] as? String == "unbalanced")
    #expect(root["reasons"] as? [String] == [])
    let kernel: NSDictionary = [
      "release": "6.1.52", "test_driver_remove": "unfixed", "fix": "lacks_by_release", "windows": 9,
      "reprobes": 4,
    ]
    #expect(root["kernel"] as? NSDictionary == kernel)

    let source: NSDictionary = [
      "path": "boot.trace.zst", "format": "ftrace function_graph", "compression": "zstd", "bytes": 4096,
      "lines": 77, "understood_lines": 70, "events": 12, "first_ts_ns": 12_263_014_000,
      "last_ts_ns": 12_743_749_000, "lost_events": 3,
      "unparsed": [["shape": "x 9: x", "count": 7, "first_line": 5]],
    ]
    #expect(root["sources"] as? NSArray == [source])
    #expect(root["unattributed"] as? [String: Int] == ["use": 12, "device_release": 1])

    let diagnostics: NSArray = [
      ["level": "warning", "source": 0, "line": 31, "offset": 2048, "message": "damaged frame"]
    ]
    #expect(root["diagnostics"] as? NSArray == diagnostics)
  }

  @Test("a group keeps its intervals, devices, holders and changes")
  func fullGroup() throws {
    let root = try parsed(Report.withEverything)
    let group = try #require((root["groups"] as? [[String: Any]])?.first)

    #expect(group["id"] as? Int == 45)
    #expect(group["incarnation"] as? Int == 1)
    #expect(group["verdict"] as? String == "unbalanced")
    #expect(group["initial"] as? [String: Int] == ["min": 0, "max": 0])
    #expect(group["final"] as? [String: Int] == ["min": 1, "max": 2])
    #expect(group["peak"] as? [String: Int] == ["min": 2])
    #expect(group["excess"] as? [String: Int] == ["min": 1, "max": 1])
    #expect(group["owner"] as? String == "none")
    let devices: NSArray = [["name": "0000:00:03.0", "driver": "e1000e", "bound": true, "outstanding": 2]]
    #expect(group["devices"] as? NSArray == devices)
    let holders: NSArray = [
      [
        "kind": "leaked", "count": 1, "device": "0000:00:03.0", "driver": "e1000e",
        "since_ts_ns": 12_263_056_000, "at": ["source": 0, "line": 12],
      ]
    ]
    #expect(group["holders"] as? NSArray == holders)
    let changes: NSArray = [
      [
        "ts_ns": 12_263_056_000, "call": "device_claim", "device": "0000:00:03.0", "driver": "e1000e",
        "pid": 1,
        "comm": "init", "cpu": 0, "result": -16, "after_gap": true, "before": ["min": 0],
        "after": ["min": 1, "max": 1],
        "certainty": "proved", "at": ["source": 0, "line": 12],
      ]
    ]
    #expect(group["changes"] as? NSArray == changes)
  }

  @Test("a finding keeps its evidence")
  func fullFinding() throws {
    let root = try parsed(Report.withEverything)
    let findings: NSArray = [
      [
        "rule": "not-viable", "severity": "error", "certainty": "consistent", "group": 45, "incarnation": 1,
        "device": "0000:00:03.0", "driver": "e1000e", "excess": 1, "message": "VFIO was refused.",
        "cause": "leak", "remedy": "See the leak.", "fingerprint": "0123456789abcdef", "occurrences": 3,
        "evidence": [
          [
            "source": 0, "line": 40, "ts_ns": 12_742_977_000, "note": "claimed",
            "text": " vt-111 [001] query",
          ]
        ],
      ]
    ]
    #expect(root["findings"] as? NSArray == findings)
  }

  @Test("what a report does not know is absent, and its arrays are empty")
  func emptyReport() throws {
    let root = try parsed(Report.withNothing)
    let expected: NSDictionary = [
      "schema": "dmaledger.report/1", "tool": ["name": "dmaledger", "version": "1.2.3"],
      "verdict": "balanced", "reasons": [String](), "answers": [String](),
      "kernel": ["test_driver_remove": "unknown", "windows": 0, "reprobes": 0],
      "sources": [String](), "groups": [String](), "findings": [String](), "recipe": [String](),
      "diagnostics": [String](),
    ]
    #expect(root as NSDictionary == expected)
    #expect(text(Report.withNothing).contains("\"groups\": [],\n"))
  }

  @Test("elements whose values are unknown keep only what they must have")
  func barestElements() throws {
    let root = try parsed(Report.withBarestElements)

    let group = try #require((root["groups"] as? [[String: Any]])?.first)
    #expect(group["id"] == nil)
    #expect(group["reasons"] as? [String] == ["The capture begins in mid-life."])
    #expect(group["devices"] as? NSArray == [["name": "0000:00:03.0", "outstanding": -1]])
    #expect(group["holders"] as? NSArray == [["kind": "unknown"]])
    let changes: NSArray = [
      [
        "call": "query", "before": ["min": 0], "after": ["min": 0], "certainty": "suspected",
        "at": ["source": 0, "line": 1],
      ]
    ]
    #expect(group["changes"] as? NSArray == changes)
    let findings: NSArray = [
      [
        "rule": "evidence-lost", "severity": "note", "certainty": "proved", "message": "m", "remedy": "r",
        "fingerprint": "f", "evidence": [["source": 0, "line": 1, "note": "n", "text": ""]],
      ]
    ]
    #expect(root["findings"] as? NSArray == findings)
    #expect(root["diagnostics"] as? NSArray == [["level": "note", "message": "m"]])
  }

  @Test("the largest and the smallest number survive")
  func extremeNumbers() throws {
    var report = Report.withNothing
    report.sources = [
      SourceSummary(
        path: "-", bytes: .max, firstTime: Nanoseconds(.min), lastTime: Nanoseconds(.max))
    ]
    let source = try #require((try parsed(report)["sources"] as? [[String: Any]])?.first)
    #expect(source["bytes"] as? Int == .max)
    #expect(source["first_ts_ns"] as? Int == .min)
    #expect(source["last_ts_ns"] as? Int == .max)
  }

  @Test("findings stay in the order given")
  func findingOrder() throws {
    var report = Report.withNothing
    report.findings = Rule.allCases.reversed().map { rule in
      Finding(
        rule: rule, severity: .note, certainty: .suspected, message: "m", remedy: "r", fingerprint: "f",
        evidence: [])
    }
    let findings = try #require(try parsed(report)["findings"] as? [[String: Any]])
    #expect(findings.map { $0["rule"] as? String } == Rule.allCases.reversed().map(\.rawValue))
  }

  // MARK: Text

  @Test("keys stand in the order of the contract")
  func keyOrder() {
    let keys = keys(of: text(Report.withEverything, captureID: "xxh3:0"))
    let interval = ["min", "max"]
    let place = ["at", "source", "line"]
    let expected: [[String]] = [
      ["schema", "tool", "name", "version", "capture_id", "verdict", "reasons"],
      ["answers", "group", "incarnation", "device", "cause", "certainty", "headline"], place,
      ["steps", "text", "ts_ns"], place, ["text", "legitimate", "kind", "count", "device"],
      ["leaked", "kind", "unexplained", "min", "fix"],
      ["kernel", "release", "test_driver_remove", "fix", "windows", "reprobes"],
      ["sources", "path", "format", "compression", "bytes", "lines", "understood_lines", "events"],
      ["first_ts_ns", "last_ts_ns", "lost_events", "unparsed", "shape", "count", "first_line"],
      ["groups", "id", "incarnation", "verdict", "reasons", "initial"], interval, ["final"], interval,
      ["peak", "min", "excess"], interval, ["owner"],
      ["devices", "name", "driver", "bound", "outstanding"],
      ["holders", "kind", "count", "device", "driver", "since_ts_ns"], place,
      ["folded_changes", "index", "count", "calls", "use", "effective", "use", "first_ts_ns", "first_at"],
      ["source", "line", "last_ts_ns", "last_at", "source", "line"],
      ["changes", "ts_ns", "call", "device", "driver", "pid", "comm", "cpu", "result", "after_gap"],
      ["before", "min", "after"], interval, ["certainty"], place,
      ["unattributed", "use", "device_release"],
      ["findings", "rule", "severity", "certainty", "group", "incarnation", "device", "driver", "excess"],
      [
        "occurrences", "message", "cause", "remedy", "fingerprint", "evidence", "source", "line", "ts_ns",
        "note", "text",
      ],
      ["recipe", "diagnostics", "level", "source", "line", "offset", "message"],
    ]
    #expect(keys == expected.flatMap(\.self))
  }

  @Test("a change takes one line, indented with its array")
  func oneLineElements() {
    let lines = text(Report.withEverything).split(separator: "\n")
    let change = """
              {"ts_ns": 12263056000, "call": "device_claim", "device": "0000:00:03.0", "driver": "e1000e", \
      "pid": 1, "comm": "init", "cpu": 0, "result": -16, "after_gap": true, "before": {"min": 0}, \
      "after": {"min": 1, "max": 1}, "certainty": "proved", "at": {"source": 0, "line": 12}}
      """
    #expect(lines.contains(Substring(change)))
    for start in [#"{"shape": "#, #"{"name": "0000"#, #"{"kind": "#, #"{"source": 0, "line": 40"#] {
      let element = lines.first { $0.drop { $0 == " " }.hasPrefix(start) }
      #expect(element?.hasSuffix("}") == true, "\(start) is not on one line")
    }
  }

  @Test("the text ends in exactly one newline")
  func finalNewline() {
    for report in [Report.withEverything, .withNothing] {
      #expect(text(report).hasSuffix("\n}\n"))
    }
  }

  // MARK: Hostile strings

  // The strings below are not test arguments, because the runner would print them as they are.

  @Test("a hostile string comes back unchanged")
  func hostileStrings() throws {
    let hostileStrings = [
      #"quote " and backslash \ and slash /"#, "tab\tnewline\nreturn\r\u{8}\u{C}", "\u{0}\u{1B}[31mred\u{7F}",
      "\u{2028}\u{2029}", "\u{202A}\u{202E}\u{2066}\u{2069}", "\u{85}\u{9B}31m", "\u{E0041}\u{1D173}",
      "é 漢 🚀", "##[error]x##[", "\u{FFFD}\u{FEFF}", #"\u0041"#, "",
    ]
    for (index, hostile) in hostileStrings.enumerated() {
      let root = try parsed(.quoting(hostile))
      let finding = try #require((root["findings"] as? [[String: Any]])?.first)
      let line = (finding["evidence"] as? [[String: Any]])?.first?["text"] as? String
      #expect((root["reasons"] as? [String]) == [hostile], "string \(index)")
      #expect(line == hostile, "string \(index)")
    }
  }

  @Test("characters that steer a display are never written as they are")
  func steeringCharacters() {
    var ranges: [ClosedRange<UInt32>] = [0x00...0x1F, 0x7F...0x9F, 0xAD...0xAD, 0x61C...0x61C]
    ranges += [0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2064, 0x2066...0x206F, 0xFEFF...0xFEFF]
    ranges += [0xFFF9...0xFFFB, 0xE0020...0xE007F]
    for value in ranges.joined() {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let written = text(.quoting("a\(scalar)b")).unicodeScalars
      #expect(scalar == "\n" || !written.contains(scalar), "U+\(String(value, radix: 16)) stands in the text")
    }
  }

  @Test("an escape is a backslash, u and four digits, or a short one where JSON has it")
  func escapes() {
    let spellings = [
      ("\u{1B}", #""\u001b""#), ("\u{202E}", #""\u202e""#), ("\u{9B}", #""\u009b""#),
      ("\u{E0041}", #""\udb40\udc41""#), ("a ##[error]b", #""a ##\u005berror]b""#), ("[#[ ##", #""[#[ ##""#),
      ("\"\\\n\r\t", #""\"\\\n\r\t""#),
    ]
    for (hostile, written) in spellings {
      #expect(text(.quoting(hostile)).contains(written))
    }
  }

  // MARK: Schema

  @Test("the schema names the values of every enumeration")
  func schemaEnumerations() throws {
    let schema = try Schema()
    #expect(try schema.values(of: "finding", "rule") == Rule.allCases.map(\.rawValue))
    #expect(try schema.values(of: "finding", "severity") == Severity.allCases.map(\.rawValue))
    #expect(try schema.values(of: "certainty") == Certainty.allCases.map(\.rawValue))
    #expect(try schema.values(of: "verdict") == Verdict.allCases.map(\.rawValue))
    #expect(try schema.values(of: "change", "call") == OwnershipCallKind.allCases.map(\.rawValue))
  }

  @Test("the schema describes every key that is written, and no other")
  func schemaKeys() throws {
    var report = Report.withEverything
    for kind in OwnershipCallKind.allCases { report.unattributed[kind] = 1 }
    report.sources[0].countsTicks = true
    let written = keys(of: text(report, captureID: "xxh3:0"))
    let described = try Schema().describedProperties
    #expect(Set(described.keys) == Set(written))
    for (name, descriptions) in described {
      #expect(!descriptions.contains(""), "a property \(name) has no description")
    }
  }
}

// MARK: - Reading back

private func text(_ report: Report, captureID: String? = nil) -> String {
  String(decoding: JSONReport.render(report, toolVersion: "1.2.3", captureID: captureID), as: UTF8.self)
}

private func parsed(_ report: Report, captureID: String? = nil) throws -> [String: Any] {
  let bytes = JSONReport.render(report, toolVersion: "1.2.3", captureID: captureID)
  return try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
}

/// The names in a text, as they stand.
private func keys(of text: String) -> [String] {
  text.matches(of: #/"([a-z_]+)": /#).map { String($0.1) }
}

private struct Schema {
  private let root: [String: Any]

  init() throws {
    let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = package.appending(path: "Sources/LedgerReports/Schema/dmaledger.report-1.schema.json")
    root = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
  }

  /// The values allowed for a definition, or for a property of it.
  func values(of definition: String, _ property: String? = nil) throws -> [String] {
    let definitions = try #require(root["$defs"] as? [String: [String: Any]])
    var node = try #require(definitions[definition])
    if let property {
      node = try #require((node["properties"] as? [String: [String: Any]])?[property])
    }
    return try #require(node["enum"] as? [String])
  }

  /// Every property by name, with its descriptions; "" where one is missing. Conditions describe nothing.
  var describedProperties: [String: [String]] {
    var found: [String: [String]] = [:]
    func visit(_ node: Any) {
      if let list = node as? [Any] { list.forEach(visit) }
      guard let object = node as? [String: Any] else { return }
      for (key, value) in object where !["if", "then", "else"].contains(key) {
        guard key == "properties", let properties = value as? [String: [String: Any]] else {
          visit(value)
          continue
        }
        for (name, property) in properties {
          found[name, default: []].append(property["description"] as? String ?? "")
          visit(property)
        }
      }
    }
    visit(root)
    return found
  }
}
