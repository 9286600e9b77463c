/// Text made fit for Markdown as GitHub and GitLab read it.
///
/// What comes from a capture goes into code spans and code blocks only: everywhere else `@name` would call people,
/// `#1` and `!1` would link to something, and an address would become a link, whatever is escaped.
enum MarkdownText {
  /// Hostile text as a code span that is safe in a table, too: a backtick would end the span, a bar the cell.
  static func code(_ text: String) -> String {
    let safe = Printable.text(text).escaped { $0 == "`" ? "\\x60" : $0 == "|" ? "\\x7c" : nil }
    return safe.utf8.allSatisfy { $0 == 0x20 } ? "" : "`\(safe)`"
  }

  /// Hostile lines as a block, behind a fence that none of them can close.
  static func block(_ lines: [String]) -> String {
    let safe = lines.map(Printable.text)
    let fence = String(repeating: "`", count: max(3, 1 + (safe.map(longestRun).max() ?? 0)))
    return ([fence + "text"] + safe + [fence]).joined(separator: "\n") + "\n"
  }

  /// Our own words, for example a rule's page: what Markdown gives a meaning to, less what reads better as it is.
  static func prose(_ text: String) -> String {
    text.escaped { "\\`*_<>[]|#~$".unicodeScalars.contains($0) ? "\\\($0)" : nil }
  }

  /// The longest run of backticks.
  private static func longestRun(_ text: String) -> Int {
    var longest = 0
    var run = 0
    for byte in text.utf8 {
      run = byte == UInt8(ascii: "`") ? run + 1 : 0
      longest = max(longest, run)
    }
    return longest
  }
}
