import ArgumentParser
import DMALedger
import LedgerReports

/// Prints the page of a rule, or the list of all.
struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Explains a rule: what it means, how it is recognised, what looks like it, what to do.")

  @Argument(help: "A rule's id; without one all rules are listed.")
  var rule: String?

  func run() throws {
    let style = ColorChoice.auto.style(isFile: false)
    guard let rule else {
      try print(ExplanationText.list(style: style))
      return
    }
    guard let known = Rule(rawValue: rule) else {
      throw ValidationError(
        "there is no rule '\(rule)'; the rules are \(Rule.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    try print(ExplanationText.render(known, style: style))
  }

  private func print(_ text: String) throws {
    do {
      try Standard.write(Array(text.utf8), to: nil)
    } catch {
      Standard.complain("\(error.path): \(error.reason)")
      throw ExitStatus.unreadable.code
    }
  }
}
