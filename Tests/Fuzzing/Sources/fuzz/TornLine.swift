@testable import DMALedger

/// Lines of function_graph behind whose end another text goes on, as where a newline was lost.
///
/// The sieve looks at columns and at the end of a line alone, so it takes such a line for the one that it ends with. The
/// decoder takes it for the one that it begins with.
enum TornLine {
  static func isIn(_ text: [UInt8]) -> Bool {
    text.split(separator: 0x0A).contains { line in
      let bytes = Array(line)
      return isTorn(bytes.span)
    }
  }

  static func isTorn(_ line: Span<UInt8>) -> Bool {
    guard let graph = GraphLine.parse(line, needsColumns: true) else { return false }
    let bar = max(0, graph.durationBar, graph.cpuBracket) + 1
    let text = line.extracting(min(bar, line.count)..<line.count).withUnsafeBufferPointer { Array($0) }
    return !isWhole(String(decoding: text, as: UTF8.self)[...])
  }

  /// `symbol();`, `symbol(arguments) {` or `}`, each perhaps with a comment behind it; or a comment alone.
  private static func isWhole(_ text: Substring) -> Bool {
    var text = trimmed(text)
    if text.hasSuffix("*/") {
      guard let start = text.firstIndex(of: "/"), text[start...].hasPrefix("/* ") else { return false }
      let comment = text[start...].dropFirst(2).dropLast(2)
      if comment.contains("|") || comment.contains("*/") || comment.contains("/*") { return false }
      text = trimmed(text[..<start])
      if text.isEmpty { return true }
    }
    if text == "}" { return true }
    guard text.last == ";" || text.last == "{" else { return false }
    text = trimmed(text.dropLast())
    return text.last == ")" && text.count { $0 == "(" } == 1
      && !text.dropLast().contains { ";{}|)".contains($0) }
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text.drop { $0 == " " }
    while text.last == " " { text.removeLast() }
    return text
  }
}
