import ArgumentParser
import DMALedger
import LedgerReports

/// Prints the page of a rule, or the list of all.
struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Explains a rule: what it means, how it is recognised, what looks like it, what to do.")

  enum Format: String, CaseIterable, ExpressibleByArgument {
    case text, markdown
  }

  @Argument(help: "A rule's id; without one all rules are listed.")
  var rule: String?

  @Flag(name: .long, help: "Print the pages of all rules.")
  var all = false

  @Option(name: .long, help: "What to write.")
  var format: Format = .text

  func validate() throws {
    if all, rule != nil { throw ValidationError("--all prints every rule; name one, or none with --all") }
    if !all, rule == nil, format == .markdown {
      throw ValidationError("--format markdown needs a rule or --all")
    }
  }

  func run() throws {
    let style = ColorChoice.auto.style(isFile: false)
    guard let rule else {
      if format == .markdown {
        try print(ExplanationMarkdown.article())
      } else if all {
        try print(Rule.allCases.map { ExplanationText.render($0, style: style) }.joined(separator: "\n"))
      } else {
        try print(ExplanationText.list(style: style))
      }
      return
    }
    guard let known = Rule(rawValue: rule) else {
      throw ValidationError(
        "there is no rule '\(rule)'; the rules are \(Rule.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    try print(
      format == .markdown ? ExplanationMarkdown.render(known) : ExplanationText.render(known, style: style))
  }

  private func print(_ text: String) throws {
    do {
      try Standard.write(Array(text.utf8))
    } catch {
      Standard.complain("\(error.path): \(error.reason)")
      throw ExitStatus.unreadable.code
    }
  }
}
