import DMALedger
import Foundation
import LedgerReports
import TestSupport
import Testing

@Suite("Records, one a line")
struct RecordsTests {
  static let writer = JSONLinesReport(toolVersion: "1.2.3")

  /// Every file among the samples, read as a capture of its own.
  static let samples: [CaptureRecord] = {
    let files = FileManager.default.enumerator(atPath: SampleFiles.root)
    let names = (files?.compactMap { $0 as? String } ?? []).sorted()
    return names.compactMap { name in
      guard let bytes = try? SampleFiles.bytes(name) else { return nil }
      return CaptureRecord(
        id: CaptureRecord.someID, name: name, report: TestSupport.report(on: bytes, name: name))
    }
  }()

  /// One of everything, the bare and the hostile.
  static let oddities: [CaptureRecord] = [
    CaptureRecord(id: CaptureRecord.someID, name: "everything", report: .withEverything),
    CaptureRecord(id: CaptureRecord.someID, name: "new", report: .withNovelty(.new)),
    CaptureRecord(id: CaptureRecord.someID, name: "known", report: .withNovelty(.known)),
    CaptureRecord(id: "", name: "bare", report: .withBarestElements),
    CaptureRecord(
      id: CaptureRecord.someID, name: "a\u{0}b\u{1B}[2J\n\"\\\u{202E}\u{1F600}\u{E0001}é",
      report: .quoting("\u{7F}\u{85}\u{FEFF}\u{FFFD}\u{10FFFF}\t\r\n\u{8}\u{C}/")),
    CaptureRecord(
      id: CaptureRecord.someID, name: "no-such-file", report: .withNothing,
      unreadable: [InputError(path: "no-such-file", reason: "No such file or directory")]),
  ]

  func read(_ bytes: [UInt8], step: Int = .max) throws(RecordsError) -> [CaptureRecord] {
    var reader = RecordsReader()
    var captures: [CaptureRecord] = []
    var start = 0
    while start < bytes.count {
      let end = min(bytes.count, start + min(step, bytes.count))
      try reader.read(bytes.span.extracting(start..<end), into: &captures)
      start = end
    }
    try reader.finish()
    return captures
  }

  @Test("captures come back whole, and every output of them is the same")
  func roundTrip() throws {
    #expect(Self.samples.count > 50)
    let captures = Self.samples + Self.oddities
    let bytes = Self.writer.rendered(captures)
    let again = try read(bytes)
    #expect(again.count == captures.count)
    for (old, new) in zip(captures, again) {
      #expect(String(describing: new) == String(describing: old), "\(old.name)")
      #expect(
        JSONReport.render(new.report, toolVersion: "1", captureID: new.id)
          == JSONReport.render(old.report, toolVersion: "1", captureID: old.id), "\(old.name)")
      #expect(
        TextReport.render(new.report, style: TextStyle())
          == TextReport.render(old.report, style: TextStyle()), "\(old.name)")
    }
    #expect(Self.writer.rendered(again) == bytes)
  }

  @Test("the cutting of the bytes makes no difference", arguments: [1, 2, 63, 1000])
  func cutting(_ step: Int) throws {
    let captures = Self.oddities + Self.samples.prefix(3)
    let again = try read(Self.writer.rendered(captures), step: step)
    #expect(String(describing: again) == String(describing: captures))
  }

  @Test("every record is one line that JSONSerialization reads, and names its capture")
  func independentReader() throws {
    let captures = Self.samples + Self.oddities
    var promised: [String: Int] = [:]
    var found: [String: Int] = [:]
    for line in Self.writer.rendered(captures).split(separator: UInt8(ascii: "\n")) {
      let record = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
      let type = try #require(record["type"] as? String)
      let name = try #require(record["capture_name"] as? String)
      #expect(record["capture_id"] as? String == captures.first { $0.name == name }?.id)
      if type == "capture" {
        for (type, count) in try #require(record["records"] as? [String: Int]) {
          promised[name + type, default: 0] += count
        }
      } else {
        found[name + type, default: 0] += 1
      }
    }
    #expect(promised.filter { $0.value > 0 } == found)
  }

  @Test("files of records can be concatenated")
  func concatenation() throws {
    let bytes = Self.oddities.reversed().flatMap { Self.writer.rendered([$0]) }
    #expect(try read(bytes).map(\.name) == Self.oddities.map(\.name).reversed())
  }

  @Test("changes can be left out where only findings are asked for")
  func withoutChanges() throws {
    var reader = RecordsReader(skipsChanges: true)
    var captures: [CaptureRecord] = []
    try reader.read(Self.writer.rendered(Self.samples).span, into: &captures)
    try reader.finish()
    #expect(captures.map(\.report.findings.count) == Self.samples.map(\.report.findings.count))
    #expect(captures.allSatisfy { $0.report.groups.allSatisfy(\.changes.isEmpty) })
  }

  @Test("a file that is cut anywhere has a torn end, and says how far it is whole")
  func tornEnd() throws {
    let whole = Self.oddities.suffix(3).map { Self.writer.rendered([$0]) }
    let bytes = whole.flatMap { $0 }
    let borders = whole.reduce(into: [0]) { $0.append($0.last! + $1.count) }
    for length in 0..<bytes.count {
      var reader = RecordsReader()
      var captures: [CaptureRecord] = []
      try reader.read(bytes.span.extracting(0..<length), into: &captures)
      let border = try #require(borders.last { $0 <= length })
      #expect(reader.completeBytes == border)
      #expect(captures.count == borders.firstIndex(of: border))
      do throws(RecordsError) {
        try reader.finish()
        #expect(length == border)
      } catch {
        #expect(length != border && error.isTornEnd)
      }
    }
  }

  @Test(
    "an object of very many members takes as long as it is, and none of them twice", .timeLimit(.minutes(1)))
  func manyMembers() throws {
    let members = (0..<60_000).map { "\"a\($0)\": 1" }.joined(separator: ", ")
    for (last, message) in [(60_000, "\"type\" is missing"), (7, "given twice")] {
      do throws(RecordsError) {
        _ = try read(Array("{\(members), \"a\(last)\": 1}\n".utf8))
        Issue.record("such an object was accepted")
      } catch {
        #expect(error.message.contains(message), "\(error)")
      }
    }
  }

  @Test(
    "what the writer would not write is refused, with the place",
    arguments: [
      (#""index": 0, "id": 45"#, #""index": 1, "id": 45"#, 2, "should be 0"),
      (#""id": 45"#, #""id": 45, "id": 46"#, 2, "given twice"),
      (#""id": 45"#, #""id": 45, "colour": "red""#, 2, "unknown member \"colour\""),
      (#""id": 45"#, #""id": 45.5"#, 2, "expected an integer"),
      (#""id": 45"#, #""id": 045"#, 2, "needless 0"),
      (#""id": 45"#, #""id": 99999999999999999999"#, 2, "64 bits"),
      (#""id": 45"#, #""id": null"#, 2, "expected an integer"),
      (#""id": 45"#, #""id": 4e"#, 2, "expected a digit"),
      (#""id": 45"#, #""id": "45""#, 2, "expected an integer"),
      (#""incarnation": 1, "verdict""#, #""verdict""#, 2, "\"incarnation\" is missing"),
      (#""verdict": "unbalanced""#, #""verdict": "odd""#, 1, "'odd'"),
      (#""outcome": "unbalanced""#, #""outcome": "balanced""#, 1, "outcome"),
      (#""windows": 9"#, #""windows": -9"#, 1, "below zero"),
      (#""use": 12"#, #""use": -12"#, 1, "below zero"),
      (#""pid": 1"#, #""pid": 1,"#, 3, "expected the name of a member"),
      (#""pid": 1"#, #""pid": [1"#, 3, "expected ',' or ']'"),
      (#""comm": "init""#, #""comm": "in\qit""#, 3, "unknown escape"),
      (#""comm": "init""#, #""comm": "in\ud800it""#, 3, "surrogate"),
      (#""comm": "init""#, #""comm": "in\u12g4it""#, 3, "four hexadecimal digits"),
      (#""comm": "init""#, "\"comm\": \"in\u{1}it\"", 3, "control character"),
      (#""bound": true"#, #""bound": truth"#, 2, "expected"),
      ("records/1", "records/2", 1, "expected the schema"),
      (#""change": 1"#, #""change": 2"#, 5, "middle of the capture"),
      (#""type": "finding""#, #""type": "feeling""#, 4, "unknown type"),
      (
        #""capture_name": "everything", "index": 0, "level""#, #""capture_name": "x", "index": 0, "level""#,
        5, "another"
      ),
    ] as [(String, String, Int, String)])
  func refusals(_ old: String, _ new: String, _ line: Int, _ message: String) throws {
    let text = String(decoding: Self.writer.rendered([Self.oddities[0]]), as: UTF8.self)
    try #require(text.contains(old))
    let broken = text.replacing(old, with: new, maxReplacements: 1)
    do throws(RecordsError) {
      _ = try read(Array(broken.utf8))
      Issue.record("\(new) was accepted")
    } catch {
      #expect(error.message.contains(message), "\(error)")
      #expect(error.line == line, "\(error)")
      let lineStart = broken.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        .prefix(line - 1).reduce(0) { $0 + $1.count + 1 }
      #expect(error.offset >= lineStart || error.isTornEnd, "\(error)")
    }
  }

  @Test("bytes that are not UTF-8, deep nesting and other texts are refused")
  func foreignBytes() throws {
    for bytes in [
      Array("{\"type\": \"\u{0}".utf8), [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D],
      Array(String(repeating: "[", count: 1_000_000).utf8), Array("hello".utf8), [0x28, 0xB5, 0x2F, 0xFD],
      Array("{\"type\": \"finding\"}".utf8), Array("[]".utf8), [], Array("{} {}".utf8),
    ] {
      #expect(throws: RecordsError.self, "\(bytes.prefix(20))") { try read(bytes + [0x0A]) }
    }
  }

  @Test("a line of more values than a report can hold is refused where they become too many")
  func manyValues() throws {
    let line = "{\"type\": [" + String(repeating: "0,", count: 1 << 21) + "0]}\n"
    let error = #expect(throws: RecordsError.self) { _ = try read(Array(line.utf8)) }
    #expect(error?.message.contains("more than 2097152 values") == true)
    #expect(error?.offset ?? 0 > 2 << 21 && error?.isTornEnd == false)
  }

  @Test("flipped bytes never crash the reader")
  func damage() throws {
    let bytes = Self.writer.rendered([Self.oddities[0]])
    for index in stride(from: 0, to: bytes.count, by: 2) {
      for value in [bytes[index] ^ 1, UInt8(ascii: "\""), 0xFF] {
        var damaged = bytes
        damaged[index] = value
        _ = try? read(damaged)
      }
    }
  }
}

extension CaptureRecord {
  static let someID = "xxh3:00112233445566778899aabbccddeeff"
}

extension Report {
  static func withNovelty(_ novelty: Finding.Novelty) -> Report {
    var report = Report.withEverything
    report.findings[0].novelty = novelty
    return report
  }
}
