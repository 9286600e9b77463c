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

extension Report {
  /// Lines of the first source that no reader understood.
  package var unparsedLines: Int {
    sources.first.map { $0.unparsed.reduce(0) { $0 + $1.count } } ?? 0
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
