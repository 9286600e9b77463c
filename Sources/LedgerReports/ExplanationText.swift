public import DMALedger

/// What `dmaledger explain` prints.
public enum ExplanationText {
  /// The page of one rule.
  public static func render(_ rule: Rule, style: TextStyle = TextStyle()) -> String {
    var canvas = TextCanvas(style: style)
    let page = rule.explanation
    canvas.line(rule.rawValue, .strong)
    canvas.paragraph("\(page.title). Severity: \(rule.defaultSeverity.rawValue).", indent: 0)
    for (title, text) in [
      ("What it means", page.meaning), ("How it is recognised", page.evidence),
      ("What looks like it and is not", page.lookAlikes), ("What to do", page.remedy),
    ] {
      canvas.line()
      canvas.line(title, .strong)
      var isFirst = true
      for paragraph in text.split(separator: "\n\n") {
        if !isFirst { canvas.line() }
        canvas.paragraph(String(paragraph), indent: 2)
        isFirst = false
      }
    }
    return canvas.text
  }

  /// All rules, a line each.
  public static func list(style: TextStyle = TextStyle()) -> String {
    var canvas = TextCanvas(style: style)
    let width = (Rule.allCases.map(\.rawValue.count).max() ?? 0) + 2
    for rule in Rule.allCases {
      let lead = rule.rawValue.padded(width) + rule.defaultSeverity.rawValue.padded(9)
      canvas.paragraph(rule.explanation.title, indent: lead.count, lead: lead)
    }
    return canvas.text
  }
}
