import DMALedger
import LedgerReports

/// What the process was started with, as text for the parser and for its complaints.
///
/// An argument is bytes: it need not be UTF-8, and a file name can hold whatever steers a terminal. What does is written as an
/// escape, in the way of ``PathName/name``, which leads back to the bytes where they are a path.
enum Arguments {
  static var texts: [String] {
    (1..<max(1, Int(CommandLine.argc))).compactMap { index in
      // Safe: The system ends each argument in a NUL, and there are as many as it says.
      guard let argument = unsafe CommandLine.unsafeArgv[index] else { return nil }
      return unsafe PathName(system: argument).name(escaping: Printable.isHidden)
    }
  }
}
