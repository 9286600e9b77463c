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

  /// Adds the choice to a style that has the terminal's width already.
  func added(to style: TextStyle, isFile: Bool) -> TextStyle {
    var style = style
    let isTerminal = !isFile && isatty(STDOUT_FILENO) == 1
    if chart ?? (isTerminal && style.width >= 80) {
      style.charts = ascii || !Self.localeIsUTF8 ? .ascii : .unicode
    }
    return style
  }

  /// The first of these variables that is set decides, as in `setlocale(3)`.
  private static var localeIsUTF8: Bool {
    for variable in ["LC_ALL", "LC_CTYPE", "LANG"] {
      // Safe: The environment is not changed by this program, and what it holds ends in a NUL.
      guard let value = unsafe getenv(variable), unsafe value.pointee != 0 else { continue }
      let name = unsafe String(cString: value).lowercased()
      return name.contains("utf-8") || name.contains("utf8")
    }
    return false
  }
}
