import ArgumentParser
import LedgerReports

/// What can be written about one capture or many.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
  case text, json, html, perfetto, chrome, jsonl, junit, sarif, ktap, tap, github, gitlab, markdown

  /// What writes it; `nil` for those that are about one capture alone.
  func renderer(_ locator: SourceLocator, sarifAnchor: String? = nil, baseline: Baseline? = nil)
    -> (any CollectionRenderer)?
  {
    switch self {
    case .text, .json, .html, .perfetto, .chrome: return nil
    case .jsonl: return JSONLinesReport(toolVersion: DMALedgerCommand.version)
    case .junit: return JUnitReport(locator: locator)
    case .sarif:
      var anchored = locator
      anchored.anchor = sarifAnchor
      return SARIFReport(toolVersion: DMALedgerCommand.version, locator: anchored)
    case .ktap: return KTAPReport()
    case .tap: return TAPReport()
    case .github: return GitHubAnnotations(locator: locator)
    case .gitlab: return GitLabQualityReport(locator: locator)
    case .markdown: return MarkdownSummary(locator: locator, baseline: baseline)
    }
  }
}
