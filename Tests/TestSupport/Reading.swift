package import DMALedger

/// Reads a capture that stands in a test.
package func report(on text: String, name: String = "trace.txt") -> Report {
  report(on: Array(text.utf8), name: name)
}

/// Reads the bytes of a capture.
package func report(on bytes: [UInt8], name: String = "trace.txt") -> Report {
  var analyzer = Analyzer()
  analyzer.read(bytes: bytes, name: name)
  return analyzer.finish()
}

/// Reads the files of one incident, in this order.
package func report(onFiles texts: [String]) -> Report {
  var analyzer = Analyzer()
  for (index, text) in texts.enumerated() { analyzer.read(bytes: Array(text.utf8), name: "file\(index)") }
  return analyzer.finish()
}

/// Whether a text is told alike where every line is read and where sieves pass over some: they never pass over lines that end
/// with a carriage return. The size in bytes is left out.
package func isSameUnsieved(_ text: String) -> Bool {
  func digest(_ text: [UInt8]) -> ReportDigest {
    var report = report(on: text)
    for index in report.sources.indices { report.sources[index].bytes = 0 }
    return ReportDigest(report)
  }
  return digest(Array(text.utf8)) == digest(text.utf8.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] })
}

extension Report {
  /// Lines of the first source that no reader understood.
  package var unparsedLines: Int {
    sources.first.map { $0.unparsed.reduce(0) { $0 + $1.count } } ?? 0
  }

  /// What its groups and findings are, without the places of lines.
  package var story: [String] {
    groups.map { group in
      "\(group.id?.value ?? -1) \(group.verdict) \(group.initial) \(group.final) \(group.peak) \(group.owner) "
        + group.changes.map { "\($0.call) \($0.before) \($0.after) \($0.result ?? 99) \($0.certainty)" }
        .joined(separator: ", ")
    } + findings.map { "\($0.rule) \($0.certainty) \($0.group?.value ?? -1)" }
  }

  /// Calls on any group, in order.
  package var changes: [Change] { groups.flatMap(\.changes) }
}

/// Everything a report says apart from how its sources were packed and named.
package struct ReportDigest: Equatable, CustomStringConvertible {
  package let description: String

  package init(_ report: Report) {
    var plain = report
    for index in plain.sources.indices {
      plain.sources[index].path = ""
      plain.sources[index].compression = ""
    }
    description = String(describing: plain)
  }
}
