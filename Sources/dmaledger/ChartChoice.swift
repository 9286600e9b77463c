import ArgumentParser
import LedgerReports

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Whether charts of characters are drawn, and with which.
struct ChartChoice: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: "Draw the count of each group in the text report (default: on a terminal of 80 columns or more).")
  var chart: Bool?

  @Flag(help: "Draw with ASCII, as where the locale is not UTF-8.")
  var ascii = false

  /// Fits a style to where the report goes: the terminal's width, up to what a report for people takes.
  func fitted(_ style: TextStyle, isFile: Bool) -> TextStyle {
    var style = style
    let columns = isFile ? nil : Self.terminalColumns
    if let columns { style.width = min(style.width, max(60, columns)) }
    if chart ?? (columns.map { $0 >= 80 } ?? false) {
      style.charts = ascii || !Self.localeIsUTF8 ? .ascii : .unicode
    }
    return style
  }

  /// Columns of the terminal that standard output is, if it is one.
  private static var terminalColumns: Int? {
    guard isatty(STDOUT_FILENO) == 1 else { return nil }
    var size = winsize()
    guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// The first of these variables that is set decides, as in `setlocale(3)`.
  private static var localeIsUTF8: Bool {
    for variable in ["LC_ALL", "LC_CTYPE", "LANG"] {
      guard let value = unsafe getenv(variable), unsafe value.pointee != 0 else { continue }
      let name = unsafe String(cString: value).lowercased()
      return name.contains("utf-8") || name.contains("utf8")
    }
    return false
  }
}
