import ArgumentParser
import LedgerReports

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Standard output and standard error, and the machine they belong to.
enum Standard {
  /// Processors that this process may run on.
  static var processors: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  struct WriteError: Error {
    var path: String
    var reason: String
  }

  /// Writes everything, to standard output or to a file that appears complete or not at all. A reader that has
  /// gone away is a quiet success: `dmaledger … | head` is no error.
  static func write(_ bytes: [UInt8], to path: String?) throws(WriteError) {
    signal(SIGPIPE, SIG_IGN)
    var file = try path.map { path throws(WriteError) in try OutputFile(replacing: path) } ?? .standardOutput
    do throws(WriteError) {
      try file.write(bytes)
      try file.finish()
    } catch {
      file.discard()
      throw error
    }
  }

  /// Writes everything to a descriptor, or to standard output as much as its reader takes.
  static func put(_ bytes: [UInt8], _ descriptor: Int32, _ path: String) throws(WriteError) {
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
      }
      if count < 0 {
        if errno == EINTR { continue }
        if errno == EPIPE, descriptor == STDOUT_FILENO { return }
        throw failure(path)
      }
      done += count
    }
  }

  /// What the last system call said.
  static func failure(_ path: String) -> WriteError {
    WriteError(
      path: path, reason: unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "cannot be written")
  }

  /// One line on standard error.
  static func complain(_ message: String) {
    let line = Array(("dmaledger: " + Printable.text(message) + "\n").utf8)
    try? put(line, STDERR_FILENO, "standard error")
  }
}

/// When to colour.
enum ColorChoice: String, CaseIterable, ExpressibleByArgument {
  case auto, always, never

  func style(isFile: Bool) -> TextStyle {
    let isTerminal = !isFile && isatty(STDOUT_FILENO) == 1
    let usesColor: Bool
    switch self {
    case .always: usesColor = true
    case .never: usesColor = false
    case .auto: usesColor = isTerminal && !isSet("NO_COLOR")
    }
    return TextStyle(width: isTerminal ? min(100, terminalWidth) : 100, usesColor: usesColor)
  }

  /// Columns of the terminal; 100 where it does not tell.
  private var terminalWidth: Int {
    var size = winsize()
    guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 100 }
    return Int(size.ws_col)
  }

  /// NO_COLOR counts when it is set to anything but nothing.
  private func isSet(_ variable: String) -> Bool {
    guard let value = unsafe getenv(variable) else { return false }
    return unsafe value.pointee != 0
  }
}
