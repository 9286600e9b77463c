public import DMALedger

/// The pages of the rules as Markdown: `dmaledger explain --format markdown`, and the DocC article made by it.
public enum ExplanationMarkdown {
  /// The page of one rule, with its id as a heading of `level`.
  public static func render(_ rule: Rule, level: Int = 1) -> String {
    let page = rule.explanation
    var text = "\(mark(level)) \(rule.rawValue)\n\n"
    text += "**\(prose(page.title)).** Severity: \(rule.defaultSeverity.rawValue).\n"
    for (title, section) in [
      ("What it means", page.meaning), ("How it is recognised", page.evidence),
      ("What looks like it and is not", page.lookAlikes), ("What to do", page.remedy),
    ] {
      text += "\n\(mark(level + 1)) \(title)\n"
      for paragraph in section.split(separator: "\n\n") { text += "\n" + wrapped(prose(String(paragraph))) }
    }
    return text
  }

  /// All rules in one article.
  public static func article() -> String {
    var text =
      "# The rules\n\nWhat a finding means, how it is recognised, what looks like it and is not, and what to do.\n"
    text +=
      "\n## Overview\n\nThis page is written by `dmaledger explain --all --format markdown`; the words stand in the rules "
    text += "themselves, and\na test fails where the two differ.\n\n| rule | severity | |\n|---|---|---|\n"
    for rule in Rule.allCases {
      let title = prose(rule.explanation.title).replacing("|", with: "\\|")
      text += "| `\(rule.rawValue)` | \(rule.defaultSeverity.rawValue) | \(title) |\n"
    }
    for rule in Rule.allCases { text += "\n" + render(rule, level: 2) }
    return text
  }

  private static func mark(_ level: Int) -> String { String(repeating: "#", count: level) }

  /// Names of functions, options and rules become code; what else Markdown would take for markup is escaped.
  private static func prose(_ text: String) -> String {
    text.split(separator: " ", omittingEmptySubsequences: false).map(word).joined(separator: " ")
  }

  private static let rules = Set(Rule.allCases.map(\.rawValue))

  private static func word(_ word: Substring) -> String {
    let start = word.prefix { $0 == "(" || $0 == "\"" }
    var core = word.dropFirst(start.count)
    var end = ""
    while let last = core.last, ".,;:\")".contains(last) {
      // A parenthesis that was opened within the word belongs to it.
      if last == ")", core.count(where: { $0 == "(" }) >= core.count(where: { $0 == ")" }) { break }
      end = String(last) + end
      core.removeLast()
    }
    let isCode =
      core.contains("_") || core.contains("()") || core.contains("::") || core.hasPrefix("->")
      || core.hasPrefix("/") || rules.contains(String(core))
    return escaped(start) + (isCode ? "`\(core)`" : escaped(core)) + end
  }

  private static func escaped(_ text: Substring) -> String {
    var safe = ""
    for character in text {
      if "\\`*<>[]".contains(character) { safe.append("\\") }
      safe.append(character)
    }
    return safe
  }

  /// Lines of at most 110 columns: source text that people read and compare.
  private static func wrapped(_ paragraph: String) -> String {
    var canvas = TextCanvas(style: TextStyle(width: 110))
    canvas.paragraph(paragraph, indent: 0)
    return canvas.text.split(separator: "\n").map { line in
      // At the beginning of a line a number with a full stop would begin a list.
      let digits = line.prefix { $0.isNumber }
      let rest = line.dropFirst(digits.count)
      return (!digits.isEmpty && rest.hasPrefix(". ") ? "\(digits)\\\(rest)" : String(line)) + "\n"
    }.joined()
  }
}
