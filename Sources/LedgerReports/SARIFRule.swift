import DMALedger

extension JSONWriter {
  /// A rule as SARIF's `reportingDescriptor`: its page, short and long, as text and as Markdown.
  mutating func members(describing rule: Rule) {
    let page = rule.explanation
    member("id", rule.rawValue)
    member("name", Self.pascalCase(rule.rawValue))
    object("shortDescription") { $0.member("text", Self.shortened(page.title + ".")) }
    object("fullDescription") { $0.member("text", Self.shortened(Self.firstParagraph(page.meaning))) }
    object("help") { json in
      json.member("text", Self.sections(page).map { "\($0.title)\n\n\($0.text)" }.joined(separator: "\n\n"))
      json.member(
        "markdown",
        Self.sections(page).map { "## \($0.title)\n\n\(MarkdownText.prose($0.text))" }.joined(
          separator: "\n\n"))
    }
    object("defaultConfiguration") { $0.member("level", rule.defaultSeverity.rawValue) }
    object("properties") { json in
      json.array("tags", of: ["iommu", "vfio", "dma-ownership"]) { $0.string($1) }
      json.member("precision", "very-high")
      json.member("problem.severity", Self.problemSeverity(rule.defaultSeverity))
    }
  }

  /// What GitHub takes of a description.
  private static let longestDescription = 1024

  private static func sections(_ page: Explanation) -> [(title: String, text: String)] {
    [
      ("What it means", page.meaning), ("How it is recognised", page.evidence),
      ("What looks like it and is not", page.lookAlikes), ("What to do", page.remedy),
    ]
  }

  private static func firstParagraph(_ text: String) -> String {
    var paragraph = ""
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.isEmpty { break }
      paragraph += (paragraph.isEmpty ? "" : " ") + line
    }
    return paragraph
  }

  /// The text up to the last full stop that fits.
  private static func shortened(_ text: String) -> String {
    guard text.utf16.count > longestDescription else { return text }
    let head = text.prefix(longestDescription)
    guard let stop = head.lastIndex(of: ".") else { return head.dropLast() + "…" }
    return String(head[...stop])
  }

  private static func problemSeverity(_ severity: Severity) -> String {
    switch severity {
    case .error: "error"
    case .warning: "warning"
    case .note: "recommendation"
    }
  }

  /// `test-remove-leak` as `TestRemoveLeak`: a name is an identifier in SARIF.
  private static func pascalCase(_ id: String) -> String {
    id.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }
}
